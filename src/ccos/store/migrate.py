"""Brings a database to the schema of this version, and says whether it has it.

Each step is one transaction, under one advisory lock for all: two processes may migrate at once. Our steps
are `migrations/NNNN_{pre,post}_what.sql`; the job queue's own follow, from its package, in schema `jobs`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import psycopg
from psycopg import errors
from psycopg.sql import SQL, Identifier, Literal

from ccos.domain.errors import DatabaseUnavailable, SchemaMismatch, StoreError
from ccos.store.database import milliseconds, patience
from ccos.store.faults import translated

APP_ROLE = "ccos_app"
_LOCK = 0x63636F73  # "ccos": any number that nobody else locks
_QUEUE = "procrastinate/"

_BEFORE = f"""
CREATE SCHEMA IF NOT EXISTS ccos;
CREATE SCHEMA IF NOT EXISTS jobs;
GRANT USAGE ON SCHEMA ccos, jobs TO {APP_ROLE};
CREATE TABLE IF NOT EXISTS ccos.schema_migration (
    name text PRIMARY KEY, sha256 bytea NOT NULL, applied_at timestamptz NOT NULL DEFAULT now());
GRANT SELECT ON ccos.schema_migration TO {APP_ROLE};
"""
_AFTER_QUEUE = f"""
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA jobs TO {APP_ROLE};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA jobs TO {APP_ROLE};
CREATE INDEX IF NOT EXISTS ccos_job_of_lock ON jobs.procrastinate_jobs (lock)
    WHERE status IN ('todo', 'doing');
"""


@dataclass(frozen=True, slots=True)
class Status:
    """Names of migrations. `unknown` are applied but not ours, `edited` differ from what was applied."""

    applied: tuple[str, ...]
    pending: tuple[str, ...]
    unknown: tuple[str, ...]
    edited: tuple[str, ...]

    @property
    def problem(self) -> str | None:
        """One sentence that says what to do, or None when the schema is this version's."""
        if self.unknown:
            return (
                f"The database was set up by a newer version of CCOS (it has {self.unknown[0]}); "
                "install that version or a newer one."
            )
        if self.edited:
            return (
                f"The migration {self.edited[0]} was changed after it was applied; "
                "put the original file back and write the change as a new migration."
            )
        if self.pending:
            return f"The database lacks {len(self.pending)} migrations; run `ccos db migrate`."
        return None


@dataclass(frozen=True, slots=True)
class _Step:
    """SQL for one transaction, and the names (with hashes) that it accounts for."""

    accounts_for: Mapping[str, bytes]
    schema: str
    sql: str


def migrate(owner_url: str, *, seconds: float = 60.0) -> list[str]:
    """Apply what is missing, as the role of the URL, who then owns the tables; the names that were applied.

    Waits at most `seconds` for another migration, and as long for each of its own statements. Raises
    `SchemaMismatch` (edited or newer), `DatabaseUnavailable`, or `StoreError` when the role may not.
    """
    done: list[str] = []
    with translated(), _connect(owner_url) as connection:
        while step := _next_step(connection, seconds):
            done += step
    return done


def status(url: str) -> Status:
    """What the database has, read as any role. Raises `DatabaseUnavailable`."""
    with translated(), _connect(url) as connection:
        return compare(_applied(connection) if _has_record(connection) else {})


def compare(applied: Mapping[str, bytes]) -> Status:
    """Status for the migrations a database recorded: name and SHA-256 of each."""
    wanted = _wanted()
    return Status(
        applied=tuple(sorted(applied)),
        pending=tuple(name for name in wanted if name not in applied),
        unknown=tuple(sorted(set(applied) - set(wanted))),
        edited=tuple(
            name
            for name, digest in wanted.items()
            if name in applied and applied[name] != digest and not name.startswith(_QUEUE)
        ),
    )


def _connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(url, autocommit=True, **patience(url, seconds=10))


