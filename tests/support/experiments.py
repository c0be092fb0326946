"""Simulated drafts of an experiment whose truth is known."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from ccos.domain.experiment import Definition, Experiment, Seen
from ccos.learning.experiments.assigning import arm_of
from ccos.store.database import Tx

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


async def keep(tx: Tx, experiment: Experiment, made: Sequence[Seen], *, end: datetime | None = None) -> None:
    """Puts drafts into the database as if they had been made and decided, the last of them at `end`."""
    last = max((one.at for one in made), default=0.0)
    first = (end or datetime.now(UTC)).timestamp() - last - 120
    rows = [
        {
            "ticket": uuid4(),
            "draft": uuid4(),
            "decision": uuid4(),
            "experiment": experiment.id,
            "arm": one.arm,
            "at": datetime.fromtimestamp(first + one.at, UTC),
            "decided": datetime.fromtimestamp(first + (one.decided_at or one.at), UTC),
            "excluded": one.excluded,
            "expected": one.expected,
            "cost": round(one.cost_usd * 1_000_000),
            "latency": one.latency_seconds,
            "vetoed": one.vetoed,
            "verdict": one.verdict,
            "seconds": one.seconds,
        }
        for one in made
    ]
    await tx.run_each(
        "INSERT INTO ticket (tenant_id, id, body, subject, created_at)"
        " VALUES (%(tenant)s, %(ticket)s, '{}', '', %(at)s)",
        rows,
    )
    await tx.run_each(
        "INSERT INTO draft (tenant_id, id, ticket_id, state, created_at)"
        " VALUES (%(tenant)s, %(draft)s, %(ticket)s, coalesce(%(verdict)s, 'superseded'), %(at)s)",
        rows,
    )
    await tx.run_each(
        "INSERT INTO decision (tenant_id, id, draft_id, verdict, decided_at, seconds)"
        " VALUES (%(tenant)s, %(decision)s, %(draft)s, %(verdict)s, %(decided)s, %(seconds)s)",
        [row for row in rows if row["verdict"] is not None],
    )
    await tx.run_each(
        "INSERT INTO experiment_draft (tenant_id, experiment_id, draft_id, ticket_id, arm, at, excluded,"
        " expected, cost_micro_usd, latency_seconds, vetoed) VALUES (%(tenant)s, %(experiment)s, %(draft)s,"
        " %(ticket)s, %(arm)s, %(at)s, %(excluded)s, %(expected)s, %(cost)s, %(latency)s, %(vetoed)s)",
        rows,
    )
