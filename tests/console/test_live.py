"""Pages hear what happens: the queue, another person's action, the stages of a draft that is being made."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from types import SimpleNamespace
from uuid import UUID, uuid4

import aiohttp
import pytest
from playwright.async_api import expect

from ccos.api.caller import COOKIE
from ccos.console import live as live_module
from ccos.console.live import Ear, Live
from ccos.domain.draft import Draft, DraftState
from ccos.domain.errors import DatabaseUnavailable
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.store import drafts, tickets
from ccos.store.live import Change, listen
from ccos.wiring import progress
from ccos.wiring.progress import Followed
from support.browser import BROWSER, WITHOUT, Visitor
from support.live import Company

OURS, THEIRS = UUID(int=1), UUID(int=2)


def change(ticket="t", tenant=OURS, draft="d", **more) -> Change:
    return Change(tenant, ticket, draft, **(more or {"state": DraftState.READY}))


class Spoken:
    """A channel that says what a test puts on it; an exception on it breaks it."""

    def __init__(self) -> None:
        self.words: asyncio.Queue = asyncio.Queue()
        self.begun = 0

    async def __call__(self):
        self.begun += 1
        yield None
        while True:
            word = await self.words.get()
            if isinstance(word, Exception):
                raise word
            yield word


@pytest.fixture
async def spoken():
    return Spoken()


@pytest.fixture
async def pages(spoken, monkeypatch):
    monkeypatch.setattr(live_module, "REST_SECONDS", 0.01)
    pages = Live(spoken)
    running = asyncio.create_task(pages.run())
    while not spoken.begun:
        await asyncio.sleep(0)
    yield pages
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_page_hears_of_its_own_tenant_alone(pages, spoken):
    with pages.follow(OURS) as ours, pages.follow(THEIRS) as theirs:
        await spoken.words.put(change("a"))
        await spoken.words.put(change("b", THEIRS))
        await spoken.words.put(change("a"))
        assert await theirs.next(seconds=5) == ["b"]
        assert await ours.next(seconds=5) == ["a"]  # twice the same is one
        assert await ours.next(seconds=0.01) == []


async def test_a_line_that_was_lost_begins_again_and_says_that_much_was_missed(pages, spoken):
    with pages.follow(OURS) as ear:
        await spoken.words.put(DatabaseUnavailable("gone"))
        assert await ear.next(seconds=5) is None
        await spoken.words.put(change("later"))
        assert await ear.next(seconds=5) == ["later"]
    assert spoken.begun == 2


async def test_of_very_many_changes_a_page_hears_that_there_were_many():
    ear = Ear()
    for n in range(live_module.MOST_TICKETS + 1):
        ear.hear(str(n))
    assert await ear.next(seconds=1) is None
    assert await ear.next(seconds=0.01) == []


async def test_a_stage_is_known_until_the_draft_is_there(pages, spoken):
    with pages.follow(OURS) as ear:
        await spoken.words.put(change(draft="d", stage="retrieve"))
        assert await ear.next(seconds=5) == ["t"]
        assert pages.stage("d") == "retrieve"
        await spoken.words.put(change(draft="d"))
        await ear.next(seconds=5)
    assert pages.stage("d") is None


async def test_an_ending_process_lets_its_pages_go_and_takes_no_more(pages):
    async with aclosing(pages.events(OURS)) as events:
        assert b"event: again" in await anext(events)
        assert not pages.full
        waiting = asyncio.create_task(anext(events, b"the end"))
        await asyncio.sleep(0.01)
        pages.end()
        await asyncio.wait_for(waiting, 5)
        with pytest.raises(StopAsyncIteration):
            await anext(events)
    assert pages.full


async def test_no_more_pages_than_can_be_held(pages, monkeypatch):
    monkeypatch.setattr(live_module, "MOST_PAGES", 1)
    with pages.follow(OURS):
        assert pages.full
    assert not pages.full


async def test_stages_are_told_of_drafts_that_take_a_while(company: Company, monkeypatch):
    """By the real database; what a quick draft says goes nowhere."""
    monkeypatch.setattr(progress, "EVERY_SECONDS", 0.05)
    ccos = company.live.ccos

    class Slow:
        async def draft(self, job, on_stage=None):
            for stage in ("triage", "retrieve"):
                await on_stage(stage)
                await asyncio.sleep(job.seconds)
            return Draft(id=job.draft_id, ticket_id=job.ticket_id, state=DraftState.READY)

    def job(seconds):
        names = {"draft_id": str(uuid4()), "ticket_id": str(uuid4())}
        return SimpleNamespace(tenant=SimpleNamespace(id=company.tenant.id), seconds=seconds, **names)

    heard_here = []

    async def on_stage(stage):
        heard_here.append(stage)

    async def follow():
        from ccos.store.database import Database
        from ccos.store.migrate import APP_ROLE

        database = Database(ccos.urls.app, role=APP_ROLE, connections=1)
        await database.open()
        followed = Followed(Slow(), database)
        try:
            async with aclosing(listen(ccos.urls.app)) as changes:
                await anext(changes)
                await followed.draft(job(0), on_stage)
                slow = job(0.3)
                await followed.draft(slow, on_stage)
                async with asyncio.timeout(10):
                    heard = [await anext(changes) for _ in range(2)]
        finally:
            await followed.aclose()
            await database.close()
        assert [(each.draft_id, each.stage) for each in heard] == [
            (slow.draft_id, "triage"),
            (slow.draft_id, "retrieve"),
        ]

    await follow()
    assert heard_here == ["triage", "retrieve"] * 2


async def test_whoever_is_nobody_hears_nothing(company: Company):
    async with aiohttp.ClientSession(company.live.url) as client:
        async with client.get("/live", headers={"Accept": "text/event-stream"}) as answer:
            assert answer.status == 401
        async with client.get("/live", cookies={COOKIE: company.keys[Role.AGENT]}) as answer:
            assert answer.status == 200
            assert answer.content_type == "text/event-stream"
            assert await answer.content.readline() == b"retry: 3000\n"


browsing = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(BROWSER is None, reason=WITHOUT),
]


def waiting(company: Company) -> tuple[str, str]:
    """A ticket and its draft that is being made."""

    async def put():
        async with company.live.ccos.database.tenant(company.tenant.id) as tx:
            ticket = (
                await tickets.put(tx, Ticket(subject="환불이 안 됩니다", description="언제 되나요?"))
            ).ticket
            draft = await drafts.queue(tx, ticket.id)
            await drafts.start(tx, draft.id)
            return ticket.id, draft.id

    return company.live.run(put())


def say(company: Company, *changes: Change) -> None:
    from ccos.store.live import tell

    async def told():
        async with company.live.ccos.database.unbound() as tx:
            await tell(tx, changes)

    company.live.run(told())


def end(company: Company, draft_id: str) -> None:
    async def ended():
        async with company.live.ccos.database.tenant(company.tenant.id) as tx:
            await drafts.give_up(tx, draft_id, "provider.down", run=None)

    company.live.run(ended())


class TestPages:
    pytestmark = browsing

    async def test_a_draft_is_followed_stage_by_stage_until_it_is_there(
        self, visitor: Visitor, company: Company
    ):
        ticket, draft = await asyncio.to_thread(waiting, company)
        page = await visitor.page(company, f"/tickets/{ticket}")
        await expect(page.locator(".steps .now")).to_have_text("문의 읽기")
        told = Change(company.tenant.id, ticket, draft, stage="retrieve")
        await asyncio.to_thread(say, company, told)
        await expect(page.locator(".steps .now")).to_have_text("근거 정리")
        await expect(page.locator(".steps .done")).to_have_count(2)
        await asyncio.to_thread(end, company, draft)
        await expect(page.locator(".told.failed")).to_be_visible()
        await expect(page.locator(".steps")).to_have_count(0)

    async def test_a_row_changes_in_every_tab_though_one_of_them_listens(
        self, visitor: Visitor, company: Company
    ):
        """A row asks only when it hears of its ticket, so what it shows came over the line."""
        ticket, draft = await asyncio.to_thread(waiting, company)
        first = await visitor.page(company, "/?view=all")
        second = await first.context.new_page()
        await second.goto("/?view=all")
        for page in (first, second):
            await expect(page.locator(f"#row-{ticket} .state")).to_have_text("작성 중")
        await asyncio.to_thread(end, company, draft)
        for page in (first, second):
            await expect(page.locator(f"#row-{ticket} .state")).to_have_text("실패")
        lines = [url for url in visitor.asked if url.endswith("/live")]
        assert len(lines) == 1  # of the first page; pages opened beside it are not listened to by the visitor
        held = await second.evaluate(
            "navigator.locks.query().then((all) => [all.held.length, all.pending.length])"
        )
        assert held == [1, 1]
        await first.close()
        await second.wait_for_function("navigator.locks.query().then((all) => all.pending.length == 0)")
