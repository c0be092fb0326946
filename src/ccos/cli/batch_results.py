"""The results of a batch as JSON lines that grow: what is in them is kept, whatever ends the run.

A run that was killed goes on with the same file: a line that was half written is cut off, and a ticket whose
line is there is not drafted again. Beside RESULTS stands RESULTS.batch, which says when the batch began: a
draft that was stored since then, and whose line was never written, is taken as it is.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from ccos.domain.batch import mark
from ccos.domain.errors import BadInput
from ccos.domain.ticket import Ticket

SYNC_SECONDS = 1.0
"""So much work at most is lost with the machine; with the process alone, none."""


class OtherBatch(BadInput):
    code, message = "output.other_batch", "The results are of another batch."


class NoRoom(BadInput):
    code, message = "output.not_written", "The output could not be written."


class Results:
    """Results of one batch, open to be added to. Made by `open_results`."""

    def __init__(self, path: Path, descriptor: int, done: dict[int, str], began: datetime | None) -> None:
        self._path, self._descriptor, self._done = path, descriptor, done
        self.began = began
        self._end = os.fstat(descriptor).st_size
        self._synced = time.monotonic()

    @property
    def kept(self) -> int:
        """Lines that were there before."""
        return len(self._done)

    def has(self, line: int, ticket: Ticket) -> bool:
        """Whether the ticket of this line is done. Raises OtherBatch when another one is."""
        known = self._done.get(line)
        if known is not None and known != mark(ticket):
            raise OtherBatch(
                f"{self._path} holds the result of another ticket for line {line}; give another --out, or"
                " --restart to begin it anew."
            )
        return known is not None

    def add(self, line: int, ticket: Ticket, document: Mapping[str, Any]) -> None:
        """One more line, whole or not at all. Raises NoRoom."""
        row = {"line": line, "ticket": mark(ticket), **document}
        data = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
            self._end += len(data)
            if time.monotonic() - self._synced >= SYNC_SECONDS:
                os.fsync(self._descriptor)
                self._synced = time.monotonic()
        except OSError as fault:
            os.truncate(self._descriptor, self._end)
            raise NoRoom(
                f"{self._path} cannot be written: {fault.strerror}. What is in it is whole; mend that and run"
                " the same command again to go on."
            ) from fault


@contextmanager
def open_results(path: Path, *, restart: bool, now: Callable[[], datetime]) -> Iterator[Results]:
    """The file of a batch's results, made or gone on with. One run at a time has it.

    Raises BadInput where it cannot be written, holds something else, or another run has it.
    """
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as fault:
        raise BadInput(f"{path} cannot be written: {fault.strerror}; give another --out.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadInput(
                f"{path} is being written by another run; wait for it, or give another --out."
            ) from None
        beside = path.with_name(path.name + ".batch")
        if restart:
            os.truncate(descriptor, 0)
            beside.unlink(missing_ok=True)
        fresh = not os.fstat(descriptor).st_size
        done = _done(path, descriptor)
        if fresh:
            beside.write_text(json.dumps({"began": now().isoformat()}), "utf-8")
        yield Results(path, descriptor, done, _began(beside))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _done(path: Path, descriptor: int) -> dict[int, str]:
    """Lines that are whole, by number; what was half written behind them is cut off."""
    found: dict[int, str] = {}
    whole = 0
    with path.open("rb") as file:
        for data in file:
            if not data.endswith(b"\n"):
                break
            whole += len(data)
            try:
                row = json.loads(data)
                found[int(row["line"])] = str(row["ticket"])
            except (ValueError, KeyError, TypeError):
                raise OtherBatch(
                    f"{path} holds something else than results of a batch; give another --out, or"
                    " --restart to begin it anew."
                ) from None
    if whole < os.fstat(descriptor).st_size:
        os.truncate(descriptor, whole)
    return found


def _began(beside: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads(beside.read_text("utf-8"))["began"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
