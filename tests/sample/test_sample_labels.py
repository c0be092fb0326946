"""The labelled drafts: whole, balanced, private, and such that the gate may be held against them."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from functools import cache
from statistics import median
from typing import get_args

import pytest

from ccos import sample
from ccos.agents.triage_words import Intent
from ccos.domain.verdict import Veto
from ccos.learning.labelled import LabelledAnswer, parse_labelled
from ccos.quality import Gate
from support.sample_kb import NUMBER, RESIDENT_NUMBER_SHAPE

HARD_NEGATIVES = {
    "wrong_number", "wrong_policy", "negation_flipped", "other_customer", "missed_point", "rude", "too_long",
    "evidence_ignored", "unauthorised_promise", "hallucinated_step", "off_topic", "mixed_speech", "truncated",
}  # fmt: skip
UNLIKE_THE_EVIDENCE = {"good_paraphrase", "good_clarifying", "good_partial_honest"}
DEFINITE = ("other_customer", "truncated", "wrong_language")
GATE = Gate()
CITED = re.compile(r"\[(\d+)\]")
PHONE = re.compile(r"(?<!\d)01[016789][-.\s]?\d{3,4}[-.\s]?\d{4}(?!\d)")
EMAIL = re.compile(r"[A-Za-z0-9_.+-]+@([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)")


def drafts() -> dict[str, LabelledAnswer]:
    return {str(json.loads(line)["id"]): draft for line, draft in zip(lines(), parsed(), strict=True)}


@cache
def lines() -> list[str]:
    return sample.labelled_lines()


@cache
def parsed() -> list[LabelledAnswer]:
    return list(parse_labelled(lines(), "the seed set"))


@cache
def vetoed() -> dict[str, tuple[Veto, ...]]:
    return {name: GATE.judge(d.prompt(), d.as_answer()).vetoes for name, d in drafts().items()}


def test_there_are_enough_lines_and_each_has_its_own_id_which_begins_with_its_ticket():
    ids = [json.loads(line)["id"] for line in lines()]
    assert len(ids) >= 400
    assert len(set(ids)) == len(ids)
    assert all(name.startswith(f"{draft.ticket_id}-") for name, draft in drafts().items())


def test_the_drafts_of_a_ticket_answer_the_same_question_from_the_same_evidence():
    asked = defaultdict(set)
    for draft in parsed():
        asked[draft.ticket_id].add((draft.intent, draft.question, draft.evidence))
        assert draft.language in ("ko", "en") and draft.task == "solution_draft"
        assert draft.question.strip() and 1 <= len(draft.evidence) <= 5
    assert [ticket for ticket, said in asked.items() if len(said) > 1] == []
    assert len({question for said in asked.values() for _, question, _ in said}) == len(asked) >= 100


def test_every_intent_has_tickets_of_its_own():
    tickets = Counter({draft.ticket_id: draft.intent for draft in parsed()}.values())
    assert set(tickets) == set(get_args(Intent))
    assert min(tickets.values()) >= 2


def test_a_ticket_has_good_and_bad_drafts_and_none_twice():
    by_ticket = defaultdict(list)
    for draft in parsed():
        by_ticket[draft.ticket_id].append(draft)
    for ticket, its in by_ticket.items():
        assert {draft.good for draft in its} == {True, False}, ticket
        assert len({" ".join(draft.answer.split()) for draft in its}) == len(its) >= 3, ticket


def test_labels_are_balanced_and_say_what_the_kind_says():
    shares = Counter(draft.label for draft in parsed())
    assert 0.40 <= 1 - shares["reject"] / len(parsed()) <= 0.55
    assert shares["edit"] >= 0.05 * len(parsed())
    for name, draft in drafts().items():
        kind = str(draft.kind)
        told = "approve" if kind.startswith("good") else "edit" if kind == "light_edit" else "reject"
        assert draft.label == told, name
        assert bool(draft.reasons) == (draft.label != "approve"), name


def test_every_way_to_fail_and_to_be_good_in_other_words_is_there():
    kinds = Counter(draft.kind for draft in parsed())
    assert {kind for kind in HARD_NEGATIVES if kinds[kind] < 2} == set()
    assert sum(kinds[kind] for kind in UNLIKE_THE_EVIDENCE) >= 0.1 * len(parsed())


def test_bad_drafts_are_not_told_by_their_length_or_their_courtesy():
    good = [draft.answer for draft in parsed() if draft.good]
    bad = [draft.answer for draft in parsed() if not draft.good]
    assert 0.8 <= median(map(len, good)) / median(map(len, bad)) <= 1.25
    for mark in ("안녕하세요", "감사합니다", "죄송", "[1]", "\n"):
        shares = [sum(mark in answer for answer in answers) / len(answers) for answers in (good, bad)]
        assert abs(shares[0] - shares[1]) <= 0.15, mark


def test_no_style_writes_good_drafts_alone():
    written = Counter((draft.generator, draft.good) for draft in parsed())
    assert {style for style, _ in written} <= {"person", "cloud", "small-model", "template"}
    for style in ("person", "cloud", "small-model"):
        assert 0.3 <= written[style, True] / (written[style, True] + written[style, False]) <= 0.7, style


def test_good_drafts_cite_passages_that_are_there():
    for name, draft in drafts().items():
        cited = {int(n) for n in CITED.findall(draft.answer)}
        assert not draft.good or cited <= set(range(1, len(draft.evidence) + 1)), name


def test_people_in_it_are_invented():
    for name, draft in drafts().items():
        text = "\n".join((draft.question, *draft.evidence, draft.answer))
        assert all(phone.startswith("010-0000-") for phone in PHONE.findall(text)), name
        assert all(host == "example.com" for host in EMAIL.findall(text)), name
        assert not RESIDENT_NUMBER_SHAPE.search(text), name


def test_hardly_a_good_draft_is_vetoed():
    refused = {
        name: [(veto.kind, drafts()[name].answer[slice(*veto.span)] if veto.span else "") for veto in vetoes]
        for name, vetoes in vetoed().items()
        if vetoes and drafts()[name].good
    }
    assert len(refused) <= 0.02 * sum(draft.good for draft in parsed()), refused


@pytest.mark.parametrize("kind", DEFINITE)
def test_what_needs_no_judgement_is_vetoed(kind):
    names = [name for name, draft in drafts().items() if draft.kind == kind]
    missed = [name for name in names if not vetoed()[name]]
    assert names and len(missed) <= 0.1 * len(names), missed


def test_a_number_that_nobody_wrote_is_vetoed():
    """A wrong number may also stand in the evidence, for something else: that is told by reading only."""
    invented = [
        name
        for name, draft in drafts().items()
        if draft.kind == "wrong_number"
        and set(NUMBER.findall(CITED.sub("", draft.answer)))
        - set(NUMBER.findall("\n".join((draft.question, *draft.evidence))))
    ]
    assert len(invented) >= 20
    assert [name for name in invented if not vetoed()[name]] == []
