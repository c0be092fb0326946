"""One night of the loop that learns: a tenant's decisions become a calibration, or a reason why not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog

from ccos.domain.errors import CcosError
from ccos.store import approved_answers, outcomes, quality_models, tenants
from ccos.store.database import Database, Tx
from ccos.store.outcomes import Outcome
from ccos.store.quality_models import CALIBRATION

log = structlog.get_logger(__name__)

HOURS = 20.0
"""Between two runs for a tenant."""
JITTER_HOURS = 4.0
SECONDS = 300.0
"""The longest a tenant's run may take."""
LEAST = 50
"""Decisions before the loop runs at all."""
REQUIRED = 0.7
"""Accepted answers are compared from this quality on: what a draft must have by default."""
LIGHTLY = 0.2
"""Share of a draft up to which an edit is a small one."""
BY_THE_LOOP = "loop"


@dataclass(frozen=True, slots=True)
class Night:
    """What one run found. `version` is the calibration's that was made, None where none was;
    `promoted` whether it is in force now; `reason` says why or why not, in a sentence.
    """

    decisions: int
    labels: int
    version: int | None
    promoted: bool
    reason: str
    figures: Sequence[dict[str, Any]] = ()
    proposed: int = 0

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__} | {"figures": list(self.figures)}


async def learn(
    database: Database,
    tenant_id: UUID,
    scorer: str,
    *,
    dry_run: bool = False,
    required: float = REQUIRED,
    limit: int = outcomes.MOST,
) -> Night:
    """Fits a calibration on the tenant's older labels, compares it with the one in force on the newest, and
    promotes it when nothing is worse and something is better; proposes answers that went out often.

    With `dry_run` nothing is kept. Raises StoreError, or TimeoutError after SECONDS.
    """
    async with asyncio.timeout(SECONDS):
        async with database.tenant(tenant_id) as tx:
            found = await outcomes.latest(tx, scorer=scorer, limit=limit)
            now = await quality_models.active(tx)
        content = now.content if now is not None and now.scorer == scorer else None
        made = await asyncio.to_thread(_study, found, scorer, content, required)
        if dry_run:
            return made.night
        async with database.tenant(tenant_id) as tx:
            await quality_models.lock(tx)
            night = await _keep(tx, made, scorer, now)
            await quality_models.note_run(tx, night.as_json())
    log.info(
        "loop.learned",
        tenant_id=str(tenant_id),
        labels=night.labels,
        version=night.version,
        promoted=night.promoted,
        proposed=night.proposed,
    )
    return night


async def learn_due(database: Database, scorer: str) -> int:
    """Learns for every tenant whose last run is long enough ago; how many had theirs. What fails for one
    is told, and the next has its turn.
    """
    async with database.unbound() as tx:
        known = list(await tenants.ids(tx))
    random.shuffle(known)
    done = 0
    for tenant_id in known:
        hours = HOURS + random.uniform(0.0, JITTER_HOURS)  # noqa: S311
        try:
            async with database.tenant(tenant_id) as tx:
                due = await quality_models.is_due(tx, hours=hours, least=LEAST)
            if due:
                await learn(database, tenant_id, scorer)
                done += 1
        except (CcosError, TimeoutError) as fault:
            reason = fault.code if isinstance(fault, CcosError) else "timeout"
            log.warning("loop.failed", tenant_id=str(tenant_id), reason=reason)
    return done


@dataclass(frozen=True, slots=True)
class _Made:
    night: Night
    content: dict[str, Any] | None
    held_back: int
    promote: bool
    proposals: Sequence[Any]


def _study(found: Sequence[Outcome], scorer: str, content: Any, required: float) -> _Made:
    """The work of the night, over values alone."""
    from ccos.learning.loop import comparing, library
    from ccos.learning.loop.outcomes import Decided, labels_of
    from ccos.learning.loop.recalibrating import recalibrate
    from ccos.quality.recalibration import Recalibration, as_shipped

    labels = labels_of(
        Decided(
            ticket=str(each.ticket_id),
            verdict=each.verdict,
            quality=each.quality,
            decided_at=each.decided_at,
            reply=each.reply,
            sent=each.sent,
            reason=each.reason,
            reopened_at=each.reopened_at,
            tier=each.tier,
            intent=each.intent,
            language=each.language,
        )
        for each in found
        if each.quality is not None
    )
    proposals = library.proposals(
        library.Sent(
            str(each.ticket_id), each.sent or each.reply, each.intent, each.language, each.changed or 0.0
        )
        for each in found
        if each.verdict != "rejected" and each.reopened_at is None and (each.changed or 0.0) <= LIGHTLY
    )
    before = as_shipped(scorer) if content is None else Recalibration.model_validate(content)
    fit, held_back = comparing.time_split(labels)
    after = recalibrate(fit, scorer)
    said = comparing.compare(before, after, held_back, required=required, fitted=len(fit))
    night = Night(
        decisions=len(found),
        labels=len(labels),
        version=None,
        promoted=False,
        reason=said.reason,
        figures=[figure.as_json() for figure in said.figures],
        proposed=len(proposals),
    )
    kept = after.model_dump(mode="json") if said.figures else None
    return _Made(night, kept, len(held_back), said.promote, proposals)


async def _keep(tx: Tx, made: _Made, scorer: str, seen: quality_models.QualityModel | None) -> Night:
    night = made.night
    new = 0
    for each in made.proposals:
        new += await approved_answers.propose(
            tx,
            intent=each.intent,
            language=each.language,
            body=each.text,
            slots=each.slots,
            tickets=each.tickets,
            changed=each.changed,
        )
    night = replace(night, proposed=new)
    if made.content is None:
        return night
    now = await quality_models.active(tx)
    promote, reason = made.promote, night.reason
    if (now and now.id) != (seen and seen.id):
        promote, reason = False, "Another version came into force while this one was being compared."
    elif promote and await _went_back(tx):
        promote = False
        reason = f"A person went back from the last version, so that this one waits for a person. {reason}"
    kept = await quality_models.add(
        tx,
        kind=CALIBRATION,
        scorer=scorer,
        labels=made.content["labels"],
        held_back=made.held_back,
        content=made.content,
        figures=night.figures,
        reason=reason,
    )
    if promote:
        await quality_models.promote(tx, kept.id, by=BY_THE_LOOP)
    return replace(night, version=kept.version, promoted=promote, reason=reason)


async def _went_back(tx: Tx) -> bool:
    """Whether the version that was promoted last is one that a person went back from."""
    known = [each for each in await quality_models.every(tx, CALIBRATION) if each.promoted_at is not None]
    last = max(known, key=lambda each: each.promoted_at or each.made_at, default=None)
    return last is not None and last.rolled_back_at is not None
