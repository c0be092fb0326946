"""Experiments of the bound tenant: their definitions, what was done to them, and the drafts in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg.rows import DictRow

from ccos.domain.draft import Draft, Outcome
from ccos.domain.errors import BadInput, Conflict, NotFound
from ccos.domain.experiment import Definition, Excluded, Experiment, Seen, State, flaw
from ccos.domain.money import micro_usd
from ccos.domain.tenant import TenantSettings
from ccos.domain.tier import Task
from ccos.store import tenants
from ccos.store.database import Tx
from ccos.store.values import json_of, new_id, uuid_of

MOST_RUNNING = 20
MOST_DRAFTS = 200_000
"""Of one experiment that are read at a time, the oldest first."""


@dataclass(frozen=True, slots=True)
class Event:
    """What was done to an experiment: created, started, stopped, promoted or taken_back."""

    at: datetime
    by: str
    what: str
    facts: dict[str, Any]


async def create(tx: Tx, definition: Definition, *, by: str = "") -> Experiment:
    """Keeps a definition, which nothing changes any more. Raises `Conflict` for a name that is taken."""
    key = new_id()
    made = await tx.run(
        "INSERT INTO experiment (tenant_id, id, name, definition, created_by)"
        " VALUES (%(tenant)s, %(id)s, %(name)s, %(definition)s, %(by)s) ON CONFLICT DO NOTHING",
        id=key,
        name=definition.name,
        definition=json_of(definition),
        by=by,
    )
    if not made:
        raise Conflict(f"There is an experiment {definition.name!r} already; choose another name.")
    await _note(tx, key, "created", by)
    return await get(tx, definition.name)


async def get(tx: Tx, name: str) -> Experiment:
    """Raises `NotFound`."""
    row = await tx.row(_SELECT + "WHERE tenant_id = %(tenant)s AND name = %(name)s", name=name)
    if row is None:
        raise NotFound(
            f"There is no experiment {name[:60]!r}; `ccos experiments list` shows those there are."
        )
    return _experiment(row)


async def find_all(tx: Tx) -> list[Experiment]:
    """The running ones first, then the newest."""
    rows = await tx.rows(
        _SELECT
        + "WHERE tenant_id = %(tenant)s ORDER BY state <> 'running', created_at DESC, id DESC LIMIT 500"
    )
    return [_experiment(row) for row in rows]


async def running(tx: Tx) -> list[Experiment]:
    """Those that tickets are given to, the oldest first."""
    rows = await tx.rows(
        _SELECT
        + "WHERE tenant_id = %(tenant)s AND state = 'running' ORDER BY started_at, id LIMIT %(limit)s",
        limit=MOST_RUNNING,
    )
    return [_experiment(row) for row in rows]


async def start(tx: Tx, name: str, *, by: str = "") -> Experiment:
    """From now on tickets are given to it. Raises `NotFound`; `Conflict` when it was started before, or
    cannot run beside those that do; `BadInput` for an arm that the tenant's settings do not allow.
    """
    tenant = await _settings(tx)
    found = await get(tx, name)
    if found.state is not State.DRAFT:
        raise Conflict(
            f"The experiment is {found.state.value}; make a new one, so that drafts of both are not mixed."
        )
    others = await running(tx)
    if len(others) >= MOST_RUNNING:
        raise Conflict(f"{MOST_RUNNING} experiments are running, which is the most; stop one of them first.")
    if said := flaw(found.definition, cloud_allowed=tenant.cloud_allowed):
        raise BadInput(said)
    if said := flaw(found.definition, cloud_allowed=True, running=[other.definition for other in others]):
        raise Conflict(said)
    await tx.run(
        "UPDATE experiment SET state = 'running', started_at = now(), started_by = %(by)s"
        " WHERE tenant_id = %(tenant)s AND id = %(id)s",
        id=found.id,
        by=by,
    )
    await _note(tx, found.id, "started", by)
    return await get(tx, name)


async def stop(tx: Tx, name: str, *, by: str = "", reason: str = "") -> Experiment:
    """No more tickets are given to it. Again changes nothing. Raises `NotFound`, `Conflict`."""
    await _settings(tx)
    found = await get(tx, name)
    if found.state in (State.STOPPED, State.PROMOTED):
        return found
    if found.state is State.DRAFT:
        raise Conflict("The experiment was never started; there is nothing to stop.")
    await _stop(tx, found, by, {"reason": reason} if reason else {})
    return await get(tx, name)


async def promote(tx: Tx, name: str, arm: str, *, by: str = "") -> Experiment:
    """Writes what the arm changes into the tenant's settings, and stops the experiment.

    Raises `NotFound`, also for an arm that it has not, and `Conflict` when it never ran or another arm of it
    was promoted.
    """
    settings = await _settings(tx)
    found = await get(tx, name)
    chosen = found.definition.arm(arm)
    if chosen is None:
        names = ", ".join(each.name for each in found.definition.arms)
        raise NotFound(f"The experiment has no arm {arm[:60]!r}; its arms are {names}.")
    if found.state is State.PROMOTED:
        if found.promoted_arm == arm:
            return found
        raise Conflict(f"The arm {found.promoted_arm} is promoted; take that back first.")
    if found.state is State.DRAFT:
        raise Conflict("The experiment was never started; start it and see what it says first.")
    if said := flaw(found.definition, cloud_allowed=settings.cloud_allowed):
        raise BadInput(said)
    if found.state is State.RUNNING:
        await _stop(tx, found, by, {})
    after = settings.choices.under(chosen.change)
    await tenants.update_settings(tx, settings.model_copy(update={"choices": after}))
    await tx.run(
        "UPDATE experiment SET state = 'promoted', promoted_arm = %(arm)s, promoted_at = now(),"
        "       promoted_by = %(by)s, before = %(before)s WHERE tenant_id = %(tenant)s AND id = %(id)s",
        id=found.id,
        arm=arm,
        by=by,
        before=json_of(settings.choices),
    )
    await _note(tx, found.id, "promoted", by, {"arm": arm, "after": after.model_dump(mode="json")})
    return await get(tx, name)


async def take_back(tx: Tx, name: str, *, by: str = "") -> Experiment:
    """Gives the tenant back what it had chosen before the promotion.

    Raises `NotFound`, and `Conflict` when nothing is promoted or the choices were changed since.
    """
    settings = await _settings(tx)
    found = await get(tx, name)
    chosen = found.definition.arm(found.promoted_arm or "")
    if found.state is not State.PROMOTED or found.before is None or chosen is None:
        raise Conflict("No arm of this experiment is promoted; there is nothing to take back.")
    if settings.choices != found.before.under(chosen.change):
        raise Conflict("The tenant's choices were changed since; set them with `ccos tenants set`.")
    await tenants.update_settings(tx, settings.model_copy(update={"choices": found.before}))
    await tx.run(
        "UPDATE experiment SET state = 'stopped', promoted_arm = NULL, promoted_at = NULL, promoted_by = '',"
        "       before = NULL WHERE tenant_id = %(tenant)s AND id = %(id)s",
        id=found.id,
    )
    await _note(tx, found.id, "taken_back", by, {"arm": found.promoted_arm})
    return await get(tx, name)


async def events(tx: Tx, experiment_id: UUID) -> list[Event]:
    """What was done to it, the oldest first."""
    rows = await tx.rows(
        "SELECT at, by, what, facts FROM experiment_event"
        " WHERE tenant_id = %(tenant)s AND experiment_id = %(id)s ORDER BY at, id",
        id=experiment_id,
    )
    return [Event(**row) for row in rows]


async def note_draft(tx: Tx, draft: Draft) -> None:
    """Keeps which arms made a finished draft. One whose experiment is gone is left out."""
    if not draft.experiments:
        return
    vetoed = any(
        a.task is Task.SOLUTION_DRAFT
        and a.outcome is Outcome.REFUSED_BY_GATE
        and a.reason.startswith("veto.")
        for a in draft.attempts
    )
    await tx.run_each(
        """
        INSERT INTO experiment_draft (tenant_id, experiment_id, draft_id, ticket_id, arm, excluded, expected,
                                      cost_micro_usd, latency_seconds, vetoed)
        SELECT tenant_id, id, %(draft)s, %(ticket)s, %(arm)s, %(excluded)s, %(expected)s, %(cost)s,
               %(latency)s, %(vetoed)s
          FROM experiment WHERE tenant_id = %(tenant)s AND name = %(name)s
            ON CONFLICT DO NOTHING""",
        [
            {
                "draft": uuid_of(draft.id),
                "ticket": uuid_of(draft.ticket_id),
                "name": part.experiment,
                "arm": part.arm,
                "excluded": part.excluded,
                "expected": part.expected,
                "cost": micro_usd(Decimal(str(draft.cost_usd))),
                "latency": draft.latency_seconds,
                "vetoed": vetoed,
            }
            for part in draft.experiments
        ],
    )


async def seen(tx: Tx, experiment_id: UUID) -> list[Seen]:
    """Every draft in the experiment with what became of it, the oldest first; no text of a ticket."""
    rows = await tx.rows(
        """
        SELECT x.arm, x.ticket_id::text AS ticket_id, extract(epoch FROM x.at)::float8 AS at, x.excluded,
               x.expected, extract(epoch FROM e.decided_at)::float8 AS decided_at, e.verdict, e.changed,
               e.seconds, e.reopened_at IS NOT NULL AS reopened,
               x.cost_micro_usd / 1000000.0::float8 AS cost_usd, x.latency_seconds, x.vetoed
          FROM experiment_draft x
          LEFT JOIN decision e ON e.tenant_id = x.tenant_id AND e.draft_id = x.draft_id
         WHERE x.tenant_id = %(tenant)s AND x.experiment_id = %(id)s
         ORDER BY x.at, x.draft_id LIMIT %(limit)s""",
        id=experiment_id,
        limit=MOST_DRAFTS,
    )
    for row in rows:
        if row["excluded"] is not None:
            row["excluded"] = Excluded(row["excluded"])
    return [Seen(**row) for row in rows]


async def logged(tx: Tx, *, days: int, limit: int = MOST_DRAFTS) -> list[dict[str, Any]]:
    """Plans of replies that somebody decided about, with `good`: whether the draft was approved or edited."""
    return await tx.rows(
        """
        SELECT p.task, p.intent, p.language, p.first_tier, p.propensity, p.eligible,
               e.verdict <> 'rejected' AS good
          FROM plan_decision p
          JOIN decision e ON e.tenant_id = p.tenant_id AND e.draft_id = p.draft_id
         WHERE p.tenant_id = %(tenant)s AND p.task = 'solution_draft'
           AND p.at >= now() - make_interval(days => %(days)s::int)
         ORDER BY p.at DESC LIMIT %(limit)s""",
        days=days,
        limit=limit,
    )


_SELECT = (
    "SELECT id, definition, state, created_at, created_by, started_at, started_by, stopped_at, stopped_by,"
    " promoted_arm, promoted_at, promoted_by, before FROM experiment "
)


async def _settings(tx: Tx) -> TenantSettings:
    """The tenant's settings, held until the end: whoever changes experiments does so one after another."""
    assert tx.tenant_id is not None
    await tx.row("SELECT FROM tenant WHERE id = %(tenant)s FOR NO KEY UPDATE")
    return (await tenants.by_id(tx, tx.tenant_id)).settings


async def _stop(tx: Tx, found: Experiment, by: str, facts: dict[str, Any]) -> None:
    await tx.run(
        "UPDATE experiment SET state = 'stopped', stopped_at = now(), stopped_by = %(by)s"
        " WHERE tenant_id = %(tenant)s AND id = %(id)s",
        id=found.id,
        by=by,
    )
    await _note(tx, found.id, "stopped", by, facts)


async def _note(tx: Tx, experiment_id: UUID, what: str, by: str, facts: dict[str, Any] | None = None) -> None:
    await tx.run(
        "INSERT INTO experiment_event (tenant_id, id, experiment_id, at, by, what, facts)"
        " VALUES (%(tenant)s, %(id)s, %(experiment)s, clock_timestamp(), %(by)s, %(what)s, %(facts)s)",
        id=new_id(),
        experiment=experiment_id,
        by=by,
        what=what,
        facts=json_of(facts or {}),
    )


def _experiment(row: DictRow) -> Experiment:
    return Experiment.model_validate(row)
