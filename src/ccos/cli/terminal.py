"""What people see: consoles, progress, and texts that may have come from anybody."""

from __future__ import annotations

import math
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ccos.cli.run import complain

UNSEEN_WIDTH = 160
"""Columns of a table that goes into a file or a pipe, where there is no edge to fit but one in COLUMNS."""

NOW_AND_THEN_SECONDS = 10.0

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Tell(Protocol):
    def __call__(self, done: int, total: int | None) -> None: ...


class _Console(Console):
    """Rich ends the whole process with 1 when a reader has gone; here that is for `guarded` to judge."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def plain(text: str) -> str:
    """The text without what could move a terminal's cursor, change its title or turn its writing round."""
    return _CONTROL.sub("", text)


def stdout() -> Console:
    """For results. Words from tickets go in as `Text(plain(...))`, so that nothing in them is interpreted."""
    width = None if sys.stdout.isatty() else shutil.get_terminal_size((UNSEEN_WIDTH, 50)).columns
    return _Console(width=width, markup=False, highlight=False, emoji=False)


def stderr() -> Console:
    return _Console(stderr=True, markup=False, highlight=False, emoji=False)


@contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner on a terminal, nothing elsewhere."""
    with stderr().status(what):
        yield


@contextmanager
def progress(what: str, *, every: int = 10) -> Iterator[Tell]:
    """A bar on a terminal; elsewhere a line for each `every` things done, and one at the end. Where nobody
    knows the total, a line now and then.
    """
    console = stderr()
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return

    last = -math.inf

    def tell(done: int, total: int | None) -> None:
        nonlocal last
        if total is None:
            if time.monotonic() - last >= NOW_AND_THEN_SECONDS:
                last = time.monotonic()
                complain(f"{what}: {done} so far")
        elif done >= total or done % every == 0:
            complain(f"{what}: {done} of {total}")

    yield tell
