"""The figures managers are asked for: exact definitions, and no judgement on what chance alone may do."""

from __future__ import annotations

from datetime import date

import pytest

from ccos.learning.kpis import Money, Share, beside, document, grouped, kpi_document, kpis, outcomes, reasons
from ccos.store.kpis import Decided, Made

DAY = date(2026, 11, 20)


def decided(use="as_is", n=1, *, reason="", timed=0, seconds=0.0, rated=0, csat=0, reopened=0, **more):
    kind = {
        "day": DAY,
        "tier": "tier_1",
        "model": "m",
        "intent": "refund",
        "language": "ko",
        "channel": "email",
    }
    kind |= {"agent": "hana", "made_as": "ready"} | more
    return Decided(
        **kind,
        use=use,
        reason=reason,
        n=n,
        timed=timed,
        seconds=seconds,
        rated=rated,
        csat=csat,
        reopened=reopened,
    )


def made(state="approved", n=1, made_as="ready", *, fallback=0, scored=0, quality=0.0, seconds=0.0, **more):
    return Made(
        **{"day": DAY, "tier": "tier_1"} | more, state=state, made_as=made_as, n=n, degraded=0, fallback=fallback,
        fallback_scored=scored, fallback_quality=quality, seconds=seconds, cost_micro_usd=0,
    )  # fmt: skip


def named(found):
    return {each.name: each for each in found}


def test_approved_are_those_as_they_were_and_those_edited():
    whole = outcomes([decided(n=60), decided("edited", 20), decided("rejected", 20)])
    assert (whole.approval.value, whole.edits.value, whole.rejection.value) == (0.8, 0.2, 0.2)
    assert whole.approval.interval.low == pytest.approx(0.711, abs=0.001)  # Wilson's, for 80 of 100
    assert whole.approval.interval.high == pytest.approx(0.867, abs=0.001)


def test_reopened_and_rated_are_shares_of_what_went_out():
    rows = [decided(n=8, reopened=2, rated=4, csat=18), decided("rejected", 8)]
    whole = outcomes(rows)
    assert (whole.reopening.value, whole.rating.value) == (0.25, 0.5)
    assert document(whole)["csat"]["mean"] == 4.5


def test_nothing_decided_is_no_figure_and_not_zero():
    told = document(outcomes([]))
    assert told["approval"] == {"value": None, "low": None, "high": None, "n": 0, "thin": True}
    assert told["seconds_to_decide"] is None and told["csat"]["mean"] is None


def test_groups_are_the_largest_first_and_days_in_order():
    rows = [
        decided(n=1, tier="tier_3"),
        decided(n=5, day=date(2026, 11, 21)),
        decided(n=2, day=date(2026, 11, 19)),
    ]
    assert [(name, each.decided) for name, each in grouped(rows, "tier").items()] == [
        ("tier_1", 7),
        ("tier_3", 1),
    ]
    assert list(grouped(rows, "day")) == ["2026-11-19", "2026-11-20", "2026-11-21"]


def test_reasons_of_rejections_are_counted_and_words_of_ones_own_are_other():
    rows = [
        decided("rejected", 3, reason="policy"),
        decided("rejected", 1, reason="요금이 틀림"),
        decided(reason=""),
    ]
    rows.append(decided("rejected", 4, reason=""))
    assert reasons(rows) == {"other": 5, "policy": 3}


def test_what_nobody_decided_stands_beside():
    rows = [
        made(n=9),
        made("superseded", 2),
        made("expired", 1),
        made("failed", 3, ""),
        made("needs_review", 4),
    ]
    assert beside(rows) == {"superseded": 2, "expired": 1, "failed": 3, "waiting": 4}


def test_answered_counts_drafts_that_ended_whatever_became_of_them():
    rows = [
        made(n=998),
        made("superseded", 1),
        made("failed", 1, ""),
        made("superseded", 50, ""),
        made("queued", 9, ""),
    ]
    found = named(kpis([], rows))["answered"]
    assert (found.value, found.n, found.met, found.sure) == (0.999, 1000, True, False)


def test_a_switch_that_led_nowhere_is_a_failed_draft():
    rows = [made(n=90, fallback=90, scored=80, quality=60.0), made("failed", 10, "")]
    found = named(kpis([], rows))
    assert (found["switches"].value, found["switches"].met) == (0.9, False)
    assert (found["fallback_quality"].value, found["fallback_quality"].met) == (0.75, True)


def test_a_thin_figure_is_neither_kept_nor_missed():
    thin, enough = ([decided(n=n), decided("rejected", n)] for n in (14, 15))
    assert named(kpis(thin, []))["approval"].met is None
    assert named(kpis(enough, []))["approval"].met is False


def test_sure_is_what_lies_on_one_side_with_its_whole_interval():
    near, far = ([decided(n=n), decided("rejected", 100 - n)] for n in (79, 60))
    found = [named(kpis(each, []))["approval"] for each in (near, far)]
    assert [(each.met, each.sure) for each in found] == [(False, False), (False, True)]


def test_edits_are_to_stay_below_their_target():
    found = named(kpis([decided(n=90), decided("edited", 10)], []))["edited"]
    assert (found.direction, found.met) == ("at most", True)


def test_money_is_told_to_those_who_may_see_it():
    rows = [made(n=40, seconds=60.0)]
    assert not {"saved", "days_over_limit"} & set(named(kpis([], rows)))
    found = named(kpis([], rows, Money(0.7, 1, 20)))
    assert (found["saved"].met, found["days_over_limit"].met, found["days_over_limit"].sure) == (
        True,
        False,
        True,
    )
    assert found["seconds"].value == 1.5
    told = kpi_document(found["days_over_limit"])
    assert (told["value"], told["n"], told["thin"]) == (1.0, 20, False)  # counted, so a few days are enough


@pytest.mark.parametrize(("hits", "n"), [(0, 0), (0, 5), (5, 5), (29, 30)])
def test_an_interval_holds_its_share_and_stays_a_share(hits, n):
    share = Share(hits, n)
    assert 0 <= share.interval.low <= (share.value or 0) <= share.interval.high <= 1
    assert share.thin is (n < 30)
