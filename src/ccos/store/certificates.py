"""Certified thresholds of the bound tenant, with their evidence and what they were certified for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from ccos.domain.certificate import Certificate
from ccos.domain.tier import Task, Tier
from ccos.store.database import Tx
from ccos.store.newer import ANY_TIER, of_this_release

Group = tuple[Task, Tier | None]
"""A task, and its tier or all of them together."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A certificate as it is kept; `look` is the look at the labels by which it was made."""

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

    @property
    def key(self) -> str:
        """What tells certificates of one kind of answers from those of another. Policy and knowledge change
        under them all the time and make them stale, not others.
        """
        parts = repr((self.scorer, self.models, self.prompt)).encode()
        return hashlib.blake2b(parts, digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Look:
    """The last look at the labels of a task's tier (None for all together), number `number`: there were
    `labels` of them, the newest decided at `labels_until`.
    """

    task: Task
    tier: Tier | None
    number: int
    labels: int
    labels_until: datetime


@dataclass(frozen=True, slots=True)
class Certification:
    """The last time that the tenant's thresholds were certified for a basis; `look` is the highest of its
    looks, 0 before the first.

    Labels count when their draft was made at `prompt_since` or later and they were decided at `labels_since`
    or later, None for all. `labels` were there. At `labels_until` they were counted last; after `wanted`
    newer decisions it is worth counting them again.
    """

    basis: Basis
    prompt_since: datetime | None
    labels_since: datetime | None
    labels_until: datetime | None
    labels: int
    look: int
    wanted: int = 1
    made_at: datetime | None = None

    def is_stale(self, policy: str, kb_epoch: int) -> bool:
        """Whether policy or knowledge, by which people decide, have changed since the last look."""
        return self.look > 0 and (self.basis.policy, self.basis.kb_epoch) != (policy, kb_epoch)


async def lock(tx: Tx) -> None:
    """Of all processes one certifies a tenant at a time, until the transaction ends."""
    await tx.run("SELECT pg_advisory_xact_lock(hashtextextended('certify ' || %(tenant)s::text, 0))")


async def now_for(tx: Tx) -> tuple[str, int]:
    """The policy and the knowledge of the bound tenant as they are now."""
    row = await tx.row("SELECT policy, kb_epoch FROM certified_for()")
    assert row is not None
    return str(row["policy"]), int(row["kb_epoch"])


async def last(tx: Tx, basis: str | None = None) -> Certification | None:
    """Of the basis with this key; left out: the one whose labels were counted last."""
    found = await every(tx)
    return next((each for each in found if basis is None or each.basis.key == basis), None)


async def every(tx: Tx) -> list[Certification]:
    """The last of each basis, the one whose labels were counted last first."""
    rows = await tx.rows(
        "SELECT scorer, models, prompt, policy, kb_epoch, prompt_since, labels_since, labels_until, labels,"
        "       look, wanted, made_at FROM certification WHERE tenant_id = %(tenant)s"
        " ORDER BY checked_at DESC, basis"
    )
    return [Certification(Basis(**{name: row.pop(name) for name in Basis.__slots__}), **row) for row in rows]


async def note(tx: Tx, certification: Certification) -> None:
    """Writes down that labels were counted, and how many more are wanted."""
    known = {name: getattr(certification, name) for name in Certification.__slots__} | asdict(
        certification.basis
    )
    await tx.run(
        """
        INSERT INTO certification (tenant_id, basis, scorer, models, prompt, policy, kb_epoch, prompt_since,
                                   labels_since, labels_until, labels, look, wanted, checked_at)
        VALUES (%(tenant)s, %(key)s, %(scorer)s, %(models)s, %(prompt)s, %(policy)s, %(kb_epoch)s,
                %(prompt_since)s, %(labels_since)s, %(labels_until)s, %(labels)s, %(look)s, %(wanted)s,
                clock_timestamp())
        ON CONFLICT (tenant_id, basis) DO UPDATE
           SET policy = excluded.policy, kb_epoch = excluded.kb_epoch, prompt_since = excluded.prompt_since,
               labels_since = excluded.labels_since, labels_until = excluded.labels_until,
               labels = excluded.labels, look = excluded.look, wanted = excluded.wanted,
               checked_at = excluded.checked_at""",
        key=certification.basis.key,
        **{name: value for name, value in known.items() if name not in ("basis", "made_at")},
    )


async def put(
    tx: Tx,
    certification: Certification,
    certificates: Iterable[Certificate],
    *,
    fingerprint: str,
    looks: Sequence[Look] = (),
    gone: Sequence[Group] = (),
) -> None:
    """What `looks` brought, in place of what these tasks and tiers had under the same basis; what those that
    are `gone` had ends.
    """
    found, key = list(certificates), certification.basis.key
    numbers = {(each.task, each.tier): each.number for each in looks}
    await note(tx, certification)
    await tx.run(
        "UPDATE certification SET made_at = now() WHERE tenant_id = %(tenant)s AND basis = %(key)s", key=key
    )
    for task, tier in {*numbers, *gone, *((each.task, each.tier) for each in found)}:
        await tx.run(
            "DELETE FROM certificate WHERE tenant_id = %(tenant)s AND basis = %(key)s AND task = %(task)s"
            "   AND tier = %(tier)s",
            key=key,
            task=task.value,
            tier=_name(tier),
        )
    if looks:
        await tx.run_each(
            "INSERT INTO certified_look (tenant_id, basis, task, tier, look, labels, labels_until)"
            " VALUES (%(tenant)s, %(key)s, %(task)s, %(tier)s, %(look)s, %(labels)s, %(until)s)"
            " ON CONFLICT (tenant_id, basis, task, tier) DO UPDATE SET look = excluded.look,"
            "    labels = excluded.labels, labels_until = excluded.labels_until",
            [
                {
                    "key": key,
                    "task": each.task.value,
                    "tier": _name(each.tier),
                    "look": each.number,
                    "labels": each.labels,
                    "until": each.labels_until,
                }
                for each in looks
            ],
        )
    if found:
        await tx.run_each(
            "INSERT INTO certificate (tenant_id, basis, task, tier, required, threshold, labels, accepted,"
            "                         bad, risk_bound, confidence, scorer, fingerprint, look)"
            " VALUES (%(tenant)s, %(key)s, %(task)s, %(tier)s, %(required)s, %(threshold)s, %(labels)s,"
            "         %(accepted)s, %(bad)s, %(bound)s, %(confidence)s, %(scorer)s, %(fingerprint)s,"
            "         %(look)s)",
            [
                {
                    "key": key,
                    "task": each.task.value,
                    "tier": _name(each.tier),
                    "required": each.required,
                    "threshold": each.threshold,
                    "labels": each.labels,
                    "accepted": each.accepted,
                    "bad": each.bad,
                    "bound": each.risk_bound,
                    "confidence": each.confidence,
                    "scorer": each.scorer,
                    "fingerprint": fingerprint,
                    "look": numbers.get((each.task, each.tier), certification.look),
                }
                for each in found
            ],
        )


async def looks(tx: Tx, basis: str) -> list[Look]:
    """How often the labels of each task and tier were looked at for the basis with this key."""
    rows = await tx.rows(
        "SELECT task, tier, look, labels, labels_until FROM certified_look"
        " WHERE tenant_id = %(tenant)s AND basis = %(key)s ORDER BY task, tier",
        key=basis,
    )
    return [
        Look(Task(row["task"]), _tier(row["tier"]), row["look"], row["labels"], row["labels_until"])
        for row in of_this_release(rows, what="looks")
    ]


async def stored(tx: Tx, basis: str | None = None) -> list[Stored]:
    """The tenant's own certificates for the basis with this key, None for all, by task, tier and what is
    required.
    """
    rows = await tx.rows(
        "SELECT task, tier, required, threshold, labels, accepted, bad, risk_bound, confidence, scorer,"
        "       fingerprint, look, made_at FROM certificate"
        " WHERE tenant_id = %(tenant)s AND (%(key)s::text IS NULL OR basis = %(key)s::text)"
        " ORDER BY task, tier <> 'any', tier, required",
        key=basis,
    )
    return [
        Stored(
            Certificate(
                task=Task(row["task"]),
                tier=_tier(row["tier"]),
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
        for row in of_this_release(rows, what="certificates")
    ]


async def due(tx: Tx, *, basis: str, prompt: str, least: int) -> Sequence[UUID]:
    """Tenants with `least` decisions whose labels were never counted for the basis with this key, or who have
    as many new decisions as were wanted then; or where another prompt was at work in the meantime.
    """
    rows = await tx.rows(
        "SELECT tenants_to_certify(%(key)s, %(prompt)s, %(least)s::int) AS id",
        key=basis,
        prompt=prompt,
        least=least,
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


def _name(tier: Tier | None) -> str:
    return tier.value if tier else ANY_TIER


def _tier(name: str) -> Tier | None:
    return None if name == ANY_TIER else Tier(name)
