"""`ccos eval labels`: decisions of a desk become a file that `ccos eval gate` reads."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest

from ccos.domain.draft import Draft, DraftState
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.ticket import Customer, Ticket
from ccos.domain.tier import Tier
from ccos.learning.exporting import labelled
from ccos.learning.labelled import read_labelled
from ccos.store import decisions, drafts, tenants, tickets
from ccos.store.database import Database
from ccos.store.decisions import Decision
from ccos.store.migrate import migrate
from support.ccos_command import Command, Home
from support.store import finished

REPLY = "안녕하세요, 고객님. 반품은 수령 후 7일 이내에 신청하실 수 있습니다. 왕복 배송비는 6,000원입니다. 감사합니다."


def decision(verdict: str, text: str | None = None, reason: str = "") -> Decision:
    from uuid import uuid4

    return Decision(uuid4(), uuid4(), verdict, text, {}, reason, None, datetime.now(UTC), "agent")  # type: ignore[arg-type]


def draft(reply: str = REPLY, **changes: object) -> Draft:
    passage = Evidence(
        n=1, kind=EvidenceKind.KB, id="return", title="반품 안내", snippet="수령 후 7일", score=1.0
    )
    made = Draft(
        id="d", ticket_id="t-1", state=DraftState.NEEDS_REVIEW, tier=Tier.LOCAL_MINIMAX, model="qwen-7b",
        quality=0.6, scorer="gate-1", reply=reply, evidence=(passage,), triage={"language": "ko", "intent": "return_request"},
    )  # fmt: skip
    return made.model_copy(update=changes)


TICKET = Ticket(subject="반품", description="언제까지 되나요?")


@pytest.mark.parametrize(
    ("decided", "label"),
    [
        (decision("approved"), "approve"),
        (decision("edited", REPLY.replace("6,000원입니다", "6,000원이에요")), "edit"),
        (
            decision("edited", "고객님, 그 상품은 반품이 어렵습니다. 대신 교환을 도와드릴 수 있습니다."),
            "reject",
        ),
        (decision("rejected", reason="wrong_fact"), "reject"),
    ],
)
def test_a_decision_is_a_label(decided: Decision, label: str) -> None:
    line = labelled(TICKET, draft(), decided)
    assert line is not None and line["label"] == label
    assert line["question"] == "반품\n언제까지 되나요?" and line["evidence"] == ["반품 안내\n수령 후 7일"]
    assert (line["tier"], line["generator"], line["intent"], line["language"]) == (
        "tier_1", "qwen-7b", "return_request", "ko",
    )  # fmt: skip
    assert line["reasons"] == ([decided.reason] if decided.reason else [])


def test_what_is_no_answer_is_left_out() -> None:
    assert labelled(TICKET, draft(reply=""), decision("approved")) is None
    assert labelled(TICKET, draft(scorer=None), decision("approved")) is None


def test_people_are_replaced_by_nobody_and_stay_the_same_in_one_ticket() -> None:
    ticket = Ticket(
        description="박서연입니다. 010-2345-6789로 연락 주세요. seo@mail.example",
        customer=Customer(name="박서연"),
    )
    reply = "박서연 고객님, 010-2345-6789로 연락드리겠습니다."
    line = labelled(ticket, draft(reply=reply), decision("approved"))
    assert line is not None
    text = json.dumps(line, ensure_ascii=False)
    assert not any(value in text for value in ("박서연", "2345", "seo@mail"))
    assert "010-0000-0001" in line["question"] and "010-0000-0001" in line["answer"]
    assert line["answer"].startswith("김고객1 고객님")
    kept = labelled(ticket, draft(reply=reply), decision("approved"), as_written=True)
    assert kept is not None and kept["answer"] == reply


def fill(home: Home, slug: str, verdicts: list[str]) -> None:
    migrate(home.server.urls.owner)

    async def go() -> None:
        database = Database(home.server.urls.app)
        await database.open()
        async with database.unbound() as tx:
            tenant = await tenants.create(tx, slug, slug)
        async with database.tenant(tenant.id) as tx:  # one transaction: all are decided in the same moment
            for n, verdict in enumerate(verdicts):
                ticket = (await tickets.put(tx, Ticket(external_id=f"{slug}-{n}", subject="반품"))).ticket
                queued = await drafts.queue(tx, ticket.id)
                made = finished(queued, DraftState.READY, tier=Tier.LOCAL_TINYLLAMA, scorer="gate-1")
                await drafts.finish(tx, made, run=await drafts.start(tx, queued.id))
                await decisions.decide(tx, queued.id, verdict, text="고침" if verdict == "edited" else None)
        await database.close()

    asyncio.run(go())


def test_the_file_is_what_evaluation_reads(ccos: Command, ccos_home: Home) -> None:
    fill(ccos_home, "deciders", ["approved"] * 260 + ["rejected"] * 3)  # more than a page at one moment
    ran = ccos("eval", "labels", "out.jsonl", "--tenant", "deciders", "--json")
    assert ran.code == 0, ran.err
    assert ran.json == {
        "file": "out.jsonl",
        "lines": 263,
        "approve": 260,
        "edit": 0,
        "reject": 3,
        "left_out": 0,
    }
    rows = read_labelled(ccos.folder / "out.jsonl")
    assert len({row.ticket_id for row in rows}) == 263
    measured = ccos("eval", "gate", "out.jsonl", "--json", "--resamplings", "0")
    assert measured.code == 0 and measured.json["n"] == 263


def test_a_tenant_without_decisions_is_told_so(ccos: Command, ccos_home: Home) -> None:
    fill(ccos_home, "silent", [])
    ran = ccos("eval", "labels", "none.jsonl", "--tenant", "silent")
    assert ran.code == 0 and "Nobody has decided" in ran.err
    assert (ccos.folder / "none.jsonl").read_text() == ""


def test_a_folder_that_is_not_there_is_told_before_anything_is_opened(ccos: Command) -> None:
    assert "There is no folder nowhere" in ccos("eval", "labels", "nowhere/out.jsonl").sentence
