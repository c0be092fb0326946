"""When labels are looked at again: by how many are new, never by what they say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from statistics import NormalDist
from uuid import uuid4

import pytest

from ccos.domain.tier import Task, Tier
from ccos.learning.certifying import at_look, upper_bound
from ccos.learning.looks import Due, certified, due
from ccos.store.certificates import Look
from ccos.store.labels import StoredLabel

DRAFT, TINY, CLOUD = Task.SOLUTION_DRAFT, Tier.LOCAL_TINYLLAMA, Tier.CLOUD_PREMIUM
START = datetime(2026, 11, 1, tzinfo=UTC)


def labels(count: int, *, after: int = 0, good: bool = True, tier: Tier = TINY) -> list[StoredLabel]:
    """One a minute, from minute `after` on."""
    times = (START + timedelta(minutes=after + n) for n in range(count))
    return [StoredLabel(uuid4(), DRAFT, tier, "m", 0.8, good, at) for at in times]


def look(number: int, count: int, *, until: int, tier: Tier | None = None) -> Look:
    return Look(DRAFT, tier, number, count, START + timedelta(minutes=until - 1))


def numbers(made: Due) -> dict[Tier | None, int]:
    return {each.tier: each.number for each in made.looks}


@pytest.mark.parametrize(("count", "missing"), [(0, 30), (1, 29), (29, 1)])
def test_below_thirty_nothing_is_looked_at(count: int, missing: int) -> None:
    assert due(labels(count), []) == Due((), (), missing)


def test_each_look_wants_half_as_many_again_and_the_second_more() -> None:
    counts, known = list[int](), list[Look]()
    for count in range(1, 1_000):
        if found := [each for each in due(labels(count), known).looks if each.tier is None]:
            counts.append(count)
            known = found
    assert counts == [30, 51, 77, 116, 174, 261, 392, 588, 882]


def test_without_anything_new_there_is_no_look_however_often_one_asks() -> None:
    known = [look(1, 40, until=40)]
    assert due(labels(40), known).looks == ()
    assert due([], known) == Due((), (), 30)


def test_labels_from_before_that_count_no_more_make_the_next_one_no_sooner_than_thirty() -> None:
    known = [look(3, 400, until=400)]
    assert due(labels(29, after=400), known).looks == ()
    assert numbers(due(labels(30, after=400), known)) == {None: 4}


def test_good_labels_and_bad_ones_are_waited_for_alike() -> None:
    known = [look(1, 40, until=40)]
    for good in (True, False):
        made = due(labels(40) + labels(20, after=40, good=good), known)
        assert made == Due((), (), 7)


def test_a_tier_has_looks_of_its_own() -> None:
    made = due(labels(200) + labels(199, after=200, tier=CLOUD), [])
    assert numbers(made) == {None: 1, TINY: 1} and made.missing == 1
    known = [look(1, 200, until=200), look(1, 200, until=200, tier=TINY)]
    later = labels(200) + labels(200, after=200, tier=CLOUD)
    assert numbers(due(later, known)) == {None: 2, CLOUD: 1}


def test_what_a_tier_had_ends_when_all_are_looked_at_by_too_few_of_its_labels() -> None:
    known = [look(1, 400, until=400), look(1, 250, until=400, tier=TINY)]
    kept = labels(100, after=300) + labels(100, after=400, tier=CLOUD)
    made = due(kept, known)
    assert numbers(made) == {None: 2} and made.gone == ((DRAFT, TINY),)
    assert due(labels(100, after=300), known).gone == ()  # nothing is looked at: what there is stays


@pytest.mark.parametrize("number", [1, 2, 3, 5, 8])
def test_with_the_same_share_of_bad_ones_the_next_look_sees_no_wider_bound(number: int) -> None:
    before = 400
    fresh = due(labels(before), [look(number, before, until=before)]).missing
    bad = 0.1
    assert upper_bound(int(bad * (before + fresh)), before + fresh, at_look(number + 1)) <= (
        upper_bound(int(bad * before), before, at_look(number)) + 1e-3
    )
    quantiles = [NormalDist().inv_cdf(at_look(n)) for n in (number, number + 1)]
    assert fresh >= before * ((quantiles[1] / quantiles[0]) ** 2 - 1) - 1


def test_each_tier_is_certified_at_the_confidence_of_its_own_look() -> None:
    counted = labels(300)
    found = certified(counted, [look(4, 300, until=300), look(1, 300, until=300, tier=TINY)], scorer="s")
    assert {(each.tier, round(each.confidence, 4)) for each in found} == {
        (None, round(at_look(4), 4)),
        (TINY, 0.95),
    }
    assert {each.tier for each in certified(counted, [look(1, 300, until=300)], scorer="s")} == {None}
