"""Response headers of routes that generate: what answered, and at what price."""

from __future__ import annotations

from ccos.domain.draft import Draft, Outcome
from ccos.domain.experiment import header_of
from ccos.domain.tier import Task
from ccos.tiers.request import CacheUse, Generation


def draft_headers(draft: Draft) -> dict[str, str]:
    """The headers for a draft; `-attempts` counts calls that were really made for the reply."""
    called = [a for a in draft.attempts if a.task is Task.SOLUTION_DRAFT and a.outcome is not Outcome.SKIPPED]
    return _headers(
        tier=draft.tier.value if draft.tier else "",
        model=draft.model or "",
        quality=draft.quality,
        attempts=len(called),
        reason=draft.reason,
        fallback_used=draft.fallback_used,
        degraded=draft.degraded,
        cost_usd=draft.cost_usd,
        experiment=header_of(draft.experiments),
    )


def generation_headers(made: Generation, cache: CacheUse = "use") -> dict[str, str]:
    """The headers for one call of the tiers, which asked for the `cache` so."""
    return {
        **_headers(
            tier=made.tier.value,
            model=made.model,
            quality=made.quality_score,
            attempts=called(made),
            reason=made.reason,
            fallback_used=made.fallback_used,
            degraded=made.degraded,
            cost_usd=made.cost,
        ),
        "x-ccos-cache": cache_word(made, cache),
        "x-ccos-accepted": "true" if made.accepted else "false",
        "x-ccos-certified": "true" if made.certified else "false",
    }


def called(made: Generation) -> int:
    """How many calls were really made."""
    return sum(a.outcome is not Outcome.SKIPPED and not a.cached for a in made.attempts)


def cache_word(made: Generation, cache: CacheUse) -> str:
    """`hit`, `miss`, or `off` where the caller wanted none of it."""
    return "hit" if made.cached else "off" if cache == "off" else "miss"


def _headers(
    *,
    tier: str,
    model: str,
    quality: float | None,
    attempts: int,
    reason: str,
    fallback_used: bool,
    degraded: bool,
    cost_usd: float,
    experiment: str = "",
) -> dict[str, str]:
    """Header values are Latin-1; a model named otherwise is shown with its other letters replaced."""
    values = {
        "x-ccos-tier": tier,
        "x-ccos-model": model,
        "x-ccos-quality": "" if quality is None else f"{quality:.4f}",
        "x-ccos-attempts": str(attempts),
        "x-ccos-reason": reason,
        "x-ccos-fallback-reason": reason if fallback_used else "",
        "x-ccos-degraded": "true" if degraded else "false",
        "x-ccos-cost-usd": f"{cost_usd:.6f}",
        "x-ccos-experiment": experiment,
    }
    return {k: v.encode("ascii", "replace").decode().replace("\n", " ") for k, v in values.items() if v}
