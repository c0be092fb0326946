import math
import random

import pytest

from ccos.domain.errors import (
    ContextTooLong,
    NoPrice,
    ProviderBusy,
    ProviderDown,
    ProviderRefused,
    ProviderTimeout,
)
from ccos.tiers.board import Board
from ccos.tiers.pulse import Pulse

HOUR = 3_600.0


def local() -> Pulse:
    return Pulse(slow_first_token_seconds=math.inf)


def succeeded(pulse: Pulse, *seconds: float, at: float = 0.0, **more) -> Pulse:
    for each in seconds:
        pulse = pulse.after_success(each, 0.001, at=at, admitted_at=at, **more)
    return pulse


def failed(pulse: Pulse, *faults, at: float = 0.0, jitter: float = 0.0) -> Pulse:
    for fault in faults:
        pulse = pulse.after_failure(fault, now=at, at=at, admitted_at=at, jitter=jitter)
    return pulse


def test_p95_needs_eight_successes():
    assert succeeded(Pulse(), *[1.0] * 7).p95_seconds is None
    assert succeeded(Pulse(), *[1.0] * 8).p95_seconds == 1.0


def test_p95_is_that_of_the_last_32():
    assert succeeded(Pulse(), *range(1, 33)).p95_seconds == 31
    assert succeeded(Pulse(), *[60.0] * 100, *[2.0] * 32).p95_seconds == 2.0
    assert len(succeeded(Pulse(), *[1.0] * 100).latencies) == 32


def test_running_means_follow_the_newest_calls():
    pulse = succeeded(Pulse(), 1.0, first_token_seconds=0.5)
    assert (pulse.seconds, pulse.first_token) == (1.0, 0.5)
    pulse = succeeded(pulse, 2.0, first_token_seconds=1.0)
    assert (pulse.seconds, pulse.first_token) == pytest.approx((1.2, 0.6))


def test_first_words_that_nobody_saw_change_nothing():
    pulse = succeeded(Pulse(), 1.0, first_token_seconds=0.5)
    assert succeeded(pulse, 60.0).first_token == 0.5
    assert succeeded(Pulse(), *[60.0] * 30).breaker.state(0) == "closed"


def test_late_first_words_open_the_breaker_of_the_cloud_and_never_that_of_a_local_model():
    board = Board(["tier_0/openai/gpt/1a2b", "tier_1/minimax/model/"])
    cloud, local = (board.pulse(d) for d in ("tier_0/openai/gpt/1a2b", "tier_1/minimax/model/"))
    assert succeeded(cloud, *[9.0] * 20, first_token_seconds=8.1).breaker.state(9) == "open"
    assert succeeded(cloud, *[9.0] * 20, first_token_seconds=8.0).breaker.state(0) == "closed"
    assert succeeded(local, *[90.0] * 20, first_token_seconds=60.0).breaker.state(0) == "closed"


def test_the_place_of_a_probe_outlasts_the_longest_call_of_its_tier():
    board = Board(["tier_0/openai/gpt/1a2b", "tier_1/minimax/model/"])
    cloud, local = (board.pulse(d).breaker for d in ("tier_0/openai/gpt/1a2b", "tier_1/minimax/model/"))
    assert cloud.probe_seconds > 30 and local.probe_seconds > 600


@pytest.mark.parametrize("seconds", [-3_600.0, 7_200.0])
def test_a_latency_measured_by_a_clock_that_jumped_is_left_out(seconds):
    pulse = succeeded(succeeded(Pulse(), 2.0), seconds)
    assert pulse.seconds == 2.0 and pulse.latencies == (2.0,)


@pytest.mark.parametrize("fault", [ProviderDown(), ProviderTimeout(phase="stall")])
def test_outages_and_timeouts_open_the_breaker(fault):
    assert failed(Pulse(), *[fault] * 5).breaker.state(0) == "open"


