"""Processes that use an embedded server, and ways to see and end what runs for a home."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

_CLIENT = """
import sys
from pathlib import Path
from ccos.store.embedded import start
with start(Path(sys.argv[1])) as server:
    print(server.urls.app, flush=True)
    sys.stdin.read()
"""
DEADLINE_SECONDS = 30.0


@contextmanager
def client_process(
    home: Path,
    *,
    prepare: Callable[[], None] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the server of `home` until its input ends; its first line is the app's URL."""
    process = subprocess.Popen(
        [sys.executable, "-c", _CLIENT, home],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
        env={**os.environ, **(environment or {})},
        preexec_fn=prepare,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=DEADLINE_SECONDS)


def postmaster(home: Path) -> int:
    return int((home / "postgres/data/postmaster.pid").read_text().splitlines()[0])


def parent(process: int) -> int:
    """The keeper of a postmaster."""
    return int(about(process)["PPid"])


def user_of(process: int) -> int:
    return int(about(process)["Uid"])


def about(process: int) -> dict[str, str]:
    """Parent, user and state of a process; empty when there is none."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        return {
            name: value.split()[0]
            for name, _, value in (line.partition(":") for line in lines)
            if value.split()
        }
    except OSError:  # no such process, or no such folder on this system
        told = _ps("-o", "ppid=,uid=,stat=", "-p", str(process)).split() if sys.platform != "linux" else []
        return dict(zip(("PPid", "Uid", "State"), told, strict=False))


def command_lines() -> dict[int, str]:
    """Program and arguments of every process there is."""
    if sys.platform != "linux":
        return {
            int(n): line
            for n, _, line in (
                row.strip().partition(" ") for row in _ps("axww", "-o", "pid=,args=").splitlines()
            )
        }
    found = {}
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            found[int(file.parent.name)] = file.read_text(errors="replace").replace("\0", " ")
    return found


def _ps(*arguments: str) -> str:
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, check=False).stdout


def nothing_runs(home: Path) -> bool:
    """True when no process of the home's server is left: each of them holds the lock as long as it lives."""
    with (home / "postgres/server.lock").open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether the condition comes true before the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return met
