"""What is written down of a provider's turn."""

from __future__ import annotations

from ccos.domain.draft import Attempt, Outcome
from ccos.domain.money import ZERO, MicroUsd, usd
from ccos.domain.prompt import Answer, Prompt, ProviderCard
from ccos.tiers.filtering import Dropped


def skipped(prompt: Prompt, dropped: Dropped) -> Attempt:
    """A provider that was not called, and why."""
    return attempt_of(prompt, dropped.card, Outcome.SKIPPED, dropped.reason)


def attempt_of(
    prompt: Prompt,
    card: ProviderCard,
    outcome: Outcome,
    reason: str,
    *,
    answer: Answer | None = None,
    cost: MicroUsd = ZERO,
    quality: float | None = None,
    seconds: float = 0.0,
    cached: bool = False,
) -> Attempt:
    """A provider that was called, and how long it took in `seconds`.

    Without an `answer` the call failed, and `cost` is what it may have cost all the same. A `cached` answer
    cost nothing this time. Behind the reason stands what was left out of the prompt to make it fit.
    """
    if answer is not None and answer.left_out:
        reason = f"{reason} (left out: {'; '.join(answer.left_out)})"
    return Attempt(
        task=prompt.task,
        tier=card.tier,
        provider=card.name,
        model=answer.model if answer else card.model,
        outcome=outcome,
        reason=reason,
        tokens_in=answer.tokens_in if answer else 0,
        tokens_out=answer.tokens_out if answer else 0,
        cost_usd=usd(answer.cost if answer and not cached else cost),
        latency_seconds=round(seconds, 6),
        quality=quality,
        cached=cached,
    )
