"""The data directory: making it, its roles and database, and one PostgreSQL process running on it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ccos.domain.errors import DatabaseUnavailable, StoreError
from ccos.store.embedded.identity import Identity
from ccos.store.embedded.places import Passwords, Places, sync_folder

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
        done = self._run([*command, "--encoding=UTF8", "--locale=C"], seconds=_INITDB_SECONDS)
        if done.returncode != 0:
            raise StoreError(
                sentence_for(done.stdout + done.stderr, self.log, doing="PostgreSQL could not be set up")
            )
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
        ]
        statement = f"ALTER ROLE {SUPERUSER} PASSWORD '{password}'\n"
        done = self._run([*command, "postgres"], seconds=_SQL_SECONDS, text=statement)
        if done.returncode != 0:
            raise StoreError(
                sentence_for(done.stderr, self.log, doing="PostgreSQL could not set its passwords")
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

    def _run(self, command: Command, *, seconds: float, text: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
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


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server process that is ours."""

    process: subprocess.Popen[bytes]
    data: Path
    log: Path
    start_of_log: int

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def wait_until_ready(self, wanted: Callable[[], bool]) -> None:
        """Return when connections are taken. Raises `DatabaseUnavailable` when the server ended instead.

        Recovery after a crash may take long; `wanted` is asked all the while whether to go on.
        """
        while self.running:
            if self._says_ready():
                return
            if not wanted():
                raise DatabaseUnavailable("Nobody waits for the database any more.")
            time.sleep(0.01)
        raise DatabaseUnavailable(sentence_for(self.last_words(), self.log, doing="PostgreSQL did not start"))

    def stop(self, *, seconds: float = 60) -> None:
        """Fast shutdown: sessions end, all that was committed is on disk. Harder only after `seconds`."""
        for number, patience in ((signal.SIGINT, seconds), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0)):
            if self.running:
                self.process.send_signal(number)
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue
            break
        end_orphans()

    def last_words(self) -> str:
        """What this run wrote to the log, or the end of it."""
        with self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(min(self.start_of_log, size), size - 8192))
            return log.read().decode(errors="replace")

    def _says_ready(self) -> bool:
        # The file may be a dead server's; only one that names our own child counts.
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0].strip() == str(self.process.pid) and lines[7].strip() == "ready"


def end_orphans(*, seconds: float = 5) -> None:
    """End what a killed server left behind; a new one refuses to start beside it.

    The kernel hands these processes to the keeper (`adopt_orphans`), which has no other children by then.
    """
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    deadline = time.monotonic() + seconds
    while sys.platform == "linux" and children.exists() and (left := children.read_text().split()):
        number = signal.SIGQUIT if time.monotonic() < deadline else signal.SIGKILL
        for child in map(int, left):
            os.kill(child, number)
            os.waitpid(child, os.WNOHANG)
        time.sleep(0.02)


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


def postmaster_of(data: Path) -> int | None:
    """The running server of this data directory: a number in a file may be another program's by now."""
    try:
        number = int((data / "postmaster.pid").read_text().splitlines()[0])
        if Path("/proc/self/cwd").exists():
            return number if Path(f"/proc/{number}/cwd").readlink() == data else None
    except (OSError, ValueError, IndexError):
        return None
    command = ["ps", "-ww", "-o", "command=", "-p", str(number)]
    running = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False).stdout
    return number if f"-D {data}" in running else None


def remove(folder: Path) -> None:
    """Remove a folder with all it holds, if it is there."""
    if folder.exists():
        shutil.rmtree(folder)


def sentence_for(output: str, log: Path, *, doing: str) -> str:
    """One sentence for people out of PostgreSQL's own output."""
    if "No space left on device" in output or "Disk quota exceeded" in output:
        return f"{doing}: the disk that holds {log.parent} is full. Free some space and start again."
    if "could not create shared memory" in output or "could not resize shared memory" in output:
        return f"{doing}: the machine gives it no shared memory; enlarge /dev/shm, or set DATABASE_URL."
    complaints = re.findall(r"(?:FATAL|PANIC|ERROR|error):\s+(.+)", output)
    reason = complaints[-1].strip().rstrip(".") if complaints else "it gave no reason"
    return f"{doing}: {reason}. Its log is {log}."
