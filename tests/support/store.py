"""A migrated database for store tests, and tenants that no other test knows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from ccos.domain.certificate import Certificate
from ccos.domain.draft import Attempt, Draft, DraftState, Outcome
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.experiment import Definition, Enrolled
from ccos.domain.gap import Question
from ccos.domain.money import MicroUsd
from ccos.domain.source import SourceKind, SourceSpec
from ccos.domain.tenant import Role, Tenant
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task, Tier
from ccos.store import (
    approved_answers,
    batches,
    categories,
    certificates,
    counts,
    decisions,
    drafts,
    experiments,
    gaps,
    kb_indexes,
    keys,
    knowledge,
    ledger,
    plans,
    quality_models,
    sources,
    spend,
    tenants,
    tickets,
    vectors,
    versions,
)
from ccos.store.database import Database
from ccos.store.embedded import EmbeddedServer, ServerUrls
from ccos.store.migrate import migrate
from ccos.store.values import uuid_of
from support.postgres import fresh_database

TONE = Definition.model_validate(
    {"name": "tone", "arms": [{"name": "control"}, {"name": "warm", "change": {"guidance": "Be warm."}}]}
)


@pytest.fixture(scope="session")
def store_urls(embedded_server: EmbeddedServer) -> Iterator[ServerUrls]:
    """One migrated database for the session; tests keep apart by tenant."""
    with fresh_database(embedded_server, "store_tests") as urls:
        migrate(urls.owner)
        yield urls


@pytest.fixture
async def database(store_urls: ServerUrls) -> AsyncIterator[Database]:
    """As the application sees it: the role that cannot bypass row-level security."""
    async with opened(Database(store_urls.app)) as database:
        yield database


@pytest.fixture
async def tenant(database: Database, request: pytest.FixtureRequest) -> Tenant:
    return await new_tenant(database, request.node.name)


async def new_tenant(database: Database, name: str = "other") -> Tenant:
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower())[:40].strip("-")
    async with database.unbound() as tx:
        return await tenants.create(tx, f"{slug}-{uuid4().hex[:8]}", name)


class opened:
    """`async with opened(Database(url)) as database:`"""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def __aenter__(self) -> Database:
        await self._database.open()
        return self._database

    async def __aexit__(self, *_: object) -> None:
        await self._database.close()


async def fill_every_table(database: Database, owner: Tenant) -> None:
    """At least one row of the tenant in every tenant table, put there through the repositories."""
    async with database.tenant(owner.id) as tx:
        await keys.create(tx, Role.AGENT, "desk")
        ticket = (await tickets.put(tx, Ticket(external_id="T-1", subject="Hello"))).ticket
        assert ticket.id is not None
        await experiments.create(tx, TONE)
        await approved_answers.propose(
            tx, intent="refund", language="en", body="Soon.", slots=(), tickets=3, changed=0.0
        )
        await quality_models.add(tx, kind="calibration", scorer="s", labels=9, held_back=3, content={})
        await quality_models.note_run(tx, {})
        draft = await drafts.queue(tx, ticket.id)
        run = await drafts.start(tx, draft.id)
        part = Enrolled(experiment=TONE.name, arm="warm", expected=0.8)
        await drafts.finish(tx, finished(draft, experiments=(part,)), run=run)
        await batches.put(tx, [batches.Line(1, "m", uuid_of(draft.id), new=False)], [])
        await decisions.decide(tx, draft.id, "rejected", decided_by="hana")
        await decisions.take_back(tx, draft.id, by="hana")
        await decisions.decide(tx, draft.id, "approved", decided_by="hana")
        begun = await gaps.last_pass(tx, first_from=datetime.now(UTC))
        assert await gaps.end_pass(tx, begun, begun.at)
        await gaps.put_gaps(tx, {(gap_id := uuid4()): "When will I get my refund?"})
        await gaps.put_questions(tx, [asked(uuid_of(ticket.id), uuid_of(draft.id), gap_id)])
        item = knowledge.Item(EvidenceKind.KB, "kb-1", "Refunds", "How refunds work.")
        await knowledge.put(tx, item, [knowledge.Passage("Refunds", "Money comes back in three days.")])
        newer = replace(item, body="How refunds really work.", category="Money > Refunds")
        await knowledge.put(tx, newer, [])
        cited = Evidence(
            n=1, kind=item.kind, id="kb-1", title=item.title, snippet=item.body, score=1, version=1
        )
        await versions.cite(tx, draft.id, [cited])
        await categories.switch(tx, "Money", active=False)
        await vectors.store(tx, "m", {b"hash": b"\0\x3c"})
        await kb_indexes.rebuild(tx)
        await kb_indexes.report(tx, "web-1", kb_indexes.Standing("ready", 1))
        spec = SourceSpec(name="help", kind=SourceKind.WEBSITE, address="https://help.example.com")
        await sources.add(tx, spec)
        at = await sources.begin(tx, "help")
        entry = (item, [knowledge.Passage("Refunds", "Money comes back in three days.")])
        await sources.keep(tx, at, EvidenceKind.KB, [entry], kept=(), gone=(), position=None)
        held = await spend.reserve(tx, MicroUsd(10), cap=MicroUsd(100), day=date(2026, 11, 22))
        assert held is not None
        line = ledger.Line(owner.id, date(2026, 11, 22), "draft", "solution_draft", "tier_0", "openai", "gpt")
        assert await ledger.add(tx, uuid4(), 1, [(line, ledger.Sums(calls=1))])
        cell = counts.Cell(owner.id, "solution_draft", "refund_status", "ko", "tier_0", "m")
        assert await plans.add(tx, uuid4(), 1, [planned(owner)], {cell: (1, 0)})
        await tx.run(  # as a server of the release before counts
            "INSERT INTO plan_count (tenant_id, task, intent, language, tier)"
            " VALUES (%(tenant)s, 'solution_draft', 'refund_status', 'ko', 'tier_0')"
        )
        basis = certificates.Basis("learned-1", "tier_0:gpt", "1", *await certificates.now_for(tx))
        certification = certificates.Certification(basis, None, None, None, labels=40, look=1)
        look = certificates.Look(Task.SOLUTION_DRAFT, None, 1, 40, datetime.now(UTC))
        await certificates.put(tx, certification, [certificate()], fingerprint="f", looks=[look])


def asked(ticket_id: UUID, draft_id: UUID, gap_id: UUID, **changes: Any) -> Question:
    """A question that a draft did not answer."""
    made: dict[str, Any] = {
        "text": "refund when",
        "title": "When will I get my refund?",
        "why": "held",
        "asked_at": datetime.now(UTC),
        "drafted_at": datetime.now(UTC),
    }
    return Question(ticket_id, draft_id, gap_id=gap_id, **made | changes)


def planned(owner: Tenant, **changes: Any) -> plans.PlanDecision:
    """A decision about who goes first, and what came of it."""
    made: dict[str, Any] = {
        "tenant_id": owner.id,
        "id": uuid4(),
        "at": datetime.now(UTC),
        "draft_id": None,
        "task": "solution_draft",
        "intent": "refund_status",
        "language": "ko",
        "mode": "cost_first",
        "level": "ok",
        "required": 0.7,
        "planned": ("tier_1", "tier_0", "tier_3"),
        "first_tier": "tier_1",
        "propensity": 0.975,
        "eligible": {"tier_1": {"propensity": 0.975, "accept": 0.7}, "tier_0": {"propensity": 0.025}},
        "explored": False,
        "policy": "p",
        "seed": 7,
        "features": "f",
        "outcome": "accepted",
        "tier": "tier_1",
        "cached": False,
        "quality": 0.8,
        "scorer": "learned-1",
        "calls": 1,
        "cost_micro_usd": 0,
        "seconds": 0.5,
    }
    return plans.PlanDecision(**made | changes)


def certificate(**changes: Any) -> Certificate:
    """One that a tenant's own labels gave."""
    made: dict[str, Any] = {
        "task": Task.SOLUTION_DRAFT,
        "tier": None,
        "required": 0.7,
        "threshold": 0.64,
        "labels": 40,
        "accepted": 33,
        "bad": 2,
        "risk_bound": 0.16,
        "scorer": "learned-1",
        "source": "tenant",
    }
    return Certificate(**made | changes)


def finished(draft: Draft, state: DraftState = DraftState.READY, **changes: object) -> Draft:
    """The draft as work on it would leave it, with two attempts behind it."""
    tried = Attempt(
        task=Task.SOLUTION_DRAFT,
        tier=Tier.CLOUD_PREMIUM,
        provider="openai",
        model="gpt",
        outcome=Outcome.FAILED,
        reason="provider.timeout",
        latency_seconds=2.5,
    )
    used = tried.model_copy(
        update={
            "tier": Tier.LOCAL_TINYLLAMA,
            "provider": "local",
            "model": "tiny",
            "outcome": Outcome.ACCEPTED,
            "reason": "accepted",
            "tokens_in": 120,
            "tokens_out": 40,
            "cost_usd": 0.000_123,
            "quality": 0.81,
            "cached": True,
        }
    )
    return draft.model_copy(
        update={"state": state, "reply": "안녕하세요.", "quality": 0.81, "attempts": (tried, used)} | changes
    )
