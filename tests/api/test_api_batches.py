"""Batches over HTTP, served for real: what is taken, what each line comes to, and who goes first."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading

from ccos.api.batches import READ_AT_ONCE
from ccos.cli.reading import ticket_lines
from ccos.domain.batch import mark, named
from ccos.domain.draft import DraftState
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.store import batches
from support.live import Company, Live, eventually

NO_ID = "00000000-0000-7000-8000-000000000000"
LINES = {"Content-Type": "application/x-ndjson"}
ENDED = ("ready", "needs_review", "abstained")


def ticket(number: int, **more) -> dict:
    return {
        "external_id": f"B-{number}",
        "subject": "배송 지연",
        "description": f"{number}번 주문이 안 와요.",
    } | more


def ndjson(*tickets: object) -> bytes:
    return b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in tickets)


def send(http, body: bytes, status: int = 202) -> dict:
    answer = http.post("/api/batches", content=body, headers=LINES)
    assert answer.status_code == status, answer.text
    return answer.json()


def problem(response, status, code):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    told = response.json()
    assert (told["status"], told["code"]) == (status, code), told
    return told["title"]


def results(http, batch_id: str, **params) -> list[dict]:
    answer = http.get(f"/api/batches/{batch_id}/results", params=params)
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def done(http, batch_id: str, *, seconds: float = 60) -> dict:
    def look():
        report = http.get(f"/api/batches/{batch_id}").json()
        return report if report["state"] == "done" else None

    return eventually(look, seconds=seconds)


def test_every_line_of_a_batch_ends_with_a_draft_or_with_what_is_wrong_with_it(company: Company, tmp_path):
    body = b"\xef\xbb\xbf" + ndjson(ticket(1), ticket(2)).replace(b"\n", b"\r\n")
    body += (
        b"\n" + b'{"subject": 5}\n' + b"not json\n" + b"\xff\xfe\n" + ndjson({"subject": "이름 없는 문의"})
    )
    with company.client(Role.INTEGRATION) as http:
        answer = http.post("/api/batches", content=body, headers=LINES)
        assert answer.status_code == 202
        taken = answer.json()
        assert answer.headers["location"] == f"/api/batches/{taken['id']}"
        assert (taken["total"], taken["bad_lines"]) == (6, 3)
        report = done(http, taken["id"])
        assert report["finished"] == 6 and sum(report["states"].values()) == 3
        assert set(report["states"]) <= set(ENDED)
        assert report["tiers"] == {"tier_3": 3} and report["cost_usd"] == 0
        assert report["seconds_left"] == 0
        assert taken["created_at"] <= report["began_at"] <= report["ended_at"]
        rows = results(http, taken["id"])
        assert [row["line"] for row in rows] == [1, 2, 4, 5, 6, 7]
        assert [row["error"]["code"] for row in rows[2:5]] == ["ticket.invalid"] * 3
        assert rows[2]["error"]["message"].startswith("subject: Input should be a valid string.")
        assert "not UTF-8" in rows[4]["error"]["message"]
        drafted = [row for row in rows if "error" not in row]
        assert all(row["reply"] and row["state"] in ENDED for row in drafted)
        assert [row["external_id"] for row in drafted[:2]] == ["B-1", "B-2"]
        for row in drafted:
            whole = http.get(f"/api/drafts/{row['id']}").json()
            assert whole == {name: row[name] for name in whole}
        assert len(http.get("/api/tickets").json()["tickets"]) == 3

    (tmp_path / "same.jsonl").write_bytes(body)
    read = [(n, named(t, n)) for n, t in ticket_lines(str(tmp_path / "same.jsonl")) if isinstance(t, Ticket)]
    assert [(n, mark(t), t.external_id) for n, t in read] == [
        (row["line"], row["ticket"], row["external_id"]) for row in drafted
    ]


def test_a_list_in_one_document_is_a_batch_too(company: Company):
    with company.client() as http:
        sent = {"tickets": [ticket(1), "no ticket", {"subject": " "}]}
        taken = http.post("/api/batches", json=sent)
        assert taken.status_code == 202
        done(http, taken.json()["id"])
        rows = results(http, taken.json()["id"])
        assert [row["line"] for row in rows] == [1, 2, 3]
        assert "must be one JSON object; this is a text" in rows[1]["error"]["message"]
        assert "says nothing" in rows[2]["error"]["message"]
        for wrong in ({"tickets": {}}, {"tickets": [ticket(1)], "more": 1}, [ticket(1)], {}):
            problem(http.post("/api/batches", json=wrong), 422, "input.invalid")
        broken = http.post(
            "/api/batches", content=b'{"tickets": [', headers={"Content-Type": "application/json"}
        )
        problem(broken, 400, "json.invalid")
        bomb = b'{"tickets": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"
        problem(
            http.post("/api/batches", content=bomb, headers={"Content-Type": "application/json"}),
            400,
            "json.invalid",
        )
        large = json.dumps({"tickets": [ticket(1, description="가" * 50_000)] * 15}).encode()
        said = problem(
            http.post("/api/batches", content=large, headers={"Content-Type": "application/json"}),
            413,
            "input.too_large",
        )
        assert "application/x-ndjson" in said


def test_hostile_lines_cost_only_themselves(company: Company):
    secret = "tell-nobody"
    lines = [
        json.dumps(ticket(1, description="a\0b\ud800c")).encode(),
        b'{"subject": "' + b"x" * 2_100_000 + b'"}',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"subject":' * 700 + b"1" + b"}" * 700,
        b'{"subject": "' + secret.encode() + b'", "zzz": 1}',
        b'{"subject": 1' + b"0" * 5_000 + b"}",
        b"null",
        b"\0\0\0",
        b'{"subject": "\xed\xa0\x80"}',
        json.dumps(ticket(2, external_id="x" * 300)).encode(),
        json.dumps(ticket(10)).encode(),
    ]
    with company.client() as http:
        taken = send(http, b"\n".join(lines))
        assert (taken["total"], taken["bad_lines"]) == (11, 9)
        done(http, taken["id"])
        rows = results(http, taken["id"])
        assert [row["line"] for row in rows if "error" not in row] == [1, 11]
        assert all(row["error"]["code"] == "ticket.invalid" for row in rows[1:10])
        assert "over 2 MB" in rows[1]["error"]["message"]
        assert "nested too deeply" in rows[2]["error"]["message"]
        assert secret not in json.dumps(rows[1:10])
        stored = http.get(f"/api/tickets/{rows[0]['ticket_id']}").json()["ticket"]
        assert stored["description"] == "abc"


def test_what_is_no_batch_at_all_is_refused_whole(company: Company):
    with company.client() as http:
        assert "no tickets" in problem(
            http.post("/api/batches", content=b"", headers=LINES), 422, "batch.no_ticket"
        )
        problem(http.post("/api/batches", content=b"\r\n \n\n", headers=LINES), 422, "batch.no_ticket")
        said = problem(http.post("/api/batches", content=b"\n5\n{}\n", headers=LINES), 422, "batch.no_ticket")
        assert "Line 2: The ticket must be one JSON object" in said
        many = b'{"subject": "a"}\n' * 10_000 + b"{}\n"
        problem(http.post("/api/batches", content=many, headers=LINES), 422, "batch.too_many")
        text = {"Content-Type": "text/plain"}
        problem(http.post("/api/batches", content=b"{}", headers=text), 415, "media_type.unsupported")
        packed = LINES | {"Content-Encoding": "gzip"}
        problem(http.post("/api/batches", content=b"{}", headers=packed), 415, "encoding.unsupported")
        large = (json.dumps(ticket(1, description="x" * 90_000)).encode() + b"\n") * 400
        problem(http.post("/api/batches", content=large, headers=LINES), 413, "input.too_large")
        parts = (large[at : at + 65_536] for at in range(0, len(large), 65_536))
        problem(http.post("/api/batches", content=parts, headers=LINES), 413, "input.too_large")
        assert http.get("/api/batches").json() == {"batches": [], "next": None}
        assert http.get("/api/tickets").json()["tickets"] == []


def sending(company: Company, body: bytes, length: int) -> socket.socket:
    """A sender of part of a batch, on an open connection."""
    host, port = company.live.url.removeprefix("http://").split(":")
    door = socket.create_connection((host, int(port)), timeout=20)
    head = (
        f"POST /api/batches HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {company.keys[Role.ADMIN]}\r\n"
    )
    head += f"Content-Type: application/x-ndjson\r\nContent-Length: {length}\r\n\r\n"
    door.sendall(head.encode() + body)
    return door


def test_of_a_sender_who_leaves_in_the_middle_nothing_is_kept(company: Company):
    def gone() -> int:
        counted = re.search(
            r'ccos_http_request_seconds_count\{method="POST",route="/api/batches",status="499"\} (\d+)',
            http.get("/metrics").text,
        )
        return int(counted[1]) if counted else 0

    with company.client() as http:
        before = gone()
        sending(company, ndjson(ticket(1), ticket(2)), 100_000).close()
        eventually(lambda: gone() == before + 1)
        assert http.get("/api/batches").json()["batches"] == []
        assert http.get("/api/tickets").json()["tickets"] == []


def test_a_body_that_does_not_come_is_not_waited_for(company: Company, monkeypatch):
    monkeypatch.setattr("ccos.api.batch_body.BODY_SECONDS", 0.3)
    with sending(company, ndjson(ticket(1)), 100_000) as door:
        said = b""
        while b"input.too_slow" not in said and (more := door.recv(65_536)):  # head and body may come apart
            said += more
    assert said.startswith(b"HTTP/1.1 408") and b"input.too_slow" in said


def test_who_comes_while_others_are_read_waits_and_is_told(company: Company, monkeypatch):
    monkeypatch.setattr("ccos.api.batches.WAIT_SECONDS", 0.3)
    with contextlib.ExitStack() as stack:
        doors = [
            stack.enter_context(sending(company, ndjson(ticket(1)), 100_000)) for _ in range(READ_AT_ONCE)
        ]
        with company.client() as http:

            def full():
                answer = http.post("/api/batches", content=ndjson(ticket(2)), headers=LINES)
                return answer if answer.status_code != 202 else None

            refused = eventually(full)
            problem(refused, 503, "batch.busy")
            assert int(refused.headers["retry-after"]) > 0
            for door in doors:
                door.close()
            eventually(lambda: http.post("/api/batches", content=ndjson(ticket(2)), headers=LINES).is_success)


def test_the_same_batch_again_drafts_nothing_again_and_a_changed_ticket_anew(company: Company):
    body = ndjson(ticket(1), {"subject": "이름 없는 문의"}, ticket(3))
    with company.client() as http:
        first = send(http, body)
        done(http, first["id"])
        drafts = [row["id"] for row in results(http, first["id"])]
        again = send(http, body)
        assert again["state"] == "done" and again["began_at"] is None and again["id"] != first["id"]
        assert [row["id"] for row in results(http, again["id"])] == drafts
        changed = send(http, ndjson(ticket(1), {"subject": "이름 없는 문의"}, ticket(3, subject="환불")))
        done(http, changed["id"])
        third = [row["id"] for row in results(http, changed["id"])]
        assert third[:2] == drafts[:2] and third[2] != drafts[2]
        assert len(http.get("/api/tickets").json()["tickets"]) == 3


def test_of_lines_about_one_ticket_the_last_holds(company: Company):
    newer = ticket(1, description="이제 환불로 바꿔 주세요.")
    with company.client() as http:
        taken = send(http, ndjson(ticket(1), newer, ticket(2), newer))
        done(http, taken["id"])
        first, second, third, fourth = results(http, taken["id"])
        assert first["error"]["code"] == "ticket.superseded" and "Line 4" in first["error"]["message"]
        assert second["id"] == fourth["id"] != third["id"]
        stored = http.get(f"/api/tickets/{second['ticket_id']}").json()["ticket"]
        assert stored["description"] == newer["description"]


def test_results_are_read_in_pages_and_gone_on_with_where_one_stopped(company: Company):
    with company.client() as http:
        taken = send(http, ndjson(*(ticket(n) for n in range(1, 121))))
        done(http, taken["id"])
        rows = results(http, taken["id"])
        assert [row["line"] for row in rows] == list(range(1, 121))
        assert [row["line"] for row in results(http, taken["id"], after=77)] == list(range(78, 121))
        assert results(http, taken["id"], after=120) == results(http, taken["id"], after=10**9) == []
        for wrong in (-1, "x", 10**30):
            problem(
                http.get(f"/api/batches/{taken['id']}/results", params={"after": wrong}), 422, "input.invalid"
            )


def test_results_end_before_the_first_line_that_has_none(company: Company):
    kept = [company.ticket(Ticket(subject=f"문의 {n}")) for n in range(3)]
    states = (DraftState.READY, DraftState.RUNNING, DraftState.READY)
    made = [company.draft(one, state) for one, state in zip(kept, states, strict=True)]

    async def put(tx):
        lines = [batches.Line(n, f"m{n}", draft.id, new=False) for n, draft in enumerate(made, start=1)]
        return str(await batches.put(tx, lines, []))

    batch_id = company.within(put)
    with company.client() as http:
        report = http.get(f"/api/batches/{batch_id}").json()
        assert report["state"] == "drafting" and report["finished"] == 2 and report["seconds_left"] is None
        assert report["states"] == {"ready": 2, "running": 1}
        assert [row["line"] for row in results(http, batch_id)] == [1]
        assert [row["line"] for row in results(http, batch_id, after=2)] == [3]


def test_batches_are_listed_newest_first_in_pages(company: Company):
    with company.client(Role.AGENT) as http:
        ids = [send(http, ndjson(ticket(n)))["id"] for n in range(5)]
        first = http.get("/api/batches", params={"limit": 3}).json()
        assert [each["id"] for each in first["batches"]] == ids[:1:-1]
        second = http.get("/api/batches", params={"limit": 3, "after": first["next"]}).json()
        assert [each["id"] for each in second["batches"]] == ids[1::-1] and second["next"] is None
        problem(http.get("/api/batches", params={"after": "nonsense"}), 422, "input.invalid")
        problem(http.get("/api/batches", params={"limit": 0}), 422, "input.invalid")


def test_a_batch_of_another_tenant_is_not_there(live: Live, company: Company):
    with company.client() as http:
        taken = send(http, ndjson(ticket(1)))
    with live.company().client() as other:
        for batch_id in (taken["id"], NO_ID, "nonsense"):
            problem(other.get(f"/api/batches/{batch_id}"), 404, "not_found")
            problem(other.get(f"/api/batches/{batch_id}/results"), 404, "not_found")
            problem(other.delete(f"/api/batches/{batch_id}"), 404, "not_found")
        assert other.get("/api/batches").json()["batches"] == []
    with live.client() as nobody:
        problem(nobody.post("/api/batches", content=ndjson(ticket(1)), headers=LINES), 401, "auth.refused")
        problem(nobody.get(f"/api/batches/{taken['id']}/results"), 401, "auth.refused")


def test_a_ticket_that_comes_singly_overtakes_a_batch_of_two_hundred(company: Company):
    with company.client() as http:
        taken = send(http, ndjson(*(ticket(n) for n in range(200))))
        single = http.post("/api/tickets", json=ticket(900)).json()
        shared = http.post(
            "/api/tickets", json=ticket(199)
        ).json()  # the last line, which now has somebody waiting

        def drafted():
            states = [
                http.get(f"/api/drafts/{d}").json()["state"] for d in (single["draft_id"], shared["draft_id"])
            ]
            return all(state in ENDED for state in states)

        eventually(drafted, seconds=60)
        report = http.get(f"/api/batches/{taken['id']}").json()
        assert report["state"] == "drafting" and report["finished"] < 150, report
        assert done(http, taken["id"], seconds=120)["finished"] == 200
        assert results(http, taken["id"])[199]["id"] == shared["draft_id"]


def test_a_cancelled_batch_begins_nothing_more_and_can_be_sent_again(company: Company):
    body = ndjson(*(ticket(n) for n in range(1, 201)))
    with company.client() as http:
        taken = send(http, body)
        kept = http.post("/api/tickets", json=ticket(150)).json()["draft_id"]
        cancelled = http.delete(f"/api/batches/{taken['id']}")
        assert cancelled.status_code == 200 and cancelled.json()["state"] == "cancelled"
        eventually(lambda: http.get(f"/api/batches/{taken['id']}").json()["finished"] == 200)
        report = http.delete(f"/api/batches/{taken['id']}").json()
        assert report["state"] == "cancelled" and report["seconds_left"] is None and report["ended_at"]
        rows = results(http, taken["id"])
        assert len(rows) == 200
        ended = [row for row in rows if row["state"] == "failed"]
        assert ended and {row["reason"] for row in ended} == {"batch.cancelled"}
        assert report["states"]["failed"] == len(ended)
        assert rows[149]["id"] == kept and rows[149]["reply"], "somebody waited for it beside the batch"
        assert all(row["reply"] for row in rows if row["state"] != "failed")

        again = send(http, body)
        assert again["finished"] == 200 - len(ended)
        done(http, again["id"], seconds=120)
        assert all(row["reply"] for row in results(http, again["id"]))
        assert http.delete(f"/api/batches/{again['id']}").json()["state"] == "done"


def test_a_large_batch_is_taken_while_others_are_answered_and_ends_at_a_word(company: Company):
    body = ndjson(*(ticket(n, description="주문이 안 와요. " * 100) for n in range(8_000)))
    taken = []

    def post() -> None:
        with company.client() as http:
            taken.append(send(http, body))

    sending = threading.Thread(target=post)
    sending.start()
    with company.client() as http:
        answered = 0
        while sending.is_alive():
            assert http.get("/api/batches").status_code == 200
            answered += 1
        sending.join()
        assert answered >= 5
        [batch] = taken
        assert (batch["total"], batch["bad_lines"], batch["finished"]) == (8_000, 0, 0)
        report = http.delete(f"/api/batches/{batch['id']}").json()
        assert report["states"]["failed"] > 7_000 and report["seconds_left"] is None
