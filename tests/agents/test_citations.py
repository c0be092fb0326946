"""Every figure of a reply points at the passage it stands on, and no mark points at nothing."""

from __future__ import annotations

import pytest

from ccos.agents.citations import marked, numbered, resolve_citations
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.prompt import Grounds
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Ticket

KB, CASE = EvidenceKind.KB, EvidenceKind.CASE
NOBODY = Grounds(ticket=Ticket(description="문의드립니다."))


def passage(n: int, snippet: str, *, id: str | None = None, kind: EvidenceKind = KB, **more) -> Evidence:
    return Evidence(n=n, kind=kind, id=id or f"kb-{n}", title="안내", snippet=snippet, score=1.0 / n, **more)


REFUND = passage(1, "환불은 카드 취소 후 3~5영업일 안에 처리됩니다. 반품 배송비는 6,000원입니다.")
EXCHANGE = passage(
    2,
    "교환은 2026년 12월 31일까지 https://help.example.com/exchange 에서 신청합니다.",
    url="https://help.example.com/x",
)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("반품 배송비는 6,000원입니다.", "반품 배송비는 6,000원입니다. [1]"),
        ("교환은 2026년 12월 31일까지 받습니다.", "교환은 2026년 12월 31일까지 받습니다. [2]"),
        (
            "https://help.example.com/exchange 에서 신청해 주세요.",
            "https://help.example.com/exchange 에서 신청해 주세요. [2]",
        ),
        ("환불은 3~5영업일 안에 됩니다.\n\n감사합니다.", "환불은 3~5영업일 안에 됩니다. [1]\n\n감사합니다."),
        ("- 배송비: 6,000원\n- 기한: 2026-12-31", "- 배송비: 6,000원 [1]\n- 기한: 2026-12-31 [2]"),
        ("배송비 6,000원, 기한 2026-12-31입니다.", "배송비 6,000원, 기한 2026-12-31입니다. [1][2]"),
    ],
    ids=["amount", "date", "address", "period", "list", "two documents in one sentence"],
)
def test_a_figure_without_a_mark_gets_that_of_its_passage(reply, expected):
    assert marked(reply, [REFUND, EXCHANGE], NOBODY) == expected
    assert marked(expected, [REFUND, EXCHANGE], NOBODY) == expected, "and only once"


@pytest.mark.parametrize(
    "reply",
    [
        "반품 배송비는 6,000원입니다 [1].",
        "반품 배송비는 6,000원입니다. [1] 감사합니다.",
        "반품 배송비는 6,000원입니다.[1]",
        "반품 배송비는 6,000원입니다. 영업일 기준입니다. [1]",
        "빠르게 확인해 드리겠습니다.",
        "배송비는 9,900원입니다.",
        "1. 주문 내역을 엽니다.\n2. 반품을 누릅니다.",
        "| 배송비 | 6,000원 |",
        "",
    ],
    ids=[
        "marked",
        "behind the stop",
        "close behind",
        "covered",
        "no figure",
        "nobody's figure",
        "steps",
        "table",
        "empty",
    ],
)
def test_what_has_a_mark_or_needs_none_is_left_alone(reply):
    assert marked(reply, [REFUND, EXCHANGE], NOBODY) == reply


def test_a_mark_of_the_next_paragraph_or_of_another_passage_covers_nothing():
    assert marked("배송비는 6,000원입니다.\n\n처리됩니다. [1]", [REFUND], NOBODY).startswith(
        "배송비는 6,000원입니다. [1]\n"
    )
    told = marked("배송비는 6,000원입니다. 교환도 됩니다. [2]", [REFUND, EXCHANGE], NOBODY)
    assert told == "배송비는 6,000원입니다. [1] 교환도 됩니다. [2]"


def test_what_the_customer_said_needs_no_source_unless_the_passage_says_the_same():
    asked = Grounds(
        ticket=Ticket(description="3월 2일에 6,000원을 냈습니다."),
        settings=TenantSettings(contact={"ko": "1588-0000은 9시부터 18시까지 받습니다."}),
    )
    assert (
        marked("말씀하신 6,000원 결제를 확인하겠습니다.", [REFUND], asked)
        == "말씀하신 6,000원 결제를 확인하겠습니다."
    )
    assert marked("반품 배송비는 6,000원입니다.", [REFUND], asked) == "반품 배송비는 6,000원입니다. [1]"
    late = passage(1, "상담은 18시까지 합니다.")
    assert marked("문의는 18시까지 주세요.", [late], asked) == "문의는 18시까지 주세요."


def test_of_two_passages_with_the_figure_the_one_about_it_is_the_source():
    other = passage(1, "회원 등급은 매달 1일, 구매액 6,000원 단위로 정해집니다.")
    refund = passage(2, REFUND.snippet)
    assert marked("반품 배송비는 6,000원입니다.", [other, refund], NOBODY).endswith("[2]")


def test_another_customers_amounts_and_numbers_are_no_source():
    case = passage(3, "고객님께 45,000원을 환불했고 3일 걸렸습니다.", kind=CASE)
    assert marked("45,000원을 환불해 드립니다.", [case], NOBODY) == "45,000원을 환불해 드립니다."
    assert marked("처리는 3일 걸립니다.", [case], NOBODY) == "처리는 3일 걸립니다. [3]"


def test_folded_spellings_keep_their_places():
    assert marked("반품 배송비는 ６，０００원입니다。 감사합니다.", [REFUND], NOBODY) == (
        "반품 배송비는 ６，０００원입니다。 [1] 감사합니다."
    )


def test_hostile_length_is_linear_enough():
    reply = "배송비는 6,000원입니다. " * 2_000
    told = marked(reply, [passage(n, "x" * 800) for n in range(1, 8)] + [passage(8, REFUND.snippet)], NOBODY)
    assert told.count("[8]") == 2_000


@pytest.mark.parametrize(
    ("reply", "text", "cited"),
    [
        ("가 [2]. 나 [9]. 다 [1].", "가 [2]. 나. 다 [1].", (2, 1)),
        ("가 [1, 2].", "가 [1][2].", (1, 2)),
        ("가 [1,9].", "가 [1].", (1,)),
        ("가 [1, 1].", "가 [1].", (1,)),
        ("가 [8,9]. 나", "가. 나", ()),
        ("가 [999].", "가.", ()),
        ("[2026] 연도와 [1](https://a.example) 링크", "[2026] 연도와 [1](https://a.example) 링크", ()),
    ],
)
def test_marks_resolve_or_go(reply, text, cited):
    assert resolve_citations(reply, [REFUND, EXCHANGE]) == (text, cited)


def test_a_listed_truth_is_no_number():
    assert resolve_citations("가", [REFUND], [True, 1.0, "1", None]) == ("가", ())


def test_passages_of_one_document_are_one_citation():
    found = numbered(
        [
            passage(1, "하나", id="a", version=2, passages=(3,)),
            passage(2, "둘", id="b"),
            passage(3, "셋", id="a", version=2, passages=(1,)),
            passage(4, "하나", id="a", version=2, passages=(3,)),
            passage(5, "넷", id="a", kind=CASE),
        ]
    )
    assert [(e.n, e.kind, e.id) for e in found] == [(1, KB, "a"), (2, KB, "b"), (3, CASE, "a")]
    assert found[0].snippet == "하나\n\n셋" and found[0].passages == (3, 1)
    assert numbered([]) == ()
