"""Outages out of slices of silence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from ccos.domain.tier import Tier
from ccos.learning.outages import outages
from ccos.store.outages import SLICE, Slice

NOON = datetime(2026, 11, 10, 3, tzinfo=UTC)
CLOUD, LOCAL = Tier.CLOUD_PREMIUM, Tier.LOCAL_MINIMAX


def slices(*silent: int | None, tier: Tier = CLOUD, asked: int = 10) -> list[Slice]:
    """One slice after another; None where nobody asked."""
    return [Slice(tier, NOON + n * SLICE, asked, each) for n, each in enumerate(silent) if each is not None]


def spans(given: list[Slice]) -> list[tuple[int, int, int]]:
    """From which slice to which, and how often it was silent."""
    return [((o.began - NOON) // SLICE, (o.ended - NOON) // SLICE, o.silent) for o in outages(given)]


def test_a_run_of_silence_is_one_outage_however_it_begins_and_ends():
    assert spans(slices(0, 1, 5, 10, 10, 7, 4, 0)) == [(2, 6, 32)]


def test_a_good_half_hour_does_not_part_an_outage_and_a_longer_one_does():
    assert spans(slices(10, 0, 0, 10)) == [(0, 4, 20)]
    assert spans(slices(10, None, 0, 10)) == [(0, 4, 20)]
    assert spans(slices(10, None, 0, None, 10)) == [(4, 5, 10), (0, 1, 10)]


def test_hours_in_which_nobody_asked_part_no_outage_and_a_night_does():
    assert spans(slices(10, *[None] * 35, 10)) == [(0, 37, 20)]
    assert spans(slices(10, *[None] * 36, 10)) == [(37, 38, 10), (0, 1, 10)]


def test_one_call_that_fails_is_no_outage():
    assert spans(slices(1, asked=1)) == []
    assert spans(slices(2, asked=2)) == []
    assert spans(slices(3, asked=3)) == [(0, 1, 3)]


def test_each_tier_has_its_own_and_the_newest_comes_first():
    later = [Slice(LOCAL, NOON + 9 * SLICE, 5, 5)]
    assert [each.tier for each in outages(slices(10) + later)] == [LOCAL, CLOUD]
    assert outages([]) == []


def test_an_outage_lasts_until_a_slice_has_passed_without_it():
    (found,) = outages(slices(10))
    assert found.lasts(NOON + SLICE)
    assert found.lasts(NOON + 2 * SLICE - timedelta(seconds=1))
    assert not found.lasts(NOON + 2 * SLICE)
