from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccos.domain.prompt import Answer
from ccos.domain.tier import Tier
from ccos.quality import Gate
from ccos.quality.priors import MOST_SHIFT, PRIOR, with_prior, without_prior
from ccos.quality.promises import Promises
from ccos.quality.scorer import LearnedScorer, shipped
from support.judging import passage, prompt

ASKED = prompt(
    passage("단순 변심 반품은 수령 후 7일 이내에 신청하실 수 있습니다.", title="반품 안내"),
    asked="반품은 언제까지 되나요?",
)
REPLY = "안녕하세요, 고객님. 단순 변심 반품은 수령 후 7일 이내에 신청하실 수 있습니다. [1] 감사합니다."


def test_a_tier_that_is_usually_right_is_believed_more_and_no_further_than_that() -> None:
    quality, shift = with_prior(0.5, 0.6, 0.5)
    assert quality == pytest.approx(0.6) and shift == pytest.approx(0.405, abs=1e-3)
    assert with_prior(0.5, 0.5, 0.5)[0] == 0.5
    for extreme, sign in ((1.0, 1), (0.0, -1)):
        quality, shift = with_prior(0.5, extreme, 0.45)
        assert shift == sign * MOST_SHIFT and 0.26 < quality < 0.74


@given(st.floats(0.001, 0.999), st.floats(0, 1), st.floats(0.05, 0.95))
def test_the_way_back_gives_the_quality_before(quality: float, prior: float, share: float) -> None:
    moved, shift = with_prior(quality, prior, share)
    assert without_prior(moved, ((PRIOR, shift), ("support", 1.0))) == pytest.approx(quality, abs=1e-6)


def test_the_same_words_are_worth_more_from_the_stronger_tier() -> None:
    model = shipped()
    gate = Gate(LearnedScorer(model, {Tier.CLOUD_PREMIUM: 0.9, Tier.RULE_BASED: 0.3}), promises=Promises())
    answer = Answer(REPLY, "p", "m")
    cloud, rules, unknown = (
        gate.judge(ASKED, answer, tier=tier) for tier in (Tier.CLOUD_PREMIUM, Tier.RULE_BASED, None)
    )
    assert rules.quality < unknown.quality < cloud.quality
    assert dict(cloud.scores)[PRIOR] > 0 > dict(rules.scores)[PRIOR] and PRIOR not in dict(unknown.scores)


def test_what_ships_is_held_to_the_quality_before_the_prior() -> None:
    model = shipped()
    promises = Promises(model.certificates)
    gate = Gate(LearnedScorer(model, {Tier.CLOUD_PREMIUM: 0.9}), promises=promises)
    answer = Answer(REPLY, "p", "m")
    told = gate.judge(ASKED, answer, tier=Tier.CLOUD_PREMIUM).promise
    assert told == gate.judge(ASKED, answer).promise
