"""Knowledge gaps over HTTP: who may do what, and from a question to an article."""

import asyncio
import time

import pytest

from ccos import worker
from ccos.domain.draft import Draft, DraftState
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.store import decisions, drafts, tickets
from support.live import Company

QUESTIONS = ("선물 포장 되나요?", "선물포장 가능한가요")
ANSWER = "선물 포장은 결제 화면에서 2,000원에 고르실 수 있습니다."


async def ask(tx):
    """Two customers ask the same, no draft answers, and an agent writes one reply."""
    for n, text in enumerate(QUESTIONS):
        ticket = (await tickets.put(tx, Ticket(subject=text, channel="chat"))).ticket
        draft = await drafts.queue(tx, ticket.id)
        run = await drafts.start(tx, draft.id)
        made = Draft(id=draft.id, ticket_id=ticket.id, state=DraftState.ABSTAINED, reply="확인하겠습니다.")
        await drafts.finish(tx, made, run=run)
        if n == 0:
            await decisions.decide(tx, draft.id, "edited", text=ANSWER)


@pytest.fixture
def asked(company: Company):
    company.within(ask)
    with company.client(Role.SUPERVISOR) as http:
        assert http.post("/api/kb/gaps/refresh").status_code == 200
    return company


def test_a_worker_finds_a_gap_by_itself(company: Company):
    company.within(ask)
    live = company.live
    task = asyncio.run_coroutine_threadsafe(worker.look_for_gaps(live.ccos), live.loop)
    try:
        with company.client() as http:
            until = time.monotonic() + 30
            while not http.get("/api/kb/gaps").json()["gaps"] and time.monotonic() < until:
                time.sleep(0.05)
            assert the_gap(http)["count"] == 2
    finally:
        task.cancel()


def the_gap(http, **params):
    (gap,) = http.get("/api/kb/gaps", params=params).json()["gaps"]
    return gap


def test_a_gap_becomes_an_article_that_is_found(asked: Company):
    with asked.client(Role.SUPERVISOR) as http:
        gap = the_gap(http)
        assert gap["count"] == 2 and sorted(gap["examples"]) == sorted(QUESTIONS)
        assert gap["channels"] == {"chat": 2} and gap["why"] == {"held": 2} and gap["weeks"] == [0, 0, 0, 2]
        made = http.post(f"/api/kb/gaps/{gap['id']}/propose").json()
        assert made["state"] == "proposed" and made["proposal"]["complete"]
        assert made["proposal"]["tags"] == ["machine-made"] and "2,000원" in made["proposal"]["body"]
        assert http.get("/api/kb/search", params={"q": "선물 포장"}).json() == []
        done = http.post(f"/api/kb/gaps/{gap['id']}/accept", json={"public": True}).json()
        assert done["state"] == "accepted" and done["visibility"] == "public" and done["decided_by"]
        (hit,) = http.get("/api/kb/search", params={"q": "선물 포장"}).json()
        assert (
            hit["id"] == done["article_id"] and hit["visibility"] == "public" and "2,000원" in hit["snippet"]
        )
        assert http.get("/api/kb/gaps").json() == {"gaps": []}
        assert the_gap(http, state="accepted")["id"] == gap["id"]
        assert http.post(f"/api/kb/gaps/{gap['id']}/accept", json={}).status_code == 409


def test_an_agent_sees_gaps_and_decides_nothing_and_an_integration_sees_none(asked: Company):
    with asked.client(Role.AGENT) as http:
        gap = the_gap(http)
        assert http.get(f"/api/kb/gaps/{gap['id']}").json()["label"] == gap["label"]
        for path, body in (
            ("refresh", {}),
            (f"{gap['id']}/propose", {}),
            (f"{gap['id']}/accept", {}),
            (f"{gap['id']}/dismiss", {"reason": "no"}),
        ):
            assert http.post(f"/api/kb/gaps/{path}", json=body).status_code == 403, path
    with asked.client(Role.INTEGRATION) as http:
        assert http.get("/api/kb/gaps").status_code == 403
    with asked.client(Role.ADMIN) as http:
        gone = http.post(f"/api/kb/gaps/{gap['id']}/dismiss", json={"reason": "포장은 안 합니다"}).json()
        assert (gone["state"], gone["reason"]) == ("dismissed", "포장은 안 합니다")
        assert http.get("/api/kb/gaps").json() == {"gaps": []}


def test_another_companys_gap_is_not_there(asked: Company):
    with asked.client() as http:
        gap = the_gap(http)
    with asked.live.company().client() as stranger:
        assert stranger.get("/api/kb/gaps").json() == {"gaps": []}
        assert stranger.get(f"/api/kb/gaps/{gap['id']}").status_code == 404
        assert stranger.post(f"/api/kb/gaps/{gap['id']}/propose").status_code == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("{id}/dismiss", {}),
        ("{id}/dismiss", {"reason": ""}),
        ("{id}/dismiss", {"reason": " "}),
        ("{id}/dismiss", {"reason": "x" * 501}),
        ("{id}/accept", {"publik": True}),
        ("no-id/propose", {}),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(asked: Company, path, body):
    with asked.client() as http:
        gap = the_gap(http)
        answer = http.post("/api/kb/gaps/" + path.format(id=gap["id"]), json=body)
        assert answer.status_code == 422 and answer.json()["code"] == "input.invalid"
        assert the_gap(http) == gap


@pytest.mark.parametrize("params", [{"min": 0}, {"days": 0}, {"days": 181}, {"limit": 0}, {"state": "gone"}])
def test_a_list_that_cannot_be_made_is_refused(company: Company, params):
    with company.client() as http:
        assert http.get("/api/kb/gaps", params=params).status_code == 422
        assert http.get("/api/kb/gaps").json() == {"gaps": []}
