"""When a new model may take the place of an old one."""

from ccos.domain.tier import Task, Tier
from ccos.learning.replacing import below, figures, worse
from ccos.learning.tier_report import Asked


def drafts(accepted, *, quality=0.8, vetoed=0, of=40, answered=True):
    return [
        Asked(
            tier=Tier.LOCAL_MINIMAX,
            task=Task.SOLUTION_DRAFT,
            ticket=str(n),
            answered=answered,
            reason="accepted",
            seconds=1.0,
            quality=quality if answered else None,
            accepted=n < accepted,
            vetoes=("copied",) if n >= of - vetoed else (),
            checks={"points_said": 0.5},
        )
        for n in range(of)
    ]


def test_an_equal_or_better_model_is_not_worse():
    assert worse(drafts(20), drafts(20)) is None
    assert worse(drafts(30, quality=0.9), drafts(20)) is None


def test_a_small_loss_is_noise_and_a_large_one_is_told():
    assert worse(drafts(19), drafts(20)) is None
    said = worse(drafts(8), drafts(20))
    assert said == "its share of accepted drafts is 0.20 over 40 tickets, and 0.50 for the one that serves."


def test_quality_and_vetoes_count_as_well():
    assert "mean quality" in worse(drafts(20, quality=0.7), drafts(20, quality=0.8))
    assert "with a veto is 0.50" in worse(drafts(20, vetoed=20), drafts(20))
    assert worse(drafts(20), drafts(20, vetoed=20)) is None, "fewer vetoes are no loss"


def test_a_model_that_does_not_answer_is_worse():
    assert worse(drafts(0, answered=False), drafts(20)) is not None


def test_few_tickets_or_other_tickets_show_nothing():
    assert worse(drafts(0, of=4), drafts(4, of=4)) is None
    assert worse(drafts(0, of=5), drafts(5, of=5)) is not None
    others = [Asked(Tier.LOCAL_MINIMAX, Task.SOLUTION_DRAFT, f"x{n}", True, "", 1.0) for n in range(40)]
    assert worse(others, drafts(20)) is None


def test_the_floor_is_for_a_tier_without_a_model():
    assert below(drafts(12), 0.3) is None
    assert (
        below(drafts(11), 0.3)
        == "the gate accepts 28% of its drafts of 40 tickets, and at least 30% are needed."
    )
    assert below([], 0.0) is None and below([], 0.1) is not None


def test_figures_are_numbers_only():
    found = figures(drafts(10, vetoed=4))
    assert found == {
        "tickets": 40,
        "answered": 40,
        "accepted_share": 0.25,
        "quality": 0.8,
        "vetoed_share": 0.1,
        "vetoes": {"copied": 4},
        "points_said": 0.5,
        "seconds_p50": 1.0,
    }
    assert figures([]) == {"tickets": 0}
