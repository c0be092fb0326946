"""Progress of an evaluation: a bar for people who wait, nothing for programs and nothing for short jobs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ccos.cli.terminal import Tell, stderr

PATIENCE_SECONDS = 2.0
_REDRAW_SECONDS = 0.1


@contextmanager
def bar(what: str) -> Iterator[Tell]:
    """A bar on stderr when that is a terminal and the job takes longer than two seconds."""
    console = stderr()
    if not console.is_terminal:
        yield lambda _done, _total: None
        return
    began = shown = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, transient=True)
    task = progress.add_task(what, total=None)
    drawn = False
    with ExitStack() as stack:

        def tell(done: int, total: int | None) -> None:
            nonlocal shown, drawn
            now = time.monotonic()
            if now - began < PATIENCE_SECONDS or now - shown < _REDRAW_SECONDS:
                return
            shown = now
            progress.update(task, completed=done, total=total)
            if not drawn:
                stack.enter_context(progress)
                drawn = True

        yield tell
