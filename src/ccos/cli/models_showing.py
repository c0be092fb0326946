"""What the commands about models share: sizes, and a bar over bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from ccos.cli.run import complain
from ccos.cli.terminal import stderr

_NOW_AND_THEN_SECONDS = 10.0
Bytes = Callable[[int, int], None]


def now() -> datetime:
    return datetime.now(UTC)


def size_of(count: int) -> str:
    """Bytes as people write them of files."""
    for unit, bytes_ in (("GB", 10**9), ("MB", 10**6)):
        if count >= bytes_:
            return f"{count / bytes_:.2f} {unit}" if unit == "GB" else f"{count / bytes_:.1f} {unit}"
    return f"{count / 1000:.0f} kB"


@contextmanager
def bytes_bar(what: str) -> Iterator[Bytes]:
    """A bar on a terminal, elsewhere a line every ten seconds; a total of 0 is not known."""
    console = stderr()
    if console.is_terminal:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total or None)
        return
    last = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _NOW_AND_THEN_SECONDS:
            last = time.monotonic()
            complain(f"{what}: {size_of(done)}{f' of {size_of(total)}' if total else ''}")

    yield tell
