"""Drafts made at the press of a button go on without whoever pressed it, and end with the server."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from fastapi import FastAPI

from ccos import console
from ccos.console.making import Making
from ccos.domain.draft import Draft, DraftState
from ccos.domain.errors import NotFound

DONE = Draft(id="d", ticket_id="t", state=DraftState.READY)


async def test_a_quick_draft_is_waited_for_and_a_slow_one_is_not():
    making, finished, may_end = Making(), [], asyncio.Event()

    async def quick() -> Draft:
        finished.append("quick")
        return DONE

    async def slow() -> Draft:
        await may_end.wait()
        finished.append("slow")
        return DONE

    await making.begin(quick(), seconds=5)
    await making.begin(slow(), seconds=0.01)
    assert finished == ["quick"]
    may_end.set()
    await asyncio.sleep(0.01)
    assert finished == ["quick", "slow"]


async def test_what_goes_wrong_at_once_is_told_to_whoever_asked():
    async def fails() -> Draft:
        raise NotFound

    with pytest.raises(NotFound):
        await Making().begin(fails(), seconds=5)


async def test_a_server_that_ends_cancels_what_is_still_being_made():
    app, ended = FastAPI(), []
    app.state.ccos = SimpleNamespace(urls=SimpleNamespace(app="postgresql://nobody@127.0.0.1:1/none"))
    console.mount(app)

    async def endless() -> Draft:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)
        return DONE

    async with app.router.lifespan_context(app):
        await app.state.making.begin(endless(), seconds=0.01)
        assert not ended
    assert ended
