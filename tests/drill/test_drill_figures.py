"""The figures of a drill, counted from drafts that are known."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ccos.domain.draft import DraftState
from ccos.domain.tier import Tier
from ccos.drill.document import document
from ccos.drill.figures import (
    Absent,
    Promise,
    absent,
    by_phase,
    figures,
    of_fault,
    percentile,
    promises,
    verdict,
)
from ccos.drill.records import Outage, Part
from ccos.settings import Given
from support.drilling import CLOUD, RULES, record, sample, tried, whole_drill

DOWN = tried(CLOUD, "failed", "provider.down", cost=0.01)
RESTING = tried(CLOUD, "skipped", "breaker.open")
BY_RULES = tried(RULES, "accepted")


def promise(name: str, *samples: Any, outages: tuple[Outage, ...] = (), **more: Any) -> Promise:
    whole = record(*samples, outages=outages, **more)
    return next(p for p in promises(whole.samples, whole.outages, whole) if p.name == name)


def test_a_draft_counts_when_it_came_in_time_with_words_in_it() -> None:
    late, wordless = sample(seconds=20.01), sample(replied=False)
    lost, broken = sample(state=None, replied=False, tier=None), sample(state=DraftState.FAILED)
    assert [s.in_time for s in (sample(), sample(seconds=20.0), late, wordless, lost, broken)] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
    assert figures([sample(), late, wordless, lost], CLOUD).answered == 0.25


def test_useful_are_ready_and_needs_review_and_quality_speaks_of_these_alone() -> None:
    found = figures(
        [
            sample(quality=0.9),
            sample(state=DraftState.NEEDS_REVIEW, quality=0.7),
            sample(state=DraftState.ABSTAINED, quality=0.1),
            sample(seconds=30.0, quality=0.0),
        ],
        CLOUD,
    )
    assert (found.answered, found.useful, found.ready, found.quality) == (0.75, 0.5, 0.25, 0.8)
    assert found.scorers == ("test-scorer",)


def test_a_switch_is_needed_where_the_tier_was_asked_or_passed_over_in_vain() -> None:
    assert sample("during", DOWN, BY_RULES).switched_from(CLOUD) is True
    assert sample("during", RESTING, BY_RULES).switched_from(CLOUD) is True
    assert sample("during", DOWN, BY_RULES, seconds=21.0).switched_from(CLOUD) is False
    assert sample("during", DOWN, tried(CLOUD, "accepted"), tier=CLOUD).switched_from(CLOUD) is None
    assert sample("during", BY_RULES).switched_from(CLOUD) is None


@pytest.mark.parametrize(
    "reason", ["pii.local_only", "policy.cloud_not_allowed", "budget.exhausted", "mode.outage"]
)
def test_a_tier_that_was_kept_out_for_other_reasons_is_no_switch(reason: str) -> None:
    assert sample("during", tried(CLOUD, "skipped", reason), BY_RULES).switched_from(CLOUD) is None


def test_a_task_the_tier_did_not_do_is_a_switch_even_when_it_did_another() -> None:
    found = sample(
        "during", tried(CLOUD, "failed", task="query_builder"), tried(CLOUD, "accepted"), tier=CLOUD
    )
    assert found.switched_from(CLOUD) is True


def test_what_failed_attempts_cost_is_counted_apart() -> None:
    refused = tried(CLOUD, "refused_by_gate", "veto.empty", cost=0.002)
    found = figures([sample("during", DOWN, refused, BY_RULES, cost_usd=0.012), sample(cost_usd=0.5)], CLOUD)
    assert (found.cost_usd, found.failed_cost_usd) == (0.512, 0.012)
    assert found.reasons == {"provider.down": 1, "veto.empty": 1}


def test_percentiles_are_values_that_were_measured() -> None:
    assert [percentile([1.0, 2.0, 3.0, 4.0], p) for p in (50, 95, 100)] == [2.0, 4.0, 4.0]
    assert percentile([0.25], 50) == 0.25 and percentile([], 95) is None


def test_nothing_measured_is_none_and_never_a_pass() -> None:
    empty = figures([], CLOUD)
    assert (empty.answered, empty.quality, empty.seconds_p95, empty.switched) == (None, None, None, None)
    found = promises([], [], record())
    assert {p.verdict for p in found if p.name != "money"} == {"not_measured"}
    assert verdict(p for p in found if p.name != "money") == "not_measured"


def test_999_of_1000_is_held_and_998_is_not() -> None:
    made, lost = [sample()] * 998, sample(state=None, replied=False)
    assert promise("answered", *made, sample(), lost).verdict == "pass"
    assert promise("answered", *made, lost, lost).verdict == "fail"


def test_19_switches_of_20_are_too_few() -> None:
    worked, late = sample("during", DOWN, BY_RULES), sample("during", DOWN, BY_RULES, seconds=25.0)
    assert promise("switched", *[worked] * 19, late).verdict == "fail"
    assert promise("switched", *[worked] * 20, late).verdict == "pass"
    assert promise("switched", sample("before", DOWN)).verdict == "not_measured"


def test_the_fallback_is_what_another_tier_wrote_during_the_outage_read_with_its_coverage() -> None:
    good = sample("during", BY_RULES, quality=0.9)
    plain = sample("during", BY_RULES, quality=0.8, state=DraftState.NEEDS_REVIEW)  # accepted, not certified
    below = sample(quality=0.1, state=DraftState.NEEDS_REVIEW)
    cloud = sample(tier=CLOUD, quality=0.1)
    found = promise("fallback_quality", good, plain, below, cloud, sample("after", tier=CLOUD))
    assert (found.value, found.of, found.verdict) == (0.85, 3, "pass")
    assert found.beside == pytest.approx(2 / 3, abs=1e-5)
    assert promise("fallback_quality", sample("during", BY_RULES, quality=0.7)).verdict == "fail"
    unmet = promise("fallback_quality", below)
    assert (unmet.verdict, unmet.beside) == ("not_measured", 0.0)
    assert promise("fallback_quality", cloud).verdict == "not_measured"


def test_the_slowest_return_counts_and_a_tier_that_stays_away_breaks_the_promise() -> None:
    quick = Outage("reset", 0, 1, looked=True, back_seconds=0.2, probes=1)
    slow = Outage("dns", 0, 1, looked=True, back_seconds=30.5, probes=1)
    gone = Outage("tls", 0, 1, looked=True)
    assert promise("back", outages=(quick,)).verdict == "pass"
    assert promise("back", outages=(quick, slow)).value == 30.5
    assert promise("back", outages=(quick, slow)).verdict == "fail"
    away = promise("back", outages=(quick, gone))
    assert (away.verdict, away.value) == ("fail", None)
    assert promise("back", outages=(Outage("reset", 0, 1),)).verdict == "not_measured"


def test_each_provider_of_the_tier_may_be_probed_once_and_only_a_tier_that_rested_needs_it() -> None:
    herd = Outage("reset", 0, 1, looked=True, back_seconds=5, probes=2, rested=True)
    two = (Part(CLOUD, "a", "m", True), Part(CLOUD, "b", "m", True), Part(RULES, "rules", "r", False))
    assert promise("one_probe", outages=(herd,)).verdict == "fail"
    assert promise("one_probe", outages=(herd,), parts=two).verdict == "pass"
    busy = Outage("reset", 0, 1, looked=True, back_seconds=5, probes=4)
    assert promise("one_probe", outages=(busy,)).verdict == "not_measured"


def test_money_is_a_promise_only_where_somebody_bills() -> None:
    assert promise("money", sample(), spent_usd=0.1).verdict == "pass"
    assert promise("money", sample(), spent_usd=0.100001).verdict == "fail"
    simulated = (Part(CLOUD, "simulated", "m", paid=True, simulated=True),)
    assert promise("money", sample(), spent_usd=5.0, parts=simulated).verdict == "not_measured"


def test_a_tier_that_wrote_nothing_without_a_fault_was_not_measured() -> None:
    poor = tried(CLOUD, "skipped", "budget.exhausted")
    back = Outage("reset", 0, 1, asked=2, looked=True, back_seconds=0.0, probes=1, rested=True)
    whole = record(sample("before", poor, BY_RULES), sample("during", DOWN, BY_RULES), outages=(back,))
    seen = {p.name: p.verdict for p in promises(whole.samples, whole.outages, whole)}
    assert {name for name, kind in seen.items() if kind == "pass"} == {"answered", "money"}
    assert {p.verdict for p in of_fault(whole, back) if p.name == "back"} == {"not_measured"}
    told = document(whole, [])
    assert told["verdict"] == "not_measured"
    assert told["not_measured_because"] == (
        "tier_0 wrote none of 1 drafts without a fault (budget.exhausted 1), so nothing about it was measured."
    )
    whole.samples.append(sample("before", tier=CLOUD))
    assert document(whole, [])["verdict"] == "pass"


def test_without_a_phase_before_the_phase_after_shows_that_the_tier_was_there() -> None:
    down = sample("during", DOWN, BY_RULES)
    assert absent(record(down)) is None, "nobody can tell"
    assert absent(record(down, sample("after"))) == Absent(1, {})
    assert absent(record(down, sample("after"), sample("after", tier=CLOUD))) is None


def test_before_is_shared_by_all_faults() -> None:
    whole = record(sample("before"), sample("during", fault="dns"), sample("during", fault="tls"))
    assert by_phase(whole, "dns")["before"].drafts == 1
    assert by_phase(whole, "dns")["during"].drafts == 1 and by_phase(whole)["during"].drafts == 2


def test_the_document_says_all_of_it_and_survives_json() -> None:
    given = [
        Given("openai_api_key", "OPENAI_API_KEY", "environment", "set"),
        Given("port", "CCOS_PORT", "default", "8080"),
    ]
    found = json.loads(json.dumps(document(whole_drill(), given)))
    assert found["verdict"] == "pass"
    assert found["not_measured_because"] is None
    assert set(found) == {
        "verdict",
        "not_measured_because",
        "drill",
        "promises",
        "phases",
        "faults",
        "drafts",
        "settings",
    }
    assert found["drill"]["tier"] == Tier.CLOUD_PREMIUM.value and found["drill"]["simulated"] is False
    assert found["phases"]["during"]["drafts"] == 3 and found["phases"]["during"]["switched"] == 1.0
    [fault] = found["faults"]
    assert fault["name"] == "unavailable" and fault["outage"]["asked"] == 3
    assert set(fault["phases"]) == {"during", "recovery", "after"}
    assert {p["name"]: p["verdict"] for p in fault["promises"]}["back"] == "pass"
    assert len(found["drafts"]) == 10 and found["drafts"][0]["tried"][0]["reason"] == "accepted"
    assert found["settings"] == [{"name": "OPENAI_API_KEY", "value": "set", "source": "environment"}]


def test_a_drill_that_broke_a_promise_says_so() -> None:
    whole = whole_drill()
    whole.samples.append(sample(state=None, replied=False, tier=None))
    assert document(whole, [])["verdict"] == "fail"
