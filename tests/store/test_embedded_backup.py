"""What is backed up comes back exactly, or not at all; passwords stay off the command line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from ccos.domain.errors import BadInput, DatabaseUnavailable, StoreError
from ccos.store.embedded import EmbeddedServer, ServerUrls, backup, restore
from ccos.store.embedded.backup import _login
from support.postgres import embedded_server, fresh_database

__all__ = ["embedded_server"]

_TABLES = """
CREATE TABLE draft (id int PRIMARY KEY, tenant text NOT NULL, body text, v vector(2));
ALTER TABLE draft ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON draft USING (tenant = current_setting('ccos.tenant', true));
GRANT SELECT ON draft TO ccos_app;
CREATE SCHEMA jobs;
CREATE TABLE jobs.job (id int);
"""


@pytest.fixture
def urls(embedded_server: EmbeddedServer) -> Iterator[ServerUrls]:
    """A database with rows of two tenants."""
    with fresh_database(embedded_server, "backup_source") as urls:
        with psycopg.connect(urls.owner) as connection:
            connection.execute(_TABLES)
        with psycopg.connect(urls.superuser) as connection:
            connection.execute(
                "INSERT INTO draft VALUES (1, 'a', 'one', '[1,2]'), (2, 'b', E'둘\\n\\\\', '[3,4]')"
            )
        yield urls


def bodies(url: str) -> list[tuple[int, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT id, body FROM draft ORDER BY id").fetchall()


def test_a_restore_makes_the_database_what_it_was(urls: ServerUrls, tmp_path: Path) -> None:
    file = tmp_path / "ccos.backup"
    backup(urls.superuser, file)
    assert file.stat().st_mode & 0o777 == 0o600
    with psycopg.connect(urls.owner) as connection:
        connection.execute("CREATE TABLE newer (v vector(3)); DROP TABLE jobs.job; CREATE SCHEMA late")
    with psycopg.connect(urls.superuser) as connection:
        connection.execute("DELETE FROM draft WHERE id = 1; UPDATE draft SET body = 'changed'")
    restore(urls.superuser, file)
    assert bodies(urls.superuser) == [(1, "one"), (2, "둘\n\\")]
    with psycopg.connect(urls.app) as connection:  # rights and policies are back as well
        connection.execute("SELECT set_config('ccos.tenant', 'b', true)")
        assert connection.execute("SELECT id, v::text FROM draft").fetchall() == [(2, "[3,4]")]
    with psycopg.connect(urls.owner) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE tableowner = 'ccos_owner' ORDER BY 1, 2"
        ).fetchall()
        assert tables == [("jobs", "job"), ("public", "draft")]
        connection.execute("CREATE TABLE still_mine ()")
    assert [entry.name for entry in tmp_path.iterdir()] == ["ccos.backup"]


def test_a_restore_into_an_empty_database(
    urls: ServerUrls, embedded_server: EmbeddedServer, tmp_path: Path
) -> None:
    backup(urls.superuser, tmp_path / "file")
    with fresh_database(embedded_server, "backup_target") as target:
        restore(target.superuser, tmp_path / "file")
        assert bodies(target.superuser) == bodies(urls.superuser)


def test_a_damaged_backup_changes_nothing(urls: ServerUrls, tmp_path: Path) -> None:
    file = tmp_path / "file"
    backup(urls.superuser, file)
    file.write_bytes(file.read_bytes()[:-40])
    before = bodies(urls.superuser)
    with pytest.raises(StoreError):
        restore(urls.superuser, file)
    assert bodies(urls.superuser) == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_restore_that_fails_midway_changes_nothing(
    urls: ServerUrls, embedded_server: EmbeddedServer, tmp_path: Path
) -> None:
    with psycopg.connect(urls.superuser) as connection:
        connection.execute("CREATE ROLE leaver; GRANT SELECT ON draft TO leaver")
    backup(urls.superuser, tmp_path / "file")
    with psycopg.connect(urls.superuser) as connection:
        connection.execute("DROP OWNED BY leaver; DROP ROLE leaver; UPDATE draft SET body = 'newer'")
    with pytest.raises(StoreError, match=r"psql failed: .*leaver"):
        restore(urls.superuser, tmp_path / "file")
    assert [body for _, body in bodies(urls.superuser)] == ["newer", "newer"]


def test_a_role_that_does_not_see_every_row_may_not_back_up(urls: ServerUrls, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not see every tenant's rows"):
        backup(urls.owner, tmp_path / "file")
    assert not list(tmp_path.iterdir())


def test_an_old_backup_stays_when_a_new_one_fails(urls: ServerUrls, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    with pytest.raises(DatabaseUnavailable, match=r"pg_dump failed: .*password authentication failed"):
        backup(urls.superuser.replace(":", ":x", 2).replace(":x//", "://"), file)
    assert file.read_text() == "precious"


def test_what_is_no_backup_is_refused(urls: ServerUrls, tmp_path: Path) -> None:
    (tmp_path / "text").write_text("DROP TABLE draft;")
    with pytest.raises(BadInput, match="is not a backup"):
        restore(urls.superuser, tmp_path / "text")
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        restore(urls.superuser, tmp_path / "missing")
    with pytest.raises(StoreError, match=r"cannot be written to .*: No such file"):
        backup(urls.superuser, tmp_path / "no folder" / "file")
    with pytest.raises(BadInput, match="URL cannot be read: write postgresql://"):
        backup("mysql://me:secret@localhost/ccos", tmp_path / "file")


@pytest.mark.parametrize(
    ("url", "login"),
    [
        (
            "postgresql://me:p%40ss@db.example:6432/ccos?sslmode=require&application_name=x",
            "PGHOST=db.example PGPORT=6432 PGUSER=me PGPASSWORD=p@ss PGDATABASE=ccos PGSSLMODE=require PGAPPNAME=x",
        ),
        ("postgres://[::1]:5433/d", "PGHOST=::1 PGPORT=5433 PGDATABASE=d"),
        ("postgresql://[::1]/d", "PGHOST=::1 PGDATABASE=d"),
        ("postgresql:///d?host=/tmp/x&user=u&password=p", "PGHOST=/tmp/x PGUSER=u PGPASSWORD=p PGDATABASE=d"),
    ],
)
def test_every_form_of_url_becomes_an_environment(url: str, login: str) -> None:
    assert _login(url) == dict(part.split("=", 1) for part in login.split())
