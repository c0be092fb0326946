"""A place of its own for each process that shares one home: tantivy allows one writer per directory."""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from pathlib import Path
from types import TracebackType

from ccos.domain.errors import IndexUnusable

MOST_SLOTS = 64


class Slot:
    """Holds the lowest free slot under `root` until closed; the system frees it when the process dies.

    Raises `IndexUnusable` when the folder cannot be written or every slot is taken.
    """

    def __init__(self, root: Path) -> None:
        self.number, self._file = _take(root)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> Slot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def node_name(root: Path, number: int) -> str:
    """How others call a place: by its machine, its folder and its number."""
    folder = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:4]
    return f"{socket.gethostname()}/{folder}/{number}"


def _take(root: Path) -> tuple[int, int]:
    try:
        root.mkdir(parents=True, exist_ok=True)
        for number in range(MOST_SLOTS):
            file = os.open(root / f"slot-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            if _lock(file):
                return number, file
            os.close(file)
    except OSError as fault:
        raise IndexUnusable(
            f"The search index cannot be written under {root}: {fault.strerror}.", cause=type(fault).__name__
        ) from fault
    raise IndexUnusable(f"All {MOST_SLOTS} index places under {root} are taken; stop some processes.")


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
