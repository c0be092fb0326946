"""Finds what the knowledge does not answer, and brings articles for it before a person."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from ccos.agents.ports import Generator, Search
from ccos.agents.prompts import synthesis_prompt
from ccos.domain.errors import BadInput, Conflict, Unreadable
from ccos.domain.evidence import Evidence, EvidenceKind, Visibility
from ccos.domain.gap import MACHINE_MADE, SLOT, Gap, GapState, Proposal, Sent, settled, wants_proof
from ccos.domain.knowledge import Item
from ccos.domain.prompt import Grounds
from ccos.domain.tenant import Tenant
from ccos.domain.ticket import MAX_TEXT_CHARACTERS, Ticket
from ccos.domain.tier import Mode, Tier
from ccos.knowledge import chunking
from ccos.knowledge.answering import coverage
from ccos.knowledge.gap_grouping import MOST_QUESTIONS, WINDOW, put_together, read
from ccos.knowledge.gap_texts import Fact, cleaned, facts_of, language_of, private, proposal
from ccos.quality.pii import classify
from ccos.store import gaps as store
from ccos.store import knowledge
from ccos.store.database import Database, Tx
from ccos.tiers.request import Context, Priority

log = structlog.get_logger(__name__)

MOST_READ = 5_000
"""Tickets that one pass reads; the next goes on from there."""
OVERLAP = timedelta(minutes=2)
"""A transaction that began before a pass may be committed after it: so much is read again."""
PROPOSAL_SECONDS = 60.0
MOST_NEAR = 3
COVERED = 0.2
"""Share of a gap's label from which one article covers it; see `knowledge.answering.coverage`."""

