"""`ccos train loop` over a database of decisions."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner

from ccos.cli import ccos
from ccos.store.database import Database
from ccos.store.migrate import migrate
from support.postgres import embedded_server, fresh_database  # noqa: F401
from support.store import new_tenant, opened


@pytest.fixture
def slug(embedded_server, monkeypatch):  # noqa: F811
    with fresh_database(embedded_server, "train_loop_tests") as urls:
        migrate(urls.owner)
        monkeypatch.setenv("DATABASE_URL", urls.app)

        async def fill():
            async with opened(Database(urls.app)) as database:
                return (await new_tenant(database, "shop")).slug

        yield asyncio.run(fill())


def asked(*arguments):
    return CliRunner().invoke(ccos, ["train", "loop", *arguments], catch_exceptions=False)


def test_a_tenant_without_decisions_is_told_so_and_nothing_is_made(slug):
    made = asked("--tenant", slug)
    assert made.exit_code == 0 and f"{slug}: 0 labels of 0 decisions." in made.stdout
    assert "Version" not in made.stdout


def test_every_tenant_in_json(slug):
    told = json.loads(asked("--dry-run", "--json").stdout)
    assert told["dry_run"] is True
    (found,) = told["tenants"]
    assert (found["tenant"], found["version"], found["promoted"], found["labels"]) == (slug, None, False, 0)
