import random

import pytest

from ccos.tiers.breaker import (
    JITTER,
    LEAST_CALLS,
    LOCAL_PROBE_SECONDS,
    PROBE_SECONDS,
    RECOVERY_SECONDS,
    Breaker,
)

HOUR = 3_600.0


def tripped(now: float = 0.0, **changes) -> Breaker:
    breaker = Breaker(trips_after=3, rest_seconds=30, longest_rest_seconds=300, **changes)
    for _ in range(3):
        breaker = breaker.after_failure(now, now)
    return breaker


def reopened(now: float = 31.0) -> Breaker:
    """Just closed by a good probe that was sent at 30."""
    return tripped().admit(30).after_success(30, now=now)


def let_in(breaker: Breaker, now: float) -> tuple[Breaker, int]:
    """All it lets in at once, and how many that is."""
    n = 0
    while breaker.allows(now) and n < 1_000:
        breaker, n = breaker.admit(now), n + 1
    return breaker, n


def test_it_opens_at_the_last_of_the_failures_in_a_row():
    breaker = Breaker(trips_after=3).after_failure(0, 0).after_failure(1, 1)
    assert breaker.allows(1)
    assert breaker.after_failure(2, 2).state(2) == "open"


def test_unasked_it_opens_at_the_fifth():
    breaker = Breaker()
    for n in range(4):
        breaker = breaker.after_failure(n, n)
    assert breaker.state(4) == "closed"
    assert breaker.after_failure(4, 4).state(4) == "open"


def test_a_success_starts_the_count_again():
    breaker = Breaker(trips_after=2).after_failure(0, 0).after_success(0).after_failure(1, 1)
    assert breaker.state(1) == "closed"


def test_after_the_rest_exactly_one_probe_goes_through():
    breaker = tripped()
    assert not breaker.allows(29.9)
    assert breaker.allows(30)
    probing = breaker.admit(30)
    assert not probing.allows(30.1)


def test_a_failed_probe_doubles_the_rest_up_to_the_longest():
    breaker = tripped()
    rests = []
    for _ in range(7):
        rests.append(breaker.rests_for)
        now = breaker.opened_at + breaker.rests_for
        assert not breaker.allows(now - 0.1) and breaker.allows(now)
        breaker = breaker.admit(now).after_failure(now + 1, now)
    assert rests == [30, 60, 120, 240, 300, 300, 300]


def test_a_provider_that_came_back_is_asked_again_within_half_a_minute_however_long_it_was_gone():
    breaker = Breaker()
    for _ in range(5):
        breaker = breaker.after_failure(0, 0, jitter=1)
    for _ in range(10_000):
        assert breaker.seconds_left(breaker.opened_at) <= 30
        now = breaker.opened_at + breaker.rests_for
        breaker = breaker.admit(now).after_failure(now, now, jitter=1)


def test_jitter_makes_a_rest_a_fifth_shorter_or_longer_and_no_more():
    def rest(jitter):
        return Breaker(trips_after=1, rest_seconds=10).after_failure(0, 0, jitter=jitter).rests_for

    assert [rest(j) for j in (-1, -0.5, 0, 1, 7)] == pytest.approx([8, 9, 10, 12, 12])
    assert rest(1) <= Breaker(rest_seconds=10).longest_seconds


def test_late_failures_of_earlier_calls_do_not_lengthen_the_rest():
    breaker = tripped(now=10)
    late = breaker
    for _ in range(20):
        late = late.after_failure(12, 1)
    assert late == breaker and late.seconds_left(12) == 28


def test_late_reports_do_not_speak_for_the_probe():
    probing = tripped().admit(30)
    assert probing.after_failure(31, 2) == probing
    assert probing.after_success(2, now=31) == probing
    assert probing.after_nothing(2) == probing


def test_calls_from_before_the_outage_do_not_open_it_again_when_they_fail_after_its_end():
    breaker = reopened()
    for _ in range(20):
        breaker = breaker.after_failure(32, 29)
    assert breaker == reopened()


