"""The questions that search and the answer check are trained and measured on."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from itertools import combinations

import pytest
from pydantic import ValidationError

from ccos import sample
from support.sample_kb import RESIDENT_NUMBER_SHAPE, alikeness, articles, cases

NAMES = ("ko-a", "ko-b")
ASKS = {name: sample.asks(name) for name in NAMES}
ENGLISH = sample.asks("en-a")
ALL = [ask for asks in (*ASKS.values(), ENGLISH) for ask in asks]
TODAY = date(2026, 11, 23)
each_set = pytest.mark.parametrize("name", NAMES)
CITABLE = {
    name: article
    for name, article in articles().items()
    if article.fields["visibility"] == "public"
    and (article.outdated_since is None or article.outdated_since >= TODAY)
}


def said(ask: sample.Ask) -> str:
    return f"{ask.subject}\n{ask.text}".strip()


def is_korean(text: str) -> bool:
    return 2 * len(re.findall("[가-힣]", text)) > len(re.findall("[A-Za-z]", text))


def squeezed(text: str) -> str:
    return "".join(re.findall(r"\w", text.casefold()))


@each_set
def test_half_of_a_set_has_an_answer_and_no_run_is_all_of_one_kind(name):
    asks = ASKS[name]
    assert Counter(ask.answerable for ask in asks) == {True: 80, False: 80}
    assert [ask.id for ask in asks] == [f"ask-{name[-1]}-{n:03d}" for n in range(1, 161)]
    for start in range(0, 160, 20):
        assert sum(ask.answerable for ask in asks[start : start + 20]) == 10


@each_set
def test_gold_is_public_in_force_and_of_the_questions_language(name):
    for ask in ASKS[name]:
        assert ask.answerable == bool(ask.gold), ask.id
        assert len(set(ask.gold)) == len(ask.gold) <= 3, ask.id
        assert set(ask.gold) <= set(CITABLE), ask.id
        locales = [CITABLE[kb_id].fields["locale"] for kb_id in ask.gold]
        if is_korean(ask.text):
            assert set(locales) <= {"ko"}, ask.id
        elif locales:
            assert locales[0] == "en", ask.id


@each_set
def test_every_procedure_that_may_be_cited_answers_something_and_none_answers_most(name):
    used = Counter(kb_id for ask in ASKS[name] for kb_id in ask.gold)
    assert set(used) == set(CITABLE)
    assert max(used.values()) <= 6


@each_set
def test_the_unanswerable_are_of_three_equal_kinds_in_each_language(name):
    kinds = Counter((ask.why.split(":")[0], is_korean(ask.text)) for ask in ASKS[name] if not ask.answerable)
    assert {kind for kind, _ in kinds} == {"far", "near", "mixed"}
    assert all(kinds[kind, False] == 4 for kind in ("far", "near", "mixed"))
    assert sorted(kinds[kind, True] for kind in ("far", "near", "mixed")) == [22, 23, 23]


@each_set
def test_about_one_in_seven_is_english_among_both_kinds(name):
    for answerable in (True, False):
        english = sum(not is_korean(a.text) for a in ASKS[name] if a.answerable == answerable)
        assert english == 12


@each_set
def test_a_set_is_written_as_people_write(name):
    texts = [ask.text for ask in ASKS[name]]
    lengths = sorted(len(text) for text in texts)
    assert lengths[0] <= 15 and lengths[-1] >= 200
    assert any(re.search("[가-힣]{25,}", text) for text in texts), "one without spaces"
    assert sum(bool(re.search("ㅠ|ㅋ|ㅡㅡ|ㅎㅎ|;;|!!|\\?\\?", text)) for text in texts) >= 15
    assert sum(not ask.subject for ask in ASKS[name]) >= 2
    assert all(0 < len(ask.why) <= 100 and ask.why.isascii() for ask in ASKS[name])


@each_set
def test_neither_answers_nor_their_absence_can_be_told_from_the_length(name):
    means = [
        sum(len(said(ask)) for ask in ASKS[name] if ask.answerable == answerable) / 80
        for answerable in (True, False)
    ]
    assert 0.65 < means[0] / means[1] < 1.55


def test_the_english_set_is_half_without_an_answer_and_leans_on_every_english_procedure():
    assert [ask.id for ask in ENGLISH] == [f"ask-e-{n:03d}" for n in range(1, 61)]
    for start in range(0, 60, 20):
        assert sum(ask.answerable for ask in ENGLISH[start : start + 20]) == 10
    kinds = Counter(ask.why.split(":")[0] for ask in ENGLISH if not ask.answerable)
    assert kinds == {"far": 10, "near": 10, "mixed": 10}
    used = Counter(kb_id for ask in ENGLISH for kb_id in ask.gold)
    assert set(used) == {name for name, article in CITABLE.items() if article.fields["locale"] == "en"}
    assert max(used.values()) <= 6
    for ask in ENGLISH:
        assert not is_korean(said(ask)) and ask.answerable == bool(ask.gold), ask.id
        assert 0 < len(ask.why) <= 100 and ask.why.isascii(), ask.id


def test_no_question_is_another_again_nor_a_ticket_a_case_or_a_lesson():
    known = [(a.id, said(a)) for a in ALL]
    others = [(t.external_id or "", f"{t.subject}\n{t.description}") for t in sample.tickets()]
    others += [(case["id"], case["question"]) for case in cases()]
    assert len({squeezed(a.text) for a in ALL}) == len({a.id for a in ALL}) == len(ALL)
    for (one, text), (other, again) in combinations(known, 2):
        assert alikeness(text, again) < 0.2, (one, other)
    for one, text in known:
        for other, again in others:
            assert alikeness(text, again) < 0.2, (one, other)
    lessons = {squeezed(part) for line in sample.tiny_asks().splitlines() for part in line.split("|")}
    assert not lessons & {squeezed(a.text) for a in ALL}


def test_questions_hold_no_real_personal_data():
    for ask in ALL:
        text = said(ask)
        assert not RESIDENT_NUMBER_SHAPE.search(text), ask.id
        phones = re.findall(r"01[016789][-.\s]?\d{3,4}[-.\s]?\d{4}", text)
        assert all(re.fullmatch(r"010-0000-\d{4}", phone) for phone in phones), ask.id
        assert set(re.findall(r"@([\w.-]+)", text)) <= {"example.com"}, ask.id
        assert "http" not in text and "www." not in text, ask.id
        assert set(re.findall(r"1[568]\d\d-\d{4}", text)) <= {"1588-0000"}, ask.id
        assert not re.search(r"\d{3,}-\d{3,}-\d{4,}", text.replace("010-0000-", "")), ask.id


def test_a_set_cannot_be_changed_by_its_reader():
    with pytest.raises(ValidationError):
        ASKS["ko-a"][0].answerable = not ASKS["ko-a"][0].answerable
