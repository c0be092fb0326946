from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.prompt import Grounds, Prompt
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task, Tier
from ccos.tiers.predicting import (
    LEAST_SHIFT,
    MOST_SHIFT,
    NO_PASSAGE,
    Cell,
    Counted,
    Counts,
    Predicted,
    Priors,
    Tally,
    good_prior,
    shift,
    shifted,
    shrunken,
    signals,
)

OURS, THEIRS = UUID(int=1), UUID(int=2)
CELL = Cell(OURS, Task.SOLUTION_DRAFT, "refund_status", "ko", Tier.LOCAL_MINIMAX)


def gate(n, good):
    return Counted(Tally(n, good), Tally())


def people(n, good):
    return Counted(Tally(), Tally(n, good))


def accept(counts, cell=CELL, prior=0.7):
    return counts.predict(cell, accept=prior, good=0.85).accept


# --- shrunken counts ---


def test_without_counts_the_prior_stands():
    assert Counts().predict(CELL, accept=0.7, good=0.85) == Priors().predict(CELL, accept=0.7, good=0.85)
    assert Counts().predict(CELL, accept=0.7, good=0.85) == Predicted(0.7, 0.85, 0.0)


def test_ten_labels_weigh_as_much_as_what_is_known_elsewhere():
    assert shrunken(Tally(10, 0), parent=0.8) == pytest.approx(0.4)
    assert shrunken(Tally(1_000, 900), parent=0.1) == pytest.approx(0.9, abs=0.01)


def test_each_level_is_shrunken_towards_the_wider_one_and_every_label_counts_once():
    theirs, other = CELL._replace(tenant_id=THEIRS), CELL._replace(intent="coupon")
    assert accept(Counts([(CELL, gate(20, 18))])) == pytest.approx((18 + 10 * 0.7) / 30)
    found = accept(Counts([(CELL, gate(20, 18)), (theirs, gate(5, 1)), (other, gate(30, 6))]))
    widest = (6 + 10 * 0.7) / 40
    everybody = (1 + 10 * widest) / 15
    assert found == pytest.approx((18 + 10 * everybody) / 30)


def test_another_tenants_counts_count_as_much_as_ten_labels_and_no_more():
    theirs = CELL._replace(tenant_id=THEIRS)
    borrowed = accept(Counts([(theirs, gate(1_000, 0))]))
    assert borrowed < 0.01
    own = accept(Counts([(theirs, gate(1_000, 0)), (CELL, gate(90, 90))]))
    assert own == pytest.approx((90 + 10 * borrowed) / 100, abs=0.02)


def test_another_intent_speaks_until_its_own_does_and_another_language_never():
    other = (CELL._replace(intent="coupon"), gate(50, 0))
    assert accept(Counts([other])) < 0.15
    assert accept(Counts([other, (CELL, gate(50, 50))])) > 0.85
    assert accept(Counts([(CELL._replace(language="en"), gate(50, 0))])) == 0.7
    assert accept(Counts([(CELL._replace(tier=Tier.CLOUD_PREMIUM), gate(50, 0))])) == 0.7
    assert accept(Counts([(CELL._replace(task=Task.CHAT), gate(50, 0))])) == 0.7


def test_what_the_gate_said_and_what_people_said_are_two_tables():
    made = Counts([(CELL, Counted(Tally(100, 100), Tally(40, 0)))]).predict(CELL, accept=0.5, good=0.85)
    assert made.accept > 0.95 and made.good < 0.2 and made.labels == 40


def test_the_same_counts_again_change_nothing_and_fewer_are_believed():
    counts = Counts([(CELL, gate(20, 18)), (CELL, gate(20, 18))])
    assert accept(counts) == accept(Counts([(CELL, gate(20, 18))]))
    counts.put(CELL, gate(10, 9))  # halved in the database
    assert accept(counts) == pytest.approx(accept(Counts([(CELL, gate(10, 9))])))


