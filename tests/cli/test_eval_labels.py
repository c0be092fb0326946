"""`ccos eval labels`: decisions of a desk become a file that `ccos eval gate` reads."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from ccos.domain.draft import Draft, DraftState
from ccos.domain.evidence import Evidence, EvidenceKind, Visibility
from ccos.domain.prompt import Answer, Grounds, Prompt
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Customer, Message, Ticket
from ccos.domain.tier import Task, Tier
from ccos.learning.exporting import labelled
from ccos.learning.judging import judge
from ccos.learning.labelled import parse_labelled, read_labelled
from ccos.quality.gate import Gate
from ccos.quality.scorer import LearnedScorer, shipped
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
    assert line["question"] == "반품\n언제까지 되나요?"
    (row,) = parse_labelled([json.dumps(line)], "labels")
    assert row.evidence == ("반품 안내\n수령 후 7일",) and row.label == label
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
    (phone,) = re.findall(r"010-0\d{3}-\d{4}", line["answer"])
    assert phone in line["question"]
    assert line["answer"].startswith("김민서 고객님") and "김민서입니다" in line["question"]
    kept = exported(ticket, draft(reply=reply), decision("approved"), as_written=True)
    assert kept is not None and kept["answer"] == reply


def test_a_reason_is_masked_with_the_rest() -> None:
    ticket = Ticket(
        description="010-2345-6789로 전화 주세요", customer=Customer(name="김민수", phone="010-2345-6789")
    )
    decided = decision("rejected", reason="김민수 고객 010-2345-6789로 직접 전화함")
    line = exported(ticket, draft(), decided)
    (reason,) = line["reasons"] if line else [""]
    assert re.fullmatch(r"[가-힣]{3} 고객 010-0\d{3}-\d{4}로 직접 전화함", reason)
    assert not {"김민수", "010-2345-6789"} & set(reason.replace("로", " ").split())
    kept = exported(ticket, draft(), decided, as_written=True)
    assert kept is not None and kept["reasons"] == [decided.reason]


HOUSE = TenantSettings(
    company={"ko": "무른달"},
    contact={"ko": "고객센터 1600-0000은 평일 9시부터 열립니다."},
    channel_max_characters={"kakao": 120},
    banned_phrases=("무조건",),
)
ASKED = Ticket(
    external_id="20260301-000123",
    subject="반품",
    description="박서연입니다. 01023456789로 연락 주세요. 주문 20260301-000777 반품하면 언제까지 되나요?",
    channel="kakao",
    customer=Customer(name="박서연", phone="010-2345-6789", email="seo.park@mail.example"),
)
FOUND = (
    Evidence(n=1, kind=EvidenceKind.KB, id="return", title="반품 안내", score=9.0, url="https://shop.example/returns",
             snippet="수령 후 7일 이내에 신청합니다. 택배는 02-331-1199로, 서류는 back@shop.example로 문의합니다."),
    Evidence(n=2, kind=EvidenceKind.KB, id="house", title="내부 지침", score=4.0, visibility=Visibility.INTERNAL,
             snippet="단골 고객에게는 택배 기사가 방문하기 전에 상담원이 먼저 전화로 회수 날짜를 정합니다."),
    Evidence(n=3, kind=EvidenceKind.CASE, id="c-1", title="지난 상담", score=2.0,
             snippet="최하늘 고객님, 010-9876-5432로 전화드렸고 왕복 배송비는 6,000원이었습니다."),
)  # fmt: skip


@pytest.mark.parametrize(
    ("reply", "kinds"),
    [
        ("박서연 고객님, 수령 후 7일 이내에 신청하실 수 있습니다. 010-2345-6789로 안내드립니다. [1]", set()),
        ("서연 고객님, 010 2345 6789로 연락드립니다. 7일 이내에 신청하실 수 있습니다. [1]", set()),
        ("고객님, 7일 이내에 신청하시고 택배는 02-331-1199로 문의해 주십시오. [1]", set()),
        ("고객님, 7일 이내에 신청하시고 back@shop.example로 보내 주십시오. [1]", set()),
        ("무른달입니다. 7일 이내에 신청해 주십시오. 고객센터 1600-0000은 평일 9시부터 열립니다. [1]", set()),
        ("고객님, 주문 20260301-000777은 수령 후 7일 이내에 반품하실 수 있습니다. [1]", set()),
        ("고객님, 7일 이내에 신청하실 수 있습니다. https://shop.example/returns 에서 보실 수 있습니다. [1]", set()),
        ("고객님, 010-9876-5432로 전화드렸습니다. 7일 이내에 신청하실 수 있습니다. [1]", {"pii"}),
        ("최하늘 고객님, 수령 후 7일 이내에 신청하실 수 있습니다. [1]", {"pii"}),
        ("고객님, 900315-1234567로 확인했습니다. 7일 이내에 신청하실 수 있습니다. [1]", {"pii"}),
        ("고객님, 무조건 7일 이내에 신청하실 수 있습니다. [1]", {"banned"}),
        ("고객님, 14일 이내에 신청하실 수 있습니다. [1]", {"unsupported"}),
        ("고객님, 7일 이내에 신청하실 수 있습니다. " * 6, {"too_long"}),
        ("고객님, 단골 고객에게는 택배 기사가 방문하기 전에 상담원이 먼저 전화로 회수 날짜를 정합니다. [2]", {"internal"}),
    ],
)  # fmt: skip
def test_an_exported_draft_is_judged_again_as_the_desk_did(reply: str, kinds: set[str]) -> None:
    scorer = LearnedScorer(shipped(), {Tier.LOCAL_MINIMAX: 0.7})
    grounds = Grounds(ASKED, FOUND, "ko", "return_request", settings=HOUSE)
    prompt = Prompt(Task.SOLUTION_DRAFT, "", (), grounds)
    desk = Gate(scorer).judge(prompt, Answer(reply, "qwen", "qwen-7b"), tier=Tier.LOCAL_MINIMAX)
    assert {veto.kind for veto in desk.vetoes} >= kinds and bool(desk.vetoes) == bool(kinds)

    made = draft(reply=reply, evidence=FOUND)
    line = labelled(ASKED, made, made.state, decision("approved"), settings=HOUSE, usual_of_tier=0.7)
    text = json.dumps(line, ensure_ascii=False)
    rows = list(parse_labelled([text], "labels"))
    (again,) = judge([(0, row) for row in rows], LearnedScorer(shipped()), None)
    assert [veto.kind for veto in again.verdict.vetoes] == [veto.kind for veto in desk.vetoes]
    assert again.verdict.quality == pytest.approx(desk.quality, abs=0.03)
    for value in (
        "서연",
        "2345-6789",
        "23456789",
        "2345 6789",
        "seo.park",
        "하늘",
        "9876",
        "900315",
        "1234567",
    ):
        assert value not in text
    for value in ("02-331-1199", "back@shop.example", "1600-0000", "20260301-000777"):
        assert value in text


def test_a_company_number_that_is_the_customers_own_is_masked() -> None:
    ticket = ASKED.model_copy(update={"customer": Customer(name="박서연", phone="02-331-1199")})
    line = labelled(ticket, draft(evidence=FOUND), DraftState.READY, decision("approved"))
    assert line is not None and "331-1199" not in json.dumps(line)


def test_a_field_that_no_recogniser_knows_is_masked_where_it_stands() -> None:
    ticket = Ticket(
        description="회원 서울댁7788 입니다", customer=Customer(name="서울댁7788", phone="내선 5519")
    )
    line = labelled(
        ticket,
        draft(reply="서울댁7788 고객님, 내선 5519로 연락드립니다."),
        DraftState.READY,
        decision("approved"),
    )
    text = json.dumps(line, ensure_ascii=False)
    assert line is not None and "7788" not in text and "5519" not in text and "서울댁" not in text


def test_lines_written_before_there_was_a_desk_are_read_as_they_were() -> None:
    old = {"question": "반품?", "evidence": ["수령 후 7일"], "answer": "7일입니다.", "label": 1, "desk": "zendesk",
           "decided_at": "last week"}  # fmt: skip
    (row,) = parse_labelled([json.dumps(old)], "old")
    assert row.desk is None and row.decided_at is None
    (passage,) = row.prompt().grounds.evidence
    assert (passage.title, passage.snippet) == ("", "수령 후 7일")


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
