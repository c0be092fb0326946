"""The reply of the rule tier: what it says, and above all what it never says."""

from __future__ import annotations

import json
import re
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ccos.domain.evidence import EvidenceKind, Visibility
from ccos.domain.prompt import Grounds, Prompt, Turn
from ccos.domain.tenant import ApprovedAnswer, TenantSettings
from ccos.domain.ticket import Customer, Ticket
from ccos.domain.tier import Task, Tier
from ccos.providers.rules import RuleBased
from support.rule_cases import APPROVED, RETURN_PASSAGE, SETTINGS, approving, draft, grounds, passage

ASK = "산 옷이 마음에 들지 않아 반품하려고 합니다. 반품 배송비는 얼마인가요?"
SHAPE = {"reply", "category", "tags", "priority", "citations", "kind"}


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:[.,:]\d+)*", re.sub(r"\[\d+\]", "", text)))


# -- (a) approved answers


async def test_an_approved_answer_is_used_and_cited_when_its_article_was_found() -> None:
    made = await draft(grounds(ASK, passage(RETURN_PASSAGE, n=3), name="한지우"), [APPROVED])
    assert made["reply"].startswith("안녕하세요, 한지우 고객님. 가온상점 고객센터입니다.")
    assert "7일 이내에 신청해 주시면 됩니다." in made["reply"]
    assert made["citations"] == [3] and "[3]" in made["reply"]
    assert made["kind"] == "answer"


async def test_the_approved_words_are_named_so_that_the_gate_can_take_them_as_supported() -> None:
    rules, approving_return = RuleBased(), partial(approving, answers=[APPROVED])
    quoted = await rules.answer(
        Prompt(
            Task.SOLUTION_DRAFT,
            "",
            (),
            approving_return(grounds(ASK, passage(RETURN_PASSAGE), name="한지우")),
        ),
        seconds=1,
    )
    assert len(quoted.approved) == 1 and "한지우" in quoted.approved[0] and "{" not in quoted.approved[0]
    own = await rules.answer(Prompt(Task.SOLUTION_DRAFT, "", (), approving_return(grounds(ASK))), seconds=1)
    assert own.approved == ()


async def test_the_approved_answer_of_the_best_ranked_article_wins() -> None:
    other = ApprovedAnswer(
        "second", "return_request", "ko", "안녕하세요, 고객님. 두 번째 답변입니다.", "kb-second"
    )
    found = passage("두 번째 글입니다.", n=1, id="kb-second", title="두 번째")
    made = await draft(grounds(ASK, found, passage(RETURN_PASSAGE, n=2)), [APPROVED, other])
    assert "두 번째 답변입니다." in made["reply"] and made["citations"][0] == 1


@pytest.mark.parametrize(
    "found",
    [
        passage(RETURN_PASSAGE, id="kb-something-else"),
        passage(RETURN_PASSAGE, visibility=Visibility.INTERNAL),
        passage(RETURN_PASSAGE, kind=EvidenceKind.CASE),
    ],
    ids=["another article", "an internal article", "a solved case"],
)
async def test_an_approved_answer_needs_its_own_public_article(found: object) -> None:
    made = await draft(grounds(ASK, found), [APPROVED])  # type: ignore[arg-type]
    assert "신청해 주시면 됩니다." not in made["reply"]


async def test_an_approved_answer_of_another_intent_or_language_is_not_used() -> None:
    for intent, language in (("exchange", "ko"), ("return_request", "en")):
        on = grounds(ASK, passage(RETURN_PASSAGE), intent=intent, language=language)  # type: ignore[arg-type]
        assert "신청해 주시면 됩니다." not in (await draft(on, [APPROVED]))["reply"]


async def test_a_sentence_with_a_slot_nobody_can_fill_is_dropped() -> None:
    made = await draft(grounds(ASK, passage(RETURN_PASSAGE)), [APPROVED])
    assert "주문번호" not in made["reply"] and "{" not in made["reply"]
    assert made["reply"].startswith("안녕하세요, 고객님.")


async def test_the_order_number_is_filled_when_the_ticket_has_exactly_one() -> None:
    one = await draft(
        grounds(f"{ASK} 주문번호는 20261103-004512입니다.", passage(RETURN_PASSAGE)), [APPROVED]
    )
    assert "주문번호 20261103-004512 건은" in one["reply"]
    two = await draft(
        grounds(f"{ASK} 20261103-004512, 20261105-001187 두 건입니다.", passage(RETURN_PASSAGE)), [APPROVED]
    )
    assert "주문번호" not in two["reply"]


