"""A draft that a person has seen, on whatever part of a page, stays theirs."""

from __future__ import annotations

import re

import pytest

from ccos.domain.draft import DraftState
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.store import drafts, remakes
from support.live import Company

TICKET = Ticket(subject="교환 배송비", description="교환 배송비가 얼마인가요?")


@pytest.mark.parametrize("page", ["/tickets/{}", "/tickets/{}/draft"])
@pytest.mark.parametrize("state", [DraftState.RUNNING, DraftState.READY])
def test_a_finished_draft_is_opened_by_showing_it_and_one_in_the_making_is_not(
    company: Company, page: str, state: DraftState
) -> None:
    ticket = company.ticket(TICKET)
    draft = company.draft(ticket, state)
    with company.client(Role.AGENT) as browser:
        assert browser.get(page.format(ticket)).status_code == 200

    async def opened(tx):
        row = await tx.row("SELECT opened_at FROM draft WHERE id = %(id)s::uuid", id=draft.id)
        assert row is not None
        return row["opened_at"] is not None

    assert company.within(opened) is (state is DraftState.READY)
    assert not company.within(lambda tx: remakes.replaceable(tx, draft.id))


def test_a_decision_about_a_draft_that_was_replaced_meanwhile_shows_what_is_there_now(
    company: Company,
) -> None:
    ticket = company.ticket(TICKET)
    older = company.draft(ticket, DraftState.READY, reply="네, 가능합니다.", degraded=True)
    newer = company.draft(ticket, DraftState.READY, reply="배송비는 6,000원입니다.")
    assert company.within(lambda tx: drafts.get(tx, older.id)).state is DraftState.SUPERSEDED
    with company.client(Role.AGENT) as agent:
        said = agent.post(f"/api/drafts/{older.id}/decision", json={"verdict": "approved"})
        page = agent.post(f"/drafts/{older.id}/decision", data={"verdict": "approved"})
    assert (said.status_code, said.json()["code"]) == (409, "conflict") and "superseded" in said.json()[
        "title"
    ]
    assert page.status_code == 409 and re.search("6,000원", page.text)
    assert company.within(lambda tx: drafts.get(tx, newer.id)).state is DraftState.READY
