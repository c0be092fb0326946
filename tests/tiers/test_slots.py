"""How many drafts of a batch are made at a time."""

import pytest

from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Mode, Tier
from ccos.tiers.slots import fitting

CLOUD = ProviderCard(Tier.CLOUD_PREMIUM, "openai", "gpt", paid=True, leaves_machine=True)
LOCAL = ProviderCard(Tier.LOCAL_MINIMAX, "local", "seven", slots=4)
TINY = ProviderCard(Tier.LOCAL_TINYLLAMA, "tiny", "tiny", slots=1)
RULES = ProviderCard(Tier.RULE_BASED, "rules", "rules")


@pytest.mark.parametrize(
    ("cards", "mode", "at_once"),
    [
        ([CLOUD, LOCAL, TINY, RULES], Mode.COST_FIRST, 5),
        ([CLOUD, LOCAL, TINY, RULES], Mode.QUALITY_FIRST, 8),
        ([LOCAL, LOCAL, RULES], Mode.QUALITY_FIRST, 9),
        ([TINY, RULES], Mode.COST_FIRST, 2),
        ([CLOUD, RULES], Mode.COST_FIRST, 8),
        ([RULES], Mode.COST_FIRST, 2),
        ([], Mode.COST_FIRST, 2),
        ([LOCAL] * 20, Mode.COST_FIRST, 32),
    ],
)
def test_the_tier_that_leads_is_kept_busy(cards, mode, at_once):
    assert fitting(cards, mode) == at_once
