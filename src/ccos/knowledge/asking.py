"""Asks the net whether links still lead somewhere: a deadline for each, and none into a private network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass

import aiohttp
from yarl import URL

from ccos.domain.errors import AddressForbidden
from ccos.knowledge.sources.guard import Guard, PrivateAnswer
from ccos.knowledge.sources.wire import open_session

SECONDS = 10.0
AT_ONCE, AT_ONCE_A_HOST = 8, 2
MOST_REDIRECTS = 5

_ASK_ANOTHER_WAY = frozenset({400, 403, 404, 405, 406, 501})
"""What some servers say to HEAD where GET has an answer."""
_THERE = frozenset({401, 403, 407, 429, 451, 999})
"""It is there, and not for us."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`problem`: why the address leads nowhere, in words that follow it; None when it leads somewhere."""

    url: URL
    problem: str | None


async def ask(
    urls: Collection[URL], *, guard: Guard | None = None, seconds: float = SECONDS
) -> AsyncIterator[Asked]:
    """Each address once, as the answers come; without another `guard` public ones only are asked."""
    gate = asyncio.Semaphore(AT_ONCE)
    hosts: dict[str | None, asyncio.Semaphore] = {}
    guarding = guard or Guard()
    async with open_session(guarding) as session:

        async def one(url: URL) -> Asked:
            async with hosts.setdefault(url.host, asyncio.Semaphore(AT_ONCE_A_HOST)), gate:
                return Asked(url, await _problem(session, guarding, url, seconds))

        tasks = [asyncio.create_task(one(url)) for url in dict.fromkeys(urls)]
        try:
            for next_one in asyncio.as_completed(tasks):
                yield await next_one
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _problem(session: aiohttp.ClientSession, guard: Guard, url: URL, seconds: float) -> str | None:
    try:
        async with asyncio.timeout(seconds):
            status = await _status(session, guard, url, "HEAD")
            if status in _ASK_ANOTHER_WAY:
                status = await _status(session, guard, url, "GET")
    except TimeoutError:
        return f"did not answer within {seconds:g} s"
    except (AddressForbidden, PrivateAnswer):
        return "leads into a private network, so it was not asked"
    except aiohttp.TooManyRedirects:
        return "is sent from page to page without end"
    except aiohttp.ClientConnectorError as fault:
        if isinstance(fault.os_error, PrivateAnswer):
            return "leads into a private network, so it was not asked"
        return "cannot be reached"
    except (aiohttp.ClientError, OSError, ValueError) as fault:
        return f"cannot be read ({type(fault).__name__})"
    return None if status < 400 or status in _THERE else f"answers with status {status}"


async def _status(session: aiohttp.ClientSession, guard: Guard, url: URL, method: str) -> int:
    """Of the page at the end of the redirects, each of which must pass the guard; no body is read."""
    for _ in range(MOST_REDIRECTS + 1):
        guard.check(url)
        async with session.request(method, url, allow_redirects=False) as response:
            location = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or location is None:
                return response.status
            url = url.join(URL(location))
    raise aiohttp.TooManyRedirects(response.request_info, ())
