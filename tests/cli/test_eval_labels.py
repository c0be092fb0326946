"""`ccos eval labels`: decisions of a desk become a file that `ccos eval gate` reads."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from ccos.domain.draft import Draft, DraftState
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.ticket import Customer, Message, Ticket
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


def exported(ticket: Ticket, made: Draft, decided: Decision, *, as_written: bool = False):
    return labelled(ticket, made, made.state, decided, as_written=as_written)


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
    line = exported(TICKET, draft(), decided)
    assert line is not None and line["label"] == label
    assert line["question"] == "반품\n언제까지 되나요?" and line["evidence"] == ["반품 안내\n수령 후 7일"]
    assert (line["tier"], line["generator"], line["intent"], line["language"]) == (
        "tier_1", "qwen-7b", "return_request", "ko",
    )  # fmt: skip
    assert line["reasons"] == ([decided.reason] if decided.reason else [])


def test_what_is_no_answer_is_left_out() -> None:
    assert exported(TICKET, draft(reply=""), decision("approved")) is None
    assert exported(TICKET, draft(scorer=None), decision("approved")) is None


def test_people_are_replaced_by_nobody_and_stay_the_same_in_one_ticket() -> None:
    ticket = Ticket(
        description="박서연입니다. 010-2345-6789로 연락 주세요. seo@mail.example",
        customer=Customer(name="박서연"),
    )
    reply = "박서연 고객님, 010-2345-6789로 연락드리겠습니다."
    line = exported(ticket, draft(reply=reply), decision("approved"))
    assert line is not None
    text = json.dumps(line, ensure_ascii=False)
    assert not any(value in text for value in ("박서연", "2345", "seo@mail"))
    assert "010-0000-0001" in line["question"] and "010-0000-0001" in line["answer"]
    assert line["answer"].startswith("김고객1 고객님")
    kept = exported(ticket, draft(reply=reply), decision("approved"), as_written=True)
    assert kept is not None and kept["answer"] == reply


def test_a_reason_is_masked_with_the_rest() -> None:
    ticket = Ticket(
        description="010-2345-6789로 전화 주세요", customer=Customer(name="김민수", phone="010-2345-6789")
    )
    decided = decision("rejected", reason="김민수 고객 010-2345-6789로 직접 전화함")
    line = exported(ticket, draft(), decided)
    assert line is not None and line["reasons"] == ["김고객1 고객 010-0000-0001로 직접 전화함"]
    kept = exported(ticket, draft(), decided, as_written=True)
    assert kept is not None and kept["reasons"] == [decided.reason]


@pytest.mark.parametrize("made", DraftState)
def test_only_drafts_that_were_made_as_answers_are_labels(made: DraftState) -> None:
    approved = draft(state=DraftState.APPROVED)
    line = labelled(TICKET, approved, made, decision("approved"))
    assert (line is not None) == (made in {DraftState.READY, DraftState.NEEDS_REVIEW})


def test_messages_after_the_draft_are_no_part_of_its_question() -> None:
    made_at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
    said = [
        ("먼저 한 말", made_at - timedelta(hours=1)),
        ("때를 모르는 말", None),
        ("그 순간의 말", made_at),
        ("지역 없는 이른 말", (made_at - timedelta(minutes=1)).replace(tzinfo=None)),
        ("나중에 한 말", made_at + timedelta(seconds=1)),
        ("지역 없는 늦은 말", (made_at + timedelta(minutes=1)).replace(tzinfo=None)),
    ]
    history = tuple(Message(role="customer", text=text, at=at) for text, at in said)
    ticket = TICKET.model_copy(update={"conversation_history": history})
    line = exported(ticket, draft(created_at=made_at), decision("approved"))
    opening = ["반품", "언제까지 되나요?"]
    assert line is not None and line["question"].split("\n") == [*opening, *(text for text, _ in said[:4])]
    line = exported(ticket, draft(), decision("approved"))  # nobody knows when it was made
    assert line is not None and line["question"].split("\n") == [*opening, *(text for text, _ in said)]


def fill(home: Home, slug: str, verdicts: list[str], made_as: DraftState = DraftState.READY) -> None:
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
                made = finished(queued, made_as, tier=Tier.LOCAL_TINYLLAMA, scorer="gate-1")
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


def test_a_draft_that_asked_back_is_no_label_even_when_approved(ccos: Command, ccos_home: Home) -> None:
    fill(ccos_home, "askers", ["approved", "rejected"], DraftState.ABSTAINED)
    ran = ccos("eval", "labels", "asked.jsonl", "--tenant", "askers", "--json")
    assert ran.code == 0 and (ran.json["lines"], ran.json["left_out"]) == (0, 2)
    assert (ccos.folder / "asked.jsonl").read_text() == ""


def test_a_tenant_without_decisions_is_told_so(ccos: Command, ccos_home: Home) -> None:
    fill(ccos_home, "silent", [])
    ran = ccos("eval", "labels", "none.jsonl", "--tenant", "silent")
    assert ran.code == 0 and "Nobody has decided" in ran.err
    assert (ccos.folder / "none.jsonl").read_text() == ""


def test_a_folder_that_is_not_there_is_told_before_anything_is_opened(ccos: Command) -> None:
    assert "There is no folder nowhere" in ccos("eval", "labels", "nowhere/out.jsonl").sentence
