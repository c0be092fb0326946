from ccos.tiers.breaker import Breaker


def tripped(now: float = 0.0) -> Breaker:
    breaker = Breaker(trips_after=3, rest_seconds=30)
    for _ in range(3):
        breaker = breaker.after_failure(now, now)
    return breaker


def test_it_opens_at_the_last_of_the_failures_in_a_row():
    breaker = Breaker(trips_after=3).after_failure(0, 0).after_failure(1, 1)
    assert breaker.allows(1)
    assert breaker.after_failure(2, 2).state(2) == "open"


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
    breaker = breaker.admit(30).after_failure(31, 30)
    assert not breaker.allows(90.9)
    assert breaker.allows(91)
    now = 91.0
    for _ in range(10):
        breaker = breaker.admit(now).after_failure(now, now)
        now = breaker.resting_until
    assert breaker._rest(breaker.trips) == breaker.longest_rest_seconds


def test_late_failures_of_earlier_calls_do_not_lengthen_the_rest():
    breaker = tripped(now=10)
    late = breaker
    for _ in range(20):
        late = late.after_failure(12, 1)
    assert late == breaker and late.resting_until == 40


def test_late_reports_do_not_speak_for_the_probe():
    probing = tripped().admit(30)
    assert probing.after_failure(31, 2) == probing
    assert probing.after_success(2) == probing
    assert probing.after_nothing(2) == probing


def test_a_cancelled_probe_frees_its_place():
    probing = tripped().admit(30)
    assert probing.after_nothing(30).allows(31)


def test_a_probe_that_never_reports_frees_its_place_after_one_rest():
    probing = tripped().admit(30)
    assert not probing.allows(59)
    assert probing.allows(60)


def test_a_good_probe_closes_it():
    assert tripped().admit(30).after_success(30).state(31) == "closed"
