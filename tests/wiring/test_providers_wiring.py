"""Which providers the settings make, and under which name and price."""

from contextlib import AsyncExitStack
from decimal import Decimal

import pytest

from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task
from ccos.providers.prices import Prices
from ccos.settings import Settings
from ccos.wiring import advice
from ccos.wiring.providers import open_providers, prices_of

PROMPT = Prompt(Task.SOLUTION_DRAFT, "Reply.", (Turn("user", "환불은 언제 되나요?"),))
RATE = {"CCOS_CLOUD_PRICE_IN": Decimal("0.5"), "CCOS_CLOUD_PRICE_OUT": Decimal(1)}


@pytest.fixture
def settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return lambda **fields: Settings(**{"CCOS_HOME": tmp_path / "home", **fields})


async def test_a_price_for_one_cloud_model_leaves_the_known_price_of_the_other(settings):
    both = settings(openai_api_key="k", openai_model="our-own", anthropic_api_key="k", **RATE)
    async with AsyncExitStack() as stack:
        providers, _ = await open_providers(both, stack)
        own, claude = (p.estimate(PROMPT) for p in providers[:2])
    async with AsyncExitStack() as stack:
        providers, _ = await open_providers(settings(anthropic_api_key="k"), stack)
        listed = providers[0].estimate(PROMPT)
    assert claude == listed > own > 0
    assert not [note for note in advice.notes(both) if "price" in note]


def test_the_configured_rate_is_for_what_the_table_does_not_know_at_that_seller(settings):
    found = settings(**RATE)
    assert prices_of(found, "anthropic", "claude-sonnet-4-5") == Prices()
    assert prices_of(found, "anthropic", "claude-sonnet-4-5-20250929") == Prices()
    assert prices_of(found, "anthropic", "our-own").price("anthropic", "our-own", 1_000_000, 0) == 500_000
    assert (
        prices_of(found, "openai", "claude-sonnet-4-5").price(None, "claude-sonnet-4-5", 0, 1_000_000)
        == 1_000_000
    )
    half = settings(CCOS_CLOUD_PRICE_IN=Decimal(1))
    assert not prices_of(half, "openai", "our-own").knows("openai", "our-own")
