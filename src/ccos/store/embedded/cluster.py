"""The data directory: making it, its roles and its database."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ccos.domain.errors import StoreError
from ccos.store.embedded.identity import Identity
from ccos.store.embedded.places import Passwords, Places, sync_folder
from ccos.store.embedded.server import Postgres, postmaster_of, sentence_for

Command = Sequence[str | Path]
SUPERUSER = "postgres"
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/local/bin:/usr/bin:/bin"}
_COMPLETE = "ccos.complete"
_INITDB_SECONDS = 120.0
_SQL_SECONDS = 60.0

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_destination": "stderr",
    # Failing statements and row contents hold what customers wrote; neither may reach the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
}

_BOOTSTRAP = r"""
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SELECT 'CREATE ROLE ccos_owner' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ccos_owner') \gexec
SELECT 'CREATE ROLE ccos_app' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ccos_app') \gexec
BEGIN;
ALTER ROLE ccos_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS $owner;
ALTER ROLE ccos_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS $app;
ALTER ROLE ccos_app SET search_path = public;
COMMIT;
SELECT 'CREATE DATABASE ccos OWNER ccos_owner'
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'ccos') \gexec
\connect ccos
CREATE EXTENSION IF NOT EXISTS vector;
"""


@dataclass(frozen=True, slots=True)
class Programs:
    """One installation of PostgreSQL."""

    bin: Path
    major: int

    @classmethod
    def find(cls, package: Path) -> dict[int, Programs]:
        """Every installation in the package, by major version."""
        found = {}
        for program in package.glob("pginstall*/bin/postgres"):
            try:
                told = subprocess.run(
                    [program, "-V"], capture_output=True, text=True, timeout=30, check=False
                )
            except OSError:  # built for another processor or another C library
                continue
            if match := re.search(r"\(PostgreSQL\) (\d+)", told.stdout):
                found[int(match[1])] = cls(program.parent, int(match[1]))
        if not found:
            raise StoreError(
                "The PostgreSQL programs that come with CCOS do not run on this machine: "
                "set DATABASE_URL to your own server (16 or newer)."
            )
        return found


@dataclass(frozen=True, slots=True)
class Cluster:
    """A data directory, who may work on it, and the programs that do."""

    programs: Programs
    data: Path
    identity: Identity
    sockets: Path
    log: Path
    held: tuple[int, ...] = ()
    """File descriptors every server process keeps open."""

    def create(self) -> None:
        """Make the data directory from nothing; what a broken attempt left there is removed.

        Ends with the mark that `adopt` looks for not yet set.
        """
        remove(self.data)
        self.data.mkdir(mode=0o700)
        os.chown(self.data, *self.identity.owner)
        # Nobody may log in before there are passwords, so initdb needs to be told none.
        command: list[str | Path] = [
            self.programs.bin / "initdb",
            f"--pgdata={self.data}",
            f"--username={SUPERUSER}",
            "--auth=reject",
        ]
        if self.programs.major >= 17:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += ["--encoding=UTF8", "--locale=C"]
        self._run(command, doing="PostgreSQL could not be set up", seconds=_INITDB_SECONDS)
        (self.data / "pg_hba.conf").write_text("local all all scram-sha-256\n")

    def set_superuser_password(self, password: str) -> None:
        """Give the superuser this password, in a server that listens nowhere: it needs no old password."""
        command: Command = [
            self.programs.bin / "postgres",
            "--single",
            "-D",
            self.data,
            "-c",
            "exit_on_error=on",
            "-c",
            "log_min_error_statement=panic",  # the statement below holds a password
            "postgres",
        ]
        statement = f"ALTER ROLE {SUPERUSER} PASSWORD '{password}'\n"
        self._run(
            command, doing="PostgreSQL could not set its passwords", seconds=_SQL_SECONDS, text=statement
        )

    def launch(self) -> Postgres:
        """Start the server. Returns at once; it is not ready yet."""
        settings = {**_SETTINGS, "unix_socket_directories": f'"{self.sockets}"'}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            start_of_log = log.tell()
            process = subprocess.Popen(
                [self.programs.bin / "postgres", "-D", self.data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_ENVIRONMENT,
                pass_fds=self.held,
                preexec_fn=self.identity.preparation(),  # safe: the keeper has one thread
            )
        return Postgres(process, self.data, self.log, start_of_log)

    def bootstrap(self, passwords: Passwords, *, set_passwords: bool) -> None:
        """Make roles, database and extension where they are missing. The server must be ready."""
        script = _BOOTSTRAP
        for name, password in (("$owner", passwords.owner), ("$app", passwords.app)):
            script = script.replace(name, f"PASSWORD '{password}'" if set_passwords else "")
        self.sql(script, passwords.superuser)

    def sql(self, script: str, password: str, *, database: str = "postgres") -> str:
        """Run a psql script as the superuser and return what it printed. Raises `StoreError`."""
        done = self.client([self.programs.bin / "psql", "-XAtq", "-d", database], password, text=script)
        if done.returncode != 0:
            raise StoreError(sentence_for(done.stderr, self.log, doing="The database could not be prepared"))
        return done.stdout

    def client(
        self, command: Command, password: str, *, text: str = "", seconds: float = _SQL_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run a client program as the superuser of this cluster."""
        login = {"PGHOST": str(self.sockets), "PGUSER": SUPERUSER, "PGPASSWORD": password}
        return subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            env={**_ENVIRONMENT, **login},
            timeout=seconds,
            check=False,
        )

    def _run(self, command: Command, *, doing: str, seconds: float, text: str = "") -> None:
        """Run a server program to its end. Raises `StoreError`, with all it said in the log."""
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            cwd="/",
            env=_ENVIRONMENT,
            pass_fds=self.held,
            preexec_fn=self.identity.preparation(),  # safe: the keeper has one thread
            timeout=seconds,
            check=False,
        )
        if done.returncode != 0:
            output = done.stdout + done.stderr
            with suppress(OSError), self.log.open("a") as log:
                log.write(output)
            raise StoreError(sentence_for(output, self.log, doing=doing))


def adopt(new: Path, data: Path, *, aside: Path | None = None) -> None:
    """Give a complete data directory its place, and move the one there `aside`; a crash midway is finished
    by `finish_adopting`."""
    mark = new / _COMPLETE
    mark.touch()
    os.chown(mark, new.stat().st_uid, new.stat().st_gid)
    sync_folder(new)
    if aside is not None:
        data.rename(aside)
    new.rename(data)
    sync_folder(data.parent)


def finish_adopting(places: Places) -> None:
    """After a crash between the two renames, the complete directory takes its place."""
    if not places.data.exists() and (places.unfinished / _COMPLETE).exists():
        places.unfinished.rename(places.data)


def version_of(data: Path) -> int:
    """The major version that made the data directory. Raises `StoreError` when it is none."""
    try:
        return int((data / "PG_VERSION").read_text())
    except (OSError, ValueError) as fault:
        raise StoreError(
            f"{data} is not a PostgreSQL data directory: move it away, or restore it from a backup."
        ) from fault


def remove_traces(cluster: Cluster) -> None:
    """Forget a dead server's process id, which may by now be another program's, and its sockets.

    Only for the holder of the server lock. A server that was started by hand on the same directory is left
    for PostgreSQL to find.
    """
    if postmaster_of(cluster.data) is None:
        (cluster.data / "postmaster.pid").unlink(missing_ok=True)
        for trace in cluster.sockets.glob(".s.PGSQL.*"):
            trace.unlink()


def remove(folder: Path) -> None:
    """Remove a folder with all it holds, if it is there."""
    if folder.exists():
        shutil.rmtree(folder)
