"""A data directory of an older PostgreSQL is moved to the newest, and kept; an unknown one is refused."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import psycopg
import pytest

from ccos.domain.errors import StoreError
from ccos.store.embedded import start
from ccos.store.embedded.binaries import package_dir
from support.postgres_process import client_process, command_lines, eventually, nothing_runs

_ROWS = """
CREATE TABLE draft (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tenant text NOT NULL, body text, v vector(3));
ALTER TABLE draft ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON draft USING (tenant = current_setting('ccos.tenant', true));
GRANT SELECT, INSERT ON draft TO ccos_app;
"""


def installed(tmp_path: Path, *majors: int) -> Path:
    """A package as the wheel's, with only these versions in it."""
    package = tmp_path / f"package-{'-'.join(map(str, majors))}"
    package.mkdir()
    for folder in package_dir().glob("pginstall*"):
        told = subprocess.run(
            [folder / "bin/postgres", "-V"], capture_output=True, text=True, check=True
        ).stdout
        if any(f"(PostgreSQL) {major}." in told for major in majors):
            (package / folder.name).symlink_to(folder)
    return package


@pytest.fixture
def old_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that was made, and filled, when CCOS still brought PostgreSQL 16."""
    home = tmp_path / "home"
    with monkeypatch.context() as past:
        package = installed(tmp_path, 16)
        past.setattr("ccos.store.embedded.client.package_dir", lambda: package)
        with start(home) as server:
            with psycopg.connect(server.urls.owner) as connection:
                connection.execute(_ROWS)
            with psycopg.connect(server.urls.superuser) as connection:
                connection.execute("CREATE ROLE reporting LOGIN PASSWORD 'kept'")
            add(server.urls.app, "안녕하세요")
    assert (home / "postgres/data/PG_VERSION").read_text() == "16\n"
    return home


def add(url: str, body: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SELECT set_config('ccos.tenant', 'a', true)")
        connection.execute("INSERT INTO draft (tenant, body, v) VALUES ('a', %s, '[1,2,3]')", [body])


def test_everything_comes_over_from_16_to_18(old_home: Path) -> None:
    passwords = (old_home / "postgres/passwords.json").read_bytes()
    with start(old_home) as server:
        with psycopg.connect(server.urls.app) as connection:
            assert connection.info.server_version // 10_000 == 18
            assert connection.execute("SELECT count(*) FROM draft").fetchone() == (
                0,
            )  # the policy still binds
            connection.execute("SELECT set_config('ccos.tenant', 'a', true)")
            assert connection.execute("SELECT id, body, v::text FROM draft").fetchall() == [
                (1, "안녕하세요", "[1,2,3]")
            ]
        add(server.urls.app, "two")  # the sequence goes on, or the key would be taken
        with psycopg.connect(server.urls.owner) as connection:
            query = "SELECT datlocprovider::text, datlocale FROM pg_database WHERE datname = 'ccos'"
            assert connection.execute(query).fetchone() == ("b", "C.UTF-8")
            query = "SELECT tableowner FROM pg_tables WHERE tablename = 'draft'"
            assert connection.execute(query).fetchone() == ("ccos_owner",)
        other = server.urls.app.replace("ccos_app", "reporting").split("@")[1]
        with psycopg.connect(f"postgresql://reporting:kept@{other}"):
            pass
    assert (old_home / "postgres/passwords.json").read_bytes() == passwords
    assert (old_home / "postgres/postgres-16.old/PG_VERSION").read_text() == "16\n"
    assert not list((old_home / "postgres").glob("upgrade.*"))
    with start(old_home) as server, psycopg.connect(server.urls.app) as connection:
        connection.execute("SELECT set_config('ccos.tenant', 'a', true)")
        assert connection.execute("SELECT count(*) FROM draft").fetchone() == (2,)


def test_an_upgrade_that_was_killed_begins_again(old_home: Path) -> None:
    with client_process(old_home) as client:
        assert eventually((old_home / "postgres/data.new/PG_VERSION").exists)
        keeper_and_all_of_it(old_home)
        client.kill()
    assert eventually(lambda: nothing_runs(old_home))
    assert (old_home / "postgres/data/PG_VERSION").read_text() == "16\n"
    with start(old_home) as server, psycopg.connect(server.urls.superuser) as connection:
        assert connection.execute("SELECT body FROM draft").fetchall() == [("안녕하세요",)]
        assert connection.info.server_version // 10_000 == 18


def keeper_and_all_of_it(home: Path) -> None:
    """Kill the keeper in the middle of its work; what it started ends with it."""
    keepers = [n for n, command in command_lines().items() if "boot.py" in command and str(home) in command]
    assert keepers
    for keeper in keepers:
        os.kill(keeper, signal.SIGKILL)


def test_with_lost_passwords_it_is_moved_all_the_same(old_home: Path) -> None:
    (old_home / "postgres/passwords.json").unlink()
    with start(old_home) as server, psycopg.connect(server.urls.superuser) as connection:
        assert connection.execute("SELECT body FROM draft").fetchall() == [("안녕하세요",)]
        add(server.urls.app, "two")


@pytest.mark.parametrize("foreign", ["15", "99"])
def test_a_version_nobody_here_can_read_is_refused_and_left_alone(tmp_path: Path, foreign: str) -> None:
    data = tmp_path / "postgres/data"
    data.mkdir(parents=True, mode=0o700)
    (data / "PG_VERSION").write_text(f"{foreign}\n")
    with pytest.raises(
        StoreError, match=rf"made by PostgreSQL {foreign} and this CCOS brings 18: run `ccos db backup`"
    ):
        start(tmp_path)
    assert [file.name for file in data.iterdir()] == ["PG_VERSION"]


def test_a_newer_directory_is_not_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    start(home).close()
    package = installed(tmp_path, 16)
    monkeypatch.setattr("ccos.store.embedded.client.package_dir", lambda: package)
    with pytest.raises(StoreError, match="made by PostgreSQL 18 and this CCOS brings 16"):
        start(home)


def test_a_folder_that_is_no_data_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "postgres/data").mkdir(parents=True)
    with pytest.raises(StoreError, match="is not a PostgreSQL data directory: move it away"):
        start(tmp_path)
    shutil.rmtree(tmp_path / "postgres/data")
    start(tmp_path).close()
