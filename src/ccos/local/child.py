"""One run of a model's process, seen from the parent."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from ccos.domain.errors import ModelUnusable

_LOG_BYTES = 1_000_000
_TAIL_BYTES = 16_384
_SHORTAGE = re.compile(r"out of memory|alloc", re.IGNORECASE)
_UNKNOWN = re.compile(r"unknown model architecture: '([\w.-]{1,40})'")
_FUNCTIONS = re.compile(r"(?:^|(?<=; ))(?:[a-z0-9_]+: +)+")
_SAYS_NOTHING = ("failed to load model", "error loading model")
_ENGINE_ERROR = re.compile(r"^[\d.]+ E (?P<words>.+)$")
# -P: nothing in the working folder can stand in for a module
_COMMAND = (sys.executable, "-P", "-m", "ccos.local.worker")


class ChildGone(Exception):
    """The process ended, or said nothing in time; `str` is why, in words."""


class Child:
    """A started process. Whoever started it calls `stop`, which leaves nothing behind."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path, log_start: int) -> None:
        self._process, self._log, self._log_start = process, log, log_start

    @classmethod
    async def start(cls, config: Mapping[str, Any], environment: Mapping[str, str], log: Path) -> Self:
        """Start the worker with `config`; its stderr is added to `log`, which only its owner may read."""
        rotate(log)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            start = os.fstat(descriptor).st_size
            process = await asyncio.create_subprocess_exec(
                *_COMMAND,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=descriptor,
                env=dict(environment),
                start_new_session=True,  # the terminal's Ctrl-C goes to the parent, which drains first
            )
        finally:
            os.close(descriptor)
        child = cls(process, log, start)
        assert process.stdin is not None
        process.stdin.write(json.dumps({**config, "parent": os.getpid()}).encode() + b"\n")
        return child

    @property
    def pid(self) -> int:
        return self._process.pid

    async def address(self, *, seconds: float) -> str:
        """The URL it listens on, once the model is loaded.

        Raises ModelUnusable when the engine refuses the file, which `passes` where it lacked memory, and
        ChildGone when the process ends or is not ready in `seconds`.
        """
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(seconds):  # wait_for loses a cancellation that meets the line
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise ChildGone(f"it was not loaded in {seconds:g} seconds") from None
        if not line:
            await self._process.wait()
            raise ChildGone(self.reason())
        try:
            said: dict[str, Any] = json.loads(line)
        except ValueError:
            raise ChildGone("it said something that is not its ready line") from None
        if said["ready"]:
            return str(said["address"])
        if said["kind"] == "import":
            raise ModelUnusable(
                f"The local model engine cannot be used here ({said['error']}); give the URL of a"
                " model server instead of a file."
            )
        why = self._complaint() or said["error"]
        raise ModelUnusable(_refusal(why), passes=bool(_SHORTAGE.search(why)))

    async def ended(self) -> str:
        """Wait for the end of the process; the reason in words."""
        await self._process.wait()
        return self.reason()

    def reason(self) -> str:
        status = self._process.returncode
        if status == -signal.SIGBUS:
            return (
                f"its file could not be read any more (signal {-status}): it was cut short or overwritten"
                " while it was in use, or its disk failed"
            )
        how = f"signal {-status}" if status is not None and status < 0 else f"status {status}"
        complaint = self._complaint()
        return f"the process ended with {how}" + (f": {complaint}" if complaint else "")

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def stop(self, *, seconds: float = 2.0) -> None:
        """Ask it to end by closing its stdin, then kill it. Returns when it is gone."""
        try:
            assert self._process.stdin is not None
            self._process.stdin.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):  # wait_for loses a cancellation that meets the end
                    await self._process.wait()
        finally:
            if self._process.returncode is None:
                self.kill()
                await self._process.wait()

    def _complaint(self) -> str:
        """What the engine said last on stderr, without time stamps: the exception alone does not say why."""
        try:
            with self._log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._log_start if self._log_start <= size else 0, size - _TAIL_BYTES))
                lines = file.read().decode("utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        errors = [found["words"] for line in lines if (found := _ENGINE_ERROR.match(line))]
        words = "; ".join(dict.fromkeys(" ".join(e.split()) for e in (errors or lines)[:2] if e.strip()))
        return words.rstrip(".")[:400]


def rotate(log: Path) -> None:
    """Keep the log small: past 1 MB its text moves to `.1`. The child appends, so it may go on writing."""
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_BYTES:
            old = log.with_name(log.name + ".1")
            old.write_bytes(log.read_bytes()[-_LOG_BYTES:])
            old.chmod(0o600)
            os.truncate(log, 0)


def _refusal(why: str) -> str:
    """The engine's words about a file as one sentence, without names of its functions, and what to do."""
    if unknown := _UNKNOWN.search(why):
        return (
            f"The engine does not know the model's architecture, {unknown[1]}; give another model's file, or"
            " the URL of a server that serves this one."
        )
    parts = [part.removeprefix("error loading model: ") for part in _FUNCTIONS.sub("", why).split("; ")]
    said = "; ".join(part for part in parts if part not in _SAYS_NOTHING) or why
    advice = (
        "give it less context or fewer slots"
        if _SHORTAGE.search(why)
        else "download it again or give another"
    )
    return f"The engine cannot load the model: {said}; {advice}."
