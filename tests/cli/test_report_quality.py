"""`ccos report quality` over a real database."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from ccos.domain.draft import DraftState
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from ccos.store import decisions, drafts, tenants, tickets
from ccos.store.database import Database
from ccos.store.migrate import migrate
from support.ccos_command import Command, Home
from support.store import finished


def fill(home: Home, verdicts: dict[str, int]) -> str:
    """A new tenant with so many drafts of each verdict; "superseded" for one that was overtaken."""
    slug = f"q-{uuid4().hex[:12]}"
    migrate(home.server.urls.owner)

    async def go() -> None:
        database = Database(home.server.urls.app)
        await database.open()
        async with database.unbound() as tx:
            tenant = await tenants.create(tx, slug, slug)
        async with database.tenant(tenant.id) as tx:
            for verdict, how_many in verdicts.items():
                for _ in range(how_many):
                    ticket = (await tickets.put(tx, Ticket(subject="환불"))).ticket
                    draft = await drafts.queue(tx, str(ticket.id))
                    run = await drafts.start(tx, draft.id)
                    await drafts.finish(
                        tx, finished(draft, DraftState.READY, tier=Tier.LOCAL_MINIMAX), run=run
                    )
                    if verdict == "superseded":
                        await drafts.queue(tx, str(ticket.id))
                    elif verdict == "edited":
                        await decisions.decide(
                            tx, draft.id, "edited", text="새로 쓴 답변입니다.", decided_by="hana"
                        )
                    else:
                        await decisions.decide(tx, draft.id, verdict, reason="policy", decided_by="hana")  # type: ignore[arg-type]
        await database.close()

    asyncio.run(go())
    return slug


@pytest.fixture
def decided(ccos_home: Home) -> str:
    return fill(ccos_home, {"approved": 26, "edited": 4, "rejected": 10, "superseded": 3})


def test_figures_stand_beside_what_was_promised(ccos: Command, decided: str) -> None:
    ran = ccos("report", "quality", "--tenant", decided)
    assert ran.code == 0
    assert "40 drafts decided, 26 as they were, 4 edited, 10 rejected" in ran.out
    assert "3 superseded" in ran.out
    approved = next(line for line in ran.out.splitlines() if line.startswith("approved"))
    assert approved.split()[1:4] == ["75.0%", "59.8%–85.8%", "≥"] and "missed, within chance" in approved
    assert any(line.startswith("tier_1") and "40" in line for line in ran.out.splitlines())
    assert "Rejected for: policy 10." in ran.out


def test_scripts_get_the_same_figures(ccos: Command, decided: str) -> None:
    told = ccos("report", "quality", "--tenant", decided, "--by", "agent", "--json").json
    assert told["tenant"] == decided and told["total"]["approval"]["value"] == 0.75
    assert list(told["groups"]) == ["hana"] and told["groups"]["hana"]["rejected"] == 10


def test_a_tenant_without_drafts_is_told_what_changes_that(ccos: Command, ccos_home: Home) -> None:
    ran = ccos("report", "quality", "--tenant", fill(ccos_home, {}))
    assert ran.code == 0 and not ran.out and "ccos demo" in ran.sentence


def test_a_tenant_that_is_not_there_is_one_sentence(ccos: Command, ccos_home: Home) -> None:
    migrate(ccos_home.server.urls.owner)
    ran = ccos("report", "quality", "--tenant", "nobody")
    assert ran.code == 2 and "nobody" in ran.sentence
