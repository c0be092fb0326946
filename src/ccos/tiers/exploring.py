"""Now and then another tier goes first, so that what is expected of it does not rest on guesses for ever.

Greedy with a share of exploration: of the tiers that are eligible and safe, each is taken with chance
share / n, the planned one with what is left besides. The chances are exact and written down with every
decision, so that what another policy would have done can be worked out later.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ccos.domain.money import Level
from ccos.domain.tier import Mode, Tier
from ccos.tiers.request import Context

LEAST_LABELS = 30
"""Decisions of a tenant's people before anything is tried out on them: without, there is nothing to learn."""
RISKY_INTENTS = frozenset({"complaint", "legal", "privacy"})
"""Where a weaker tier is never tried out: only one that is stronger than the planned one may be."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The tier that goes first, and the chance that each of those that could have had of being it."""

    first: Tier
    propensities: Mapping[Tier, float]
    seed: int
    explored: bool

    @property
    def propensity(self) -> float:
        return self.propensities[self.first]


def choose(
    greedy: Tier,
    usable: Collection[Tier],
    context: Context,
    *,
    intent: str,
    share: float,
    labels: float,
    level: Level,
    seed: int,
) -> Choice:
    """Who goes first. `share` in [0, 1] of decisions explore; the same `seed` chooses the same again."""
    safe = _safe(greedy, usable, context, intent, labels, level) if share > 0 else {greedy}
    if len(safe) < 2:
        return Choice(greedy, {greedy: 1.0}, seed, explored=False)
    each = share / len(safe)
    ordered = sorted(safe, key=lambda tier: tier.rank)
    chances = {tier: each + (1.0 - share if tier is greedy else 0.0) for tier in ordered}
    dice = random.Random(seed)  # noqa: S311  it spreads tries and keeps no secret
    first = dice.choice(ordered) if dice.random() < share else greedy
    return Choice(first, chances, seed, explored=first is not greedy)


def _safe(
    greedy: Tier, usable: Collection[Tier], context: Context, intent: str, labels: float, level: Level
) -> set[Tier]:
    """The planned tier, and the models that may be tried in its place. Every answer passes the same gate."""
    if (
        labels < LEAST_LABELS
        or level in (Level.COST_FIRST, Level.EXHAUSTED)
        or context.source != "draft"
        or context.mode is Mode.OUTAGE
        or context.only is not None
        or context.relay is not None  # its words go out before the gate has judged them
        or greedy is Tier.RULE_BASED
    ):
        return {greedy}
    models = {tier for tier in usable if tier is not Tier.RULE_BASED}
    if context.pii == "local_only" or intent in RISKY_INTENTS:
        models = {tier for tier in models if tier.rank < greedy.rank}
    return models | {greedy}
