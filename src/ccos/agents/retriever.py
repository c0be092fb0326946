"""Finds what a draft may stand on: KB procedures and similar solved cases, as two pools."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from ccos.agents.findings import THIN, Findings
from ccos.agents.ports import Generator, Search
from ccos.agents.prompts import query_prompt
from ccos.domain.evidence import Evidence
from ccos.domain.prompt import Grounds
from ccos.domain.ticket import Ticket
from ccos.tiers.request import Context, Generation

KB_LIMIT = 5
CASE_LIMIT = 3


async def retrieve(
    tenant_id: UUID,
    ticket: Ticket,
    grounds: Grounds,
    *,
    generator: Generator,
    search: Search,
    context: Context,
    now: datetime,
) -> Findings:
    """Builds queries and searches both pools; finding little, it searches once more with the whole ticket."""
    made = await generator.generate_with_fallback(query_prompt(ticket, grounds), context)
    queries = _queries(made, ticket)
    kb = await search.search(tenant_id, queries, pool="kb", limit=KB_LIMIT, now=now)
    covered = search.answerability(queries, kb)
    if covered < THIN:
        wide = (*queries, ticket.customer_text[:2_000])
        again = await search.search(tenant_id, wide, pool="kb", limit=KB_LIMIT, now=now)
        wider = search.answerability(queries, again)
        if wider > covered:
            kb, covered = again, wider
    cases = await search.search(tenant_id, queries, pool="case", limit=CASE_LIMIT, now=now)
    return Findings(queries, _numbered([*kb, *cases]), covered, made.attempts, made.spent)


def _queries(made: Generation, ticket: Ticket) -> tuple[str, ...]:
    payload = made.verdict.payload or {}
    given = payload.get("queries")
    queries = (
        tuple(q.strip() for q in given if isinstance(q, str) and q.strip()) if isinstance(given, list) else ()
    )
    return queries or (ticket.customer_text[:2_000],)


def _numbered(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    return tuple(e.model_copy(update={"n": n}) for n, e in enumerate(evidence, start=1))
