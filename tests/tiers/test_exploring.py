from collections import Counter
from dataclasses import replace

import pytest

from ccos.domain.money import Level
from ccos.domain.tier import Mode, Tier
from ccos.tiers.exploring import LEAST_LABELS, choose
from ccos.tiers.relay import Relay
from ccos.tiers.request import Context

CLOUD, LOCAL, TINY, RULES = Tier
SHARE = 0.3


def choice(greedy=LOCAL, usable=tuple(Tier), seed=1, context=None, **changes):
    known = {"intent": "coupon", "share": SHARE, "labels": LEAST_LABELS, "level": Level.OK}
    return choose(greedy, usable, context or Context(), seed=seed, **known | changes)


def test_propensities_are_exact_and_sum_to_one():
    made = choice()
    assert made.propensities == {
        CLOUD: pytest.approx(0.1),
        LOCAL: pytest.approx(0.8),
        TINY: pytest.approx(0.1),
    }
    assert sum(made.propensities.values()) == pytest.approx(1)


def test_over_many_seeds_each_tier_goes_first_as_often_as_is_said():
    firsts = Counter(choice(seed=seed).first for seed in range(20_000))
    for tier, chance in choice().propensities.items():
        assert firsts[tier] / 20_000 == pytest.approx(chance, abs=0.01)
    assert firsts[RULES] == 0


def test_the_same_seed_chooses_the_same_again():
    assert [choice(seed=n) for n in range(50)] == [choice(seed=n) for n in range(50)]


def test_a_choice_says_whether_it_explored_and_with_what_chance():
    tried = next(c for c in (choice(seed=n) for n in range(100)) if c.explored)
    assert tried.first is not LOCAL and tried.propensity == pytest.approx(0.1)
    kept = next(c for c in (choice(seed=n) for n in range(100)) if not c.explored)
    assert kept.first is LOCAL and kept.propensity == pytest.approx(0.8)


@pytest.mark.parametrize(
    "held_back",
    [
        {"share": 0.0},
        {"labels": LEAST_LABELS - 1},
        {"level": Level.COST_FIRST},
        {"level": Level.EXHAUSTED},
        {"greedy": RULES},
        {"usable": (LOCAL, RULES)},
        {"context": Context(source="api")},
        {"context": Context(mode=Mode.OUTAGE)},
        {"context": Context(only=LOCAL)},
        {"context": Context(relay=Relay(lambda _piece: None))},
    ],
)
def test_nothing_is_tried_out(held_back):
    for seed in range(200):
        made = choice(seed=seed, **{"share": 1.0, **held_back})
        assert made.first is held_back.get("greedy", LOCAL) and not made.explored
        assert made.propensities == {made.first: 1.0}


def test_money_that_only_warns_holds_nothing_back():
    assert len(choice(level=Level.WARNING).propensities) == 3


@pytest.mark.parametrize(
    "risky", [{"intent": "complaint"}, {"intent": "legal"}, {"context": Context(pii="local_only")}]
)
def test_a_risky_task_is_tried_upward_only(risky):
    assert set(choice(**risky).propensities) == {CLOUD, LOCAL}
    assert set(choice(greedy=CLOUD, **risky).propensities) == {CLOUD}
    assert set(choice(greedy=TINY, **risky).propensities) == {CLOUD, LOCAL, TINY}


def test_a_tier_that_cannot_be_had_is_never_chosen():
    firsts = {choice(usable=(LOCAL, TINY, RULES), share=1.0, seed=n).first for n in range(200)}
    assert firsts == {LOCAL, TINY}


def test_the_context_of_a_draft_in_cost_first_may_be_tried():
    made = choice(context=replace(Context(), mode=Mode.QUALITY_FIRST))
    assert len(made.propensities) == 3
