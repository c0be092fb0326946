"""Experiments over HTTP: made, started, read, stopped, promoted and taken back."""

from __future__ import annotations

import pytest

from ccos.domain.experiment import Enrolled
from ccos.domain.tenant import Role, TenantSettings
from ccos.domain.ticket import Ticket
from ccos.store import experiments, tenants
from support.experiments import definition, drafts, keep
from support.live import Company

MODES = {
    "name": "modes",
    "arms": [{"name": "control"}, {"name": "fast", "change": {"mode": "latency_first"}}],
}
AT = "/api/experiments"


@pytest.fixture
def http(company: Company):
    with company.client(Role.SUPERVISOR) as http:
        yield http


def filled(company: Company, made):
    """Puts drafts into the experiment that is called like their definition."""

    async def go(tx):
        await keep(tx, await experiments.get(tx, "tone"), made)

    company.within(go)


def test_its_whole_life(http, company: Company):
    made = http.post(AT, json=MODES)
    assert made.status_code == 201 and made.json()["state"] == "draft"
    assert http.post(f"{AT}/modes/start").json()["state"] == "running"
    assert [each["definition"]["name"] for each in http.get(AT).json()["experiments"]] == ["modes"]
    told = http.get(f"{AT}/modes").json()
    assert told["reading"]["verdict"]["code"] == "thin"
    assert [event["what"] for event in told["events"]] == ["created", "started"]
    assert http.post(f"{AT}/modes/stop", json={"reason": "enough"}).json()["state"] == "stopped"
    promoted = http.post(f"{AT}/modes/promote", json={"arm": "fast"}).json()
    assert promoted["promoted_arm"] == "fast"

    async def choices(tx):
        return (await tenants.by_id(tx, tx.tenant_id)).settings.choices.mode

    assert company.within(choices) == "latency_first"
    assert http.delete(f"{AT}/modes/promote").json()["state"] == "stopped"
    assert company.within(choices) is None


def test_a_reading_has_intervals_and_a_verdict(http, company: Company):
    http.post(AT, json=definition().model_dump(mode="json"))
    http.post(f"{AT}/tone/start")
    filled(company, drafts(definition(), 1_500, {"control": 0.65, "warm": 0.85}))
    reading = http.get(f"{AT}/tone").json()["reading"]
    assert reading["verdict"]["code"] == "better" and reading["verdict"]["arm"] == "warm"
    last = reading["contrasts"][0]["points"][-1]
    assert 0 < last["low"] < 0.2 < last["high"] and last["n"] == 1_500
    assert sum(arm["compared"] for arm in reading["arms"]) == 1_500


def test_a_broken_one_hides_its_contrasts(http, company: Company):
    http.post(AT, json=definition().model_dump(mode="json"))
    filled(
        company,
        [one for one in drafts(definition(), 900, {"control": 0.6, "warm": 0.9}) if one.arm == "warm"],
    )
    reading = http.get(f"{AT}/tone").json()["reading"]
    assert reading["broken"] == "assigned" and reading["contrasts"] == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (MODES | {"arms": MODES["arms"][:1]}, "arms"),
        (MODES | {"sharing": 0.5}, "sharing"),
        (
            MODES | {"arms": [{"name": "a"}, {"name": "b", "change": {"cloud_allowed": True}}]},
            "cloud_allowed",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(http, body, said):
    answer = http.post(AT, json=body)
    assert answer.status_code == 422 and said in answer.text


def test_a_model_that_nobody_serves_cannot_be_tried(http):
    arms = [{"name": "control"}, {"name": "new", "change": {"models": {"tier_1": "gpt-nobody"}}}]
    http.post(AT, json=MODES | {"arms": arms})
    answer = http.post(f"{AT}/modes/start")
    assert answer.status_code in (400, 422) and "gpt-nobody of tier_1" in answer.text
    assert http.get(f"{AT}/modes").json()["state"] == "draft"


def test_two_of_one_knob_do_not_run_together(http):
    for name in ("modes", "other"):
        http.post(AT, json=MODES | {"name": name})
    assert http.post(f"{AT}/modes/start").status_code == 200
    answer = http.post(f"{AT}/other/start")
    assert answer.status_code == 409 and "modes is running" in answer.text


def test_agents_neither_see_nor_touch_them(company: Company):
    with company.client(Role.AGENT) as http:
        assert http.get(AT).status_code == 403 and http.post(AT, json=MODES).status_code == 403


def test_what_is_not_there(http):
    assert http.get(f"{AT}/nothing").status_code == 404
    assert http.post(f"{AT}/nothing/start").status_code == 404


def test_a_draft_that_is_made_now_names_its_arm(http, company: Company):
    """Through the served product: no model is there, and the rules answer in the arm's name."""
    arms = [{"name": "control", "weight": 0.0001}, {"name": "new", "change": {"guidance": "Be brief."}}]
    http.post(AT, json=MODES | {"arms": arms})
    http.post(f"{AT}/modes/start")
    ticket = company.ticket(Ticket(subject="교환", description="교환하고 싶어요"))
    answer = http.post(f"/api/tickets/{ticket}/drafts", json={})
    assert answer.status_code == 201
    (part,) = answer.json()["experiments"]
    assert Enrolled.model_validate(part).arm == "new"
    assert answer.headers["x-ccos-experiment"] == "modes=new"


def test_a_closed_cloud_stays_closed(live):
    company = live.company(TenantSettings(cloud_allowed=False))
    arms = [{"name": "control"}, {"name": "best", "change": {"mode": "quality_first"}}]
    with company.client(Role.SUPERVISOR) as http:
        http.post(AT, json=MODES | {"arms": arms})
        answer = http.post(f"{AT}/modes/start")
    assert answer.status_code in (400, 422) and "cloud" in answer.text
