"""The messages endpoint of Anthropic, and of any server that speaks like it."""

from __future__ import annotations

from functools import partial

import aiohttp

from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.providers.answering import Till
from ccos.providers.anthropic_wire.dialect import Dialect, dialect_for
from ccos.providers.anthropic_wire.from_wire import MessageReader
from ccos.providers.anthropic_wire.to_wire import to_wire, token_limit
from ccos.providers.exchange import CONNECT_SECONDS, Patience, Upstream
from ccos.providers.http import checked_key
from ccos.providers.prices import Prices
from ccos.providers.wire import Format, WireClient

API_VERSION = "2023-06-01"


class AnthropicMessages(WireClient):
    """One model at one URL."""

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        base_url: str,
        model: str,
        api_key: str | None = None,
        tier: Tier = Tier.CLOUD_PREMIUM,
        name: str = "anthropic",
        paid: bool = True,
        leaves_machine: bool = True,
        context_tokens: int = 200_000,
        dialect: Dialect | None = None,
        prices: Prices | None = None,
        price_provider: str | None = "anthropic",
        credential: str = "",
        first_token_seconds: float | None = None,
        stall_seconds: float | None = None,
        connect_seconds: float = CONNECT_SECONDS,
    ) -> None:
        """`price_provider` is the price table's name for who serves it; None looks the model up anywhere.

        The dialect is read from the model's name unless given; a `/v1` at the end of the base URL may stand
        or be left out. `credential` is a fingerprint of the key, for the card. Limits that are not given are
        those of `Patience`. Raises BadSetting for a base URL or key that cannot be used.
        """
        key = checked_key(api_key)
        headers = {"anthropic-version": API_VERSION, **({"x-api-key": key} if key else {})}
        spoken = dialect or dialect_for(model)
        super().__init__(
            ProviderCard(tier, name, model, paid, leaves_machine, context_tokens, credential),
            Upstream(session, base_url, headers, drop_suffix="/v1"),
            Format(
                answer_path="/v1/messages",
                models_path="/v1/models",
                to_wire=partial(to_wire, model=model, dialect=spoken),
                reader=MessageReader,
                token_limit=partial(token_limit, dialect=spoken),
            ),
            Till(prices or Prices(), price_provider, model, paid),
            Patience(first_token_seconds, stall_seconds, connect_seconds, remote=leaves_machine),
        )
