"""Tickets over HTTP, served for real: what is taken, what is refused and how, and what becomes of it."""

from __future__ import annotations

import json
import socket

import pytest

from ccos.domain.draft import DraftState
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from support.live import Company, Live, eventually

SHOES = {
    "external_id": "T-1",
    "subject": "구두 사이즈 교환",
    "description": "구두 사이즈가 안 맞아요. 교환되나요?",
    "channel": "email",
    "customer": {"name": "한지우", "phone": "010-0000-1234"},
}
NO_ID = "00000000-0000-7000-8000-000000000000"


def problem(response, status, code):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert told["status"] == status and told["code"] == code and told["type"] == f"urn:ccos:problem:{code}"
    assert told["title"].endswith(".")
    return told


def test_a_ticket_is_taken_and_its_draft_appears(company: Company):
    with company.client(Role.INTEGRATION) as http:
        taken = http.post("/api/tickets", json=SHOES)
        assert taken.status_code == 202
        assert taken.json()["state"] == "queued"
        draft_id, ticket_id = taken.json()["draft_id"], taken.json()["ticket_id"]

        def finished():
            draft = http.get(f"/api/drafts/{draft_id}").json()
            return draft if draft["state"] not in ("queued", "running") else None

        draft = eventually(finished)
        assert draft["state"] in ("ready", "needs_review", "abstained")
        assert draft["tier"] == "tier_3" and "한지우" in draft["reply"]
        assert draft["ticket_id"] == ticket_id
        assert {"quality", "scorer", "reason", "fields", "evidence", "attempts", "checks", "cost_usd"} <= set(
            draft
        )
        whole = http.get(f"/api/tickets/{ticket_id}").json()
        assert whole["draft"]["id"] == draft_id
        assert whole["ticket"]["customer"]["name"] == "한지우"


def test_the_same_ticket_again_changes_nothing_and_a_changed_one_supersedes_its_draft(company: Company):
    with company.client() as http:
        first = http.post("/api/tickets", json=SHOES).json()
        again = http.post("/api/tickets", json=SHOES).json()
        assert (again["ticket_id"], again["draft_id"]) == (first["ticket_id"], first["draft_id"])
        changed = http.post("/api/tickets", json=SHOES | {"description": "이제 환불로 바꿔 주세요."}).json()
        assert changed["ticket_id"] == first["ticket_id"]
        assert changed["draft_id"] != first["draft_id"]

        def settled():
            return http.get(f"/api/drafts/{first['draft_id']}").json()["state"] == "superseded"

        eventually(settled)
        assert len(http.get("/api/tickets").json()["tickets"]) == 1


def test_tickets_are_listed_newest_first_in_pages_and_found_by_words(company: Company):
    for day in range(1, 6):
        company.ticket(Ticket(subject=f"문의 {day}", created_at=f"2026-11-0{day}T09:00:00Z"))  # type: ignore[arg-type]
    with company.client(Role.AGENT) as http:
        first = http.get("/api/tickets", params={"limit": 3}).json()
        assert [t["subject"] for t in first["tickets"]] == ["문의 5", "문의 4", "문의 3"]
        second = http.get("/api/tickets", params={"limit": 3, "after": first["next"]}).json()
        assert [t["subject"] for t in second["tickets"]] == ["문의 2", "문의 1"]
        assert second["next"] is None
        found = http.get("/api/tickets", params={"text": "의 4"}).json()
        assert [t["subject"] for t in found["tickets"]] == ["문의 4"]
        assert http.get("/api/tickets", params={"status": "closed"}).json()["tickets"] == []
        problem(http.get("/api/tickets", params={"after": "nonsense"}), 422, "input.invalid")
        problem(http.get("/api/tickets", params={"limit": 0}), 422, "input.invalid")
        assert http.get("/api/tickets", params={"text": "\0'%_\\"}).json()["tickets"] == []


