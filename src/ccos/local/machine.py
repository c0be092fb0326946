"""What this machine, or the container it pretends to be, can give to a model."""

from __future__ import annotations

import os
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")


def available_bytes(proc: Path = Path("/proc"), cgroup: Path = _CGROUP) -> int | None:
    """Memory that can be had without swapping, within the container's limit; None where nobody says."""
    found = [amount for amount in (_of_machine(proc), _of_container(cgroup)) if amount is not None]
    return min(found, default=None)


def _of_machine(proc: Path) -> int | None:
    try:
        for line in (proc / "meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _of_container(cgroup: Path) -> int | None:
    """The rest of a cgroup v2 limit; cached file pages count as free, as they do for the machine."""
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        if limit == "max":
            return None
        used = int((cgroup / "memory.current").read_text())
        for line in (cgroup / "memory.stat").read_text().splitlines():
            if line.startswith(("inactive_file ", "active_file ")):
                used -= int(line.split()[1])
        return max(int(limit) - used, 0)
    except (OSError, ValueError, IndexError):
        return None


def private_bytes(pid: int, proc: Path = Path("/proc")) -> int | None:
    """Memory that a process has for itself alone: without what it maps from files. None where nobody says."""
    try:
        for line in (proc / str(pid) / "status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def decoding_threads(cgroup: Path = _CGROUP) -> int:
    """One less than the cores this process may use, at least one.

    The engine's threads wait for each other by spinning: with every core taken, or more threads than a
    container's share of cores, decoding becomes many times slower.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 2
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
        if quota != "max":
            cores = min(cores, int(quota) // int(period))
    except (OSError, ValueError, ZeroDivisionError):
        pass
    return max(cores - 1, 1)
