"""Who hangs up ends the work that was done for them, down to the call of the model."""

from __future__ import annotations

import asyncio
import json
from contextlib import contextmanager

import pytest

from ccos.api.leaving import ClientLeft, unless_left
from ccos.domain.draft import DraftState
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.store import drafts
from ccos.store.migrate import migrate
from support.fake_upstream import Does, FakeUpstream
from support.live import plain_settings, serving
from support.postgres import fresh_database

TICKET = Ticket(
    subject="배송 조회가 안 됩니다", description="주문한 상품이 일주일째 오지 않아요. 왜 이런가요?"
)
QUESTION = {"prompt": "환불 규정을 알려 주세요", "mode": "quality_first", "seconds": 30}


class Line:
    """A caller's line: says nothing until it is hung up."""

    def __init__(self):
        self.hung_up = asyncio.Event()

    async def receive(self):
        await self.hung_up.wait()
        return {"type": "http.disconnect"}


async def test_work_that_is_done_is_given_and_nothing_keeps_listening():
    async def work():
        return 7

    before = asyncio.all_tasks()
    assert await unless_left(Line().receive, work()) == 7
    assert asyncio.all_tasks() == before


async def test_a_fault_of_the_work_is_raised_as_it_is():
    async def work():
        raise KeyError("x")

    with pytest.raises(KeyError):
        await unless_left(Line().receive, work())


async def test_hanging_up_cancels_the_work_and_waits_until_it_has_ended():
    line, ended = Line(), []

    async def work():
        line.hung_up.set()
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    with pytest.raises(ClientLeft) as caught:
        await unless_left(line.receive, work())
    assert ended == [True] and caught.value.status_code == 499


async def test_whoever_cancels_the_request_cancels_the_work():
    begun, ended = asyncio.Event(), []

    async def work():
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    request = asyncio.create_task(unless_left(Line().receive, work()))
    await begun.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert ended == [True]


@contextmanager
def shop(server, home, cloud):
    with fresh_database(server, "leaving_tests") as urls:
        migrate(urls.owner)
        found = plain_settings(urls, home, OPENAI_BASE_URL=cloud.origin, CCOS_MODE="quality_first")
        with serving(found) as live:
            yield live, live.company()


async def post(url, key, path, body):
    """Sends a request and gives the open line back, without waiting for an answer."""
    host, port = url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    writer.write(head.encode() + data)
    await writer.drain()
    return writer


async def until(true, seconds=10):
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(true):
            await asyncio.sleep(0.02)


async def test_hanging_up_ends_the_models_call_and_leaves_the_ticket_as_it_was(embedded_server, tmp_path):
    async with FakeUpstream(Does("silent")) as cloud:
        with shop(embedded_server, tmp_path, cloud) as (live, company):
            key = company.keys[Role.INTEGRATION]
            ticket = await asyncio.to_thread(company.ticket, TICKET)
            older = await asyncio.to_thread(company.draft, ticket, DraftState.READY, reply="네.")

            for path, body in (
                (f"/api/tickets/{ticket}/drafts", {"seconds": 600}),
                ("/api/generate", QUESTION),
            ):
                asked = cloud.answers_asked
                line = await post(live.url, key, path, body)
                await until(lambda asked=asked: cloud.answers_asked > asked)
                assert not cloud.hung_up.is_set()
                line.close()
                async with asyncio.timeout(2):
                    await cloud.hung_up.wait()
                cloud.hung_up.clear()

            def shown():
                return company.within(lambda tx: drafts.latest(tx, ticket))

            await until(lambda: shown().id == older.id)
            counted = await asyncio.to_thread(company.within, drafts.counts)
            assert shown().state is DraftState.READY and counted[DraftState.SUPERSEDED] == 1
            assert live.ccos.service.load() and not any(
                in_flight for in_flight, _, _ in live.ccos.service.load().values()
            )
