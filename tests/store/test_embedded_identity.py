"""As whom the server runs, what it leaves untouched, and who may do what in it."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
import stat
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import LiteralString

import psycopg
import pytest

from ccos.domain.errors import StoreError
from ccos.store.embedded import EmbeddedServer, bin_dir, start
from ccos.store.embedded.identity import become
from support.postgres import embedded_server, to_database
from support.postgres_process import (
    client_process,
    command_lines,
    eventually,
    nothing_runs,
    postmaster,
    user_of,
)

__all__ = ["embedded_server"]

_NOBODY, _NAMELESS = 65534, 54321
_MAY_READ = 2  # CAP_DAC_READ_SEARCH
_ROOT_ON_LINUX = os.geteuid() == 0 and sys.platform == "linux"


@dataclass(frozen=True)
class User:
    """Somebody to run as, and how a child becomes this user."""

    id: int
    prepare: Callable[[], None] | None = None
    name: str = "us"

    def __str__(self) -> str:
        return self.name

    def may_run(self) -> bool:
        """Whether this user can run this Python and find our code."""
        probe = [sys.executable, "-c", "import ccos.store.embedded"]
        try:
            return subprocess.run(probe, preexec_fn=self.prepare, cwd="/", timeout=60).returncode == 0
        except (OSError, subprocess.SubprocessError):
            return False


def users() -> Iterator[User]:
    """Whoever runs the tests, and when that is root an ordinary user and one that /etc/passwd lacks.

    Where Python lies in a folder closed to that user, it gets the right to read, and no right to write.
    """
    yield User(os.geteuid())
    if _ROOT_ON_LINUX:
        for number, name in ((_NOBODY, "nobody"), (_NAMELESS, "a user without a name")):
            ways = (partial(become, number, number, keeping=right) for right in (None, _MAY_READ))
            yield from [user for user in (User(number, way, name) for way in ways) if user.may_run()][:1]


USERS = list(users())


@pytest.fixture
def home() -> Iterator[Path]:
    """An empty home that only its owner may enter, in a folder that every user of these tests can reach."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        yield home
        assert not (home / "postgres/server.lock").exists() or eventually(lambda: nothing_runs(home))


def refuse_namespaces() -> None:
    """What a container does by default: `unshare` fails with EPERM in this process and its children."""
    number = {"x86_64": 272, "aarch64": 97}[platform.machine()]
    load, jump_if_equal, give_back = 0x20, 0x15, 0x06
    program = struct.pack("HBBI", load, 0, 0, 0)
    program += struct.pack("HBBI", jump_if_equal, 0, 1, number)
    program += struct.pack("HBBI", give_back, 0, 0, 0x00050000 | errno.EPERM)
    program += struct.pack("HBBI", give_back, 0, 0, 0x7FFF0000)
    buffer = ctypes.create_string_buffer(program, len(program))
    filters = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4, ctypes.addressof(buffer)))
    if ctypes.CDLL(None, use_errno=True).prctl(22, 2, filters, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no system call filter")


WAYS = [None, refuse_namespaces] if _ROOT_ON_LINUX else [None]


@pytest.mark.parametrize("prepare", WAYS, ids=["as it is", "namespaces refused"][: len(WAYS)])
def test_the_machine_stays_as_it_was(home: Path, prepare: Callable[[], None] | None) -> None:
    folders = {folder: folder.stat() for folder in (*home.parents, *bin_dir().parents, bin_dir())}
    users = Path("/etc/passwd").read_bytes()
    with client_process(home, prepare=prepare) as client:
        assert client.stdout is not None
        url = client.stdout.readline().strip()
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("ccos_app",)
        server_user = user_of(postmaster(home))
        client.communicate("", timeout=60)
    assert home.stat().st_mode & 0o777 == 0o700
    assert Path("/etc/passwd").read_bytes() == users
    for folder, before in folders.items():
        now = folder.stat()
        assert (now.st_mode, now.st_uid, now.st_gid) == (before.st_mode, before.st_uid, before.st_gid), folder
    # In the namespace the process is root's to the outside; refused one, it runs as somebody else.
    assert (server_user == os.geteuid()) == (prepare is None)
    assert (home / "postgres/data").stat().st_uid == server_user
    with start(home) as server, psycopg.connect(server.urls.app):  # the way is remembered, whoever comes next
        assert user_of(postmaster(home)) == server_user


@pytest.mark.parametrize("user", USERS, ids=str)
def test_any_user_may_have_a_server(home: Path, user: User) -> None:
    os.chown(home, user.id, -1)
    with client_process(home, prepare=user.prepare) as client:
        assert client.stdout is not None
        assert client.stdout.readline().startswith("postgresql://ccos_app:")
        assert user_of(postmaster(home)) == user.id
        client.communicate("", timeout=60)
    assert client.returncode == 0
    assert {file.stat().st_uid for file in home.rglob("*")} == {user.id}


@pytest.mark.parametrize("user", [user for user in USERS if user.id != _NAMELESS], ids=str)
def test_the_owner_of_a_home_can_use_it_after_us(home: Path, user: User) -> None:
    os.chown(home, user.id, -1)
    with start(home) as server:
        ours = server.urls
        assert user_of(postmaster(home)) == user.id
    with client_process(home, prepare=user.prepare) as client:
        assert client.stdout is not None
        assert client.stdout.readline().strip() == ours.app
        client.communicate("", timeout=60)


@pytest.mark.parametrize("user", USERS, ids=str)
def test_a_home_that_cannot_be_written_is_named_in_one_sentence(home: Path, user: User) -> None:
    place = home / "a file"
    place.touch()
    if user.id != os.geteuid():  # root may write anywhere, the other user not even here
        place = home / "closed"
        home.chmod(0o711)
        place.mkdir(mode=0o755)
    with client_process(place, prepare=user.prepare) as client:
        output, complaint = client.communicate("", timeout=60)
    assert output == ""
    last = complaint.strip().splitlines()[-1]
    assert re.search(
        rf"StoreError: The database cannot be kept in {place} \(.+\): give it .* CCOS_HOME", last
    )


@pytest.mark.parametrize("name", ["x" * 200, "빈 칸, 'quotes' \"and\" %s $HOME"], ids=["long", "odd"])
def test_any_path_will_do(tmp_path: Path, name: str) -> None:
    home = tmp_path / name / "deeper"
    with start(home) as server, psycopg.connect(server.urls.superuser) as connection:
        assert connection.execute("SHOW data_directory").fetchone() == (str(home / "postgres/data"),)


def test_a_long_folder_for_temporary_files_will_do(home: Path, tmp_path: Path) -> None:
    temporary = tmp_path / ("t" * 120)
    temporary.mkdir()
    with client_process(home, environment={"TMPDIR": str(temporary)}) as client:
        assert client.stdout is not None
        assert client.stdout.readline().startswith("postgresql://")
        client.communicate("", timeout=60)


def test_a_socket_folder_that_is_open_to_others_is_not_used(home: Path) -> None:
    with start(home):
        sockets = Path((home / "postgres/sockets").read_text())
    sockets.mkdir()
    sockets.chmod(0o777)
    try:
        with start(home) as server, psycopg.connect(server.urls.app):
            other = Path((home / "postgres/sockets").read_text())
            assert other != sockets
            assert other.stat().st_mode & 0o777 == 0o700
    finally:
        sockets.rmdir()


def test_files_and_arguments_keep_the_passwords(embedded_server: EmbeddedServer) -> None:
    home = Path(psycopg.conninfo.conninfo_to_dict(embedded_server.urls.app)["host"])  # type: ignore[arg-type]
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    with psycopg.connect(embedded_server.urls.superuser) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    folder = Path(row[0]).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "passwords.json").stat().st_mode) == 0o600
    running = "\n".join(command_lines().values())
    assert str(folder) in running
    for url in (embedded_server.urls.owner, embedded_server.urls.app, embedded_server.urls.superuser):
        assert password_of(url) not in running