def test_a_cancelled_probe_frees_its_place():
    probing = tripped().admit(30)
    assert probing.after_nothing(30).allows(31)


def test_a_probe_that_never_reports_frees_its_place_in_the_end():
    probing = tripped().admit(30)
    assert not probing.allows(30 + PROBE_SECONDS - 0.1)
    assert probing.allows(30 + PROBE_SECONDS)


def two_probes() -> Breaker:
    """The first, sent at 30, took so long that a second was sent."""
    return tripped().admit(30).admit(30 + PROBE_SECONDS)


def test_of_two_probes_the_older_one_counts_too():
    assert two_probes().after_success(30, now=80).state(80) == "closed"
    assert two_probes().after_failure(80, 30).seconds_left(80) == 60
    assert two_probes().after_success(30, now=80, slow=True).seconds_left(80) == 60


@pytest.mark.parametrize(("first", "second"), [(30, 75), (75, 30)])
def test_two_probes_that_fail_double_the_rest_once(first, second):
    once = two_probes().after_failure(80, first)
    assert once.after_failure(81, second) == once and once.seconds_left(80) == 60


def test_a_probe_that_fails_after_the_other_closed_it_changes_nothing():
    closed = two_probes().after_success(30, now=80)
    assert closed.after_failure(81, 75) == closed


def test_the_older_of_two_probes_takes_no_place_back_when_it_is_cancelled():
    assert two_probes().after_nothing(30) == two_probes()


@pytest.mark.parametrize(("probe_seconds", "most"), [(PROBE_SECONDS, 2), (LOCAL_PROBE_SECONDS, 1)])
def test_a_provider_that_is_well_and_slow_is_closed_by_its_first_answer(probe_seconds, most):
    """Every call takes 60 s and is answered; somebody asks each second."""
    breaker, running, probes = tripped(probe_seconds=probe_seconds), [], 0
    for now in range(30, 200):
        while running and running[0] + 60 <= now:
            breaker = breaker.after_success(running.pop(0), now=now)
            if breaker.state(now) == "closed":
                assert now == 90 and probes <= most
                return
        if breaker.allows(now):
            breaker, probes = breaker.admit(now), probes + 1
            running.append(now)
    pytest.fail("it never closed")


def test_a_call_from_before_the_clock_was_set_back_does_not_speak_for_the_probe():
    probing = tripped(now=HOUR).admit(HOUR + 30)
    assert probing.after_failure(HOUR + 31, 2 * HOUR) == probing
    assert probing.after_success(2 * HOUR, now=HOUR + 31) == probing


def test_a_good_probe_closes_it():
    assert reopened().state(31) == "closed"


def test_a_slow_probe_has_not_shown_that_it_can_be_used_again():
    slow = tripped().admit(30).after_success(30, now=42, slow=True)
    assert slow.state(42) == "open" and slow.seconds_left(42) == 60


def test_a_lost_claim_gives_the_probe_back_and_looks_again_a_second_later():
    lost = tripped().admit(30).after_claim_lost(30.1, 1.0)
    assert not lost.allows(31) and lost.allows(31.1)
    assert lost.admit(32).after_failure(32, 32).seconds_left(32) == 60, "the rests go on as they were"
    closed = Breaker()
    assert closed.after_claim_lost(1, 1.0) == closed


# The window.


def reported(pattern: str, *, seconds: float = 0.1, start: float = 0.0) -> Breaker:
    """`.` a good answer, `s` a slow one, `x` a failure; one each `seconds`."""
    breaker = Breaker()
    for n, kind in enumerate(pattern):
        at = start + n * seconds
        if kind == "x":
            breaker = breaker.after_failure(at, at)
        else:
            breaker = breaker.after_success(at, now=at, slow=kind == "s")
    return breaker


def is_open(breaker: Breaker) -> bool:
    return breaker.opened_at is not None


def test_half_of_twenty_calls_open_it_without_five_in_a_row():
    assert not is_open(reported(".x" * 9 + "."))
    assert is_open(reported(".x" * 10))