def test_a_draft_is_made_now_in_place_of_the_open_one(company: Company):
    ticket_id = company.ticket(Ticket(**SHOES))
    older = company.draft(ticket_id, DraftState.READY, reply="이전 답변")
    with company.client(Role.AGENT) as http:
        made = http.post(
            f"/api/tickets/{ticket_id}/drafts", json={"hint": "짧게", "mode": "outage", "seconds": 5}
        )
        assert made.status_code == 201
        draft = made.json()
        assert draft["tier"] == "tier_3" and draft["reply"]
        assert made.headers["x-ccos-tier"] == "tier_3"
        assert made.headers["x-ccos-model"] == draft["model"]
        assert float(made.headers["x-ccos-quality"]) == pytest.approx(draft["quality"], abs=1e-4)
        assert int(made.headers["x-ccos-attempts"]) >= 1
        assert made.headers["x-ccos-cost-usd"] == "0.000000"
        assert http.get(f"/api/drafts/{older.id}").json()["state"] == "superseded"
        assert http.post(f"/api/tickets/{ticket_id}/drafts").status_code == 201  # no body is needed
        problem(http.post(f"/api/tickets/{NO_ID}/drafts"), 404, "not_found")
        problem(
            http.post(f"/api/tickets/{ticket_id}/drafts", json={"mode": "cheapest"}), 422, "input.invalid"
        )
        problem(http.post(f"/api/tickets/{ticket_id}/drafts", json={"seconds": 0}), 422, "input.invalid")


def test_no_key_a_wrong_key_and_a_revoked_one_are_refused_alike(live: Live, company: Company):
    with live.client() as http:
        refused = http.get("/api/tickets")
        problem(refused, 401, "auth.refused")
        assert refused.headers["www-authenticate"] == "Bearer"
    for key in ("ccos_" + "x" * 43, "nonsense", "ccos_" + "é" * 43):
        with live.client() as http:
            answer = http.get("/api/tickets", headers={"Authorization": f"Bearer {key}".encode()})
            assert (
                problem(answer, 401, "auth.refused")["title"]
                == "The API key is missing, wrong, or may not do this."
            )
    with live.client() as http:
        problem(http.get("/api/tickets", headers={"Authorization": "Basic abc"}), 401, "auth.refused")


@pytest.mark.parametrize(
    ("method", "path", "body", "roles"),
    [
        (
            "POST",
            "/api/drafts/{draft}/decision",
            {"verdict": "approved"},
            {Role.AGENT, Role.SUPERVISOR, Role.ADMIN},
        ),
        ("PUT", "/api/kb/a", {"title": "t", "body": "b"}, {Role.INTEGRATION, Role.SUPERVISOR, Role.ADMIN}),
    ],
)
def test_a_role_reaches_what_it_is_for_and_nothing_else(company: Company, method, path, body, roles):
    ticket_id = company.ticket(Ticket(**SHOES))
    for role in Role:
        draft = company.draft(ticket_id, DraftState.READY, reply="답변")
        with company.client(role) as http:
            answer = http.request(method, path.format(draft=draft.id), json=body)
        if role in roles:
            assert answer.status_code == 200, (role, answer.text)
        else:
            assert "roles" in problem(answer, 403, "auth.refused")["title"]


def test_nothing_of_another_company_can_be_seen_or_touched(live: Live, company: Company):
    ticket_id = company.ticket(Ticket(**SHOES))
    draft = company.draft(ticket_id, DraftState.READY, reply="비밀 답변")
    with live.company().client() as stranger:
        for answer in (
            stranger.get(f"/api/tickets/{ticket_id}"),
            stranger.get(f"/api/drafts/{draft.id}"),
            stranger.get(f"/api/drafts/{draft.id}/events"),
            stranger.post(f"/api/tickets/{ticket_id}/drafts"),
            stranger.post(f"/api/drafts/{draft.id}/decision", json={"verdict": "approved"}),
        ):
            problem(answer, 404, "not_found")
            assert "비밀" not in answer.text
        assert stranger.get("/api/tickets").json()["tickets"] == []
    with company.client() as http:
        assert http.get(f"/api/drafts/{draft.id}").json()["state"] == "ready"


@pytest.mark.parametrize(
    "path", ["/api/tickets/nonsense", f"/api/tickets/{NO_ID}", "/api/drafts/x", "/api/nothing"]
)
def test_what_is_not_there_is_a_404(company: Company, path):
    with company.client() as http:
        problem(http.get(path), 404, "not_found")


