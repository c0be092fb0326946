"""What is kept and shown of a question, and the article that is drafted from replies."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from ccos.domain.gap import SLOT, Sent
from ccos.domain.ticket import Customer, Message, Ticket
from ccos.knowledge.gap_texts import asked, cleaned, facts_of, language_of, private, proposal

NOW = datetime(2026, 11, 23, tzinfo=UTC)
CUSTOMER = Customer(name="노을빛", email="noeul@example.com", phone="010-1234-5678")


def sent(text, verdict="edited"):
    return Sent(uuid4(), uuid4(), text, verdict, NOW)


@pytest.mark.parametrize(
    "secret",
    [
        "010-1234-5678",
        "noeul@example.com",
        "노을빛",
        "20261109-002845",
        "900101-1234568",
        "4111-1111-1111-1111",
    ],
)
def test_nothing_that_points_to_a_person_is_kept(secret):
    ticket = Ticket(
        subject=f"정기배송 문의 {secret}",
        description=f"안녕하세요 노을빛입니다. 정기배송도 하시나요? 연락처나 번호는 {secret} 입니다.",
        customer=CUSTOMER,
    )
    found = asked(ticket)
    assert found is not None
    assert secret not in "\n".join(found) and "정기배송" in found[1]


def test_what_a_price_a_size_or_a_model_says_stays():
    ticket = Ticket(subject="텀블러 500ml 12개에 1,250,000원 맞나요 A4 GT-5")
    assert private(ticket.subject, ticket) == ticket.subject


def test_the_title_is_the_question_and_not_the_story():
    ticket = Ticket(
        subject="문의",
        description="안녕하세요. 늘 잘 쓰고 있어요. 무드등 최대 밝기가 몇 루멘인가요? 감사합니다!",
    )
    assert asked(ticket)[1] == "무드등 최대 밝기가 몇 루멘인가요?"


def test_a_question_that_leans_on_its_subject_keeps_it():
    ticket = Ticket(subject="영문 영수증", description="이것도 메일로 보내 주실 수 있나요?")
    assert asked(ticket)[1].startswith("영문 영수증: ")


def test_the_last_message_is_what_is_asked():
    ticket = Ticket(
        subject="Order",
        description="Where is my parcel?",
        conversation_history=(
            Message(role="agent", text="It arrives tomorrow."),
            Message(role="customer", text="Thanks. Do you also offer gift wrapping for mugs?"),
        ),
    )
    assert "gift wrapping" in asked(ticket)[1]


@pytest.mark.parametrize("text", ["", "ㅋㅋㅋ", "!!!", "안녕하세요 감사합니다", "010-1234-5678"])
def test_a_ticket_that_asks_nothing_is_no_question(text):
    assert asked(Ticket(subject=text)) is None


def test_a_very_long_title_ends_at_a_word():
    _, title = asked(Ticket(subject="", description="선물 포장 " * 80 + "되나요?"))
    assert len(title) <= 120 and title.endswith("…") and not title.endswith(" …")


def test_facts_are_what_replies_say_once_each_without_manners_and_marks():
    facts = facts_of(
        [
            sent(
                "안녕하세요, 고객님. 선물 포장은 결제 화면에서 2,000원에 고르실 수 있습니다 [1]. 감사합니다."
            ),
            sent("선물 포장은 결제 화면에서 2,000원에 고르실 수 있어요. 리본 색은 베이지 한 가지입니다."),
        ]
    )
    assert facts == [
        ("선물 포장은 결제 화면에서 2,000원에 고르실 수 있습니다.", 1),
        ("리본 색은 베이지 한 가지입니다.", 2),
    ]


def test_a_hold_says_nothing():
    assert facts_of([sent("문의해 주셔서 감사합니다. 담당자가 확인한 뒤 답변드리겠습니다.")]) == []


def test_an_article_says_where_it_comes_from_and_keeps_its_empty_place():
    replies = [sent("Gift wrapping costs 2,000 won per parcel at checkout.")]
    made = proposal(
        "Do you wrap gifts?",
        ["Do you wrap gifts?", "gift wrap?"],
        replies,
        facts_of(replies),
        made_by="rules",
        now=NOW,
    )
    assert "- Gift wrapping costs 2,000 won per parcel at checkout. [1]" in made.body
    assert "[1] 2026-11-23, sent edited" in made.body and SLOT["en"] in made.body
    assert made.answer == "- Gift wrapping costs 2,000 won per parcel at checkout."
    assert [source.ticket_id for source in made.sources] == [str(replies[0].ticket_id)]


def test_an_article_that_nobody_has_answered_says_so():
    made = proposal("선물 포장 되나요?", ["선물 포장 되나요?"], [], [], made_by="rules", now=NOW)
    assert made.answer is None and "아직 없습니다" in made.body and SLOT["ko"] in made.body


@pytest.mark.parametrize(
    ("text", "language"), [("배송", "ko"), ("A4 용지", "ko"), ("refund", "en"), ("", "en")]
)
def test_the_language_of_an_article_is_that_of_its_question(text, language):
    assert language_of(text) == language


def test_what_only_helped_to_edit_an_article_is_not_published():
    replies = [sent("선물 포장은 결제 화면에서 2,000원에 고르실 수 있습니다.")]
    near = [("kb-7", "포장 안내")]
    made = proposal(
        "선물 포장 되나요?", ["선물 포장"], replies, facts_of(replies), near=near, made_by="rules", now=NOW
    )
    assert "> 이미 있는 비슷한 글: 포장 안내 (kb-7)" in made.body
    text = cleaned(made.body.replace(SLOT["ko"], "리본은 없습니다. > 표시는 남습니다."))
    assert "2,000원에 고르실 수 있습니다." in text and "리본은 없습니다. > 표시는 남습니다." in text
    assert "[1]" not in text and "2026-11-23" not in text and "한 고객에게만" not in text
    assert "kb-7" not in text