def test_fewer_calls_say_too_little():
    assert not is_open(reported("x.xx.xx.xx.xx.xx.x"))


def test_less_than_half_is_borne():
    assert not is_open(reported("..x" * 100))


def test_slow_answers_are_bad_ones_but_end_the_row():
    assert is_open(reported("s" * LEAST_CALLS))
    assert not is_open(reported("s" * (LEAST_CALLS - 1)))
    assert not is_open(reported("xxxxsxxxx"))


def test_a_good_answer_never_opens_it():
    breaker = reported("x." * 5 + "xxxx" + "....")
    assert not is_open(breaker)
    for n in range(3):
        breaker = breaker.after_success(3 + n, now=3.0 + n)
        assert not is_open(breaker)


def test_what_is_older_than_the_window_is_forgotten():
    assert not is_open(reported(".x" * 10, seconds=7))
    breaker = reported(".x" * 9)
    assert not is_open(breaker.after_success(70, now=70).after_failure(71, 71))
    assert is_open(breaker.after_success(45, now=45).after_failure(46, 46))


def test_the_window_stays_small():
    rng, breaker, now = random.Random(1), Breaker(), 0.0
    for _ in range(5_000):
        now += rng.random() * 20
        breaker = breaker.after_success(now, now=now)
        assert len(breaker.window) <= 6


def test_reports_with_the_time_of_their_admission_lose_nothing_of_the_window():
    breaker = reported(".x" * 9, start=30)
    assert is_open(breaker.after_success(5).after_failure(32, 32))


# After it has closed.


def test_calls_come_back_in_steps():
    breaker, now, rounds = reopened(), 31.0, []
    while breaker.recovering(now):
        breaker, n = let_in(breaker, now)
        rounds.append(n)
        for _ in range(n):
            breaker = breaker.after_success(now, now=now)
        now += 1
    assert rounds == [2, 4, 8]
    assert let_in(breaker, now)[1] == 1_000


def test_while_it_recovers_a_failure_gives_its_place_back_and_the_row_opens_it_for_longer():
    breaker, n = let_in(reopened(), 31)
    assert n == 2 and not breaker.allows(31)
    breaker = breaker.after_failure(32, 31)
    assert breaker.state(32) == "closed" and let_in(breaker, 32)[1] == 1
    breaker = breaker.after_failure(32, 31).after_failure(32, 32)
    assert breaker.state(32) == "open" and breaker.seconds_left(32) == 60


def test_a_cancelled_call_gives_its_place_back_and_proves_nothing():
    breaker, _ = let_in(reopened(), 31)
    assert let_in(breaker.after_nothing(31), 32)[1] == 1


def test_slow_answers_do_not_widen_the_way_back():
    breaker, _ = let_in(reopened(), 31)
    for _ in range(2):
        breaker = breaker.after_success(31, now=32, slow=True)
    assert let_in(breaker, 32)[1] == 2


def test_a_recovery_whose_calls_never_report_ends_by_itself():
    breaker, _ = let_in(reopened(), 31)
    assert not breaker.allows(31 + RECOVERY_SECONDS - 0.1)
    assert let_in(breaker, 31 + RECOVERY_SECONDS)[1] == 1_000


def test_once_it_has_recovered_the_next_outage_starts_with_the_short_rest():
    breaker = reopened()
    for _ in range(14):
        breaker = breaker.admit(32).after_success(32, now=32)
    assert not breaker.recovering(32)
    for _ in range(3):
        breaker = breaker.after_failure(40, 40)
    assert breaker.seconds_left(40) == 30


# What another process saw.


def test_a_trip_elsewhere_opens_it_for_what_is_left_and_within_reason():
    breaker = Breaker().opened_elsewhere(100, seconds=7, trips=2)
    assert (breaker.state(106.9), breaker.state(107)) == ("open", "half_open")
    assert breaker.admit(107).after_failure(107, 107).trips == 3
    assert Breaker().opened_elsewhere(0, seconds=9e9, trips=1).seconds_left(0) == Breaker().longest_seconds
    assert Breaker().opened_elsewhere(0, seconds=-5, trips=1).state(0) == "half_open"