def test_a_method_that_a_route_does_not_have_is_a_405(company: Company):
    with company.client() as http:
        answer = http.delete("/api/tickets")
        problem(answer, 405, "method.not_allowed")
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    "body",
    [b"{", b"not json", b'{"subject": "\xff"}', b"[" * 100_000, b'{"subject": }', b"\xef\xbb\xbf{"],
    ids=["cut", "words", "not utf-8", "deep", "no value", "byte order mark"],
)
def test_a_body_that_is_no_json_is_a_400(company: Company, body):
    with company.client() as http:
        answer = http.post("/api/tickets", content=body, headers={"content-type": "application/json"})
        problem(answer, 400, "json.invalid")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"subject": ["geheim-4711"]}, "subject"),
        ({"subject": "x" * 201}, "subject"),
        ({"description": "x" * 100_001}, "description"),
        ({"subject": "s", "priority": "geheim-4711"}, "priority"),
        ({"subject": "s", "geheimnis": 1}, "geheimnis"),
        ({"subject": "s", "customer": {"email": 4711}}, "customer.email"),
        ({"subject": "s", "tags": ["t"] * 51}, "tags"),
        ({"subject": "s", "created_at": "geheim-4711"}, "created_at"),
        ({"subject": "s", "created_at": "9999-12-31T23:59:59Z"}, "created_at"),
        ({"subject": "s", "created_at": "0001-01-01T00:00:00+14:00"}, "created_at"),
        (
            {"conversation_history": [{"role": "agent", "text": "t", "at": "1969-12-31T23:59:59Z"}]},
            "conversation_history.0.at",
        ),
        ({"conversation_history": [{"role": "customer", "text": "x" * 100_000}] * 11}, "body"),
        (
            {"subject": "s", "conversation_history": [{"role": "bot", "text": "t"}]},
            "conversation_history.0.role",
        ),
        ({"subject": "s", "conversation_history": [{"role": "agent"}]}, "conversation_history.0.text"),
        ([], "body"),
        ("geheim-4711", "body"),
        (None, "body"),
    ],
)
def test_a_wrong_field_is_named_and_what_was_sent_is_not_said_back(company: Company, body, field):
    with company.client() as http:
        answer = http.post("/api/tickets", json=body)
    told = problem(answer, 422, "input.invalid")
    assert told["errors"][0]["field"] == field
    assert "4711" not in answer.text and "xxx" not in answer.text


@pytest.mark.parametrize("body", [{}, {"subject": " \n "}, {"external_id": "T-9", "description": "\0"}])
def test_a_ticket_that_says_nothing_is_refused_with_what_to_do(company: Company, body):
    with company.client() as http:
        told = problem(http.post("/api/tickets", json=body), 422, "ticket.invalid")
        assert "give it a subject" in told["title"]
        assert http.get("/api/tickets").json()["tickets"] == []


def test_a_body_over_the_limit_is_a_413_whether_its_length_is_told_or_not(live: Live, company: Company):
    body = json.dumps({"subject": "s", "description": "x" * 5_000_000}).encode()
    with company.client() as http:
        answer = http.post("/api/tickets", content=body, headers={"content-type": "application/json"})
        assert "2 MB" in problem(answer, 413, "input.too_large")["title"]

    def chunks():
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    with company.client() as http:
        answer = http.post("/api/tickets", content=chunks(), headers={"content-type": "application/json"})
        problem(answer, 413, "input.too_large")
    with company.client() as http:
        assert http.get("/api/tickets").json()["tickets"] == []  # and the server is as well as before


def test_a_sender_who_leaves_in_the_middle_stores_nothing(live: Live, company: Company):
    host, port = live.url.removeprefix("http://").split(":")
    head = (
        f"POST /api/tickets HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {company.keys[Role.ADMIN]}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    whole = b'{"subject": "half a body that happens to be whole"}'
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(
            head.encode() + f"{len(whole):x}\r\n".encode() + whole + b"\r\n"
        )  # the last chunk is missing
    with company.client() as http:
        assert http.get("/livez").status_code == 200
        assert http.get("/api/tickets").json()["tickets"] == []


def test_nul_and_lone_surrogates_are_dropped_and_the_rest_is_kept(company: Company):
    body = r'{"subject": "반\u0000품 \ud800문의", "description": "\ud83d\ude00 좋아요\udfff", "tags": ["a\u0000b"]}'
    with company.client() as http:
        taken = http.post("/api/tickets", content=body, headers={"content-type": "application/json"})
        assert taken.status_code == 202, taken.text
        stored = http.get(f"/api/tickets/{taken.json()['ticket_id']}").json()["ticket"]
    assert (stored["subject"], stored["description"], stored["tags"]) == ("반품 문의", "😀 좋아요", ["ab"])
