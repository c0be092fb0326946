"""The knowledge page: what is found for a question, what is missing, where it comes from, how it is used."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from ccos.agents.gaps import Gaps
from ccos.api import kb, kb_gaps, kb_sources
from ccos.api.caller import AnyCaller, Caller, Curator, Opened
from ccos.api.kb_gaps import Decider
from ccos.console.routing import PageRoute
from ccos.console.showing import Visit, visit_of
from ccos.domain.errors import BadInput, Conflict, NotFound
from ccos.domain.evidence import EvidenceKind
from ccos.domain.gap import GapState
from ccos.domain.tenant import Role
from ccos.domain.ticket import Label, Text
from ccos.store import kb_figures
from ccos.store.kb_figures import Cited, Pool
from ccos.wiring import Ccos

router = APIRouter(route_class=PageRoute, include_in_schema=False)

MOST_FOUND, MOST_GAPS, MOST_CITED = 10, 30, 10
SHOWN = [GapState.OPEN, GapState.PROPOSED, GapState.ACCEPTED]
FIGURES_SECONDS = 30.0
CURATORS = frozenset({Role.ADMIN, Role.SUPERVISOR})


@dataclass(frozen=True, slots=True)
class Held:
    """What a tenant's knowledge holds, by pool, and what drafts stand on most."""

    pools: Mapping[EvidenceKind, Pool]
    cited: list[Cited]


@router.get("/kb")
async def page(
    request: Request,
    caller: AnyCaller,
    ccos: Opened,
    q: Annotated[str, Query(max_length=10_000)] = "",
    pool: Annotated[Literal["kb", "case"], Query()] = "kb",
) -> Response:
    return await _page(visit_of(request, caller), caller, ccos, q=q.strip(), pool=pool)


@router.get("/kb/item")
async def item(
    request: Request,
    caller: AnyCaller,
    ccos: Opened,
    id: Annotated[str, Query(max_length=1_000)],
    kind: Annotated[EvidenceKind, Query()] = EvidenceKind.KB,
    version: Annotated[int | None, Query(ge=1)] = None,
) -> Response:
    """One item, as it is or as it was when an old draft cited it."""
    found = await kb.read_item(id, caller, ccos, kind, version)
    return visit_of(request, caller).page("kb_item.html", item=found)


@router.post("/kb/gaps/{gap_id}")
async def decide(
    gap_id: UUID,
    request: Request,
    caller: Decider,
    ccos: Opened,
    do: Annotated[Literal["propose", "accept", "publish", "dismiss"], Form()],
    text: Annotated[Text, Form()] = "",
    reason: Annotated[Label, Form()] = "",
) -> Response:
    """`text` is the article as a person has left it; "publish" lets customers read it too."""
    gaps = Gaps(ccos.database, ccos.searcher)
    try:
        if do == "propose":
            await gaps.propose(caller.tenant, gap_id, generator=ccos.service, mode=ccos.settings.mode)
        elif do == "dismiss":
            await gaps.dismiss(caller.tenant.id, gap_id, by=caller.key_id, reason=reason or "-")
        else:
            edited = text.replace("\r\n", "\n").strip() or None
            await gaps.accept(
                caller.tenant.id, gap_id, by=caller.key_id, public=do == "publish", edited=edited
            )
    except NotFound:
        raise
    except Conflict:
        visit = visit_of(request, caller, here="/kb")
        return await _page(visit, caller, ccos, status=409, notice="kb.gap.changed")
    except BadInput:
        visit = visit_of(request, caller, here="/kb")
        return await _page(visit, caller, ccos, status=422, notice="kb.gap.incomplete")
    return RedirectResponse(f"/kb#gap-{gap_id}", 303)


@router.post("/kb/sources/{name}")
async def sync(name: str, caller: Curator, ccos: Opened) -> Response:
    """Asks a worker to fetch what changed; one that is under way already is left alone."""
    with contextlib.suppress(Conflict):
        await kb_sources.sync(name, caller, ccos)
    return RedirectResponse("/kb#sources", 303)


async def _page(
    visit: Visit,
    caller: Caller,
    ccos: Ccos,
    *,
    q: str = "",
    pool: Literal["kb", "case"] = "kb",
    status: int = 200,
    notice: str | None = None,
) -> Response:
    curates = caller.role in CURATORS
    async with ccos.database.tenant(caller.tenant.id, seconds=FIGURES_SECONDS) as tx:
        held = Held(
            {kind: await kb_figures.pool(tx, kind) for kind in EvidenceKind},
            await kb_figures.most_cited(tx, limit=MOST_CITED),
        )
    return visit.page(
        "kb.html",
        status,
        q=q,
        pool=pool,
        found=await kb.search(caller, ccos, q=q, pool=pool, limit=MOST_FOUND) if q else [],
        held=held,
        gaps=(await kb_gaps.find(caller, ccos, state=SHOWN, limit=MOST_GAPS)).gaps if reviews(caller) else [],
        sources=await kb_sources.find(caller, ccos),
        curates=curates,
        notice=notice,
    )


def reviews(caller: Caller) -> bool:
    return caller.role is not Role.INTEGRATION
