"""What a paid model costs. Prices come from the genai-prices package, whose data is inside it: no network."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from ccos.domain.errors import NoPrice
from ccos.domain.money import MicroUsd, micro_usd

_DATE = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|20\d{6}|latest)$")
_MILLION = Decimal(1_000_000)

Rate = tuple[Decimal, Decimal]
"""USD per million tokens, in and out."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Configured prices first, then the package's; a dated model name falls back on its undated one.

    `configured` maps a model name to USD per million tokens in and out.
    """

    configured: Mapping[str, Rate] = field(default_factory=dict)

    def price(
        self, provider_id: str | None, model: str, tokens_in: int, tokens_out: int, *, cached_in: int = 0
    ) -> MicroUsd:
        """What one call costs, rounded up to a whole micro-USD.

        `cached_in` of `tokens_in` were read from the provider's prompt cache. `provider_id` None looks for
        the model at any provider. Raises NoPrice for a model neither table knows.
        """
        names = (model, undated(model))
        for name in names:
            if name in self.configured:
                per_in, per_out = self.configured[name]
                return micro_usd((tokens_in * per_in + tokens_out * per_out) / _MILLION)
        for name in names:
            known = _looked_up(provider_id, name, tokens_in, tokens_out, min(cached_in, tokens_in))
            if known is not None:
                return micro_usd(known)
        raise NoPrice(
            f"No price is known for the model {model!r}, so it is not called; set CCOS_CLOUD_PRICE_IN and "
            "CCOS_CLOUD_PRICE_OUT to its USD per million tokens.",
            model=model,
        )

    def knows(self, provider_id: str | None, model: str) -> bool:
        """Whether `price` would answer for this model."""
        try:
            self.price(provider_id, model, 1, 1)
        except NoPrice:
            return False
        return True


def undated(model: str) -> str:
    """`gpt-4o` for `gpt-4o-2024-08-06`, `claude-sonnet-4-5` for `claude-sonnet-4-5-20250929`."""
    return _DATE.sub("", model)


def provider_id_for(base_url: str) -> str | None:
    """The price table's name for who serves this URL; None for a URL it does not know (a gateway, say)."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        return get_snapshot().find_provider(None, None, base_url).id
    except LookupError:
        return None


def load() -> None:
    """Read the price table now (0.7 s of CPU, once): call it in a thread at start, not inside a request."""
    from genai_prices.data_snapshot import get_snapshot

    get_snapshot()


@dataclass(frozen=True, slots=True)
class _Flat:
    """USD per million tokens of a model whose price depends on nothing else up to `below` prompt tokens."""

    fresh_in: Decimal
    cached_in: Decimal
    out: Decimal
    below: float

    def price(self, tokens_in: int, tokens_out: int, cached_in: int) -> Decimal:
        fresh = self.fresh_in * (tokens_in - cached_in) + self.cached_in * cached_in
        return (fresh + self.out * tokens_out) / _MILLION


def _looked_up(
    provider_id: str | None, model: str, tokens_in: int, tokens_out: int, cached_in: int
) -> Decimal | None:
    flat = _flat(provider_id, model)
    if flat is not None and tokens_in < flat.below:
        return flat.price(tokens_in, tokens_out, cached_in)
    from genai_prices import Usage, calc_price

    usage = Usage(input_tokens=tokens_in, output_tokens=tokens_out, cache_read_tokens=cached_in or None)
    try:
        return calc_price(usage, model_ref=model, provider_id=provider_id).total_price
    except (LookupError, ValueError):
        return None


@lru_cache(maxsize=256)
def _flat(provider_id: str | None, model: str) -> _Flat | None:
    """The model's price as plain rates, because the package's own sum takes 0.08 ms and an answer needs two.

    None for prices by the hour or by request and for models not found: the package answers for those.
    """
    from genai_prices.data_snapshot import get_snapshot
    from genai_prices.types import ModelPrice, TieredPrices

    try:
        prices = get_snapshot().find_provider_model(model, None, provider_id, None)[1].prices
    except (LookupError, ValueError):
        return None
    if not isinstance(prices, ModelPrice) or prices.requests_kcount:
        return None
    rates = (prices.input_mtok, prices.cache_read_mtok or prices.input_mtok, prices.output_mtok)
    base = [rate.base if isinstance(rate, TieredPrices) else rate for rate in rates]
    starts = [tier.start for rate in rates if isinstance(rate, TieredPrices) for tier in rate.tiers]
    fresh_in, cached_in, out = base
    if fresh_in is None or cached_in is None or out is None:
        return None
    return _Flat(fresh_in, cached_in, out, min(starts, default=math.inf))