async def test_an_answer_that_would_lose_most_of_its_sentences_is_skipped() -> None:
    hollow = ApprovedAnswer(
        "x", "return_request", "ko", "{product} 건입니다. {order_number} 건입니다. 네.", "kb-return"
    )
    made = await draft(grounds(ASK, passage(RETURN_PASSAGE)), [hollow])
    assert "건입니다" not in made["reply"] and made["citations"] == [1]


async def test_a_name_that_is_not_a_name_is_left_out() -> None:
    for name in ("{company}", "http://x.example", "고객 12345", "<b>나</b>", "a" * 80, "\n\n"):
        made = await draft(grounds(ASK, passage(RETURN_PASSAGE), name=name), [APPROVED])
        assert made["reply"].startswith("안녕하세요, 고객님."), name


async def test_a_known_name_is_put_into_a_greeting_that_has_none() -> None:
    plain = ApprovedAnswer(
        "p", "return_request", "ko", "안녕하세요, 고객님. 7일 이내에 신청해 주세요.", "kb-return"
    )
    made = await draft(grounds(ASK, passage(RETURN_PASSAGE), name="한지우"), [plain])
    assert made["reply"].startswith("안녕하세요, 한지우 고객님.")


# -- (b) the KB's own sentences


async def test_without_an_approved_answer_the_passage_speaks_in_its_own_words() -> None:
    made = await draft(grounds(ASK, passage(RETURN_PASSAGE)))
    assert "반품 배송비는 왕복 6,000원입니다. [1]" in made["reply"]
    assert "**" not in made["reply"] and "#" not in made["reply"]
    assert made["kind"] == "answer" and made["citations"] == [1]


async def test_two_questions_are_both_answered_when_there_is_evidence_for_both() -> None:
    coupon = passage(
        "주문을 모두 취소하시면 쿠폰이 복원됩니다. 일부만 취소하시면 쿠폰은 복원되지 않습니다.",
        n=2,
        id="kb-coupon",
        title="취소한 주문의 쿠폰 복원",
    )
    text = "반품 배송비는 얼마인가요? 그리고 주문을 취소하면 쿠폰은 복원되나요?"
    for answers in ([], [APPROVED]):
        made = await draft(grounds(text, passage(RETURN_PASSAGE), coupon), answers)
        assert made["citations"] == [1, 2]
        assert "쿠폰이 복원됩니다" in made["reply"]
    assert made["reply"].endswith("감사합니다.")


async def test_an_english_ticket_gets_english_sentences_only() -> None:
    snippet = "반품은 7일 이내입니다. You can return an item within 7 days. Return shipping costs 6,000 won."
    on = grounds(
        "How do I return this item and what does return shipping cost?",
        passage(snippet, title="Return shipping"),
        language="en",
        name="Dana Lee",
    )
    made = await draft(on)
    assert made["reply"].startswith("Hello Dana Lee, this is Gaon Shop customer support.")
    assert "Return shipping costs 6,000 won. [1]" in made["reply"]
    assert not re.search("[가-힣]", made["reply"])


async def test_a_korean_name_is_not_put_into_an_english_reply() -> None:
    made = await draft(grounds("Where is it?", language="en", name="한지우", intent="delivery_status"))
    assert made["reply"].startswith("Hello, this is")


async def test_plain_and_informal_endings_become_formal_ones() -> None:
    snippet = (
        "반품 배송비는 고객이 부담한다. 반품은 마이페이지에서 신청할 수 있다. 반품 신청은 7일 안에 하면 돼요."
    )
    reply = (await draft(grounds(ASK, passage(snippet))))["reply"]
    assert "부담합니다." in reply and "있습니다." in reply and "하면 됩니다." in reply
    sentences = re.findall(r"[가-힣]+[.?!]", reply)
    assert sentences and all(s.endswith(("니다.", "니까?", "세요.", "님.")) for s in sentences)


async def test_a_sentence_that_points_at_a_table_is_left_out() -> None:
    snippet = "반품 배송비는 아래 표와 같습니다. 반품 배송비는 왕복 6,000원입니다."
    assert "아래 표" not in (await draft(grounds(ASK, passage(snippet))))["reply"]


# -- (c) holds


async def test_without_evidence_it_asks_for_what_is_missing() -> None:
    made = await draft(grounds("반품하고 싶어요"))
    assert made["kind"] == "clarify" and made["citations"] == []
    assert "- 주문번호" in made["reply"] and SETTINGS.contact["ko"] in made["reply"]


