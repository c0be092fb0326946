"""What a person does with a draft: approve, edit, reject, take that back."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response

from ccos.api.caller import Opened, Reviewer
from ccos.console.opening import back_to, page_of, tenant_of, ticket_page
from ccos.console.queue import asked_in
from ccos.console.routing import PageRoute
from ccos.console.showing import Visitor, visit_of
from ccos.console.telling import spoken
from ccos.domain.errors import Conflict
from ccos.domain.ticket import Label, Text
from ccos.store import decisions, drafts

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@router.post("/drafts/{draft_id}/decision")
async def decide(
    draft_id: str,
    request: Request,
    caller: Reviewer,
    ccos: Opened,
    verdict: Annotated[Literal["approved", "edited", "rejected"], Form()],
    text: Annotated[Text, Form()] = "",
    reason: Annotated[Label, Form()] = "",
    note: Annotated[Text, Form(max_length=2_000)] = "",
    list: Annotated[str, Form(max_length=1_000)] = "",
) -> Response:
    asked = asked_in(list)
    async with ccos.database.tenant(caller.tenant.id) as tx:
        draft = await drafts.get(tx, draft_id)
    visit = visit_of(request, caller, here=page_of(draft.ticket_id))
    sent = text.replace("\r\n", "\n").strip()
    if verdict == "edited" and not sent:
        return await ticket_page(visit, ccos, draft.ticket_id, asked, status=422, notice="fault.blank")
    unchanged = verdict == "edited" and sent == spoken(draft).strip()
    try:
        async with ccos.database.tenant(caller.tenant.id) as tx:
            await decisions.decide(
                tx,
                draft_id,
                "approved" if unchanged else verdict,
                text=sent if verdict == "edited" and not unchanged else None,
                reason=reason,
                note=note.strip(),
                decided_by=caller.key_id,
            )
    except Conflict:
        return await ticket_page(visit, ccos, draft.ticket_id, asked, status=409, notice="fault.conflict")
    return back_to(draft.ticket_id, asked)


@router.post("/drafts/{draft_id}/decision/undo")
async def undo(
    draft_id: str,
    request: Request,
    caller: Reviewer,
    ccos: Opened,
    list: Annotated[str, Form(max_length=1_000)] = "",
) -> Response:
    asked = asked_in(list)
    async with ccos.database.tenant(caller.tenant.id) as tx:
        draft = await drafts.get(tx, draft_id)
    try:
        async with ccos.database.tenant(caller.tenant.id) as tx:
            await decisions.take_back(tx, draft_id, by=caller.key_id)
    except Conflict:
        visit = visit_of(request, caller, here=page_of(draft.ticket_id))
        return await ticket_page(visit, ccos, draft.ticket_id, asked, status=409, notice="fault.too_late")
    return back_to(draft.ticket_id, asked)


@router.get("/tickets/{ticket_id}/news")
async def news(
    ticket_id: str, visit: Visitor, ccos: Opened, draft: Annotated[str, Query(max_length=100)], state: str
) -> Response:
    """Whether the draft on the page is still the one to decide about; nothing (204) while it is."""
    async with tenant_of(ccos, visit) as tx:
        latest = await drafts.latest(tx, ticket_id)
    if latest is None or (latest.id, latest.state) == (draft, state):
        return Response(status_code=204)
    return visit.page("_news.html", ticket_id=ticket_id, newest=latest, same=latest.id == draft)
