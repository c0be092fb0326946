"""What was learnt, in memory and kept up to date: how tiers did, and which thresholds are certified."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from ccos.agents.prompts import PROMPT_VERSION
from ccos.domain.certificate import Certificate
from ccos.domain.errors import CcosError
from ccos.domain.tier import Task, Tier
from ccos.quality.gate import Gate
from ccos.quality.promises import Promises, still_answers
from ccos.settings import Settings
from ccos.store import certificates, counts, labels
from ccos.store.certificates import Basis, Certification
from ccos.store.counts import CellCounts
from ccos.store.database import Database, Tx
from ccos.store.ending import end
from ccos.store.labels import StoredLabel
from ccos.tiers.decision_writer import DecisionWriter
from ccos.tiers.predicting import Cell, Counted, Counts, Tally
from ccos.wiring.database import open_database, open_urls
from ccos.wiring.opinions import what_is_heard

log = structlog.get_logger(__name__)

REFRESH_SECONDS = 5.0
OVERLAP = timedelta(seconds=60)
"""So far back is read again: what was being written while it was read the last time is not missed."""
LATEST = 200
"""Labels that still count after knowledge or policy changed."""
LEAST = 30
"""Decisions before labels are counted at all."""


@dataclass(frozen=True, slots=True)
class JudgeAndPromises:
    """A gate, the promises it asks where it asks any, and the name of its score.

    `assumes` stands for what else its qualities rest on: under other assumptions the same number is another.
    """

    gate: Gate
    promises: Promises
    scorer: str
    assumes: str = ""


def learned_gate(priors: Mapping[Tier, float], heard: str = "") -> JudgeAndPromises:
    """The trained score that ships with the product, under certified thresholds.

    `priors` is the share of each tier's answers that is expected to be good, `heard` what second opinions can
    change of a quality.
    """
    from ccos.quality.scorer import LearnedScorer, shipped

    model = shipped()
    promises = Promises(model.certificates)
    assumed = repr(sorted((tier.value, share) for tier, share in priors.items())) + heard
    assumes = hashlib.blake2b(assumed.encode(), digest_size=4).hexdigest()
    gate = Gate(LearnedScorer(model, priors), promises=promises)
    return JudgeAndPromises(gate, promises, model.name, assumes)


def open_gate(settings: Settings) -> JudgeAndPromises:
    """The gate in force."""
    return learned_gate(settings.thresholds, what_is_heard(settings))


class Learning:
    """Keeps `counts` and `promises` as the database has them, and certifies thresholds anew.

    `decisions` is where the service tells what it planned. `models` tells the line of those that answer a
    tenant now (None: one without an adapter of its own), and is asked each time, for models change while a
    process runs; None where that is not known: then those of the last certification stand. `on_change` hears
    of every tenant whose thresholds changed: what was accepted by the old ones is to be forgotten.
    """

    def __init__(
        self,
        database: Database,
        promises: Promises,
        scorer: str,
        *,
        models: Callable[[UUID | None], str] | None = None,
        prompt: str = PROMPT_VERSION,
        on_change: Callable[[UUID], None] = lambda _tenant_id: None,
    ) -> None:
        self.counts = Counts()
        self.promises = promises
        self.decisions = DecisionWriter(database)
        self._database = database
        self._scorer = scorer
        self._models_now = models
        self._models_seen = self._models(None)
        self._prompt = prompt
        self._on_change = on_change
        self._heard_at: datetime | None = None
        self._held: dict[UUID, tuple[str, list[Certificate]]] = {}
        self._did: dict[Cell, dict[str, Counted]] = {}
        self._counted_for: dict[UUID | None, str | None] = {}

    def _models(self, tenant_id: UUID | None) -> str | None:
        return self._models_now(tenant_id) if self._models_now else None

    @property
    def scorer(self) -> str:
        """The name of the score whose labels count."""
        return self._scorer

    async def refresh(self) -> None:
        """Reads what changed since the last time; all, when other models answer. Raises StoreError."""
        since = None if self._heard_at is None else self._heard_at - OVERLAP
        models = self._models(None)
        others = (held for tenant_id, (held, _) in self._held.items() if held != self._models(tenant_id))
        if models != self._models_seen or any(others):
            self._models_seen, since = models, None
        async with self._database.unbound() as tx:
            now, cells = await counts.since(tx, since)
            _, certified = await certificates.changed_since(tx, since)
        self._count(cells)
        for tenant_id in certified:
            async with self._database.tenant(tenant_id) as tx:
                made = self._own(tenant_id, await certificates.every(tx))
                known = await certificates.stored(tx, made.basis.key) if made else ()
            self._hold(tenant_id, known, made.basis.models if made else "")
        self._heard_at = now

    async def run(self) -> None:
        """Again and again, until it is cancelled; while the database is away, what is known holds."""
        told = False
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
                told = False
            except Exception as fault:
                if not told:
                    log.warning("learning.not_refreshed", reason=_code(fault))
                told = True

    async def certify_due(self) -> int:
        """Counts the labels of every tenant who may have enough new ones, and certifies those who have. How
        many were counted. Raises StoreError.
        """
        models = self._models(None)
        if models is None:
            return 0
        basis = Basis(self._scorer, models, self._prompt, "", 0).key
        async with self._database.unbound() as tx:
            due = await certificates.due(tx, basis=basis, prompt=self._prompt, least=LEAST)
        done = 0
        for tenant_id in due:
            try:
                await self.certify(tenant_id)
                done += 1
            except CcosError as fault:
                log.warning("certification.failed", tenant_id=str(tenant_id), reason=fault.code)
        return done

    async def certify(self, tenant_id: UUID) -> Certification:
        """Certifies the tenant's thresholds by the labels that count now, where enough of them are new
        (`learning.looks`). Raises StoreError.

        Those count whose answer the same score measured, a model that still answers wrote, under the same
        version of the prompts; after a change of knowledge or policy, the latest LATEST of them.
        """
        from ccos.learning import looks

        async with self._database.tenant(tenant_id) as tx:
            await certificates.lock(tx)
            before, made, counted = await self._counted(tx, tenant_id)
            known = await certificates.looks(tx, made.basis.key)
            due = looks.due(counted, known)
            made = replace(made, wanted=due.missing)
            if due.looks:
                made = replace(made, look=max(look.number for look in (*known, *due.looks)))
                found = await asyncio.to_thread(looks.certified, counted, due.looks, scorer=self._scorer)
                await certificates.put(
                    tx, made, found, fingerprint=fingerprint(made.basis), looks=due.looks, gone=due.gone
                )
            else:
                made = _as_it_was(made, before)
                await certificates.note(tx, made)
            held = await certificates.stored(tx, made.basis.key)
        self._hold(tenant_id, held, made.basis.models)
        if due.looks:
            log.info(
                "certification.made",
                tenant_id=str(tenant_id),
                labels=made.labels,
                look=made.look,
                promised=sorted({c.required for c in found if c.threshold is not None}),
            )
        return made

    async def _counted(
        self, tx: Tx, tenant_id: UUID
    ) -> tuple[Certification | None, Certification, list[StoredLabel]]:
        """The last certification for what is in force, what is to be certified now, and by which labels."""
        every = await certificates.every(tx)
        before = self._own(tenant_id, every)
        policy, kb_epoch = await certificates.now_for(tx)
        models = self._models(tenant_id)
        if models is None:
            models = before.basis.models if before else ""
        basis = Basis(self._scorer, models, self._prompt, policy, kb_epoch)
        prompt_since = labels_since = None
        if every:
            same_prompt = every[0].basis.prompt == basis.prompt
            prompt_since = every[0].prompt_since if same_prompt else await certificates.now(tx)
        if before is not None:
            labels_since = before.labels_since
        known = await labels.latest(
            tx, scorer=self._scorer, made_since=prompt_since, decided_since=labels_since
        )
        counted = [label for label in known if still_answers(models, label.tier, label.model)]
        if before is not None and before.is_stale(policy, kb_epoch) and len(counted) > LATEST:
            counted = counted[:LATEST]
            labels_since = counted[-1].decided_at
        until = await certificates.newest_decision(tx)
        look = before.look if before else 0
        return (
            before,
            Certification(basis, prompt_since, labels_since, until, len(counted), look),
            counted,
        )

    def _own(self, tenant_id: UUID, every: Sequence[Certification]) -> Certification | None:
        """The last one for this score, these models and these prompts: those of others say nothing here.
        Newer knowledge or another policy make it stale, and leave it standing until new labels have come.
        """
        models = self._models(tenant_id)
        for made in every:
            of_it = (made.basis.scorer, made.basis.prompt) == (self._scorer, self._prompt)
            if of_it and models in (None, made.basis.models):
                return made
        return None

    def _count(self, counted: Sequence[CellCounts]) -> None:
        """Counts anew the cells that changed, and those of whom other models answer now."""
        changed = {cell for each in counted if (cell := self._note(each)) is not None}
        now = {tenant_id: self._models(tenant_id) for tenant_id in {cell.tenant_id for cell in self._did}}
        for cell, did in self._did.items():
            models = now[cell.tenant_id]
            if cell in changed or models != self._counted_for.get(cell.tenant_id):
                self.counts.put(cell, _of_these(models, cell, did))
        self._counted_for = now

    def _note(self, counted: CellCounts) -> Cell | None:
        """Remembers what one model did, and says where; None where that is a newer release's."""
        try:
            task, tier = Task(counted.cell.task), Tier(counted.cell.tier)
        except ValueError:
            return None
        cell = Cell(counted.cell.tenant_id, task, counted.cell.intent, counted.cell.language, tier)
        good = counted.approved + counted.lightly_edited
        people = Tally(good + counted.rewritten + counted.rejected, good)
        gate = Tally(counted.accepted + counted.refused, counted.accepted)
        self._did.setdefault(cell, {})[counted.cell.model] = Counted(gate, people)
        return cell

    def _hold(self, tenant_id: UUID, stored: Sequence[certificates.Stored], models: str) -> None:
        """Those of another score say nothing of this one's numbers, nor those of other models' answers."""
        own = [each.certificate for each in stored if each.certificate.scorer == self._scorer]
        if (models if own else "", own) == self._held.get(tenant_id, ("", [])):
            return
        self._held[tenant_id] = models, own
        self.promises.keep(tenant_id, own, models)
        self._on_change(tenant_id)