async def test_nothing_is_asked_that_the_ticket_already_says() -> None:
    made = await draft(grounds("반품하고 싶어요. 주문번호 20261103-004512"))
    assert made["kind"] == "hold" and "- 주문번호" not in made["reply"]


async def test_a_photo_is_asked_for_a_defect_unless_one_came() -> None:
    asked = await draft(grounds("이어폰이 고장났어요", intent="product_defect"))
    given_ = await draft(grounds("이어폰이 고장났어요. 사진 첨부합니다.", intent="product_defect"))
    assert "사진" in asked["reply"] and "문제가 보이는 사진" not in given_["reply"]


async def test_an_approved_hold_is_used_when_nothing_is_missing() -> None:
    hold = ApprovedAnswer(
        "h", "other", "ko", "안녕하세요, 고객님. 담당자가 확인한 뒤 답변드리겠습니다. {contact}"
    )
    made = await draft(grounds("매장은 어디에 있나요", intent="other"), [hold])
    assert made["kind"] == "hold"
    assert (
        made["reply"] == f"안녕하세요, 고객님. 담당자가 확인한 뒤 답변드리겠습니다. {SETTINGS.contact['ko']}"
    )


async def test_evidence_about_something_else_is_not_used() -> None:
    far = passage("매장은 월요일에 쉽니다. 주차는 무료입니다.", title="매장 안내", id="kb-store")
    made = await draft(grounds(ASK, far))
    assert made["kind"] == "clarify" and "주차" not in made["reply"]


# -- what it never says


async def test_nothing_internal_and_nothing_of_another_customers_case_is_said() -> None:
    internal = passage("반품 배송비는 3만원까지 상담사가 면제합니다.", visibility=Visibility.INTERNAL)
    case = passage("반품 배송비는 김철수 고객님께 5,000원을 돌려드렸습니다.", n=2, kind=EvidenceKind.CASE)
    made = await draft(grounds(ASK, internal, case), [APPROVED])
    assert "면제" not in made["reply"] and "김철수" not in made["reply"] and made["citations"] == []


async def test_placeholders_and_marks_in_a_passage_are_not_copied() -> None:
    snippet = (
        "반품 배송비는 {order_number} 기준입니다. 반품 배송비는 6,000원입니다 [7]. 반품 배송비는 왕복입니다."
    )
    reply = (await draft(grounds(ASK, passage(snippet))))["reply"]
    assert "{" not in reply and "[7]" not in reply and "반품 배송비는 왕복입니다. [1]" in reply


async def test_banned_phrases_and_the_longest_reply_of_a_tenant_hold() -> None:
    banned = SETTINGS.model_copy(update={"banned_phrases": ("6,000원",), "reply_max_characters": 120})
    reply = (await draft(grounds(ASK, passage(RETURN_PASSAGE), settings=banned)))["reply"]
    assert "6,000원" not in reply and len(reply) <= 120


async def test_a_cut_reply_cites_only_what_it_still_says() -> None:
    short = SETTINGS.model_copy(update={"reply_max_characters": 100})
    long = passage("반품 배송비는 " + "왕복이며 " * 20 + "고객님이 부담합니다. " + RETURN_PASSAGE)
    made = await draft(grounds(ASK, long, settings=short))
    assert len(made["reply"]) <= 100
    assert all(f"[{n}]" in made["reply"] for n in made["citations"])


_TEXT = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"]), st.sampled_from("가나다요니0123456789{}[]<>#*|-.?!\n \t")
    ),
    max_size=400,
)
_ANSWERS = [
    APPROVED,
    ApprovedAnswer("hold", "other", "ko", "확인한 뒤 답변드리겠습니다."),
    ApprovedAnswer(
        "en", "return_request", "en", "Hello {customer_name}, see {product}. It takes 7 days.", "kb-return"
    ),
]