def test_labels_are_counted_by_tenant():
    counts = Counts([(CELL, people(7, 5)), (CELL._replace(intent="coupon"), people(4, 4))])
    counts.put(CELL._replace(tenant_id=THEIRS), people(100, 1))
    counts.put(CELL, people(8, 6))
    assert (counts.labels(OURS), counts.labels(THEIRS), counts.labels(None)) == (12, 100, 0)


cells = st.builds(
    Cell,
    st.sampled_from([OURS, THEIRS]),
    st.just(Task.SOLUTION_DRAFT),
    st.sampled_from(["coupon", "refund_status"]),
    st.just("ko"),
    st.sampled_from(Tier),
)
tallies = st.integers(0, 200).flatmap(lambda n: st.builds(Tally, st.just(n), st.integers(0, n)))


@given(st.lists(st.tuples(cells, st.builds(Counted, tallies, tallies)), max_size=20), st.floats(0, 1))
def test_a_chance_is_a_chance_whatever_was_counted(counted, prior):
    made = Counts(counted).predict(CELL, accept=prior, good=prior)
    assert 0 <= made.accept <= 1 and 0 <= made.good <= 1


def test_before_people_decided_an_accepted_answer_is_better_than_what_the_gate_promises():
    assert good_prior(Tier.LOCAL_MINIMAX, 0.7, 0.5) == pytest.approx(0.85)


def test_of_the_rules_people_must_say_so_first():
    assert good_prior(Tier.RULE_BASED, 0.7, 0.3) == 0.3


# --- retrieval ---


def prompt(snippets, question="환불은 언제 입금되나요?", task=Task.SOLUTION_DRAFT, scores=None):
    evidence = tuple(
        Evidence(
            n=n, kind=EvidenceKind.KB, id=f"k{n}", title="", snippet=text, score=(scores or [1.0] * 9)[n - 1]
        )
        for n, text in enumerate(snippets, start=1)
    )
    return Prompt(task, "", (), Grounds(ticket=Ticket(description=question), evidence=evidence))


GOOD = "환불은 언제 입금되는지 안내드립니다. 환불금은 3일 안에 입금되나요 하고 물으시면 됩니다."


def test_no_passage_at_all_is_the_worst_sign():
    assert shift(signals(prompt([]))) == NO_PASSAGE == LEAST_SHIFT


def test_evidence_that_says_nothing_of_the_question_lowers_and_full_coverage_raises():
    thin, full = signals(prompt(["포인트 적립 안내"])), signals(prompt([GOOD]))
    assert thin.coverage < 0.2 and full.coverage > 0.9
    assert shift(thin) < 0 < shift(full) <= MOST_SHIFT


def test_a_best_passage_far_ahead_counts_for_a_little():
    ahead, beside = (signals(prompt([GOOD, GOOD], scores=s)) for s in ([9.0, 1.0], [9.0, 8.9]))
    assert ahead.margin > beside.margin
    assert LEAST_SHIFT <= shift(beside) <= shift(ahead) <= MOST_SHIFT


@pytest.mark.parametrize(
    "scores", [[-1.0, -2.0], [0.0, 0.0], [float("inf"), 1.0], [float("nan")] * 2, [1.0, -5.0]]
)
def test_scores_of_any_kind_give_a_share(scores):
    found = signals(prompt([GOOD, GOOD], scores=scores))
    assert 0 <= found.margin <= 1
    assert LEAST_SHIFT <= shift(found) <= MOST_SHIFT


def test_a_task_that_stands_on_no_evidence_is_not_judged_by_it():
    assert signals(prompt([], task=Task.QUERY_BUILDER)) is None
    assert signals(Prompt(Task.SOLUTION_DRAFT, "", ())) is None
    assert shift(None) == 0.0


def test_a_shift_is_the_same_in_log_odds_for_every_tier_and_leaves_certainty():
    assert shifted(0.5, 0.0) == 0.5 and shifted(1.0, -9.0) == 1.0 and shifted(0.0, 9.0) == 0.0
    assert shifted(shifted(0.7, -1.5), 1.5) == pytest.approx(0.7)
    assert shifted(0.9, -1.5) > shifted(0.7, -1.5) > shifted(0.5, -1.5)