def _next_step(connection: psycopg.Connection[tuple[Any, ...]], seconds: float) -> list[str]:
    with connection.transaction():
        connection.execute(SQL("SET LOCAL lock_timeout = {}").format(Literal(milliseconds(seconds))))
        try:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        except errors.LockNotAvailable:
            raise DatabaseUnavailable(
                f"Another migration still runs after {seconds:.0f} seconds; try again when it is done."
            ) from None
        connection.execute(SQL("SET LOCAL statement_timeout = {}").format(Literal(milliseconds(seconds))))
        _prepare(connection)
        applied = _applied(connection)
        now = compare(applied)
        if now.unknown or now.edited:
            raise SchemaMismatch(now.problem, unknown=now.unknown, edited=now.edited)
        step = next(iter(_steps(applied)), None)
        if step is None:
            return []
        connection.execute(SQL("SET LOCAL search_path = {}, pg_temp").format(Identifier(step.schema)))
        try:
            connection.execute(step.sql.encode())
        except psycopg.Error as error:
            raise StoreError(
                f"The migration {next(iter(step.accounts_for))} failed (SQLSTATE {error.sqlstate}) "
                "and was undone; the server's log has the statement.",
                sqlstate=error.sqlstate,
            ) from None
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ccos.schema_migration (name, sha256) VALUES (%s, %s)",
                list(step.accounts_for.items()),
            )
        return list(step.accounts_for)


def _prepare(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Schemas, the record of migrations and the application's role: there before the first step."""
    found = connection.execute(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", (APP_ROLE,)
    ).fetchone()
    if found and found[0]:
        raise StoreError(
            f"The role {APP_ROLE} may bypass row-level security; "
            f"run `ALTER ROLE {APP_ROLE} NOSUPERUSER NOBYPASSRLS` as the server's administrator."
        )
    if not found:
        _create_role(connection)
    if _has_record(connection):
        return
    try:
        connection.execute(_BEFORE)
    except errors.InsufficientPrivilege:
        raise StoreError(
            "The role may not create schemas in this database; "
            "migrate as the database's owner, or let the administrator `GRANT CREATE ON DATABASE` to it."
        ) from None


def _create_role(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    try:
        with connection.transaction():
            connection.execute(f"CREATE ROLE {APP_ROLE} NOLOGIN")
            connection.execute(f"GRANT {APP_ROLE} TO CURRENT_USER")
    except errors.InsufficientPrivilege:
        raise StoreError(
            f"There is no role {APP_ROLE} and this role may not create it; "
            f"let the server's administrator run `CREATE ROLE {APP_ROLE} NOLOGIN`, then migrate again."
        ) from None
    except (errors.DuplicateObject, errors.UniqueViolation):
        pass  # roles belong to the whole server: a migration of another database was faster


def _applied(connection: psycopg.Connection[tuple[Any, ...]]) -> dict[str, bytes]:
    rows = connection.execute("SELECT name, sha256 FROM ccos.schema_migration")
    return {name: bytes(digest) for name, digest in rows}


def _has_record(connection: psycopg.Connection[tuple[Any, ...]]) -> bool:
    found = connection.execute("SELECT to_regclass('ccos.schema_migration')").fetchone()
    return found is not None and found[0] is not None


def _wanted() -> dict[str, bytes]:
    return {name: hashlib.sha256(sql.encode()).digest() for name, sql in (_ours() | _queue()).items()}


def _steps(applied: Mapping[str, bytes]) -> list[_Step]:
    """What is missing, in order. A new queue is made by its whole schema, an old one by each change since."""
    wanted = _wanted()
    ours = [_Step({name: wanted[name]}, "ccos", sql) for name, sql in _ours().items() if name not in applied]
    queue = _queue()
    if not any(name in applied for name in queue):
        whole = (resources.files("procrastinate.sql") / "schema.sql").read_text(encoding="utf-8")
        return [*ours, _Step({name: wanted[name] for name in queue}, "jobs", whole + _AFTER_QUEUE)]
    return ours + [
        _Step({name: wanted[name]}, "jobs", sql + _AFTER_QUEUE)
        for name, sql in queue.items()
        if name not in applied
    ]


def _ours() -> dict[str, str]:
    return _sql_files("ccos.store", "migrations")


def _queue() -> dict[str, str]:
    return {_QUEUE + name: sql for name, sql in _sql_files("procrastinate.sql", "migrations").items()}


def _sql_files(package: str, folder: str) -> dict[str, str]:
    """Text by name, in the order of their names."""
    files = (resources.files(package) / folder).iterdir()
    return {
        file.name: file.read_text(encoding="utf-8")
        for file in sorted(files, key=lambda file: file.name)
        if file.name.endswith(".sql")
    }
