"""Finds what a draft may stand on: KB procedures and similar solved cases, as two pools."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from ccos.agents.citations import numbered
from ccos.agents.findings import THIN, Findings
from ccos.agents.ports import Generator, Search
from ccos.agents.prompts import query_prompt
from ccos.domain.errors import CcosError
from ccos.domain.evidence import Evidence, for_writing
from ccos.domain.prompt import Grounds
from ccos.domain.ticket import Ticket
from ccos.knowledge.asked import text_of
from ccos.tiers.request import Context, Generation

KB_LIMIT = 5
CASE_LIMIT = 3
QUERY_SHARE = 0.8
"""Share of the stage's time that building queries may take; the rest is left to the searches."""


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
    """Builds queries and searches both pools; finding little, it searches once more with the whole ticket.

    It ends within `context.seconds`. A search that fails, or that has no time left, costs its own passages
    and nothing else: `Findings.errors` names it.
    """
    end = asyncio.get_running_loop().time() + context.seconds
    building = replace(context, seconds=context.seconds * QUERY_SHARE)
    made = await generator.generate_with_fallback(query_prompt(ticket, grounds), building)
    queries = _queries(made, ticket)
    errors: dict[str, None] = {}

    async def found(words: Sequence[str], pool: Literal["kb", "case"], limit: int) -> list[Evidence]:
        try:
            async with asyncio.timeout_at(end):
                return await search.search(
                    tenant_id,
                    words,
                    pool=pool,
                    limit=limit,
                    now=now,
                    synonyms=grounds.settings.synonyms,
                    language=grounds.language,
                )
        except TimeoutError:
            errors["search: timeout"] = None
        except CcosError as fault:
            errors[f"retrieve: {fault.code}"] = None
        return []

    async def sure(evidence: Sequence[Evidence]) -> float:
        try:
            async with asyncio.timeout_at(end):
                return await search.answerability(tenant_id, text_of(ticket), for_writing(evidence))
        except TimeoutError:
            errors["search: timeout"] = None
        except CcosError as fault:
            errors[f"retrieve: {fault.code}"] = None
        return THIN if evidence else 0.0  # what was found stays worth an answer

    kb = await found(queries, "kb", KB_LIMIT)
    cases = await found(queries, "case", CASE_LIMIT)
    answered = await sure([*kb, *cases])
    if answered < THIN:
        again = await found((*queries, ticket.customer_text[:2_000]), "kb", KB_LIMIT)
        wider = await sure([*again, *cases])
        if wider > answered:
            kb, answered = again, wider
    return Findings(queries, numbered([*kb, *cases]), answered, made.attempts, made.spent, tuple(errors))


def _queries(made: Generation, ticket: Ticket) -> tuple[str, ...]:
    payload = made.verdict.payload or {}
    given = payload.get("queries")
    queries = (
        tuple(q.strip() for q in given if isinstance(q, str) and q.strip()) if isinstance(given, list) else ()
    )
    return queries or (ticket.customer_text[:2_000],)
