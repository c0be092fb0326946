import pytest

from ccos.tiers.retry_budget import RetryBudget


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_lone_call_may_be_tried_again(clock):
    budget = RetryBudget(clock=clock)
    budget.earn()
    assert budget.spend()


def test_a_thousand_failing_calls_get_a_tenth_of_retries_and_the_floor(clock):
    budget = RetryBudget(share=0.1, minimum_per_second=0.5, most=5, clock=clock)
    retries = 0
    for _ in range(1_000):
        budget.earn()
        retries += budget.spend()
        clock.now += 0.01
    assert 100 <= retries <= 100 + 5 + 0.5 * 10


def test_calls_that_all_fail_at_one_moment_get_no_more_than_the_bucket_holds(clock):
    budget = RetryBudget(share=0.1, most=5, clock=clock)
    for _ in range(1_000):
        budget.earn()
    assert sum(budget.spend() for _ in range(1_000)) == 5


def test_ten_calls_buy_one_retry_in_spite_of_how_a_tenth_is_written_in_binary(clock):
    budget = RetryBudget(share=0.1, minimum_per_second=0.0, most=1, clock=clock)
    assert budget.spend() and not budget.spend()
    for _ in range(9):
        budget.earn()
    assert not budget.spend()
    budget.earn()
    assert budget.spend() and not budget.spend()


def test_an_empty_bucket_fills_with_time_alone(clock):
    budget = RetryBudget(share=0.1, minimum_per_second=0.5, most=3, clock=clock)
    while budget.spend():
        pass
    clock.now += 1.9
    assert not budget.spend()
    clock.now += 0.2
    assert budget.spend()
    clock.now += 3_600
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_is_set_back_takes_nothing_away_and_gives_nothing_twice(clock):
    budget = RetryBudget(minimum_per_second=1.0, most=2, clock=clock)
    assert budget.spend() and budget.spend()
    clock.now -= 50
    assert not budget.spend()
    clock.now += 1
    assert budget.spend() and not budget.spend()


def test_a_share_of_nothing_and_no_floor_is_what_the_bucket_held(clock):
    budget = RetryBudget(share=0.0, minimum_per_second=0.0, most=1, clock=clock)
    for _ in range(100):
        budget.earn()
    assert [budget.spend() for _ in range(3)] == [True, False, False]
