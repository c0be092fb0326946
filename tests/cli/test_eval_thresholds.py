"""`ccos eval thresholds` over a database of labels."""

from __future__ import annotations

import asyncio
import json

import pytest
from click.testing import CliRunner

from ccos.cli import ccos
from ccos.domain.tenant import TenantSettings
from ccos.store import certificates, tenants
from ccos.store.certificates import Basis, Certification
from ccos.store.database import Database
from ccos.store.migrate import migrate
from support.postgres import embedded_server, fresh_database  # noqa: F401
from support.store import certificate, new_tenant, opened


@pytest.fixture
def urls(embedded_server, monkeypatch):  # noqa: F811
    with fresh_database(embedded_server, "thresholds_tests") as urls:
        migrate(urls.owner)
        monkeypatch.setenv("DATABASE_URL", urls.app)
        yield urls


@pytest.fixture
def slugs(urls):
    """One tenant with thresholds of its own, and one without."""

    async def fill():
        async with opened(Database(urls.app)) as database:
            own, none = await new_tenant(database, "own"), await new_tenant(database, "none")
            async with database.tenant(own.id) as tx:
                basis = Basis("learned-1", "tier_0:gpt", "p1", *await certificates.now_for(tx))
                made = Certification(basis, None, None, None, labels=40, look=3, wanted=7)
                nothing = certificate(required=0.9, threshold=None, accepted=0, bad=0, risk_bound=None)
                await certificates.put(tx, made, [certificate(), nothing], fingerprint="f1")
            return own.slug, none.slug

    return asyncio.run(fill())


def asked(*arguments):
    """As `ccos eval thresholds`: click remembers a command's help option as it was first asked for."""
    return CliRunner().invoke(ccos, ["eval", "thresholds", *arguments], catch_exceptions=False)


def test_every_tenants_thresholds_are_shown_with_their_evidence(slugs):
    own, none = slugs
    made = asked()
    assert made.exit_code == 0
    lines = made.stdout.splitlines()
    line = next(line for line in lines if "0.6400" in line)
    assert line.split() == ["solution_draft", "all", "0.70", "0.6400", "40", "33", "2", "0.160", "0.900"]
    assert any("0.90" in line and "review all" in line for line in lines)
    assert "look 3" in made.stdout and "learned-1" in made.stdout
    assert "wants 7 more labels" in " ".join(made.stdout.split()) and "have changed" not in made.stdout
    assert none in made.stderr and own not in made.stderr


def test_one_tenant_in_json(slugs):
    own, _ = slugs
    told = json.loads(asked("--tenant", own, "--json").stdout)
    (found,) = told["tenants"]
    assert (found["tenant"], found["certification"]["look"]) == (own, 3)
    assert [(c["required"], c["threshold"], c["fingerprint"]) for c in found["certificates"]] == [
        (0.7, 0.64, "f1"),
        (0.9, None, "f1"),
    ]


def test_certifying_by_hand_goes_by_the_labels_there_are(slugs):
    own, _ = slugs
    told = json.loads(asked("--tenant", own, "--certify", "--json").stdout)
    assert told["tenants"][0]["certificates"] == []  # nobody decided anything, whatever stood there
    seen = told["tenants"][0]["certification"]
    assert (seen["labels"], seen["look"], seen["wanted"]) == (0, 0, 30)  # and nothing to see costs no look


def test_thresholds_from_before_a_change_of_settings_say_so(slugs, urls):
    own, none = slugs

    async def change():
        async with opened(Database(urls.app)) as database:
            async with database.unbound() as tx:
                whose = await tenants.by_slug(tx, own)
            async with database.tenant(whose.id) as tx:
                await tenants.update_settings(tx, TenantSettings(banned_phrases=("절대",)))

    asyncio.run(change())
    assert "have changed since" in " ".join(asked().stdout.split())
    told = json.loads(asked("--json").stdout)["tenants"]
    known = {each["tenant"]: each["certification"] for each in told}
    assert known[own]["stale"] is True and known[none] is None


def test_without_tenants_it_says_what_to_do(urls):
    made = asked()
    assert made.exit_code == 0 and "ccos tenants create" in made.stderr