def test_a_good_probe_elsewhere_closes_it_and_lets_calls_in_by_steps():
    breaker = tripped().closed_elsewhere(40)
    assert breaker.state(40) == "closed" and let_in(breaker, 40)[1] == 2
    closed = Breaker().after_failure(0, 0)
    assert closed.closed_elsewhere(1) == closed, "and changes nothing that was not open"


# A clock that jumps.


@pytest.mark.parametrize("jump", [-HOUR, HOUR, -0.5])
def test_a_clock_that_jumps_while_it_is_open_costs_one_probe_at_most(jump):
    breaker = tripped(now=2 * HOUR)
    now = 2 * HOUR + jump
    assert breaker.allows(now)
    probing = breaker.admit(now)
    assert not probing.allows(now + 1)
    assert probing.after_success(now, now=now + 1).state(now + 1) == "closed"
    assert probing.after_failure(now + 1, now).seconds_left(now + 1) == 60


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_a_clock_that_jumps_while_a_probe_is_on_its_way_does_not_lose_its_report(jump):
    probing = tripped(now=2 * HOUR).admit(2 * HOUR + 30)
    now = 2 * HOUR + 31 + jump
    assert probing.after_success(2 * HOUR + 30, now=now).state(now) == "closed"
    assert probing.after_failure(now, 2 * HOUR + 30).state(now) == "open"


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_after_a_jump_it_still_opens_and_still_lets_calls_in(jump):
    breaker, _ = let_in(reopened(), 31)
    now = 31 + 2 * HOUR + jump
    breaker, n = let_in(breaker, now)
    assert n == 1_000
    for _ in range(3):
        breaker = breaker.after_failure(now, now)
    assert breaker.state(now) == "open"


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_after_a_jump_the_window_begins_anew(jump):
    breaker = reported(".x" * 9, start=2 * HOUR)
    now = 2 * HOUR + jump
    assert not is_open(breaker.after_success(now, now=now).after_failure(now, now))
    for _ in range(10):
        breaker = breaker.after_success(now, now=now).after_failure(now, now)
    assert is_open(breaker)


def test_places_taken_before_a_jump_are_not_remembered_when_the_time_comes_round_again():
    breaker, _ = let_in(reopened(now=HOUR), HOUR)
    breaker = breaker.after_success(10, now=10)
    assert let_in(breaker, HOUR + 1)[1] == 1_000


def test_whatever_happens_it_never_stays_shut_for_longer_than_a_rest_and_a_probe():
    """Random calls, ends and jumps; from any state a call is let in before long."""
    rng = random.Random(7)
    for _ in range(200):
        breaker, now, running = Breaker(), 1_000.0, []
        for _ in range(150):
            now += rng.choice([0.1, 1, 5, 30, -HOUR, HOUR] if rng.random() < 0.1 else [0.1, 1, 5])
            if breaker.allows(now) and rng.random() < 0.8:
                breaker = breaker.admit(now)
                running.append(now)
            elif running:
                admitted = running.pop(rng.randrange(len(running)))
                match rng.randrange(5):
                    case 0:
                        breaker = breaker.after_success(
                            admitted, now=now, slow=rng.random() < 0.3, jitter=rng.uniform(-1, 1)
                        )
                    case 1 | 2 | 3:
                        breaker = breaker.after_failure(now, admitted, rng.uniform(-1, 1))
                    case _:
                        breaker = breaker.after_nothing(admitted)
            assert 0 <= breaker.seconds_left(now) <= breaker.longest_seconds
            assert breaker.in_flight >= 0 and breaker.rests_for <= 25 * (1 + JITTER)
        waited = max(breaker.longest_seconds, PROBE_SECONDS, RECOVERY_SECONDS)
        assert breaker.allows(now + waited)
