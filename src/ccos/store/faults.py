"""The one place where driver errors become ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg_pool import PoolClosed, PoolTimeout, TooManyRequests

from ccos.domain.errors import CcosError, Conflict, DatabaseUnavailable, StoreError

_NO_CONNECTION = (
    "The database does not answer; check that it runs and, where DATABASE_URL is set, that it is right."
)
_FULL = "The database has no disk space left; free some, then try again."
_BUSY = "Every database connection is in use; try again, or allow more connections."
_SLOW = "The database took longer than the time it was given; try again."
_CHANGED = "Someone else changed the same thing at the same moment; try again."
_REFUSED = "The database refused: the role may not do this, or no tenant was bound."
_OTHER = "The database could not do what was asked; its log says more."

_TABLE: tuple[tuple[tuple[type[Exception], ...], type[CcosError], str], ...] = (
    ((TooManyRequests,), DatabaseUnavailable, _BUSY),
    ((PoolTimeout, PoolClosed), DatabaseUnavailable, _NO_CONNECTION),
    ((errors.QueryCanceled, errors.LockNotAvailable), DatabaseUnavailable, _SLOW),
    ((errors.UniqueViolation, errors.ExclusionViolation), Conflict, "This is already there."),
    ((errors.ForeignKeyViolation,), Conflict, "It refers to something that is not there any more."),
    ((errors.SerializationFailure, errors.DeadlockDetected), Conflict, _CHANGED),
    ((errors.InsufficientPrivilege,), StoreError, _REFUSED),
    ((errors.DiskFull,), DatabaseUnavailable, _FULL),
    ((psycopg.OperationalError, psycopg.InterfaceError), DatabaseUnavailable, _NO_CONNECTION),
    ((psycopg.Error,), StoreError, _OTHER),
)


def fault(error: Exception) -> CcosError:
    """Ours for one of theirs, with codes and names only: the driver's text may quote a customer's words."""
    ours, sentence = next((ours, words) for kinds, ours, words in _TABLE if isinstance(error, kinds))
    facts: dict[str, str] = {"cause": type(error).__name__}
    if isinstance(error, psycopg.Error):
        named = {"sqlstate": error.sqlstate, "table": error.diag.table_name}
        named["constraint"] = error.diag.constraint_name
        facts |= {name: value for name, value in named.items() if value}
    return ours(sentence, **facts)


@contextmanager
def translated() -> Iterator[None]:
    """Raise `DatabaseUnavailable`, `Conflict` or `StoreError` where the driver raises its own."""
    try:
        yield
    except (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests) as error:
        raise fault(error) from None  # the cause quotes rows, and tracebacks end in logs
