"""What an answer would have cost on the premium cloud model: the other side of what was saved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ccos.domain.errors import NoPrice
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.prompt import Prompt
from ccos.providers.prices import load as load_prices
from ccos.providers.tokens import likely_prompt_tokens, likely_tokens
from ccos.settings import Settings
from ccos.wiring.upstreams import openai_seller, prices_of

LOAD_AFTER_SECONDS = 1.0
"""The price table takes 0.7 s of CPU to read: a process that is just starting has better things to do."""


def premium_model(settings: Settings) -> tuple[str | None, str]:
    """Seller and model that stand for the premium cloud: Anthropic's when only that is configured."""
    openai = settings.openai_api_key or "openai_base_url" in settings.model_fields_set
    anthropic = settings.anthropic_api_key or "anthropic_base_url" in settings.model_fields_set
    if anthropic and not openai:
        return "anthropic", settings.anthropic_model
    return openai_seller(settings), settings.openai_model


def premium_cost(settings: Settings) -> Callable[[Prompt, str], MicroUsd]:
    """The price of a prompt and its answer, both counted by us; zero where no price is known.

    The table is read at the first call, which is slow then; `warm_prices` does it before.
    """
    seller, model = premium_model(settings)

    def cost(prompt: Prompt, text: str) -> MicroUsd:
        prices = prices_of(settings, seller, model)
        try:
            return prices.price(seller, model, likely_prompt_tokens(prompt), likely_tokens(text))
        except NoPrice:
            return ZERO

    return cost


async def warm_prices(*, after_seconds: float = LOAD_AFTER_SECONDS) -> None:
    """Reads the price table in a thread, once the start is over."""
    await asyncio.sleep(after_seconds)
    await asyncio.to_thread(load_prices)
