"""`ccos db` over a server of the operator's own and over the embedded one."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from support.ccos_command import Command, Home
from support.postgres import fresh_database


@pytest.fixture
def own_server(ccos_home: Home) -> Iterator[dict[str, str]]:
    """The settings of a database that was just made, with nothing in it."""
    with fresh_database(ccos_home.server, "cli_own", template="template1") as urls:
        yield {"DATABASE_URL": urls.app, "DATABASE_OWNER_URL": urls.superuser}


def test_a_database_is_migrated_backed_up_and_restored(ccos: Command, own_server: dict[str, str]) -> None:
    before = ccos("db", "status", "--json", **own_server)
    assert before.code == 1 and before.sentence.endswith("migrations; run `ccos db migrate`.")
    assert "0001_pre_tenants.sql" in before.json["pending"] and before.json["embedded"] is False
    migrated = ccos("db", "migrate", "--json", **own_server)
    assert migrated.code == 0 and "0001_pre_tenants.sql" in migrated.json["applied"]

    assert ccos("tenants", "create", "acme", "Acme", **own_server).code == 0
    saved = ccos("db", "backup", "all.backup", **own_server)
    assert saved.code == 0 and saved.out.startswith("all.backup: ")
    assert [file.name for file in ccos.folder.iterdir()] == ["all.backup"]
    again = ccos("db", "backup", "all.backup", **own_server)
    assert again.code == 2 and "--force to replace it" in again.sentence

    with psycopg.connect(own_server["DATABASE_OWNER_URL"]) as admin:
        admin.execute(
            "INSERT INTO ccos.ticket (tenant_id, id, body, subject, created_at)"
            " SELECT id, gen_random_uuid(), '{}', 'later', now() FROM ccos.tenant"
        )
    index = ccos.home / "index"
    index.mkdir(exist_ok=True)
    refused = ccos("db", "restore", "all.backup", **own_server)
    assert refused.code == 2 and "The database holds tickets" in refused.sentence and index.exists()
    restored = ccos("db", "restore", "all.backup", "--force", **own_server)
    assert restored.code == 0 and not restored.err
    assert not index.exists()  # it followed the feed of a database that is no more
    listed = ccos("tenants", "list", "--json", **own_server).json
    assert [tenant["slug"] for tenant in listed["tenants"]] == ["acme"]
    assert ccos("db", "restore", "all.backup", **own_server).code == 0  # no tickets: nothing to lose


def test_the_embedded_database_backs_up_every_tenant(ccos: Command, shop: str) -> None:
    status = ccos("db", "status")
    assert status.code == 0 and status.out.startswith(
        "The database (embedded) has the schema of this version"
    )
    assert ccos("db", "backup", "embedded.backup").code == 0
    assert (ccos.folder / "embedded.backup").read_bytes()[:5] == b"PGDMP"
    assert (ccos.folder / "embedded.backup").stat().st_mode & 0o777 == 0o600


def test_files_that_cannot_be_used_are_told(ccos: Command) -> None:
    folder = ccos("db", "backup", str(ccos.folder))
    assert folder.code == 2 and folder.sentence.endswith("is a folder; give the path of a file in it.")
    unwritable = ccos("db", "backup", "/proc/none/backup")
    assert unwritable.code == 1 and "The backup cannot be written to /proc/none/backup" in unwritable.sentence
    missing = ccos("db", "restore", "none")
    assert missing.code == 2 and missing.sentence.startswith("There is no file none;")
    (ccos.folder / "text").write_text("DROP TABLE ticket;")
    text = ccos("db", "restore", "text", "--force")
    assert text.code == 2 and "is not a backup" in text.sentence
