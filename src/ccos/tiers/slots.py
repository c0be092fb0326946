"""How many drafts of a batch are made at a time."""

from __future__ import annotations

from collections.abc import Iterable

from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Mode, Tier

CLOUD_AT_ONCE, RULES_AT_ONCE, MOST_AT_ONCE = 8, 2, 32


def fitting(cards: Iterable[ProviderCard], mode: Mode) -> int:
    """As many as keep the tier that leads busy: a local one gets one more than it writes at once, so that
    the next is there when a slot falls free. The rules alone need a processor, and more at once is no faster.
    """
    local = [Tier.LOCAL_MINIMAX, Tier.LOCAL_TINYLLAMA]
    cloud = Tier.CLOUD_PREMIUM
    known = list(cards)
    for tier in [cloud, *local] if mode is Mode.QUALITY_FIRST else [*local, cloud]:
        if slots := [card.slots for card in known if card.tier is tier]:
            return min(MOST_AT_ONCE, sum(each or CLOUD_AT_ONCE for each in slots) + (tier in local))
    return RULES_AT_ONCE
