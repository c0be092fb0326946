"""The loop that learns, step by step: labels, calibration, comparison, library, pairs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ccos.domain.draft import DraftState
from ccos.learning.loop import cells, comparing, library, pairs
from ccos.learning.loop.outcomes import Decided, Label, label_of, labels_of
from ccos.learning.loop.recalibrating import recalibrate
from ccos.quality.model import Isotonic, Platt, logistic, odds
from ccos.quality.recalibration import Recalibration, as_shipped

NOW = datetime(2026, 3, 2, tzinfo=UTC)
REPLY = "Your parcel left our warehouse yesterday and reaches you within three working days."


def decided(verdict="approved", **more) -> Decided:
    return Decided(
        **{"ticket": "t", "verdict": verdict, "quality": 0.7, "decided_at": NOW, "reply": REPLY} | more
    )


def labels(count, slope=1.0, intercept=0.0, *, seed=0, start=NOW, flip=0.0) -> list[Label]:
    """Labels whose true chance is logistic(slope * z + intercept)."""
    draw = np.random.default_rng(seed)
    z = draw.normal(0.5, 1.5, count)
    good = draw.random(count) < [logistic(slope * each + intercept) for each in z]
    good ^= draw.random(count) < flip
    return [
        Label(
            f"{seed}-{n}",
            logistic(float(z[n])),
            bool(good[n]),
            1.0,
            start + timedelta(minutes=n),
            "as_is",
            True,
        )
        for n in range(count)
    ]


# Labels


def test_a_reply_that_went_out_as_it_was_counts_whole():
    label = label_of(decided())
    assert (label.good, label.weight, label.found, label.why) == (True, 1.0, True, "as_is")


def test_an_edited_reply_counts_by_what_was_left_or_changed_of_it():
    light = label_of(decided("edited", sent=REPLY.replace("three", "four")))
    heavy = label_of(decided("edited", sent="We lost it. Your money comes back today, we are sorry."))
    assert light.good and 0.6 <= light.weight < 1 and light.found
    assert not heavy.good and heavy.weight > 0.4 and heavy.found


def test_an_edit_of_the_greeting_alone_is_as_it_was():
    assert label_of(decided("edited", sent="Hello Kim!\n" + REPLY)).why == "as_is"


@pytest.mark.parametrize(
    ("reason", "found"),
    [("incorrect_information", False), ("outdated_information", False), ("wrong_tone", None)],
)
def test_a_rejection_is_bad_with_its_reason(reason, found):
    label = label_of(decided("rejected", reason=reason))
    assert (label.good, label.weight, label.why, label.found) == (False, 1.0, reason, found)


def test_a_draft_that_was_not_needed_says_nothing_of_its_text():
    assert label_of(decided("rejected", reason="not_needed")) is None


@pytest.mark.parametrize("state", [DraftState.SUPERSEDED, DraftState.EXPIRED, DraftState.FAILED])
def test_a_draft_nobody_could_judge_is_no_label(state):
    assert label_of(decided(state=state)) is None


def test_a_customer_who_comes_back_within_three_days_makes_a_good_label_bad():
    soon = label_of(decided(reopened_at=NOW + timedelta(hours=72)))
    late = label_of(decided(reopened_at=NOW + timedelta(hours=72, seconds=1)))
    assert (soon.good, soon.why) == (False, "reopened") and late.good


def test_a_ticket_is_one_label_and_what_was_decided_does_not_choose_it():
    first = decided("rejected", reason="wrong_tone")
    later = decided(decided_at=NOW + timedelta(hours=1))
    assert [label.good for label in labels_of([later, first])] == [False]
    unjudged = replace(first, state=DraftState.EXPIRED)
    assert [label.good for label in labels_of([later, unjudged])] == [True]


# Calibration


def test_few_labels_change_nothing():
    assert recalibrate(labels(49, intercept=-2), "s") == as_shipped("s")
    one_kind = [replace(label, good=True) for label in labels(200)]
    assert recalibrate(one_kind, "s") == as_shipped("s")


def test_few_labels_stay_nearer_to_the_shipped_calibration_than_many():
    def mean(count):
        curves = [recalibrate(labels(count, 0.5, -1.5, seed=seed), "s").curve for seed in range(20)]
        return np.mean([[curve.slope, curve.intercept] for curve in curves], axis=0)

    few, many = mean(60), mean(900)
    assert many == pytest.approx([0.5, -1.5], abs=0.05)
    assert many[0] + 0.05 < few[0] < 1.0


def test_a_calibration_never_turns_the_order_round():
    upside_down = recalibrate(labels(900, slope=-2.0), "s")
    assert upside_down.quality(0.9) >= upside_down.quality(0.1)
    with pytest.raises(ValueError, match="must not fall"):
        Recalibration(scorer="s", curve=Platt(slope=-1, intercept=0), labels=9)
    with pytest.raises(ValueError, match="must not fall"):
        Recalibration(scorer="s", curve=Isotonic(at=(0, 1), is_good=(0.9, 0.1)), labels=9)


def test_many_labels_may_have_a_curve_of_another_shape():
    draw = np.random.default_rng(5)
    made = labels(4_000, seed=5)
    stepped = [
        replace(label, good=bool(draw.random() < (0.9 if label.quality > 0.6 else 0.3))) for label in made
    ]
    found = recalibrate(stepped, "s")
    assert isinstance(found.curve, Isotonic)
    assert abs(found.quality(0.9) - 0.9) < 0.05 and abs(found.quality(0.3) - 0.3) < 0.05


def test_weak_labels_count_less():
    made = labels(500, intercept=-1.5, seed=2)
    weak = [replace(label, weight=0.05) for label in made]
    full, faint = recalibrate(made, "s").curve, recalibrate(weak, "s").curve
    assert full.intercept < faint.intercept < 0


# Cells


def test_a_rare_cell_is_drawn_to_its_tier_and_a_frequent_one_stands_for_itself():
    def many(count, good, intent):
        return [
            Label(f"{intent}{n}", 0.5, n < good, 1.0, NOW, "", None, "tier_1", intent, "ko")
            for n in range(count)
        ]

    found = cells.expected_by_cell([*many(400, 360, "refund"), *many(400, 120, "legal"), *many(2, 0, "rare")])
    refund, rare = found["tier_1", "refund", "ko"], found["tier_1", "rare", "ko"]
    assert abs(refund.share - 0.9) < 0.02 and refund.labels == 400
    assert 0.1 < rare.share < 0.6


def test_cells_that_differ_by_chance_alone_share_one_figure():
    draw = np.random.default_rng(1)
    made = [
        Label(f"{n}", 0.5, bool(draw.random() < 0.7), 1.0, NOW, "", None, "tier_2", f"i{n % 20}", "en")
        for n in range(600)
    ]
    shares = [each.share for each in cells.expected_by_cell(made).values()]
    assert max(shares) - min(shares) < 0.1


# Comparison


def test_the_newest_labels_are_held_back():
    made = labels(100)
    fit, held = comparing.time_split(made[::-1])
    assert len(held) == 25 and max(x.decided_at for x in fit) < min(x.decided_at for x in held)


def test_a_calibration_that_fits_is_promoted_with_a_reason():
    fit, held = comparing.time_split(labels(1_200, 0.6, -1.2, seed=4))
    after = recalibrate(fit, "s")
    found = comparing.compare(as_shipped("s"), after, held, required=0.7, fitted=len(fit))
    assert found.promote and "better by at least" in found.reason
    assert {figure.name for figure in found.figures} == {"log_loss", "brier", "auroc", "accepted_good"}
    back = comparing.compare(after, as_shipped("s"), held, required=0.7)
    assert not back.promote and "worse" in back.reason


def test_nothing_is_promoted_where_nothing_is_to_be_gained():
    promoted = 0
    for seed in range(40):
        fit, held = comparing.time_split(labels(600, seed=seed))
        promoted += comparing.compare(as_shipped("s"), recalibrate(fit, "s"), held, required=0.7).promote
    assert promoted <= 3


def test_too_few_held_back_or_the_same_curve_keep_what_is():
    other = Recalibration(scorer="s", curve=Platt(slope=1, intercept=-1), labels=50)
    few = comparing.compare(as_shipped("s"), other, labels(29), required=0.7)
    same = comparing.compare(other, other, labels(100), required=0.7)
    assert not few.promote and "30 are needed" in few.reason
    assert not same.promote and "no other calibration" in same.reason


def test_odds_and_quality_agree_where_nothing_was_learnt():
    assert as_shipped("s").quality(0.37) == pytest.approx(logistic(odds(0.37))) == pytest.approx(0.37)


# Library


def sent(ticket, text, **more):
    return library.Sent(**{"ticket": ticket, "text": text, "intent": "refund", "language": "en"} | more)


ANSWER = (
    "Order {} is on its way and reaches you within 3 working days. You can follow it on your orders page."
)


def test_an_answer_three_tickets_got_is_proposed_with_slots_for_what_differs():
    (found,) = library.proposals(sent(f"t{n}", ANSWER.format(1000 + n)) for n in range(3))
    assert found.tickets == 3 and found.slots == ("number_1",)
    assert "Order {number_1} is" in found.text and "within 3 working days" in found.text
    assert "1000" not in found.text


def test_one_ticket_three_times_or_two_tickets_are_not_enough():
    assert not library.proposals(sent("t1", ANSWER.format(n)) for n in (1, 2, 3))
    assert not library.proposals(sent(f"t{n}", ANSWER.format(n)) for n in (1, 2))


def test_personal_data_never_reaches_the_library():
    text = (
        "We called 010-1234-56{:02d} and wrote to kim{}@example.com about the refund that you asked us for."
    )
    (found,) = library.proposals(sent(f"t{n}", text.format(n, n)) for n in range(3))
    assert "example.com" not in found.text and "010" not in found.text
    assert {slot.partition("_")[0] for slot in found.slots} == {"person"}


def test_the_opposite_in_nearly_the_same_words_is_another_answer():
    yes = "You can send back the opened item within the term that your invoice names, free of charge."
    no = yes.replace("can send", "can not send")
    made = [sent(f"y{n}", yes) for n in range(3)] + [sent(f"n{n}", no) for n in range(2)]
    (found,) = library.proposals(made)
    assert found.tickets == 3 and "not" not in found.text


def test_other_intents_and_languages_are_kept_apart_and_order_does_not_matter():
    made = [sent(f"t{n}", ANSWER.format(n), intent="refund" if n < 2 else "delivery") for n in range(4)]
    assert not library.proposals(made)
    enough = [sent(f"t{n}", ANSWER.format(n)) for n in range(5)]
    assert library.proposals(enough) == library.proposals(enough[::-1])


# Pairs


def test_edited_and_rejected_drafts_become_pairs_without_people():
    made = [
        pairs.Judged("Where is it? I am at kim@example.com", REPLY, "edited", REPLY.replace("three", "nine")),
        pairs.Judged("And mine?", REPLY, "rejected", reason="incorrect_information"),
        pairs.Judged("As is", REPLY, "approved"),
        pairs.Judged("Greeting only", REPLY, "edited", "Hello!\n" + REPLY),
    ]
    lines = pairs.as_json_lines(pairs.hard_negatives(made)).splitlines()
    edited, rejected = map(json.loads, lines)
    assert edited["spans"] == [{"from": "three", "to": "nine"}] and "example.com" not in lines[0]
    assert rejected["chosen"] is None and rejected["reason"] == "incorrect_information"
