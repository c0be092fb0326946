"""Triage with the models that ship: sure of what it says, silent on what it does not know, and swappable."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from ccos import sample
from ccos.agents.triage import triage
from ccos.agents.triage_models import RULES, Models, shipped_models
from ccos.agents.triage_words import KOREAN
from ccos.domain.ticket import Message, Ticket
from ccos.learning.texts import LabelledText
from ccos.learning.triage_training import Plan, train
from ccos.quality.classifying import Spelling


def read(text: str, models: Models | None = None):
    return triage(Ticket(description=text), pii="none", models=models)


def test_the_shipped_intents_are_the_vocabulary() -> None:
    model = shipped_models().intent
    assert model is not None and set(model.labels) == set(KOREAN)


def test_models_read_the_sample_tickets_no_worse_than_the_rules_alone() -> None:
    def right(models: Models, field: str) -> int:
        pairs = zip(sample.tickets(), sample.gold(), strict=True)
        return sum(
            getattr(triage(t, pii="none", models=models), field) == getattr(g, field) for t, g in pairs
        )

    for field in ("intent", "sentiment"):
        assert right(shipped_models(), field) >= right(RULES, field)


@pytest.mark.parametrize(
    "text",
    [
        "오늘 저녁에 뭐 먹을까",
        "여자친구랑 헤어졌어",
        "set an alarm for seven",
        "what is the capital of Peru",
        "비트코인 전망",
    ],
)
def test_strange_topics_are_not_guessed_at(text: str) -> None:
    assert read(text).intent == "other"


def test_what_the_rules_have_no_words_for_is_learnt() -> None:
    text = "바꾸지 말고 돈으로 돌려받을게요, 다른 거 필요 없어요"
    assert read(text, RULES).intent_confidence < read(text).intent_confidence
    assert read(text).intent == "return_request"


@pytest.mark.parametrize(
    "text", ["이 멍청한 놈들아 꺼져", "you stupid idiot, shut up", "미친 새끼들 죽여버린다"]
)
def test_insults_and_threats_are_abuse(text: str) -> None:
    seen = read(text)
    assert seen.abusive and seen.abuse_confidence >= 0.6
    assert not read(text, RULES).abusive


@pytest.mark.parametrize(
    "text",
    [
        "너무 화가 나서 글 남깁니다. 3주째 배송이 안 오고 전화도 안 받네요!!!",
        "This is unacceptable, I am furious and I want a refund",
        "소비자원에 신고하고 법적으로 대응하겠습니다",
        "새끼손가락에 맞는 반지 사이즈가 뭔가요",
        "전원이 꺼져요",
        "안녕하세요",
    ],
)
def test_anger_is_no_abuse(text: str) -> None:
    assert not read(text).abusive


def test_abuse_is_read_from_the_last_message() -> None:
    history = (
        Message(role="customer", text="미친 새끼들 죽여버린다"),
        Message(role="customer", text="죄송합니다 환불 부탁드려요"),
    )
    ticket = Ticket(description="환불해주세요", conversation_history=history)
    assert not triage(ticket, pii="none").abusive
    assert triage(ticket.model_copy(update={"conversation_history": history[:1]}), pii="none").abusive


def test_a_tenants_own_labels_take_the_place_of_the_vocabulary() -> None:
    lines = [
        LabelledText(f"{word} 관련 문의 {n}", label)
        for n in range(8)
        for word, label in (("헬스장 회원권", "gym"), ("수영 강습", "pool"))
    ]
    model = train("intent", lines, Plan(Spelling(chars=(1, 3), words=1))).model
    assert read("수영 강습 시간표 문의", Models(intent=model)).intent == "pool"
    assert read("zzz", Models(intent=model)).intent in ("gym", "pool", "other")


def test_the_training_messages_are_apart_from_the_gold_tickets() -> None:
    folder = files("ccos.sample").joinpath("triage")
    learnt = {
        json.loads(line)["text"]
        for name in ("ko", "en", "abuse")
        for line in folder.joinpath(f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    }
    gold = {
        text
        for ticket in sample.tickets()
        for text in (ticket.subject, ticket.description, ticket.customer_text)
    }
    assert learnt.isdisjoint(gold)
