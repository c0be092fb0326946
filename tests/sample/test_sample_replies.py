"""Approved answers of the rule tier, and the solved cases."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from itertools import combinations

import pytest

from ccos import sample
from support.sample_kb import NUMBER, RESIDENT_NUMBER_SHAPE, alikeness, articles, cases, is_hangul_text

ANSWERS = {answer.id: answer for answer in sample.approved_answers()}
CASES = {case["id"]: case for case in cases()}
INTENTS = {intent for category in sample.settings().categories for intent in category.intents}
SLOTS = {"customer_name", "company", "order_number", "product", "contact"}
GREETING = re.compile(r"안녕하세요, (\{customer_name\} )?고객님\.")
POLITE_END = re.compile(r"(니다|세요|까요|바랍니다)[.!?]$")
each_answer = pytest.mark.parametrize("name", ANSWERS)
each_case = pytest.mark.parametrize("name", CASES)


def numbers_in(text: str) -> set[str]:
    return set(NUMBER.findall(text))


def test_every_intent_has_a_korean_answer_and_the_common_ones_an_english_one():
    by_language = {lang: {a.intent for a in ANSWERS.values() if a.language == lang} for lang in ("ko", "en")}
    assert by_language["ko"] == INTENTS
    assert len(by_language["en"]) >= 10
    assert len(ANSWERS) == len(sample.approved_answers()) >= 30


@each_answer
def test_an_answer_states_only_figures_of_its_article(name):
    answer = ANSWERS[name]
    if answer.kb_id is None:
        assert not numbers_in(answer.text)
        return
    article = articles()[answer.kb_id]
    assert article.outdated_since is None and article.fields["visibility"] == "public"
    assert numbers_in(answer.text) <= article.numbers


@each_answer
def test_an_answer_has_only_known_slots_and_fits_the_form(name):
    answer = ANSWERS[name]
    assert answer.intent in INTENTS
    assert set(re.findall(r"\{(\w*)\}", answer.text)) <= SLOTS
    assert answer.text.count("{") == answer.text.count("}") == len(re.findall(r"\{\w+\}", answer.text))
    assert 60 <= len(answer.text) <= 500
    assert not any(phrase in answer.text for phrase in sample.settings().banned_phrases)


@each_answer
def test_an_answer_is_polite_in_its_language(name):
    answer = ANSWERS[name]
    assert is_hangul_text(answer.text) == (answer.language == "ko")
    if answer.language == "ko":
        assert answer.text.startswith("안녕하세요, ")
        assert "고객님" in answer.text and answer.text.endswith("니다.")
        for sentence in re.split(r"(?<=[.!?])\s+(?=[가-힣{])", answer.text.replace("{contact}", "")):
            assert POLITE_END.search(sentence.strip()) or GREETING.fullmatch(sentence.strip()), sentence
    else:
        assert answer.text.startswith("Hello")


def test_no_two_answers_are_alike():
    for one, other in combinations(ANSWERS.values(), 2):
        assert alikeness(one.text, other.text) < 0.6, (one.id, other.id)


def test_there_are_enough_cases_over_all_intents():
    assert len(CASES) == len(cases()) >= 60
    assert {case["intent"] for case in CASES.values()} == INTENTS
    assert Counter(case["language"] for case in CASES.values())["en"] >= 8


@each_case
def test_a_case_has_the_agreed_fields_from_the_closed_lists(name):
    case = CASES[name]
    assert set(case) == {"id", "title", "question", "answer", "category", "intent", "language", "updated_at"}
    owner = {intent: c.name for c in sample.settings().categories for intent in c.intents}
    assert owner[case["intent"]] == case["category"]
    assert date.fromisoformat(case["updated_at"]) <= date(2026, 11, 20)
    assert is_hangul_text(case["answer"]) == is_hangul_text(case["question"]) == (case["language"] == "ko")
    assert len(case["answer"]) <= sample.settings().reply_max_characters


@each_case
def test_a_case_holds_no_personal_data(name):
    text = " ".join(CASES[name].values())
    assert not RESIDENT_NUMBER_SHAPE.search(text)
    assert not re.search(r"01[016789]-?\d{3,4}-?\d{4}|(?<!\d)\d{8}-\d{6}|(?<!\d)\d{12,16}(?!\d)", text)
    assert set(re.findall(r"[\w.]+@[\w.]+", text)) <= {"biz@example.com", "privacy@example.com"}


@each_case
def test_a_korean_case_answer_keeps_the_formal_style(name):
    case = CASES[name]
    if case["language"] == "en":
        return
    assert not any(phrase in case["answer"] for phrase in sample.settings().banned_phrases)
    for sentence in re.split(r"(?<=[.!?])\s+", case["answer"]):
        assert POLITE_END.search(sentence) or re.search("(고객님|시겠어요|신지요)[.?]$", sentence), sentence


def test_figures_in_case_answers_come_from_the_current_rules_or_the_question():
    """A figure worked out for one customer is allowed, and named here."""
    worked_out = {"24,000"}
    known = worked_out.union(*(a.numbers for a in articles().values() if a.outdated_since is None))
    for case in CASES.values():
        strange = numbers_in(case["answer"]) - known - numbers_in(case["question"])
        assert not strange, (case["id"], strange)


def test_no_two_cases_are_alike():
    for one, other in combinations(CASES.values(), 2):
        assert one["title"] != other["title"]
        assert alikeness(one["answer"], other["answer"]) < 0.4, (one["id"], other["id"])