def _of_these(models: str | None, cell: Cell, did: Mapping[str, Counted]) -> Counted:
    """What the models that answer now did in a cell; None stands for any.

    Another file under the same name, or an adapter that was trained anew, is another model: what is expected
    of it does not follow from what was there before. Tasks beside drafting are told apart by the file alone.
    """
    gate, people, whole = Tally(), Tally(), cell.task is Task.SOLUTION_DRAFT
    if models is not None and not whole:
        models = " ".join(name.partition("+")[0] for name in models.split())
    for model, counted in did.items():
        named = model if whole else model.partition("+")[0]
        if models is not None and not still_answers(models, cell.tier, named):
            continue
        gate, people = gate.plus(counted.gate), people.plus(counted.people)
    return Counted(gate, people)


async def open_learning(
    database: Database,
    judge: JudgeAndPromises,
    models: Callable[[UUID | None], str],
    stack: AsyncExitStack,
    *,
    on_change: Callable[[UUID], None],
) -> Learning:
    """With what was learnt before this process began, and kept in step until the stack closes."""
    learning = Learning(
        database,
        judge.promises,
        judge.scorer,
        models=models,
        prompt=_prompt_of(judge),
        on_change=on_change,
    )
    try:
        await learning.refresh()
    except CcosError as fault:  # priors and shipped certificates will do until it answers
        log.warning("learning.not_loaded", reason=fault.code)
    running = asyncio.create_task(learning.run(), name="learning")

    async def stop() -> None:
        await end([running])
        await learning.decisions.close()

    stack.push_async_callback(stop)
    return learning


