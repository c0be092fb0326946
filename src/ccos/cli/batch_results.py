"""The results of a batch as JSON lines that grow: what is in them is kept, whatever ends the run.

A run that was killed goes on with the same file: a line that was half written is cut off, and a ticket whose
line is there is not drafted again. Beside RESULTS stands RESULTS.batch, which says when the batch began and
whose it is: a draft that was stored since then, and whose line was never written, is taken as it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from ccos.cli import files
from ccos.domain.batch import mark
from ccos.domain.errors import BadInput
from ccos.domain.ticket import Ticket

SYNC_SECONDS = 1.0
"""So much work at most is lost with the machine; with the process alone, none."""

_HEAD = b'{"line":'
"""How each line begins. Behind the last whole one, nothing else was written by us."""


class OtherBatch(BadInput):
    code, message = "output.other_batch", "The results are of another batch."


@dataclass(frozen=True, slots=True)
class Begun:
    """When a batch began, by the database's time, and the id of its tenant where that is known."""

    at: datetime
    tenant: str


class Results:
    """Results of one batch, open to be added to. Made by `open_results`; `begin` comes before the rest."""

    def __init__(
        self, path: Path, descriptor: int, done: dict[int, str], begun: Begun | None, *, restart: bool
    ) -> None:
        self._path, self._descriptor, self._done = path, descriptor, done
        self._begun, self._restart = begun, restart
        self._synced = time.monotonic()

    @property
    def kept(self) -> int:
        """Lines that were there before."""
        return len(self._done)

    def begin(self, tenant: UUID, now: datetime) -> datetime:
        """When the batch began, which is `now` for a new one. Raises OtherBatch, NotWritten.

        Before this nothing is changed of what was there.
        """
        if self._begun is not None and self._begun.tenant not in ("", str(tenant)):
            raise OtherBatch(
                f"{self._path} holds results of another tenant; give that one's --tenant, or another --out."
            )
        if self._begun is None:
            self._begun = Begun(now, str(tenant))
            says = json.dumps({"began": now.isoformat(), "tenant": str(tenant)})
            files.write(beside_of(self._path), says + "\n")
        if self._restart:
            os.truncate(self._descriptor, 0)
        return self._begun.at

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
        """One more line, whole or not at all. Raises NotWritten."""
        row = {"line": line, "ticket": mark(ticket), **document}
        data = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"
        end = os.fstat(self._descriptor).st_size
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(self._descriptor, view) :]
            if time.monotonic() - self._synced >= SYNC_SECONDS:
                os.fsync(self._descriptor)
                self._synced = time.monotonic()
        except OSError as fault:
            with contextlib.suppress(OSError):  # what stays half written is cut off by the next run
                os.truncate(self._descriptor, end)
            raise files.NotWritten(
                f"{self._path} cannot be written: {fault.strerror}. What is in it is whole; mend that and run"
                " the same command again to go on."
            ) from fault


def beside_of(path: Path) -> Path:
    """The file that says when the batch of these results began."""
    return path.with_name(path.name + ".batch")


@contextmanager
def open_results(path: Path, *, restart: bool) -> Iterator[Results]:
    """The file of a batch's results, made or gone on with. One run at a time has it.

    Raises BadInput where it cannot be written, holds something else, or another run has it.
    """
    import fcntl

    there = path.exists()
    if str(path) == "-" or (there and not path.is_file()):
        raise BadInput(f"{path} is no file that a later run could go on with; give --out the path of one.")
    begun = _begun(beside_of(path))
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as fault:
        raise BadInput(f"{path} cannot be written: {fault.strerror}; give another --out.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadInput(
                f"{path} is being written by another run; wait for it, or give another --out."
            ) from None
        done = {} if restart else _done(path, descriptor)
        # Drafts may be stored before any line is: only who takes the file away begins anew.
        begun = begun if there and not restart else None
        yield Results(path, descriptor, done, begun, restart=restart)
    finally:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
        os.close(descriptor)


def _done(path: Path, descriptor: int) -> dict[int, str]:
    """Lines that are whole, by number; what was half written behind them is cut off."""
    found: dict[int, str] = {}
    whole = 0
    with path.open("rb") as file:
        for data in file:
            if not data.endswith(b"\n"):
                if not _is_cut(data):
                    raise _foreign(path)
                os.truncate(descriptor, whole)
                break
            whole += len(data)
            try:
                row = json.loads(data)
                found[int(row["line"])] = str(row["ticket"])
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                raise _foreign(path) from None
    return found


def _is_cut(data: bytes) -> bool:
    """Whether it is the beginning of a line of ours, or what a machine that lost its power puts there."""
    return data.startswith(_HEAD[: len(data)]) or not data.strip(b"\0")


def _foreign(path: Path) -> OtherBatch:
    return OtherBatch(
        f"{path} holds something else than results of a batch; give another --out, or --restart to begin it"
        " anew."
    )


def _begun(beside: Path) -> Begun | None:
    """Raises BadInput where another file has the name."""
    try:
        said = json.loads(beside.read_bytes() or b"null")
        return said and Begun(datetime.fromisoformat(said["began"]), str(said.get("tenant", "")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise BadInput(
            f"{beside} would be written beside the results, and is another file; give another --out."
        ) from None
