"""Facts of a reply get the mark of the passage that says them, and those that nobody said are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ccos.agents.claims import cited, unsupported
from ccos.agents.findings import Findings
from ccos.agents.proposal import propose
from ccos.agents.resolution import Resolution, Synthesis
from ccos.domain.draft import DraftState
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.prompt import Grounds
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from ccos.domain.verdict import Verdict
from ccos.tiers.request import Generation
from support.judging import prompt

NOBODY = Grounds(ticket=Ticket(description="문의드립니다."))


def passage(n: int, snippet: str, kind: EvidenceKind = EvidenceKind.KB) -> Evidence:
    return Evidence(n=n, kind=kind, id=f"kb-{n}", title="안내", snippet=snippet, score=1.0 / n)


KNOWN = [
    passage(
        1,
        "교환은 마이페이지의 주문 내역에서 교환 신청 단추를 눌러 접수합니다. 포장을 뜯은 화장품은 교환할 수 없습니다. "
        "교환 상품은 회수가 끝난 뒤 3일 안에 보냅니다.",
    ),
    passage(2, "선물 포장은 주문서에서 고를 수 있습니다. 선물 포장 상자에는 가격표를 넣지 않습니다."),
    passage(
        3,
        "You can change the delivery address in the app before the parcel is packed. "
        "Packed parcels cannot be redirected to another country.",
    ),
]


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (
            "안녕하세요. 교환은 마이페이지 주문 내역에서 교환 신청 단추를 눌러 접수하시면 됩니다. 감사합니다.",
            "안녕하세요. 교환은 마이페이지 주문 내역에서 교환 신청 단추를 눌러 접수하시면 됩니다. [1] 감사합니다.",
        ),
        ("포장을 뜯은 화장품은 교환할 수 없습니다.", "포장을 뜯은 화장품은 교환할 수 없습니다. [1]"),
        ("선물 포장 상자에는 가격표를 넣지 않습니다.", "선물 포장 상자에는 가격표를 넣지 않습니다. [2]"),
        (
            "Hello! You can change the delivery address in the app before the parcel is packed.",
            "Hello! You can change the delivery address in the app before the parcel is packed. [3]",
        ),
    ],
)
def test_a_fact_without_a_mark_gets_that_of_its_passage(reply, expected):
    assert cited(reply, KNOWN, NOBODY) == expected
    assert cited(expected, KNOWN, NOBODY) == expected, "and only once"
    assert unsupported(reply, KNOWN, NOBODY) == ()


NEAR = [
    "교환 상품은 회수가 끝난 뒤 7일 안에 보냅니다.",
    "포장을 뜯은 화장품은 교환할 수 있습니다.",
    "선물 포장 상자에는 가격표를 넣습니다.",
    "Packed parcels can be redirected to another country.",
]


@pytest.mark.parametrize("reply", NEAR)
def test_another_figure_or_a_negation_turned_round_is_no_support(reply):
    assert cited(reply, KNOWN, NOBODY) == reply
    assert [claim.text for claim in unsupported(reply, KNOWN, NOBODY)] == [reply]


@pytest.mark.parametrize(
    "reply",
    [
        "안녕하세요, 고객님. 문의해 주셔서 감사합니다.",
        "불편을 드려 죄송합니다.",
        "주문 번호를 알려 주시겠어요?",
        "교환하실 상품이 무엇인가요?",
        "Hello, thank you for contacting us. Could you tell us your order number?",
        "Sorry for the trouble!",
        "",
        "!!! ???",
    ],
)
def test_courtesies_and_questions_claim_nothing(reply):
    assert cited(reply, KNOWN, NOBODY) == reply and unsupported(reply, KNOWN, NOBODY) == ()


def test_facts_that_nobody_said_are_told_with_their_place():
    reply = "교환 신청 단추를 눌러 접수합니다. [1] 강남역 매장에서 무료 세탁 행사를 진행하고 있습니다. 감사합니다."
    (claim,) = unsupported(reply, KNOWN, NOBODY)
    assert claim.text == "강남역 매장에서 무료 세탁 행사를 진행하고 있습니다."
    assert reply[claim.start : claim.end] == claim.text
    assert cited(reply, KNOWN, NOBODY) == reply
    (english,) = unsupported("Our chefs bake fresh croissants every morning.", KNOWN, NOBODY)
    assert english.text == "Our chefs bake fresh croissants every morning."


def test_a_mark_does_not_make_a_foreign_fact_supported():
    assert len(unsupported("강남역 매장에서 무료 세탁 행사를 진행하고 있습니다. [1]", KNOWN, NOBODY)) == 1


def test_what_the_customer_said_needs_no_source():
    told = Grounds(ticket=Ticket(description="강남역 매장에서 무료 세탁 행사를 한다고 들었어요."))
    reply = "강남역 매장에서 무료 세탁 행사를 한다고 들으셨습니다."
    assert unsupported(reply, KNOWN, told) == () and cited(reply, KNOWN, told) == reply


def test_a_mark_later_in_the_paragraph_covers_and_a_case_is_no_source():
    covered = "포장을 뜯은 화장품은 교환할 수 없습니다. 교환 상품은 3일 안에 보냅니다. [1]"
    assert cited(covered, KNOWN, NOBODY) == covered
    case = [passage(1, KNOWN[0].snippet, EvidenceKind.CASE)]
    reply = "포장을 뜯은 화장품은 교환할 수 없습니다."
    assert cited(reply, case, NOBODY) == reply and unsupported(reply, case, NOBODY) == ()


def test_long_replies_are_read_to_their_end():
    reply = "포장을 뜯은 화장품은 교환할 수 없습니다.\n" * 300
    assert cited(reply, KNOWN, NOBODY).count("[1]") == 300
    assert unsupported("가" * 20_000, KNOWN, NOBODY) != ()


@pytest.mark.parametrize(("tier", "kind", "told"), [(1, "answer", 1), (3, "answer", 0), (1, "clarify", 0)])
def test_a_draft_tells_of_statements_without_evidence(tier, kind, told):
    reply = "포장을 뜯은 화장품은 교환할 수 없습니다. [1] 강남역 매장에서 무료 세탁 행사를 진행하고 있습니다."
    made = Generation(
        reply, Tier(f"tier_{tier}"), 0.9, 0.1, 0.0, fallback_used=False, degraded=False, accepted=True, certified=True,
        reason="cost_first", provider="local", model="m", verdict=Verdict(0.9, "gate-1", reply, ()),
    )  # fmt: skip
    draft = propose(
        "d", "t", replace(NOBODY, evidence=tuple(KNOWN)), triage=None, synthesis=Synthesis(), errors=(),
        findings=Findings(evidence=tuple(KNOWN), answerability=1.0),
        resolution=Resolution(reply, kind, (), (1,), made, prompt()),
    )  # fmt: skip
    found = [check for check in draft.checks if check.code == "claims.unsupported"]
    assert len(found) == told
    if told:
        [check] = found
        assert reply[slice(*check.span)] == "강남역 매장에서 무료 세탁 행사를 진행하고 있습니다."
        assert check.facts == {"count": 1, "said": reply[slice(*check.span)]} and not check.passed
        assert draft.state is DraftState.READY, "it is told, and changes nothing"
