"""What does not answer: since when, when it is tried again, and who writes the drafts meanwhile. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ccos.domain.tier import Tier

MODELS = tuple(tier for tier in Tier if tier is not Tier.RULE_BASED)


@dataclass(frozen=True, slots=True)
class Silent:
    """A provider that gives no answers. `code` is stable, `message` what an administrator can do about it."""

    name: str
    model: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Down:
    """A tier whose providers all are silent. `since` is when one of them answered last, None where none did
    since the start; `retry_at` is when the next of them is asked again, None where nobody knows.
    """

    tier: Tier
    code: str
    since: datetime | None
    retry_at: datetime | None
    providers: tuple[Silent, ...]


@dataclass(frozen=True, slots=True)
class Outage:
    """`down` are tiers better than `leads`, the best one that answers; `spare` are worse ones, which nobody
    misses while it does.
    """

    down: tuple[Down, ...]
    spare: tuple[Down, ...]
    leads: Tier


def outage_of(document: Mapping[str, Any]) -> Outage | None:
    """What the health document says is down; None while every tier that is set up answers."""
    tiers = {tier: document["tiers"][tier.value] for tier in Tier}
    leads = next((tier for tier in MODELS if tiers[tier]["status"] == "healthy"), Tier.RULE_BASED)
    silent = [
        _down(tier, tiers[tier]["providers"])
        for tier in MODELS
        if tiers[tier]["providers"] and tiers[tier]["status"] != "healthy"
    ]
    down = tuple(each for each in silent if each.tier.rank < leads.rank)
    spare = tuple(each for each in silent if each.tier.rank > leads.rank)
    return Outage(down, spare, leads) if silent else None


def _down(tier: Tier, providers: Sequence[Mapping[str, Any]]) -> Down:
    silent = tuple(
        Silent(each["provider"], each["model"], str(each.get("error", "")), str(each.get("message", "")))
        for each in providers
    )
    successes = [at for each in providers if (at := _time(each.get("last_success")))]
    retries = [at for each in providers if (at := _time(each.get("retry_at")))]
    code = next((each.code for each in silent if each.code), "")
    return Down(tier, code, max(successes, default=None), min(retries, default=None), silent)


def _time(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None
