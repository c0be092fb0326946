"""Arms: the same one each time, by their weights, and nothing shared between experiments."""

from collections import Counter
from uuid import UUID

import pytest

from ccos.learning.experiments.assigning import arm_of, place
from support.experiments import definition

ONE, OTHER = UUID(int=7), UUID(int=8)
TICKETS = [f"ticket {n}" for n in range(20_000)]


def names(wanted, experiment=ONE):
    return [arm.name if (arm := arm_of(wanted, experiment, ticket)) else None for ticket in TICKETS]


def test_a_ticket_keeps_its_arm():
    assert names(definition()) == names(definition())


def test_arms_get_their_parts():
    wanted = definition(arms=[{"name": "control", "weight": 3}, {"name": "warm", "weight": 1}])
    counted = Counter(names(wanted))
    assert counted["control"] / len(TICKETS) == pytest.approx(0.75, abs=0.01)
    assert counted["control"] + counted["warm"] == len(TICKETS)


def test_two_experiments_are_independent():
    """A ticket's arm in one says nothing of its arm in another."""
    both = Counter(zip(names(definition()), names(definition(), OTHER), strict=True))
    assert len(both) == 4
    for count in both.values():
        assert count / len(TICKETS) == pytest.approx(0.25, abs=0.012)


def test_a_share_takes_part_and_is_spread_over_the_arms_alike():
    counted = Counter(names(definition(share=0.2)))
    assert counted[None] / len(TICKETS) == pytest.approx(0.8, abs=0.01)
    assert counted["warm"] / (counted["warm"] + counted["control"]) == pytest.approx(0.5, abs=0.025)


def test_more_share_later_moves_no_ticket_to_another_arm():
    few, many = names(definition(share=0.2)), names(definition(share=0.6))
    assert all(one == other for one, other in zip(few, many, strict=True) if one is not None)


def test_places_are_spread_evenly():
    tenths = Counter(int(place(ONE, ticket, "arm") * 10) for ticket in TICKETS)
    assert sorted(tenths) == list(range(10))
    assert max(tenths.values()) < 1.1 * len(TICKETS) / 10
