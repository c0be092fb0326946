"""What a draft says of labels: certified and by how many, or why not, under codes that pages have words for."""

from __future__ import annotations

import pytest

from ccos.agents.findings import Findings
from ccos.agents.proposal import propose
from ccos.agents.resolution import Resolution, Synthesis
from ccos.domain.draft import Check, Draft, DraftState
from ccos.domain.prompt import Grounds
from ccos.domain.tier import Tier
from ccos.domain.verdict import Promise, Verdict, Veto
from ccos.tiers.request import Generation
from support.judging import prompt

REFUSED = (Veto("empty", "The answer has no words.", "escalate"),)
REQUIRED = 0.7


def proposed(promise: Promise | None, quality: float, vetoes: tuple[Veto, ...] = ()) -> Draft:
    verdict = Verdict(quality, "gate-1", "네.", vetoes, promise=promise)
    made = Generation(
        "네.", Tier.LOCAL_MINIMAX, quality, 0.1, 0.0, fallback_used=False, degraded=False,
        accepted=verdict.accepts(REQUIRED), certified=verdict.certified(REQUIRED),
        reason="cost_first: tier_1", provider="local", model="m", verdict=verdict,
    )  # fmt: skip
    resolution = Resolution("네.", "answer", (), (), made, prompt())
    return propose(
        "d", "t", Grounds(), triage=None, findings=Findings(answerability=1.0), synthesis=Synthesis(),
        resolution=resolution, errors=(),
    )  # fmt: skip


def said(draft: Draft) -> Check:
    [check] = [check for check in draft.checks if check.name == "certified"]
    return check


def test_a_low_quality_that_labels_certify_is_ready_and_says_by_how_many():
    draft = proposed(Promise(0.7, 0.8, 120), 0.5)
    assert draft.state is DraftState.READY
    assert said(draft).passed and said(draft).code == "certified.kept"
    assert said(draft).facts == {"kept": 0.7, "labels": 120}
    assert Draft.model_validate_json(draft.model_dump_json()).checks == draft.checks


@pytest.mark.parametrize(
    ("promise", "quality", "vetoes", "code"),
    [
        (Promise(0.0, 0.0), 0.9, (), "certified.not_yet"),
        (Promise(0.6, 0.0, 30), 0.9, (), "certified.less"),
        (Promise(0.6, 0.8, 30), 0.9, (), "certified.below"),
        (Promise(0.8, 0.8, 30), 0.9, REFUSED, "certified.refused"),  # the labels are not what is missing
    ],
)
def test_a_draft_that_needs_review_says_what_the_labels_lack(promise, quality, vetoes, code):
    draft = proposed(promise, quality, vetoes)
    assert draft.state is DraftState.NEEDS_REVIEW
    assert not said(draft).passed and said(draft).code == code and said(draft).detail


def test_where_no_labels_are_asked_nothing_is_said_of_them():
    assert [check for check in proposed(None, 0.9).checks if check.name == "certified"] == []