RULES = "rules"


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a pass did: how many questions are new, how many went, how many could not be read."""

    added: int = 0
    removed: int = 0
    unreadable: int = 0


class Gaps:
    """The gaps of every tenant. Raises StoreError, like all that asks the database."""

    def __init__(self, database: Database, search: Search) -> None:
        self._database = database
        self._search = search

    async def refresh(self, tenant_id: UUID, now: datetime | None = None) -> Refreshed:
        """Reads the drafts that changed since the last pass, and puts their questions beside the others.

        A gap keeps its id as it grows. Of two passes at once one stands, and the other does nothing.
        """
        now = now or datetime.now(UTC)
        begun, looked, until = await self._looked_through(tenant_id, now)
        new, heard, unreadable = await asyncio.to_thread(read, looked, now)
        asking = {each.ticket_id for each in new}
        async with self._database.tenant(tenant_id) as tx:
            if not await store.end_pass(tx, begun, until):
                return Refreshed()
            gone = {each.ticket_id for each in looked} - asking
            removed = await store.forget(tx, gone, before=now - WINDOW)
            known = {each.ticket_id: each for each in await store.questions(tx, limit=MOST_QUESTIONS)}
            if new or removed or heard:
                there = await store.page(tx, now=now, at_least=0, limit=MOST_QUESTIONS)
                made = await asyncio.to_thread(put_together, new, known, there, heard)
                await store.put_gaps(tx, made.labels)
                await store.put_questions(tx, made.questions)
                await store.note_answered(tx, made.answered)
                await store.drop_empty(tx)
        await self._settle(tenant_id, now)
        return Refreshed(len(asking - known.keys()), removed, unreadable)

    async def _looked_through(
        self, tenant_id: UUID, now: datetime
    ) -> tuple[store.Pass, list[store.Looked], datetime]:
        """What changed since the last pass, which is left as it is, and from where the next reads on."""
        async with self._database.tenant(tenant_id) as tx:
            begun = await store.last_pass(tx, first_from=now - WINDOW)
        looked: list[store.Looked] = []
        first = since = begun.read_until - OVERLAP
        after = None
        while len(looked) < MOST_READ or since == first:  # one statement may have changed any number at once
            async with self._database.tenant(tenant_id) as tx:
                found = await store.changed_drafts(tx, since, after)
            if not found:
                return begun, looked, begun.at
            looked += found
            since, after = found[-1].changed_at, found[-1].ticket_id
        return begun, looked, since + OVERLAP

    async def propose(
        self,
        tenant: Tenant,
        gap_id: str | UUID,
        *,
        generator: Generator | None = None,
        mode: Mode = Mode.COST_FIRST,
        now: datetime | None = None,
    ) -> Gap:
        """Drafts an article for the gap: from what agents sent to its customers, and an empty place.

        An article is written once and read often: with a `generator` the tiers are asked in the order of
        quality, except in the mode `outage`, and pick the facts where the gate accepts them.
        Raises NotFound, or Conflict when the gap is settled.
        """
        now = now or datetime.now(UTC)
        async with self._database.tenant(tenant.id) as tx:
            gap = await store.get(tx, gap_id, now=now)
            if gap.state in (GapState.ACCEPTED, GapState.CLOSED):
                raise Conflict(f"The gap is {gap.state}; a proposal is made for one that is open.")
            replies = await store.replies(tx, gap.id)
        sent = await asyncio.to_thread(_without_people, replies)
        facts, made_by = facts_of(sent), RULES
        if generator is not None and sent:
            facts, made_by = await _drawn(generator, tenant, gap, sent, mode, facts)
        hits = await self._covering(tenant.id, gap, now)
        near = [(hit.id, hit.title) for hit in hits[:MOST_NEAR]]
        made = proposal(gap.label, gap.examples, sent, facts, near=near, made_by=made_by, now=now)
        async with self._database.tenant(tenant.id) as tx:
            await _settle_to(tx, gap, GapState.PROPOSED, proposal=made)
            return await store.get(tx, gap.id, now=now)

    async def accept(
        self,
        tenant_id: UUID,
        gap_id: str | UUID,
        *,
        by: str,
        public: bool = False,
        edited: str | None = None,
        now: datetime | None = None,
    ) -> Gap:
        """Puts the proposed article, or `edited` (Markdown) in its place, into the knowledge base.

        It is internal unless `public`, and tagged as machine-made and with who accepted it. Raises NotFound;
        BadInput when there is no answer in it; Conflict when there is no proposal, or it changed meanwhile.
        """
        now = now or datetime.now(UTC)
        async with self._database.tenant(tenant_id) as tx:
            gap = await store.get(tx, gap_id, now=now)
        if gap.state is not GapState.PROPOSED or gap.proposal is None:
            raise Conflict("There is no proposal to accept; make one with `ccos kb gaps propose` first.")
        title, body = _publishable(gap.proposal, edited)
        visibility = Visibility.PUBLIC if public else Visibility.INTERNAL
        item = Item(
            kind=EvidenceKind.KB,
            external_id=f"gap/{gap.id}",
            title=title,
            body=body,
            visibility=visibility,
            locale=language_of(title),
            updated_at=now,
            tags=(MACHINE_MADE, f"accepted-by:{by}"),
        )
        async with self._database.tenant(tenant_id) as tx:
            await _settle_to(
                tx,
                gap,
                GapState.ACCEPTED,
                proposal=gap.proposal,
                article_id=item.external_id,
                visibility=visibility,
                decided_by=by,
            )
            await knowledge.put(tx, item, chunking.passages(title, body))
            return await store.get(tx, gap.id, now=now)

    async def dismiss(
        self, tenant_id: UUID, gap_id: str | UUID, *, by: str, reason: str, now: datetime | None = None
    ) -> Gap:
        """Waves the gap away: it is not shown again until it is twice as large. Raises NotFound, BadInput."""
        if not reason.strip():
            raise BadInput("Say why the gap is dismissed; others will ask.")
        now = now or datetime.now(UTC)
        async with self._database.tenant(tenant_id) as tx:
            gap = await store.get(tx, gap_id, now=now)
            if gap.state in (GapState.ACCEPTED, GapState.CLOSED):
                raise Conflict(f"The gap is {gap.state}; there is nothing to dismiss.")
            await _settle_to(tx, gap, GapState.DISMISSED, reason=reason.strip()[:500], decided_by=by)
            return await store.get(tx, gap.id, now=now)

    async def _settle(self, tenant_id: UUID, now: datetime) -> None:
        """Closes what is answered by now, and opens again what came back."""
        async with self._database.tenant(tenant_id) as tx:
            there = await store.page(tx, now=now, at_least=0, limit=MOST_QUESTIONS)
        for gap in there:
            findable = wants_proof(gap) and await self._answered(tenant_id, gap, now)
            state = settled(gap, findable=findable)
            if state is not gap.state:
                async with self._database.tenant(tenant_id) as tx:
                    await store.settle(
                        tx,
                        gap,
                        state,
                        article_id=gap.article_id,
                        visibility=gap.visibility,
                        reason="" if state is GapState.OPEN else gap.reason,
                    )
                log.debug("gap.settled", gap_id=str(gap.id), was=gap.state.value, state=state.value)

    async def _answered(self, tenant_id: UUID, gap: Gap, now: datetime) -> bool:
        """Whether its questions find what answers them: one written for it comes first for most."""
        if not await self._covering(tenant_id, gap, now):
            return False
        if gap.article_id is None:
            return True
        asked = gap.examples or (gap.label,)
        found = [await self._search.search(tenant_id, [each], pool="kb", limit=1, now=now) for each in asked]
        first = sum(gap.article_id in (hit.id, *hit.also) for hits in found for hit in hits)
        return 2 * first > len(asked)

    async def _covering(self, tenant_id: UUID, gap: Gap, now: datetime) -> list[Evidence]:
        """Articles that cover the gap's label, best first: none where what is found is thin."""
        hits = await self._search.search(tenant_id, [gap.label], pool="kb", limit=5, now=now)
        return [hit for hit in hits if coverage([gap.label], [hit]) > COVERED]


