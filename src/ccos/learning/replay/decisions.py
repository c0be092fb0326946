"""Outcomes and logs for a replay, from the decisions the product logged; without any text of a ticket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ccos.domain.tier import Tier
from ccos.learning.replay.off_policy import Logged
from ccos.learning.replay.outcomes import Outcome

Decision = Mapping[str, Any]
"""A logged decision by its names (task, intent, language, draft_id, first_tier, tier, propensity, eligible,
cost_micro_usd), and `good`: whether a person approved what came of it, None where nobody knows."""


def outcomes_from_decisions(
    rows: Iterable[Decision],
    *,
    weak: Tier = Tier.LOCAL_MINIMAX,
    strong: Tier = Tier.CLOUD_PREMIUM,
) -> list[Outcome]:
    """The tasks for which it is known how good both tiers were, as after a shadow run, in their first order.

    Two rows of one draft and task belong together: one answered by `weak`, one by `strong`. The last one of a
    tier counts. Their `domain` is the intent; there is no prompt, so only tables can be replayed on them.
    """
    found: dict[tuple[str, str], dict[str, Decision]] = {}
    for row in rows:
        if row.get("good") is not None and row.get("tier") in (weak, strong) and row.get("draft_id"):
            found.setdefault((str(row["draft_id"]), str(row["task"])), {})[str(row["tier"])] = row
    return [
        _outcome(draft, task, both[weak], both[strong])
        for (draft, task), both in found.items()
        if len(both) == 2
    ]


def _outcome(draft: str, task: str, low: Decision, high: Decision) -> Outcome:
    columns = {
        "domain": low["intent"],
        "task": task,
        "language": low["language"],
        "weak_cost": low.get("cost_micro_usd"),
        "strong_cost": high.get("cost_micro_usd"),
    }
    return Outcome(
        id=f"{draft}/{task}",
        prompt="",
        weak=float(bool(low["good"])),
        strong=float(bool(high["good"])),
        group=draft,
        weak_answer=None,
        columns=columns,
    )


def log_from_decisions(rows: Iterable[Decision]) -> list[Logged]:
    """The decisions whose outcome is known, with the chance each tier had of going first."""
    return [
        Logged(
            cell=f"{row['task']}/{row['intent']}/{row['language']}",
            chosen=Tier(row["first_tier"]),
            chances=_chances(row),
            reward=float(bool(row["good"])),
        )
        for row in rows
        if row.get("good") is not None
    ]


def _chances(row: Decision) -> dict[Tier, float]:
    """As logged with each eligible tier; the chance of the one that was taken has a column of its own."""
    chances = {Tier(name): float(each.get("propensity", 0.0)) for name, each in row["eligible"].items()}
    return chances | {Tier(row["first_tier"]): float(row["propensity"])}
