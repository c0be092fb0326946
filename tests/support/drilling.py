"""Small drills, and the values they are made of."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ccos.domain.draft import DraftState, Outcome
from ccos.domain.tier import Mode, Task, Tier
from ccos.drill.records import Outage, Part, Record, Sample, Tried

CLOUD, RULES = Tier.CLOUD_PREMIUM, Tier.RULE_BASED


def tried(
    tier: Tier, outcome: str, reason: str = "", *, task: str = "solution_draft", cost: float = 0.0
) -> Tried:
    return Tried(Task(task), tier, Outcome(outcome), reason or outcome, 0.1, cost)


def sample(phase: str = "during", *attempts: Tried, **more: Any) -> Sample:
    given = {
        "fault": "" if phase == "before" else "unavailable",
        "phase": phase,
        "ticket": "demo-001",
        "at": 0.0,
        "seconds": 0.5,
        "deadline": 20.0,
        "state": DraftState.READY,
        "replied": True,
        "tier": RULES,
        "quality": 0.8,
        "scorer": "test-scorer",
        **more,
    }
    return Sample(**given, tried=attempts)


def record(*samples: Sample, outages: tuple[Outage, ...] = (), **more: Any) -> Record:
    given = {
        "tier": CLOUD,
        "mode": Mode.COST_FIRST,
        "seconds": 20.0,
        "concurrency": 4,
        "began_at": datetime(2026, 11, 22, 9, 30, tzinfo=UTC),
        "spend_at_most_usd": 0.1,
        "parts": (Part(CLOUD, "openai", "gpt-4o", paid=True), Part(RULES, "rules", "rules-1", paid=False)),
        **more,
    }
    return Record(**given, samples=list(samples), outages=list(outages))


def whole_drill() -> Record:
    """A drill as it should go: a good phase before, an outage the rules carry, a return."""
    accepted = tried(CLOUD, "accepted", cost=0.004)
    refused = tried(CLOUD, "failed", "provider.down", cost=0.012)
    resting = tried(CLOUD, "skipped", "breaker.open")
    by_rules = tried(RULES, "accepted")
    return record(
        *(sample("before", accepted, tier=CLOUD, at=n / 2, quality=0.9, cost_usd=0.004) for n in range(4)),
        sample("during", refused, by_rules, at=2.0, seconds=3.5, cost_usd=0.012),
        sample("during", resting, by_rules, at=2.5, seconds=0.02, state=DraftState.NEEDS_REVIEW),
        sample("during", resting, by_rules, at=3.0, seconds=0.02, state=DraftState.ABSTAINED),
        sample("recovery", resting, by_rules, at=6.0, seconds=0.02),
        *(sample("after", accepted, tier=CLOUD, at=12 + n, quality=0.9, cost_usd=0.004) for n in range(2)),
        outages=(
            Outage("unavailable", 2.0, 5.5, asked=3, looked=True, back_seconds=6.25, probes=1, rested=True),
        ),
        lasted_seconds=8.0,
        skipped_seconds=6.0,
        spent_usd=0.036,
    )
