"""Drafts over HTTP: decided once, followed while they are made, and closed to pages of other sites."""

from __future__ import annotations

import json
from functools import partial

import pytest

from ccos.api.caller import COOKIE
from ccos.domain.draft import DraftState
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.store import decisions, drafts
from support.live import Company, Live

ASKED = Ticket(subject="교환", description="교환되나요?")


@pytest.fixture
def draft(company: Company):
    return company.draft(company.ticket(ASKED), DraftState.READY, reply="네, 교환해 드립니다.")


def test_the_same_decision_twice_is_harmless_and_another_one_is_a_conflict(company: Company, draft):
    with company.client(Role.AGENT) as http:
        path = f"/api/drafts/{draft.id}/decision"
        for _ in range(2):
            assert http.post(path, json={"verdict": "approved", "csat": 5}).json()["state"] == "approved"
        answer = http.post(path, json={"verdict": "rejected", "reason": "no"})
        assert answer.status_code == 409
        assert answer.json()["code"] == "conflict" and "approved" in answer.json()["title"]
        assert http.get(f"/api/drafts/{draft.id}").json()["state"] == "approved"


def test_a_decision_is_taken_back_by_whoever_made_it(company: Company, draft):
    path = f"/api/drafts/{draft.id}/decision"
    with company.client(Role.AGENT) as http, company.client(Role.SUPERVISOR) as other:
        assert http.delete(path).status_code == 404
        http.post(path, json={"verdict": "rejected", "reason": "policy", "note": "옛 규정입니다."})
        assert other.delete(path).status_code == 409
        assert http.delete(path).json()["state"] == "ready"
        assert http.post(path, json={"verdict": "approved"}).json()["state"] == "approved"
    with company.client(Role.INTEGRATION) as desk:
        assert desk.delete(path).status_code == 403


def test_what_became_of_a_ticket_is_told_afterwards(company: Company, draft):
    path = f"/api/tickets/{draft.ticket_id}/outcome"
    with company.client(Role.INTEGRATION) as desk, company.client(Role.AGENT) as http:
        assert desk.put(path, json={"csat": 5}).status_code == 404  # nothing went out yet
        http.post(f"/api/drafts/{draft.id}/decision", json={"verdict": "approved"})
        assert desk.put(path, json={"csat": 5}).status_code == 204
        assert desk.put(path, json={"reopened_at": "2026-11-21T00:00:00Z"}).status_code == 204
        assert desk.put(path, json={"csat": 6}).status_code == 422
        assert desk.put("/api/tickets/nobody/outcome", json={}).status_code == 404
    kept = company.within(lambda tx: decisions.of_draft(tx, draft.id))
    assert kept is not None and kept.reopened_at is not None
    assert (kept.csat, kept.reopened_at.isoformat()) == (5, "2026-11-21T00:00:00+00:00")


def test_an_edit_keeps_what_was_really_sent(company: Company, draft):
    with company.client(Role.SUPERVISOR) as http:
        body = {
            "verdict": "edited",
            "text": "네,\0 바로 교환해 드립니다.",
            "fields": {"category": "교환"},
            "reason": "짧게",
        }
        assert http.post(f"/api/drafts/{draft.id}/decision", json=body).json()["state"] == "edited"
    kept = company.within(lambda tx: decisions.of_draft(tx, draft.id))
    assert kept is not None
    assert (kept.text, dict(kept.fields), kept.reason) == (
        "네, 바로 교환해 드립니다.",
        {"category": "교환"},
        "짧게",
    )


@pytest.mark.parametrize(
    "body",
    [{}, {"verdict": "maybe"}, {"verdict": "approved", "csat": 6}, {"verdict": "approved", "reason": "x" * 201},
     {"verdict": "edited"}, {"verdict": "edited", "text": ""}, {"verdict": "edited", "text": " \n\0"}],
)  # fmt: skip
def test_a_decision_that_says_too_little_or_too_much_is_refused(company: Company, draft, body):
    with company.client() as http:
        answer = http.post(f"/api/drafts/{draft.id}/decision", json=body)
        assert answer.status_code == 422 and answer.json()["code"] == "input.invalid"
        assert http.get(f"/api/drafts/{draft.id}").json()["state"] == "ready"


@pytest.mark.parametrize(
    "state", [DraftState.QUEUED, DraftState.FAILED, DraftState.SUPERSEDED, DraftState.EXPIRED]
)
def test_only_a_draft_that_waits_for_a_person_can_be_decided(company: Company, state):
    draft = company.draft(company.ticket(ASKED), state)
    with company.client() as http:
        answer = http.post(f"/api/drafts/{draft.id}/decision", json={"verdict": "approved"})
        assert answer.status_code == 409 and state.value in answer.json()["title"]


def events(response):
    """The events of a stream as (name, data)."""
    name = ""
    for line in response.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def test_a_draft_is_followed_to_its_end(company: Company):
    queued = company.draft(company.ticket(ASKED), DraftState.QUEUED)
    done = queued.model_copy(update={"state": DraftState.READY, "reply": "끝."})
    seen, run = [], 0
    with company.client() as http, http.stream("GET", f"/api/drafts/{queued.id}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        for name, data in events(stream):
            seen.append((name, data["state"]))
            if seen[-1] == ("state", "queued"):
                run = company.within(lambda tx: drafts.start(tx, queued.id))
            elif seen[-1] == ("state", "running"):
                company.within(partial(drafts.finish, draft=done, run=run))
    assert seen == [("state", "queued"), ("state", "running"), ("state", "ready"), ("draft", "ready")]


def test_following_a_finished_draft_tells_it_at_once(company: Company, draft):
    with company.client() as http, http.stream("GET", f"/api/drafts/{draft.id}/events") as stream:
        told = list(events(stream))
    assert [name for name, _ in told] == ["state", "draft"]
    assert told[1][1]["reply"] == draft.reply


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://127.0.0.1:1"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"origin": "OWN"}, 200),
    ],
)
def test_the_cookie_changes_nothing_for_another_sites_page(
    live: Live, company: Company, draft, headers, status
):
    sent = {name: value.replace("OWN", live.url) for name, value in headers.items()}
    cookies = {COOKIE: company.keys[Role.ADMIN]}
    with live.client(cookies=cookies) as http:
        answer = http.post(f"/api/drafts/{draft.id}/decision", json={"verdict": "approved"}, headers=sent)
        assert answer.status_code == status, answer.text
        assert http.get(f"/api/drafts/{draft.id}").status_code == 200  # reading is open to it
