"""What an experiment may be, and which ones may not run at the same time."""

import pytest
from pydantic import ValidationError

from ccos.domain.choices import Choices
from ccos.domain.experiment import Definition, Enrolled, Excluded, flaw, header_of
from ccos.domain.tier import Mode, Tier

BOTH = {"name": "modes", "arms": [{"name": "control"}, {"name": "fast", "change": {"mode": "latency_first"}}]}


def made(**more):
    return Definition.model_validate(BOTH | more)


def arms(*changes):
    return [{"name": f"arm-{n}", "change": change} for n, change in enumerate(changes)]


def test_what_is_left_out_has_sensible_values():
    one = made()
    assert one.weights == (0.5, 0.5) and one.share == 1 and one.control.name == "control"
    assert {guard.name for guard in one.guardrails} >= {"reopened", "rejected", "cost_per_approved"}
    assert one.knobs == {"mode"}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"name": "Two Words"}, "name"),
        ({"arms": BOTH["arms"][:1]}, "arms"),
        ({"arms": [BOTH["arms"][0]] * 2}, "same name"),
        ({"share": 0}, "share"),
        ({"least_effect": 5}, "0.05 means 5 points"),
        ({"guardrails": [{"name": "reopened", "bound": 3}]}, "0.03 means 3 points"),
        ({"guardrails": [{"name": "reopened", "bound": 0.1}] * 2}, "twice"),
        ({"arms": arms({}, {"cloud_allowed": True})}, "cloud_allowed"),
        ({"arms": arms({}, {"required_quality": 0.1})}, "required_quality"),
        ({"arms": arms({}, {"models": {"tier_3": "x"}})}, "no model to choose"),
        ({"languages": ["fr"]}, "languages"),
    ],
)
def test_a_definition_that_cannot_be_meant(more, said):
    with pytest.raises(ValidationError, match=said):
        made(**more)


def test_what_an_arm_changes_lies_over_what_the_tenant_chose():
    own = Choices(mode=Mode.COST_FIRST, guidance="Be brief.", models={Tier.LOCAL_MINIMAX: "a"})
    change = Choices(mode=Mode.QUALITY_FIRST, models={Tier.CLOUD_PREMIUM: "b"})
    both = own.under(change)
    assert both.mode is Mode.QUALITY_FIRST and both.guidance == "Be brief."
    assert dict(both.models) == {Tier.LOCAL_MINIMAX: "a", Tier.CLOUD_PREMIUM: "b"}
    assert own.under(Choices()) == own
    assert Choices.model_validate_json(both.model_dump_json()) == both


def test_two_of_one_knob_wait_for_each_other():
    other = made(name="other")
    assert "modes is running" in (flaw(other, cloud_allowed=True, running=[made()]) or "")
    guided = made(name="other", arms=arms({}, {"guidance": "Be brief."}))
    assert flaw(guided, cloud_allowed=True, running=[made()]) is None


def test_two_of_one_knob_for_different_tickets_may_run():
    here, there = made(intents=["refund"]), made(name="other", intents=["delivery"])
    assert flaw(there, cloud_allowed=True, running=[here]) is None
    korean, english = made(languages=["ko"]), made(name="other", languages=["en"])
    assert flaw(english, cloud_allowed=True, running=[korean]) is None
    assert flaw(made(name="other"), cloud_allowed=True, running=[korean]) is not None


def test_models_of_different_tiers_are_different_knobs():
    one = made(arms=arms({}, {"models": {"tier_0": "x"}}))
    other = made(name="other", arms=arms({}, {"models": {"tier_1": "y"}}))
    assert flaw(other, cloud_allowed=True, running=[one]) is None


def test_no_arm_opens_a_cloud_that_is_closed():
    for change in ({"mode": "quality_first"}, {"models": {"tier_0": "x"}}):
        wanted = made(arms=arms({}, change))
        assert "cloud" in (flaw(wanted, cloud_allowed=False) or "")
        assert flaw(wanted, cloud_allowed=True) is None


def test_arms_that_are_alike_compare_nothing_unless_all_are():
    alike = made(arms=arms({}, {"guidance": "Be brief."}, {"guidance": "Be brief."}))
    assert "change the same" in (flaw(alike, cloud_allowed=True) or "")
    assert flaw(made(arms=arms({}, {})), cloud_allowed=True) is None


def test_who_is_covered():
    assert made().covers("refund", "ko")
    limited = made(intents=["refund"], languages=["ko"])
    assert limited.covers("refund", "ko")
    assert not limited.covers("delivery", "ko") and not limited.covers("refund", "en")


def test_the_header_names_what_was_applied():
    parts = [
        Enrolled(experiment="modes", arm="fast"),
        Enrolled(experiment="tone", arm="warm", excluded=Excluded.FELL_OVER),
        Enrolled(experiment="short", arm="control"),
    ]
    assert header_of(parts) == "modes=fast, short=control"