@asynccontextmanager
async def open_thresholds(settings: Settings) -> AsyncIterator[tuple[Database, Learning]]:
    """The database, and what certifies thresholds in it, without a model or a cloud."""
    async with AsyncExitStack() as stack:
        database = await open_database(await open_urls(settings, stack), stack)
        judge = open_gate(settings)
        yield database, Learning(database, judge.promises, judge.scorer, prompt=_prompt_of(judge))


def _prompt_of(judge: JudgeAndPromises) -> str:
    """The version of the prompts with what qualities rest on: after a change of either, labels are of another
    kind.
    """
    return f"{PROMPT_VERSION}/{judge.assumes}" if judge.assumes else PROMPT_VERSION


def fingerprint(basis: Basis) -> str:
    """Of all that a certificate holds for."""
    return hashlib.blake2b(repr(astuple(basis)).encode(), digest_size=8).hexdigest()


def _as_it_was(counted: Certification, before: Certification | None) -> Certification:
    """What is written down where nothing was looked at: that labels were counted, and nothing that would say
    that certificates were made by them.
    """
    if before is None:
        return counted
    return replace(
        before, prompt_since=counted.prompt_since, labels_until=counted.labels_until, wanted=counted.wanted
    )


def _code(fault: Exception) -> str:
    return fault.code if isinstance(fault, CcosError) else type(fault).__name__
