"""Where the index of a tenant lies on this machine: one that serves, and perhaps one that is being built.

Each is a folder with a number. The file `serving` names the one in service and is replaced in one step, so
that a process that dies at any moment leaves the former index in service or the new one, never a half.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from ccos.knowledge.engine import Damaged
from ccos.knowledge.index import TenantIndex

_SERVING = "serving"
_MARK = "ccos.json"


class Home:
    """Everything blocks, and what cannot be written raises `Damaged`. One process at a time may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self) -> TenantIndex | None:
        """The index in service; None when there is none that can be read."""
        try:
            self._adopt()
            serving = self._serving()
            self._sweep(below=serving)
            return TenantIndex.open(self._folder / str(serving)) if serving else None
        except (Damaged, OSError):
            return None

    def begin(self, generation: int, newest: int) -> TenantIndex:
        """An index to build: the one that was begun, when it may be gone on with, else an empty one.

        `newest` is the newest change there is: an index that knows of later ones was of another database.
        """
        numbers = self._numbers()
        for number in (each for each in numbers if each > self._serving()):
            with contextlib.suppress(Damaged):
                begun = TenantIndex.open(self._folder / str(number))
                if not begun.outdated and begun.generation >= generation and begun.seq <= newest:
                    return begun
            self._remove(number)
        return TenantIndex.create(self._folder / str(max([0, *numbers]) + 1), generation)

    def switch(self, built: TenantIndex) -> None:
        """From now on `built` serves; the others go."""
        number = int(built.folder.name)
        fresh = self._folder / (_SERVING + ".new")
        try:
            fresh.write_text(str(number))
            fresh.replace(self._folder / _SERVING)
        except OSError as fault:
            raise Damaged(str(fault)) from fault
        self._sweep(below=number)

    def abandon(self) -> None:
        """What was being built goes, and frees its place on the disk."""
        serving = self._serving()
        for number in self._numbers():
            if number > serving:
                self._remove(number)

    def _adopt(self) -> None:
        """An index that an earlier version wrote right into the folder becomes number 1."""
        if not (self._folder / _MARK).exists() or self._serving():
            return
        first = self._folder / "1"
        shutil.rmtree(first, ignore_errors=True)
        first.mkdir()
        for name in ("kb", "case", _MARK):
            (self._folder / name).rename(first / name)
        (self._folder / _SERVING).write_text("1")

    def _serving(self) -> int:
        """0: none."""
        try:
            return int((self._folder / _SERVING).read_text())
        except (OSError, ValueError):
            return 0

    def _numbers(self) -> list[int]:
        try:
            return sorted(int(each.name) for each in self._folder.iterdir() if each.name.isdecimal())
        except OSError:
            return []

    def _sweep(self, below: int) -> None:
        for number in self._numbers():
            if number < below:
                self._remove(number)

    def _remove(self, number: int) -> None:
        """Where files that are open cannot be deleted, the next start tries again."""
        shutil.rmtree(self._folder / str(number), ignore_errors=True)
