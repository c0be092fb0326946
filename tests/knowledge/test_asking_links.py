"""Links are asked for with a deadline, and never within a private network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from yarl import URL

from ccos.knowledge import asking
from ccos.knowledge.sources.guard import Guard


class Site:
    def __init__(self, base: URL) -> None:
        self.base = base
        self.asked: list[tuple[str, str]] = []


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made: list[Site] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        made[0].asked.append((request.method, request.path))
        match request.path:
            case "/gone":
                return web.Response(status=410)
            case "/no-head" if request.method == "HEAD":
                return web.Response(status=405)
            case "/moved":
                return web.Response(status=301, headers={"Location": "/there"})
            case "/circle":
                return web.Response(status=302, headers={"Location": "/circle"})
            case "/inside":
                return web.Response(status=302, headers={"Location": "http://169.254.169.254/latest"})
            case "/login":
                return web.Response(status=403)
            case "/broken":
                return web.Response(status=500)
            case "/slow":
                await asyncio.sleep(60)
        return web.Response(text="x")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    tcp = web.TCPSite(runner, "127.0.0.1", 0)
    await tcp.start()
    port = tcp._server.sockets[0].getsockname()[1]
    made.append(Site(URL(f"http://127.0.0.1:{port}")))
    yield made[0]
    await runner.cleanup()


async def problems(site: Site, *paths: str, seconds: float = 10) -> dict[str, str | None]:
    urls = [site.base.with_path(path) for path in paths]
    return {
        each.url.path: each.problem
        async for each in asking.ask(urls, guard=Guard(site.base), seconds=seconds)
    }


async def test_what_is_there_gone_moved_or_not_for_us_is_told_apart(site):
    said = await problems(site, "/there", "/no-head", "/moved", "/login", "/gone", "/broken", "/circle")
    assert said == {
        "/there": None,
        "/no-head": None,
        "/moved": None,
        "/login": None,
        "/gone": "answers with status 410",
        "/broken": "answers with status 500",
        "/circle": "is sent from page to page without end",
    }


async def test_a_server_that_does_not_answer_is_given_up(site):
    assert await problems(site, "/slow", seconds=0.3) == {"/slow": "did not answer within 0.3 s"}


async def test_private_addresses_are_not_asked_also_behind_a_redirect(site):
    private = "leads into a private network, so it was not asked"
    assert await problems(site, "/inside") == {"/inside": private}
    asked = len(site.asked)
    said = [each.problem async for each in asking.ask([site.base, site.base.with_host("localhost")])]
    assert said == [private, private] and len(site.asked) == asked


async def test_an_address_is_asked_once(site):
    await problems(site, "/there", "/there")
    assert site.asked == [("HEAD", "/there")]


async def test_nobody_listening_is_told(site):
    free = URL("http://127.0.0.1:1")
    assert [each.problem async for each in asking.ask([free], guard=Guard(free))] == ["cannot be reached"]
