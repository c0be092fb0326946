"""When a draft has left a question open, and when a gap closes and comes back."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from ccos.domain.draft import DraftState
from ccos.domain.gap import Gap, GapState, Outcome, settled, wants_proof

NOW = datetime(2026, 11, 23, tzinfo=UTC)
READY, REVIEW, ABSTAINED = DraftState.READY, DraftState.NEEDS_REVIEW, DraftState.ABSTAINED


def outcome(made, verdict=None, reason="", *, quality=0.8, confidence=0.8, thin=False):
    return Outcome(made, DraftState(verdict) if verdict else made, quality, confidence, thin, verdict, reason)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (outcome(ABSTAINED), "held"),
        (outcome(ABSTAINED, "approved"), "held"),
        (outcome(ABSTAINED, "edited"), "held"),
        (outcome(ABSTAINED, "rejected", "말투"), "held"),
        (outcome(REVIEW, thin=True), "thin"),
        (outcome(REVIEW, quality=0.8, confidence=0.4), "thin"),
        (outcome(REVIEW, "edited", confidence=0.4), "thin"),
        (outcome(REVIEW, "approved", confidence=0.4), None),
        (outcome(READY), None),
        (outcome(READY, "approved"), None),
        (outcome(READY, "rejected", "근거가 오래됨"), "rejected"),
        (outcome(READY, "rejected", "The policy is outdated"), "rejected"),
        (outcome(READY, "rejected", "too cold in tone"), None),
        (outcome(READY, "rejected"), None),
        (outcome(DraftState.FAILED, quality=None, confidence=0.0), None),
        (outcome(REVIEW, quality=0.0, confidence=0.0), None),
    ],
)
def test_why_the_knowledge_did_not_answer(made, why):
    assert made.unanswered == why


def test_only_an_answer_that_a_person_sent_counts_as_one():
    assert outcome(READY, "approved").answered and outcome(REVIEW, "edited").answered
    assert not outcome(READY).answered and not outcome(READY, "rejected", "tone").answered
    assert not outcome(ABSTAINED, "approved").answered


def gap(state, **more):
    return Gap(uuid4(), GapState(state), "question", **{"count": 3, "last_drafted": NOW} | more)


LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("before", "findable", "after"),
    [
        (gap("open"), True, "open"),
        (gap("open", answered_at=EARLIER), True, "open"),
        (gap("open", answered_at=LATER), False, "open"),
        (gap("open", answered_at=LATER), True, "closed"),
        (gap("proposed", answered_at=LATER), True, "closed"),
        (gap("accepted", settled_at=LATER), True, "accepted"),
        (gap("accepted", settled_at=LATER, answered_at=LATER), True, "closed"),
        (gap("accepted", settled_at=EARLIER), True, "open"),
        (gap("closed", settled_at=LATER), True, "closed"),
        (gap("closed", settled_at=EARLIER), True, "open"),
        (gap("closed", settled_at=NOW), True, "closed"),
        (gap("dismissed", dismissed_count=2), True, "dismissed"),
        (gap("dismissed", dismissed_count=2, count=4), True, "open"),
        (gap("dismissed", dismissed_count=0, count=1), True, "dismissed"),
        (gap("open", count=0, last_drafted=None), False, "closed"),
        (gap("dismissed", count=0, dismissed_count=1), False, "dismissed"),
    ],
)
def test_what_follows_for_a_gap(before, findable, after):
    assert settled(before, findable=findable).value == after


def test_a_gap_is_put_to_the_proof_only_when_an_answer_came_after_its_last_question():
    assert wants_proof(gap("open", answered_at=LATER)) and not wants_proof(gap("open", answered_at=EARLIER))
    assert not wants_proof(gap("closed", answered_at=LATER)) and not wants_proof(gap("open"))