def _without_people(replies: Sequence[store.Reply]) -> list[Sent]:
    """The replies without the customers' data; one that cannot be searched for it is left out."""
    sent = []
    for each in replies:
        try:
            text = private(each.text, each.ticket)
        except Unreadable:
            continue
        verdict = "edited" if each.edited else "approved"
        sent.append(Sent(each.ticket_id, each.draft_id, text, verdict, each.at))  # type: ignore[arg-type]
    return sent


async def _drawn(
    generator: Generator, tenant: Tenant, gap: Gap, sent: Sequence[Sent], mode: Mode, ruled: list[Fact]
) -> tuple[list[Fact], str]:
    """The facts that a tier draws from the replies, and which one; the rules' when none is accepted."""
    evidence = tuple(  # what an agent signed off counts as a procedure: facts may rest on it
        Evidence(
            n=n, kind=EvidenceKind.KB, id=str(each.draft_id), title=gap.label, snippet=each.text, score=1
        )
        for n, each in enumerate(sent, start=1)
    )
    ticket = Ticket(subject=gap.label[:200], description="\n".join(gap.examples))
    grounds = Grounds(
        ticket=ticket, evidence=evidence, language=language_of(gap.label), settings=tenant.settings
    )
    try:
        pii = classify("\n".join((ticket.whole_text, *(each.text for each in sent))))
    except Unreadable:
        pii = "unreadable"
    context = Context(
        tenant_id=tenant.id,
        mode=mode if mode is Mode.OUTAGE else Mode.QUALITY_FIRST,
        seconds=PROPOSAL_SECONDS,
        pii=pii,
        cloud_allowed=tenant.settings.cloud_allowed,
        priority=Priority.BATCH,
    )
    made = await generator.generate_with_fallback(synthesis_prompt(ticket, grounds), context)
    given = (made.verdict.payload or {}).get("facts")
    if not made.accepted or made.tier is Tier.RULE_BASED or not isinstance(given, list):
        return ruled, RULES
    known = {each.n for each in evidence} - set(made.unseen)
    drawn = [(str(fact["text"]), int(fact["n"])) for fact in given if fact.get("n") in known]
    return (drawn, f"{made.tier.value} {made.model}") if drawn else (ruled, RULES)


def _publishable(made: Proposal, edited: str | None) -> tuple[str, str]:
    """Title and body as they go into the knowledge base. Raises BadInput when nothing in them answers."""
    if edited is None:
        if made.answer is None:
            raise BadInput(
                "The proposed article has no answer yet: write one and accept it with --edit FILE"
                " (`edited` over HTTP)."
            )
        return made.title, made.answer
    text = cleaned(edited)
    if any(slot in text for slot in SLOT.values()):
        raise BadInput("The article still has its empty place; write the answer there, or take it out.")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise BadInput(f"The article has more than {MAX_TEXT_CHARACTERS} characters; shorten it.")
    first, _, rest = text.partition("\n")
    title, body = (first.lstrip("# ").strip(), rest.strip()) if first.startswith("# ") else (made.title, text)
    if not title or not body:
        raise BadInput("The article says nothing: give it a heading and a text.")
    return title[:200], body


async def _settle_to(tx: Tx, gap: Gap, state: GapState, **more: object) -> None:
    if not await store.settle(tx, gap, state, **more):  # type: ignore[arg-type]
        raise Conflict("The gap was changed in the meantime; look at it again.")
