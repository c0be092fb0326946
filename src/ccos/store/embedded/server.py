"""One PostgreSQL process: waiting for it, ending it and what it leaves, and its words for what went wrong."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ccos.domain.errors import DatabaseUnavailable


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server process that is ours."""

    process: subprocess.Popen[bytes]
    data: Path
    log: Path
    start_of_log: int

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def wait_until_ready(self, wanted: Callable[[], bool]) -> None:
        """Return when connections are taken. Raises `DatabaseUnavailable` when the server ended instead.

        Recovery after a crash may take long; `wanted` is asked all the while whether to go on.
        """
        while self.running:
            if self._says_ready():
                return
            if not wanted():
                raise DatabaseUnavailable("Nobody waits for the database any more.")
            time.sleep(0.01)
        raise DatabaseUnavailable(sentence_for(self.last_words(), self.log, doing="PostgreSQL did not start"))

    def stop(self, *, seconds: float = 60) -> None:
        """Fast shutdown: sessions end, all that was committed is on disk. Harder only after `seconds`."""
        for number, patience in ((signal.SIGINT, seconds), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
            if self.running:
                self.process.send_signal(number)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            break
        end_orphans()

    def last_words(self) -> str:
        """What this run wrote to the log, or the end of it."""
        with self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(min(self.start_of_log, size), size - 8192))
            return log.read().decode(errors="replace")

    def _says_ready(self) -> bool:
        # The file may be a dead server's; only one that names our own child counts.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0].strip() == str(self.process.pid) and lines[7].strip() == "ready"


def end_orphans(*, seconds: float = 5) -> None:
    """End what a killed server left behind; a new one refuses to start beside it.

    The kernel hands these processes to the keeper (`adopt_orphans`), which has no other children by then.
    """
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    deadline = time.monotonic() + seconds
    while sys.platform == "linux" and children.exists() and (left := children.read_text().split()):
        number = signal.SIGQUIT if time.monotonic() < deadline else signal.SIGKILL
        for child in map(int, left):
            os.kill(child, number)
            os.waitpid(child, os.WNOHANG)
        time.sleep(0.02)


def postmaster_of(data: Path) -> int | None:
    """The running server of this data directory: a number in a file may be another program's by now."""
    try:
        number = int((data / "postmaster.pid").read_text().splitlines()[0])
        if Path("/proc/self/cwd").exists():
            return number if Path(f"/proc/{number}/cwd").readlink() == data else None
    except (OSError, ValueError, IndexError):
        return None
    command = ["ps", "-ww", "-o", "command=", "-p", str(number)]
    running = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    return number if f"-D {data}" in running else None


def sentence_for(output: str, log: Path, *, doing: str) -> str:
    """One sentence for people out of PostgreSQL's own output."""
    if re.search("No space left on device|Disk quota exceeded|Check free disk space", output):
        return f"{doing}: the disk that holds {log.parent} is full. Free some space and start again."
    if "could not create shared memory" in output or "could not resize shared memory" in output:
        return f"{doing}: the machine gives it no shared memory; enlarge /dev/shm, or set DATABASE_URL."
    complaints = re.findall(r"(?:FATAL|PANIC|ERROR|error):\s+(.+)", output)
    reason = complaints[-1].strip().rstrip(".") if complaints else "it gave no reason"
    return f"{doing}: {reason}. Its log is {log}."
