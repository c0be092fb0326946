"""Simulated drafts of an experiment whose truth is known."""

from __future__ import annotations

import random
from collections.abc import Mapping
from uuid import UUID

from ccos.domain.experiment import Definition, Seen
from ccos.learning.experiments.assigning import arm_of

EVERY_SECONDS = 60.0


def definition(**more: object) -> Definition:
    given = {"name": "tone", "arms": [{"name": "control"}, {"name": "warm"}], **more}
    return Definition.model_validate(given)


def drafts(
    wanted: Definition,
    n: int,
    approval: Mapping[str, float],
    *,
    seed: int = 0,
    noise_known: float = 0.0,
    more: Mapping[str, Mapping[str, object]] | None = None,
) -> list[Seen]:
    """`n` decided drafts, one a minute. `approval` is each arm's true share; `noise_known` moves the chance of
    single tickets by as much up or down, and tells it as what was expected; `more` sets other facts by arm."""
    dice = random.Random(seed)
    experiment = UUID(int=seed + 1)
    made = []
    for at in range(n):
        ticket = f"ticket {at}"
        arm = arm_of(wanted, experiment, ticket)
        if arm is None:
            continue
        tilt = dice.choice((-noise_known, noise_known))
        approved = dice.random() < approval[arm.name] + tilt
        made.append(
            Seen(
                arm=arm.name,
                ticket_id=ticket,
                at=at * EVERY_SECONDS,
                expected=0.75 + tilt,
                decided_at=at * EVERY_SECONDS + 30,
                verdict="approved" if approved else "rejected",
                seconds=dice.expovariate(1 / 40),
                cost_usd=0.01,
                latency_seconds=2.0,
                **(more or {}).get(arm.name, {}),  # type: ignore[arg-type]
            )
        )
    return made
