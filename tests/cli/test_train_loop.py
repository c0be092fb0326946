"""`ccos train loop` over a database of decisions."""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from click.testing import CliRunner

from ccos.cli import ccos
from ccos.store import approved_answers, quality_models, tenants
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


@pytest.fixture
def stocked(slug, monkeypatch):
    """Two versions, of which the second serves, and a proposed answer."""

    async def fill():
        async with opened(Database(os.environ["DATABASE_URL"])) as database:
            async with database.unbound() as tx:
                shop = await tenants.by_slug(tx, slug)
            async with database.tenant(shop.id) as tx:
                await approved_answers.propose(
                    tx, intent="refund", language="en", body="Soon.", slots=(), tickets=3, changed=0.0
                )
            for reason in ("first", "second"):
                async with database.tenant(shop.id) as tx:
                    made = await quality_models.add(
                        tx, kind="calibration", scorer="s", labels=90, held_back=30, content={}, reason=reason
                    )
                async with database.tenant(shop.id) as tx:
                    await quality_models.promote(tx, made.id, by="loop")

    asyncio.run(fill())
    return slug


def learned(*arguments):
    return CliRunner().invoke(ccos, ["train", "learned", *arguments])


def states(slug, *arguments):
    told = json.loads(learned("--tenant", slug, "--json", *arguments).stdout)
    return [each["state"] for each in told["versions"]], told["answers"]


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


def test_versions_are_promoted_and_gone_back_from(stocked):
    assert states(stocked)[0] == ["active", "retired"]
    assert states(stocked, "--rollback")[0] == ["retired", "active"]
    assert states(stocked, "--promote", "2")[0] == ["active", "retired"]
    assert "second" in learned("--tenant", stocked).stdout


def test_a_proposed_answer_is_accepted_by_a_person(stocked):
    _, (answer,) = states(stocked)
    assert answer["state"] == "proposed"
    _, (settled,) = states(stocked, "--accept", answer["id"])
    assert (settled["state"], settled["decided_by"]) == ("accepted", "cli")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--promote", "9"), "There is no version 9"),
        (("--promote", "1", "--rollback"), "Either --promote or --rollback"),
        (("--accept", "x", "--refuse", "x"), "either accepted or refused"),
    ],
)
def test_what_cannot_be_done_is_said(stocked, arguments, sentence):
    made = learned("--tenant", stocked, *arguments)
    assert made.exit_code != 0 and sentence in str(made.exception.sentence)
    assert states(stocked)[0] == ["active", "retired"]


def test_nothing_learnt_says_what_to_do(slug):
    made = learned("--tenant", slug)
    assert made.exit_code == 0 and "ccos train loop" in made.stderr