def test_a_wrong_password_is_refused(embedded_server: EmbeddedServer) -> None:
    for url in (embedded_server.urls.owner, embedded_server.urls.app, embedded_server.urls.superuser):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(url.replace(password_of(url), "guess"))
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(url.replace(f":{password_of(url)}", ""), passfile="/dev/null")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE ROLE mallory",
        "ALTER ROLE ccos_app BYPASSRLS",
        "ALTER ROLE ccos_app SUPERUSER",
        "SET ROLE postgres",
        "CREATE DATABASE more",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SELECT pg_read_file('PG_VERSION')",
        "ALTER SYSTEM SET fsync = off",
    ],
)
@pytest.mark.parametrize("role", ["owner", "app"])
def test_neither_role_can_rise(embedded_server: EmbeddedServer, role: str, statement: LiteralString) -> None:
    with (
        psycopg.connect(getattr(embedded_server.urls, role), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_the_application_cannot_make_tables_and_the_owner_can(embedded_server: EmbeddedServer) -> None:
    with psycopg.connect(embedded_server.urls.app) as connection:
        assert connection.execute("SHOW search_path").fetchone() == ("public",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine ()")
    with psycopg.connect(embedded_server.urls.owner) as connection:
        connection.execute("CREATE TABLE mine (v vector(3))")
        connection.rollback()


def test_the_database_sorts_the_same_everywhere(embedded_server: EmbeddedServer) -> None:
    with psycopg.connect(embedded_server.urls.app) as connection:
        about = (
            "SELECT pg_encoding_to_char(encoding), datlocprovider::text, datlocale, pg_get_userbyid(datdba)"
        )
        row = connection.execute(f"{about} FROM pg_database WHERE datname = 'ccos'").fetchone()
    assert row == ("UTF8", "b", "C.UTF-8", "ccos_owner")


def test_what_customers_wrote_is_not_in_the_log(embedded_server: EmbeddedServer) -> None:
    with psycopg.connect(to_database(embedded_server.urls.superuser, "postgres")) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(
                "CREATE TEMP TABLE t (v text PRIMARY KEY); INSERT INTO t VALUES ('ana@example.kr'), ('ana@example.kr')"
            )
    assert row is not None
    log = (Path(row[0]).parent / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "ana@example.kr" not in log


def test_without_programs_for_the_platform_the_way_out_is_named(
    monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(StoreError, match="No PostgreSQL comes with CCOS for this platform: set DATABASE_URL"):
        start(home)


def password_of(url: str) -> str:
    return url.split(":")[2].split("@")[0]
