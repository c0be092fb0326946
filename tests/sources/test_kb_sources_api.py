"""Sources over HTTP, and the worker that syncs them."""

from __future__ import annotations

import asyncio

import pytest

from ccos import worker
from ccos.domain.source import SourceKind, SourceSpec
from ccos.domain.tenant import Role
from ccos.store import sources
from support.help_centres import TOKEN, Site, served, zendesk_desk
from support.live import eventually

URL = "/api/kb/sources"
GOOD = {"name": "help", "kind": "zendesk", "address": "https://shop.zendesk.com"}


@pytest.fixture
def crawler(live, monkeypatch):
    """The worker's part that syncs, beside the served product."""
    monkeypatch.setattr(worker, "CRAWL_SECONDS", 0.05)
    task = asyncio.run_coroutine_threadsafe(worker.crawl(live.ccos), live.loop)
    yield
    task.cancel()


def added(company, desk, name="help", **more):
    """A source that only an operator could add: the desk is of this machine."""
    given = {"kind": SourceKind.ZENDESK, "options": {"allow_private": True}} | more
    spec = SourceSpec(name=name, address=desk.url, **given)
    company.within(lambda tx: sources.add(tx, spec))


def one(client, name="help"):
    return next(each for each in client.get(URL).json() if each["name"] == name)


def test_an_administrator_adds_lists_and_removes_a_source(company):
    with company.client() as client:
        made = client.post(URL, json=GOOD | {"every_seconds": 3600, "options": {"locale": "ko"}})
        assert made.status_code == 201
        assert made.json()["items"] == 0 and not made.json()["running"] and made.json()["token"] is None
        assert client.post(URL, json=GOOD).status_code == 409
        assert [each["name"] for each in client.get(URL).json()] == ["help"]
        assert client.delete(f"{URL}/help").json() == {"archived": 0}
        assert client.get(URL).json() == [] and client.delete(f"{URL}/help").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "/etc/passwd"},
        {"address": "file:///etc/passwd"},
        {"address": "https://user:word@example.com"},
        {"options": {"allow_private": True}},
        {"token_env": "OPENAI_API_KEY"},
        {"token_env": "KB_TOKEN_OTHER__HELP"},
        {"kind": "chatwoot"},
        {"every_seconds": 1},
        {"name": "../x"},
    ],
)
def test_what_only_the_operator_may_say_or_nobody_is_refused(company, wrong):
    with company.client() as client:
        refused = client.post(URL, json=GOOD | wrong)
        assert refused.status_code == 422 and refused.json()["code"] == "input.invalid"
        assert client.get(URL).json() == []


def test_a_tenants_own_token_may_be_named(company):
    name = f"KB_TOKEN_{company.tenant.slug.upper().replace('-', '_')}__HELP"
    with company.client() as client:
        assert client.post(URL, json=GOOD | {"token_env": name}).json()["token"] == f"env:{name}"


@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR, Role.INTEGRATION])
def test_only_an_administrator_says_where_to_fetch_from(company, role):
    with company.client(role) as client:
        assert client.post(URL, json=GOOD).status_code == 403
        assert client.delete(f"{URL}/help").status_code == 403
        assert client.get(URL).status_code == 200


def test_a_sync_that_is_asked_for_is_done_by_a_worker(company, crawler):
    with served(zendesk_desk(4)) as desk, company.client(Role.SUPERVISOR) as client:
        added(company, desk)
        asked = client.post(f"{URL}/help/sync")
        assert asked.status_code == 202 and asked.json()["waiting"]
        done = eventually(lambda: found if (found := one(client))["last_full_at"] else None)
        assert done["items"] == 4 and not done["waiting"] and done["error"] is None
        desk.articles.pop()
        assert client.post(f"{URL}/help/sync", json={"full": True}).status_code == 202
        assert eventually(lambda: one(client)["items"] == 3)


def test_while_a_source_is_synced_nobody_else_begins_or_removes_it(company, crawler):
    with served(zendesk_desk(4)) as desk, company.client() as client:
        desk.faults["/articles.json"] = ["slow"]
        added(company, desk)
        client.post(f"{URL}/help/sync")
        eventually(lambda: desk.asked("/articles.json"))
        assert one(client)["running"]
        assert client.post(f"{URL}/help/sync").status_code == 409
        assert client.delete(f"{URL}/help").status_code == 409


def test_a_scheduled_source_is_synced_by_itself_and_a_failure_keeps_its_code(company, crawler):
    with served(zendesk_desk(1)) as desk, served(Site()) as site, company.client() as client:
        desk.faults["/sections.json"] = ["refused"]
        added(company, desk, every_seconds=3_600)
        added(company, site, "web", kind=SourceKind.WEBSITE, every_seconds=3_600)
        added(company, site, "never", kind=SourceKind.WEBSITE)
        assert eventually(lambda: one(client)["error"]) == "source.refused"
        assert eventually(lambda: one(client, "web")["error"]) == "source.unreadable"
        assert len(desk.asked("/sections.json")) == 1 and one(client, "never")["last_run_at"] is None


def test_another_tenant_reaches_no_source_of_ours(live, company):
    with company.client() as client:
        client.post(URL, json=GOOD)
    with live.company().client() as other:
        assert other.get(URL).json() == []
        assert other.post(f"{URL}/help/sync").status_code == 404
        assert other.delete(f"{URL}/help").status_code == 404


def test_a_token_is_nowhere_in_what_is_told(company, crawler, monkeypatch):
    monkeypatch.setenv("HELP_TOKEN", TOKEN)
    with served(zendesk_desk(1)) as desk, company.client() as client:
        added(company, desk, secret="env:HELP_TOKEN")
        client.post(f"{URL}/help/sync")
        eventually(lambda: one(client)["items"])
        assert desk.logins == {f"Bearer {TOKEN}"} and TOKEN not in client.get(URL).text
