"""Certified thresholds of the bound tenant, with their evidence and what they were certified for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from ccos.domain.certificate import Certificate
from ccos.domain.tier import Task, Tier
from ccos.store.database import Tx

ANY_TIER = "any"


@dataclass(frozen=True, slots=True)
class Stored:
    """A certificate as it is kept: `look` counts the times that new labels were looked at."""

    certificate: Certificate
    fingerprint: str
    look: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Basis:
    """What a certificate holds for. `models` names them by tier, `policy` is a hash of the tenant's settings,
    `kb_epoch` the number of the last change of its knowledge.
    """

    scorer: str
    models: str
    prompt: str
    policy: str
    kb_epoch: int


@dataclass(frozen=True, slots=True)
class Certification:
    """The last time that the tenant's thresholds were certified.

    Labels count when their draft was made at `prompt_since` or later and they were decided at `labels_since`
    or later, None for all. `labels` were there, the newest decided at `labels_until`.
    """

    basis: Basis
    prompt_since: datetime | None
    labels_since: datetime | None
    labels_until: datetime | None
    labels: int
    look: int
    made_at: datetime | None = None


async def lock(tx: Tx) -> None:
    """Of all processes one certifies a tenant at a time, until the transaction ends."""
    await tx.run("SELECT pg_advisory_xact_lock(hashtextextended('certify ' || %(tenant)s::text, 0))")


async def now_for(tx: Tx) -> tuple[str, int]:
    """The policy and the knowledge of the bound tenant as they are now."""
    row = await tx.row("SELECT policy, kb_epoch FROM certified_for()")
    assert row is not None
    return str(row["policy"]), int(row["kb_epoch"])


async def last(tx: Tx) -> Certification | None:
    row = await tx.row(
        "SELECT scorer, models, prompt, policy, kb_epoch, prompt_since, labels_since, labels_until, labels,"
        "       look, made_at FROM certification WHERE tenant_id = %(tenant)s"
    )
    if row is None:
        return None
    basis = Basis(**{name: row.pop(name) for name in Basis.__slots__})
    return Certification(basis, **row)


async def put(
    tx: Tx, certification: Certification, certificates: Iterable[Certificate], *, fingerprint: str
) -> None:
    """In place of what was certified before."""
    known = {name: getattr(certification, name) for name in Certification.__slots__} | asdict(
        certification.basis
    )
    await tx.run(
        """
        INSERT INTO certification (tenant_id, scorer, models, prompt, policy, kb_epoch, prompt_since,
                                   labels_since, labels_until, labels, look)
        VALUES (%(tenant)s, %(scorer)s, %(models)s, %(prompt)s, %(policy)s, %(kb_epoch)s, %(prompt_since)s,
                %(labels_since)s, %(labels_until)s, %(labels)s, %(look)s)
        ON CONFLICT (tenant_id) DO UPDATE
           SET scorer = excluded.scorer, models = excluded.models, prompt = excluded.prompt,
               policy = excluded.policy, kb_epoch = excluded.kb_epoch, prompt_since = excluded.prompt_since,
               labels_since = excluded.labels_since, labels_until = excluded.labels_until,
               labels = excluded.labels, look = excluded.look, made_at = now()""",
        **{name: value for name, value in known.items() if name not in ("basis", "made_at")},
    )
    await tx.run("DELETE FROM certificate WHERE tenant_id = %(tenant)s")
    rows = [
        {
            "task": each.task.value,
            "tier": each.tier.value if each.tier else ANY_TIER,
            "required": each.required,
            "threshold": each.threshold,
            "labels": each.labels,
            "accepted": each.accepted,
            "bad": each.bad,
            "bound": each.risk_bound,
            "confidence": each.confidence,
            "scorer": each.scorer,
            "fingerprint": fingerprint,
            "look": certification.look,
        }
        for each in certificates
    ]
    if rows:
        await tx.run_each(
            "INSERT INTO certificate (tenant_id, task, tier, required, threshold, labels, accepted, bad,"
            "                         risk_bound, confidence, scorer, fingerprint, look)"
            " VALUES (%(tenant)s, %(task)s, %(tier)s, %(required)s, %(threshold)s, %(labels)s, %(accepted)s,"
            "         %(bad)s, %(bound)s, %(confidence)s, %(scorer)s, %(fingerprint)s, %(look)s)",
            rows,
        )


async def stored(tx: Tx) -> list[Stored]:
    """The tenant's own certificates, by task, tier and what is required."""
    rows = await tx.rows(
        "SELECT task, tier, required, threshold, labels, accepted, bad, risk_bound, confidence, scorer,"
        "       fingerprint, look, made_at FROM certificate WHERE tenant_id = %(tenant)s"
        " ORDER BY task, tier <> 'any', tier, required"
    )
    return [
        Stored(
            Certificate(
                task=Task(row["task"]),
                tier=None if row["tier"] == ANY_TIER else Tier(row["tier"]),
                required=row["required"],
                threshold=row["threshold"],
                labels=row["labels"],
                accepted=row["accepted"],
                bad=row["bad"],
                risk_bound=row["risk_bound"],
                scorer=row["scorer"],
                source="tenant",
                confidence=row["confidence"],
            ),
            row["fingerprint"],
            row["look"],
            row["made_at"],
        )
        for row in rows
    ]


async def due(tx: Tx, *, scorer: str, models: str, prompt: str, least: int, every: int) -> Sequence[UUID]:
    """Tenants with `least` decisions whose thresholds were certified for something else than this, or who
    have `every` new decisions.
    """
    rows = await tx.rows(
        "SELECT tenants_to_certify(%(scorer)s, %(models)s, %(prompt)s, %(least)s::int, %(every)s::int) AS id",
        scorer=scorer,
        models=models,
        prompt=prompt,
        least=least,
        every=every,
    )
    return [row["id"] for row in rows]


async def changed_since(tx: Tx, moment: datetime | None) -> tuple[datetime, list[UUID]]:
    """Tenants that were certified at `moment` or later, and the database's time now."""
    now = await tx.row("SELECT now() AS now")
    assert now is not None
    rows = await tx.rows(
        "SELECT tenants_certified_since(coalesce(%(moment)s::timestamptz, '-infinity')) AS id", moment=moment
    )
    return now["now"], [row["id"] for row in rows]


async def newest_decision(tx: Tx) -> datetime | None:
    """When the tenant's people last decided about a draft."""
    row = await tx.row("SELECT max(decided_at) AS at FROM decision WHERE tenant_id = %(tenant)s")
    return row["at"] if row else None


async def now(tx: Tx) -> datetime:
    """The database's time, at the beginning of the transaction."""
    row = await tx.row("SELECT now() AS now")
    assert row is not None
    moment: datetime = row["now"]
    return moment