@pytest.mark.parametrize("fault", [ProviderBusy(), ContextTooLong(), ProviderRefused(status=400)])
def test_what_says_nothing_of_its_health_does_not(fault):
    assert failed(Pulse(), *[fault] * 50).breaker.state(0) == "closed"


def test_jitter_reaches_the_breaker():
    rests = [failed(Pulse(), *[ProviderDown()] * 5, jitter=j).breaker.seconds_left(0) for j in (-1, 0, 1)]
    assert rests == pytest.approx([4, 5, 6])


def test_a_slow_probe_opens_it_again_with_jitter():
    pulse = failed(Pulse(), *[ProviderDown()] * 5).admit(5)
    slow = pulse.after_success(9, 0.0, at=14, admitted_at=5, first_token_seconds=8.5, jitter=1)
    assert slow.breaker.seconds_left(14) == pytest.approx(12)


def test_a_wrong_key_disables_it_for_good():
    pulse = failed(Pulse(), ProviderRefused(status=401))
    assert pulse.disabled_reason == "key.refused"
    assert failed(pulse, ProviderDown()).disabled_reason == "key.refused"
    assert failed(Pulse(), ProviderRefused(status=404)).disabled_reason is None


def test_a_forbidden_call_is_an_outage_that_may_pass():
    forbidden = ProviderRefused(status=403)
    pulse = failed(Pulse().after_probe(True), forbidden)
    assert (pulse.disabled_reason, pulse.reachable, pulse.last_error) == (None, None, "provider.forbidden")
    assert pulse.breaker.allows(0)
    pulse = failed(pulse, *[forbidden] * 4)
    assert pulse.breaker.state(0) == "open" and pulse.breaker.allows(5)
    again = pulse.admit(5).after_failure(forbidden, now=6, at=6, admitted_at=5)
    assert again.breaker.seconds_left(6) == 10
    assert pulse.admit(5).after_success(1, 0.0, at=6, admitted_at=5).breaker.state(6) == "closed"


def test_a_missing_price_disables_it():
    assert failed(Pulse(), NoPrice()).disabled_reason == "provider.no_price"


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        (ProviderBusy(retry_after_seconds=7.0), 7),
        (ProviderBusy(), 1),
        (ProviderBusy(retry_after_seconds=86_400.0), 300),
        (ProviderDown(status=503, retry_after_seconds=20.0), 20),
    ],
)
def test_it_is_left_alone_for_as_long_as_it_asks_within_reason(fault, seconds):
    pulse = failed(Pulse(), fault, at=100.0)
    assert pulse.busy(100 + seconds - 0.1) and not pulse.busy(100 + seconds)


def test_an_outage_does_not_shorten_the_time_it_asked_for():
    assert failed(Pulse(), ProviderBusy(retry_after_seconds=7.0), ProviderDown()).busy(6.9)


def test_a_clock_that_jumps_back_does_not_keep_it_busy():
    assert not failed(Pulse(), ProviderBusy(retry_after_seconds=7.0), at=10_000.0).busy(6_400.0)


def test_a_probe_lost_to_another_process_is_looked_after_a_second_later():
    pulse = failed(Pulse(), *[ProviderDown()] * 5).admit(5).after_claim_lost(5.01)
    assert not pulse.breaker.allows(6.0) and pulse.breaker.allows(6.01)


def test_what_a_cheap_probe_saw_before_a_failure_counts_no_more():
    assert failed(Pulse().after_probe(True), ProviderDown()).reachable is None
    assert failed(Pulse().after_probe(True), ProviderBusy()).reachable is True


def test_two_of_one_deployment_share_a_pulse():
    board = Board(["tier_0/openai/gpt/1a2b", "tier_0/openai/gpt/1a2b", "tier_0/openai/gpt/3c4d"])
    board.note("tier_0/openai/gpt/1a2b", lambda p: failed(p, *[ProviderDown()] * 5))
    assert board.pulse("tier_0/openai/gpt/1a2b").breaker.state(0) == "open"
    assert board.pulse("tier_0/openai/gpt/3c4d").breaker.state(0) == "closed"


