"""What stands twice says nothing twice: lines of the same words, and drafts of one ticket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from ccos.domain.tier import Task
from ccos.learning.certifying import Rated, certificates
from ccos.learning.labelled import LabelledAnswer
from ccos.learning.repeats import once, one_each
from ccos.learning.training import LabelledSet, train
from support.labels import drafts

LINE = LabelledAnswer(question="반품?", evidence=("7일 이내",), answer="7일입니다.", label="approve")


def rated(tickets: int, each: int, good=True) -> list[Rated]:
    """Answers of as many tickets, `each` of every one."""
    return [
        Rated(Task.SOLUTION_DRAFT, None, 0.5 + n / 1_000, good, f"t-{n}", str(k))
        for n in range(tickets)
        for k in range(each)
    ]


def promised(labels: list[Rated]) -> tuple[int, float | None]:
    (found,) = certificates(labels, scorer="s", source="tenant", levels=(0.6,))
    return found.labels, found.threshold


def test_many_drafts_of_few_tickets_certify_nothing():
    assert promised(rated(10, 12)) == (10, None)
    alone = [Rated(each.task, None, each.quality, each.good) for each in rated(10, 12)]
    assert promised(alone)[1] is not None, "counted one by one they would have"


def test_as_many_drafts_of_as_many_tickets_certify():
    assert promised(rated(120, 1)) == (120, pytest.approx(0.5, abs=0.01))


def test_bad_drafts_of_one_ticket_are_one_bad_trial():
    good = rated(120, 1)
    bad = [Rated(Task.SOLUTION_DRAFT, None, 0.9, False, "loud", str(k)) for k in range(80)]
    assert promised([*bad, *good]) == (121, pytest.approx(0.5, abs=0.01))
    apart = [Rated(each.task, None, each.quality, False, f"{n}") for n, each in enumerate(bad)]
    assert promised([*apart, *good])[1] is None


def test_which_draft_of_a_ticket_counts_hangs_neither_on_its_place_nor_on_its_label():
    at = datetime(2026, 3, 2, tzinfo=UTC)
    first, later = (
        LINE.model_copy(update={"decided_at": at + timedelta(hours=n), "answer": f"{n}", "label": label})
        for n, label in enumerate(("reject", "approve"))
    )
    assert one_each(["t", "t"], [later.turn, first.turn]) == [1]
    assert one_each(["t", "t"], [first.turn, later.turn]) == [0]
    written = [LINE.model_copy(update={"answer": f"{n}번 답", "label": "approve"}) for n in range(40)]
    refused = [each.model_copy(update={"label": "reject"}) for each in written]
    assert [each.turn for each in written] == [each.turn for each in refused]
    drawn = [one_each(["t", "t"], [one.turn, two.turn]) for one, two in pairwise(written)]
    assert [0] in drawn and [1] in drawn
    assert one_each([None, None, "t"], ["", "", ""]) == [0, 1, 2]


def test_a_line_that_stands_twice_is_counted_once_with_the_worst_of_its_labels():
    refused = LINE.model_copy(update={"label": "reject"})
    near = [
        LINE.model_copy(update=change)
        for change in (
            {"question": "교환?"},
            {"evidence": ("8일 이내",)},
            {"answer": "8일입니다."},
            {"ticket_id": "of another customer"},
        )
    ]
    found = once([(0, LINE), (0, near[0]), (1, LINE), *((1, each) for each in near[1:])])
    assert [row for _, row in found.rows] == [LINE, *near] and (found.repeated, found.disputed) == (1, 0)
    assert found.remark == "1 lines repeat another word for word and were left out."
    told = once([(0, LINE), (0, refused), (1, LINE)])
    assert [(place, row.label) for place, row in told.rows] == [(0, "reject")]
    assert (told.repeated, told.disputed) == (2, 1) and "of 1 the labels disagree" in told.remark
    edited = once([(0, LINE.model_copy(update={"label": "edit"})), (0, LINE)])
    assert edited.rows[0][1].label == "edit" and edited.disputed == 0, "both are good"
    assert once([(0, LINE)]).remark == ""


def test_a_set_given_twice_trains_and_certifies_as_once():
    once_given = train([LabelledSet("mine", drafts(160))], name="tiny")
    twice = train([LabelledSet("mine", drafts(160)), LabelledSet("again", drafts(160))], name="tiny")
    assert twice.heads == once_given.heads
    assert {each.labels for each in once_given.certificates} == {80}, "two drafts to a ticket"
    assert twice.certificates == once_given.certificates
    assert twice.about["repeats"] == "160 lines repeat another word for word and were left out."
    assert "repeats" not in once_given.about
