"""Filter: the hard rules that keep a provider out of a plan, before any cost is weighed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ccos.domain.prompt import Prompt, ProviderCard
from ccos.domain.tier import Mode, Tier
from ccos.tiers.request import Context

CHARACTERS_PER_TOKEN = 1.2
"""Low on purpose: Korean takes 0.6-0.9 tokens a character in current tokenisers, English about 0.25."""


ROOM_FOR_AN_ANSWER = 1_024
"""Tokens."""
NOT_ASKED = "tier.not_asked"
NOT_CHOSEN = "model.not_chosen"
CLOUD_MISSED = frozenset(
    {
        "breaker.open",
        "budget.exhausted",
        "key.refused",
        "mode.outage",
        "provider.busy",
        "provider.no_price",
    }
)
"""Reasons that keep the cloud out although it was wanted; a tenant's policy or PII is not one of them."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is known of a provider at this moment."""

    card: ProviderCard
    breaker_allows: bool = True
    ready: bool = True
    busy: bool = False
    affordable: bool = True
    disabled_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    card: ProviderCard
    reason: str


def filter_providers(
    conditions: Iterable[Condition], prompt: Prompt, context: Context
) -> tuple[list[ProviderCard], list[Dropped]]:
    """Providers that may be planned, in their given order, and those that may not with the first reason."""
    kept: list[ProviderCard] = []
    dropped: list[Dropped] = []
    needed, conditions = tokens_needed(prompt), list(conditions)
    there = {(condition.card.tier, condition.card.model) for condition in conditions}
    chosen = {tier: model for tier, model in context.models if (tier, model) in there}
    for condition in conditions:
        card = condition.card
        left = chosen.get(card.tier, card.model) != card.model
        reason = NOT_CHOSEN if left else _reason_against(condition, context, needed)
        if reason is None:
            kept.append(condition.card)
        else:
            dropped.append(Dropped(condition.card, reason))
    return kept, dropped


def tokens_needed(prompt: Prompt) -> int:
    """A cautious count of the tokens the prompt and an answer of usual length take.

    The prompt's own limit is an upper bound that callers set high; to ask for room for all of it would keep
    every small model from a question it could answer.
    """
    characters = len(prompt.system) + sum(len(turn.text) for turn in prompt.turns)
    return int(characters / CHARACTERS_PER_TOKEN) + min(prompt.max_tokens, ROOM_FOR_AN_ANSWER)


def kept_inside(context: Context) -> str | None:
    """Why nothing of this call may leave the machine; None when it may."""
    if not context.cloud_allowed:
        return "policy.cloud_not_allowed"
    if context.pii == "local_only":
        return "pii.local_only"
    if context.pii == "unreadable":
        return "privacy.unreadable"
    return "mode.outage" if context.mode is Mode.OUTAGE else None


def _reason_against(condition: Condition, context: Context, tokens: int) -> str | None:
    card = condition.card
    if card.tier is Tier.RULE_BASED:
        return None
    if context.only is not None and card.tier is not context.only:
        return NOT_ASKED
    if card.leaves_machine and (kept := kept_inside(context)) is not None:
        return kept
    if condition.disabled_reason is not None:
        return condition.disabled_reason
    if not condition.ready:
        return "model.not_loaded"
    if not condition.breaker_allows:
        return "breaker.open"
    if condition.busy:
        return "provider.busy"
    if tokens > card.context_tokens and not card.shortens:
        return "context.too_long"
    if not condition.affordable:
        return "budget.exhausted"
    return None
