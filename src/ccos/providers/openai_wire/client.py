"""Chat completions of OpenAI, and of any server that speaks like it."""

from __future__ import annotations

from functools import partial

import aiohttp

from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.providers.answering import Till
from ccos.providers.exchange import CONNECT_SECONDS, FIRST_TOKEN_SHARE, Patience, Upstream
from ccos.providers.http import checked_key
from ccos.providers.openai_wire.dialect import Dialect, dialect_for
from ccos.providers.openai_wire.from_wire import ChatReader
from ccos.providers.openai_wire.to_wire import to_wire, token_limit
from ccos.providers.prices import Prices
from ccos.providers.wire import Format, WireClient


class OpenAIChat(WireClient):
    """One model at one URL."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        base_url: str,
        model: str,
        api_key: str | None = None,
        tier: Tier = Tier.CLOUD_PREMIUM,
        name: str = "openai",
        paid: bool = True,
        leaves_machine: bool = True,
        context_tokens: int = 128_000,
        dialect: Dialect | None = None,
        prices: Prices | None = None,
        price_provider: str | None = "openai",
        credential: str = "",
        first_token_seconds: float | None = None,
        stall_seconds: float | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        slots: int | None = None,
        first_token_share: float = FIRST_TOKEN_SHARE,
    ) -> None:
        """`price_provider` is the price table's name for who serves it; None looks the model up anywhere.

        The dialect is read from the model's name and the host unless given. A base URL without a path
        gets `/v1`. `credential` is a fingerprint of the key, for the card. Limits that are not given are
        those of `Patience`. Raises BadSetting for a base URL or key that cannot be used.
        """
        key = checked_key(api_key)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        spoken = dialect or dialect_for(model, official="//api.openai.com" in base_url)
        super().__init__(
            ProviderCard(tier, name, model, paid, leaves_machine, context_tokens, credential, slots),
            Upstream(session, base_url, headers, default_path="/v1"),
            Format(
                answer_path="/chat/completions",
                models_path="/models",
                to_wire=partial(to_wire, model=model, dialect=spoken),
                reader=ChatReader,
                token_limit=partial(token_limit, dialect=spoken),
            ),
            Till(prices or Prices(), price_provider, model, paid),
            Patience(
                first_token_seconds,
                stall_seconds,
                connect_seconds,
                remote=leaves_machine,
                first_token_share=first_token_share,
            ),
        )
