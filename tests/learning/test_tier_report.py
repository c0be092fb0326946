import pytest

from ccos.domain.tier import Task, Tier
from ccos.learning.tier_report import Asked, TierState, said, tier_report

TINY = Tier.LOCAL_TINYLLAMA


def _asked(task: Task, seconds: float = 0.1, **more) -> Asked:
    return Asked(
        **{
            "tier": TINY,
            "task": task,
            "ticket": "t",
            "answered": True,
            "reason": "accepted",
            "seconds": seconds,
            **more,
        }
    )


@pytest.mark.parametrize(
    "point, reply, expected",
    [
        ("7일 이내", "받으신 날부터 7일 이내에 신청해 주세요.", True),
        ("7일 이내", "받으신 날부터 14일 이내에 신청해 주세요.", False),
        ("6,000원", "왕복 배송비 6000원이 듭니다.", True),
        ("6,000원", "왕복 배송비 60,000원이 듭니다.", False),
        ("환불금에서 차감", "배송비는 환불금에서 차감하고 돌려드립니다.", True),
        ("환불금에서 차감", "현금은 넣지 마세요.", False),
        ("within 3 business days", "You get it within 3 business days.", True),
    ],
)
def test_a_point_is_said_with_its_numbers_and_most_of_its_words(point, reply, expected):
    assert said(point, reply) is expected


def test_a_row_for_each_thing_a_tier_does():
    asked = [
        _asked(Task.TRIAGE, checks={"intent": 1.0, "sentiment": 0.0}),
        _asked(Task.TRIAGE, seconds=0.3, checks={"intent": 0.0, "sentiment": 0.0}),
        _asked(Task.QUERY_BUILDER, checks={"hit@5": 1.0}, cost_usd=0.01),
        _asked(Task.QUERY_BUILDER),  # nothing in the knowledge base answers this ticket
        _asked(
            Task.SOLUTION_DRAFT, quality=0.8, accepted=True, checks={"points_said": 0.5, "gold_cited": 1.0}
        ),
        _asked(
            Task.SOLUTION_DRAFT,
            quality=0.4,
            vetoes=("pii", "pii"),
            checks={"points_said": 0.0, "gold_cited": 0.0},
        ),
    ]
    found = tier_report([TierState(TINY, ("tiny (m)",))], asked)["tiers"]["tier_2"]
    rows = found["tasks"]
    assert rows["question_classification"]["intent"] == 0.5 and rows["sentiment"]["sentiment"] == 0.0
    assert rows["question_classification"]["seconds"] == {"p50": 0.2, "p95": 0.29}
    assert rows["kb_query_building"]["hit@5"] == 1.0 and rows["kb_query_building"]["of"] == 1
    drafting = rows["solution_drafting"]
    assert (drafting["quality"], drafting["accepted_share"], drafting["points_said"]) == (0.6, 0.5, 0.25)
    assert drafting["vetoes"] == {"pii": 1} and drafting["gold_cited"] == 0.5
    assert "ci" in rows["kb_query_building"] and "ci" not in drafting
    assert found["cost_usd"] == 0.01 and found["available"] and found["why"] is None


def test_a_tier_that_answered_nothing_says_why():
    asked = [_asked(Task.TRIAGE, answered=False, reason="provider.down")] * 2
    states = [
        TierState(TINY, ("tiny (m)",)),
        TierState(Tier.CLOUD_PREMIUM, (), "It is not configured.", "A_KEY"),
    ]
    found = tier_report(states, asked)["tiers"]
    assert (
        found["tier_2"]["why"] == "It answered nothing: provider.down." and not found["tier_2"]["available"]
    )
    assert found["tier_0"]["why"] == "It is not configured." and found["tier_0"]["set"] == "A_KEY"
    assert found["tier_0"]["tasks"]["sentiment"]["n"] == 0 and found["tier_0"]["seconds"] is None