# Calls that were cancelled.


def left(pulse: Pulse, *seconds: float, start: float = 0.0) -> Pulse:
    for n, each in enumerate(seconds):
        pulse = pulse.after_cancel(start + n, now=start + n + each)
    return pulse


def test_callers_who_leave_a_silent_provider_open_its_breaker():
    pulse = left(Pulse().after_probe(True), *[8.1] * 5)
    assert pulse.breaker.state(12.1) == "open"
    assert (pulse.last_error, pulse.reachable) == ("provider.timeout", None)
    assert pulse.after_cancel(0.0, now=9.0, at=77.0).last_error_at == 77.0


def test_callers_who_leave_early_say_nothing():
    for seconds in (8.0, 0.1, -HOUR, 2 * HOUR):
        pulse = left(Pulse(), *[seconds] * 50)
        assert pulse.breaker.state(60) == "closed" and pulse.last_error is None
    for _ in range(50):
        pulse = pulse.after_cancel(0.0)
    assert pulse.breaker.state(0) == "closed"


def test_callers_who_leave_before_it_usually_answers_say_nothing():
    pulse = succeeded(Pulse(), *[20.0] * 8)
    assert left(pulse, *[19.0] * 50, start=30).breaker.state(80) == "closed"
    assert left(pulse, *[21.0] * 5, start=30).breaker.state(56) == "open"


def test_callers_who_leave_a_local_model_say_nothing():
    assert left(local(), *[600.0] * 50).breaker.state(700) == "closed"


def test_a_probe_that_was_left_in_silence_has_failed_and_one_left_early_frees_its_place():
    probing = failed(Pulse(), *[ProviderDown()] * 5).admit(5)
    assert probing.after_cancel(5, now=14, jitter=1).breaker.seconds_left(14) == pytest.approx(12)
    early = probing.after_cancel(5, now=6)
    assert early.breaker.allows(6) and not probing.breaker.allows(6)


def test_a_provider_that_hangs_is_open_after_five_lost_races():
    pulse = succeeded(Pulse(), *[1.0] * 32)
    for n in range(5):
        assert pulse.breaker.state(100 + n) == "closed"
        pulse = pulse.after_outrun(100 + n, now=102 + n)
    assert pulse.breaker.state(106) == "open" and pulse.last_error == "provider.timeout"


def test_a_provider_that_is_well_is_not_opened_by_the_races_its_slowest_calls_lose():
    """A rival sets out at its 95th percentile and answers at once, the hardest that a race can be."""
    rng, pulse, now, lost = random.Random(3), Pulse(), 0.0, 0
    for _ in range(20_000):
        now, seconds = now + 1, rng.lognormvariate(0.5, 0.5)
        until = pulse.p95_seconds
        if until is not None and seconds > until:
            pulse, lost = pulse.after_outrun(now, now=now + until + 0.01), lost + 1
        else:
            pulse = succeeded(pulse, seconds, at=now)
        assert pulse.breaker.state(now) == "closed"
    assert 0.02 < lost / 20_000 < 0.08


def test_races_lost_by_probes_do_not_lift_the_percentile():
    pulse = failed(succeeded(Pulse(), *[1.0] * 32), *[ProviderDown()] * 5, at=10.0)
    now = 10.0
    for _ in range(100):
        now = pulse.breaker.opened_at + pulse.breaker.rests_for
        pulse = pulse.admit(now).after_outrun(now, now=now + pulse.p95_seconds + 1)
    assert pulse.p95_seconds == 1.0 and pulse.breaker.state(now + 2) == "open"


def test_a_local_model_that_loses_a_race_is_not_ill():
    pulse = local()
    for n in range(50):
        pulse = pulse.after_outrun(n, now=n + 5)
    assert pulse.breaker.state(60) == "closed" and pulse.latencies == ()
