"""Reads PDF and DOCX files in a process of their own, which may hang, swell or die without harm.

The process is kept for the next file; one that took too long is killed and another is started.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ccos.knowledge.formats.problem import Unreadable

SECONDS = 60.0
"""For one file, from its opening to its last word."""

MOST_MEMORY_BYTES = 1_500_000_000
"""Address space of the reading process, where the system can limit it (Linux)."""

_MOST_REPLY_BYTES = 64_000_000
# -P: nothing in the working folder can stand in for a module
_COMMAND = (sys.executable, "-P", "-m", "ccos.knowledge.formats.confined_child")


class Confined:
    """Starts the process with the first file and ends it with the block."""

    def __init__(self, *, seconds: float = SECONDS, memory_bytes: int = MOST_MEMORY_BYTES) -> None:
        self._seconds, self._memory_bytes = seconds, memory_bytes
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def read(self, file: Path) -> tuple[dict[str, object], list[str]]:
        """The file as a record, and notes about what is not in it. Raises `Unreadable`."""
        process = self._process or self._start()
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self._seconds, stop)
        timer.start()
        try:
            said = self._ask(process, file)
        finally:
            timer.cancel()
        if said is None:
            self._end()
            raise Unreadable(
                f"It was not read within {self._seconds:g} seconds; split it or save it anew."
                if late.is_set()
                else "Its reading failed or needed too much memory; split it or save it anew."
            )
        if "unreadable" in said:
            raise Unreadable(str(said["unreadable"]))
        return said["record"], said["notes"]

    def _start(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(
            [*_COMMAND, str(self._memory_bytes), str(self._seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return self._process

    @staticmethod
    def _ask(process: subprocess.Popen[bytes], file: Path) -> dict[str, Any] | None:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(str(file.absolute())).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline(_MOST_REPLY_BYTES)
            said = json.loads(line) if line.endswith(b"\n") else None
        except (OSError, ValueError):
            return None
        return said if isinstance(said, dict) else None

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        with contextlib.suppress(BrokenPipeError), process:
            pass  # closes the pipes and waits
