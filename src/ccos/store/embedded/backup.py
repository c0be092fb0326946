"""Backup and restore of a database on any server, with PostgreSQL's own programs."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ccos.domain.errors import BadInput, DatabaseUnavailable, StoreError
from ccos.store.embedded.binaries import client_programs

_EMPTY = """
SET lock_timeout = '10s';
DO $$
DECLARE name text;
BEGIN
    FOR name IN
        SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', name);
    END LOOP;
END $$;
CREATE SCHEMA public;
ALTER SCHEMA public OWNER TO pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""
"""Public is made as a new database has it, because a dump leaves that to the database."""


def backup(url: str, path: Path, *, seconds: float = 3600) -> None:
    """Write the database of `url` to `path`, compressed; the file appears only when it is complete.

    The role must see the rows of every tenant: a superuser, or one with BYPASSRLS. Raises `StoreError`.
    """
    login = _login(url)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _try_each("pg_dump", ["--format=custom", "--no-password", f"--file={draft}"], login, seconds)
        draft.replace(path)
    except OSError as fault:
        raise StoreError(f"The backup cannot be written to {path}: {fault.strerror}.") from fault
    finally:
        draft.unlink(missing_ok=True)


def restore(url: str, path: Path, *, seconds: float = 3600) -> None:
    """Make the database of `url` what it was at the backup in `path`: all of it, or on any error nothing.

    What is in the database is replaced. Other processes that use it should be stopped; one that blocks the
    restore for 10 s makes it fail. The role must be able to own what the backup holds: a superuser.
    Raises `BadInput` when the file is no backup, `StoreError` otherwise.
    """
    login = _login(url)
    script = path.with_name(f".{path.name}.{secrets.token_hex(4)}.sql")
    try:
        with path.open("rb") as file:
            if file.read(5) != b"PGDMP":
                raise BadInput(f"{path} is not a backup: give a file that `ccos db backup` wrote.")
        os.close(os.open(script, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _try_each("pg_restore", [f"--file={script}", str(path)], {}, seconds)
        together = ["-XAtq", "--no-password", "--set=ON_ERROR_STOP=1", "--single-transaction"]
        _try_each("psql", [*together, f"--command={_EMPTY}", f"--file={script}"], login, seconds)
    except OSError as fault:
        raise BadInput(f"{path} cannot be read: {fault.strerror}.") from fault
    finally:
        script.unlink(missing_ok=True)


def _login(url: str) -> dict[str, str]:
    """The URL as libpq's environment, so that no password shows in a list of processes."""
    from psycopg import Error, conninfo  # here, because the face is imported where no driver is wanted
    from psycopg.pq import Conninfo

    variables = {option.keyword.decode(): option.envvar for option in Conninfo.get_defaults()}
    try:
        given = conninfo.conninfo_to_dict(url)
    except Error:  # its words repeat the URL, and with it the password
        raise BadInput(
            "The database URL cannot be read: write postgresql://user:password@host/name."
        ) from None
    return {name.decode(): str(value) for key, value in given.items() if (name := variables[key])}


def _try_each(program: str, arguments: list[str], login: Mapping[str, str], seconds: float) -> None:
    """Run the program; where the wheel's copy is too old for the server, or lacks TLS, the one on PATH."""
    complaint = f"{program} is not installed: install PostgreSQL's client programs"
    environment = {"LC_ALL": "C", "PGCONNECT_TIMEOUT": "10", "PATH": os.defpath, **login}
    for copy in client_programs(program):
        try:
            done = subprocess.run(
                [copy, *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise StoreError(f"{program} did not end within {seconds:.0f} s.") from None
        if done.returncode == 0:
            return
        complaint = _complaint(program, done.stderr)
        if "server version mismatch" not in done.stderr and "SSL support" not in done.stderr:
            break
    raise DatabaseUnavailable(f"{complaint}.")


def _complaint(program: str, output: str) -> str:
    if "No space left on device" in output:
        return "The disk is full"
    if "row-level security" in output:
        return "This role does not see every tenant's rows: use a superuser, or a role with BYPASSRLS"
    if "lock timeout" in output:
        return "Other processes use the database: stop them, then restore again"
    lines = [line for line in output.splitlines() if "error:" in line.lower() or "fatal:" in line.lower()]
    reason = (lines or output.splitlines() or ["no reason given"])[0]
    return f"{program} failed: {reason.rpartition('rror:')[2].strip().rstrip('.')}"