@settings(max_examples=200, deadline=None)
@given(
    text=_TEXT,
    subject=_TEXT,
    snippet=_TEXT,
    title=_TEXT,
    name=_TEXT,
    task=st.sampled_from(Task),
    intent=st.sampled_from(["return_request", "product_defect", "other", "no such intent", ""]),
    language=st.sampled_from(["ko", "en"]),
    plain=st.booleans(),
)
async def test_whatever_comes_in_a_usable_answer_comes_out(
    text: str,
    subject: str,
    snippet: str,
    title: str,
    name: str,
    task: Task,
    intent: str,
    language: str,
    plain: bool,
) -> None:
    ticket = Ticket(subject=subject[:200], description=text, customer=Customer(name=name[:200]))
    evidence = (passage(snippet, title=title), passage(f"{text}\n{RETURN_PASSAGE}", n=2, id="kb-2"))
    on = Grounds(ticket=ticket, evidence=evidence, intent=intent, language=language, settings=SETTINGS)  # type: ignore[arg-type]
    prompt = Prompt(
        task, "", (Turn("user", text),), approving(on, _ANSWERS), schema=None if plain else {"type": "object"}
    )
    with capture_logs() as faults:
        answer = await RuleBased().answer(prompt, seconds=1)
    assert faults == []
    assert answer.provider == "rules" and answer.finish_reason == "stop"
    if plain or task is not Task.SOLUTION_DRAFT:
        return
    made = json.loads(answer.text)
    assert set(made) == SHAPE and made["reply"].strip()
    assert made["kind"] in ("answer", "clarify", "hold")
    assert set(made["citations"]) <= {1, 2}
    assert not re.search(r"\{\w+\}", made["reply"])
    source = " ".join(
        [ticket.customer_text, name, *(e.snippet for e in evidence), *(a.text for a in _ANSWERS)]
    )
    settled = " ".join([*SETTINGS.company.values(), *SETTINGS.contact.values()])
    assert numbers(made["reply"]) <= numbers(source) | numbers(settled)


async def test_hundred_thousand_characters_are_answered_like_any_ticket() -> None:
    filler = "아무 상관 없는 긴 이야기가 계속됩니다. " * 4_500
    made = await draft(grounds((ASK + filler)[:100_000], passage(RETURN_PASSAGE), name="한지우"), [APPROVED])
    assert made["citations"] == [1]


async def test_a_fault_of_ours_still_ends_in_a_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("ccos.providers.rules.provider.compose", broken)
    with capture_logs() as faults:
        made = await draft(grounds(ASK))
    assert faults == [
        {"event": "rules.fault", "log_level": "error", "task": Task.SOLUTION_DRAFT, "error": "RuntimeError"}
    ]
    assert set(made) == SHAPE and made["kind"] == "hold" and "확인하고 있으며" in made["reply"]


# -- fields


async def test_the_category_is_the_active_one_that_lists_the_intent() -> None:
    assert (await draft(grounds(ASK)))["category"] == "반품"
    assert (await draft(grounds(ASK, intent="exchange")))["category"] == "교환"
    assert (await draft(grounds(ASK, intent="coupon")))["category"] == ""


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("컵이 깨져서 왔어요", ["파손"]),
        ("반품 배 송 비 얼마예요", ["배송비"]),
        ("My voucher does not work", ["쿠폰"]),
        ("제주도로도 보내주나요", ["제주·도서"]),
        ("안녕하세요", []),
    ],
)
async def test_tags_come_from_the_closed_list_by_the_words_of_the_ticket(text: str, tags: list[str]) -> None:
    assert (await draft(grounds(text, intent="other")))["tags"] == tags


# -- prompts without much


async def test_a_prompt_without_ticket_is_answered_from_its_last_user_turn() -> None:
    turns = (
        Turn("user", "반품하고 싶어요"),
        Turn("assistant", "네"),
        Turn("user", "반품 배송비는 얼마인가요?"),
    )
    on = Grounds(evidence=(passage(RETURN_PASSAGE),), intent="return_request")
    answer = await RuleBased().answer(Prompt(Task.SOLUTION_DRAFT, "", turns, on), seconds=1)
    assert "반품 배송비는 왕복 6,000원입니다. [1]" in answer.text and not answer.text.startswith("{")


async def test_an_empty_prompt_gets_a_hold() -> None:
    answer = await RuleBased().answer(Prompt(Task.SOLUTION_DRAFT, "", ()), seconds=1)
    assert answer.text.startswith("안녕하세요, 고객님.") and "문의하시려는 내용" in answer.text


async def test_it_is_free_always_there_and_the_last_tier() -> None:
    rules = RuleBased()
    prompt = Prompt(Task.SOLUTION_DRAFT, "", (), Grounds(settings=TenantSettings()))
    assert await rules.alive(seconds=0) and rules.estimate(prompt) == 0
    assert rules.card.tier is Tier.RULE_BASED and not rules.card.paid and not rules.card.leaves_machine
    answer = await rules.answer(prompt, seconds=0)
    assert (answer.provider, answer.model, answer.cost) == ("rules", "rules-1", 0)
