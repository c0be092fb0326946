"""A source as it was described, opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp.abc import AbstractResolver
from yarl import URL

from ccos.domain.source import SourceKind, SourceSpec
from ccos.knowledge.sources import zendesk
from ccos.knowledge.sources.chatwoot import Chatwoot
from ccos.knowledge.sources.exports import Export
from ccos.knowledge.sources.guard import Guard
from ccos.knowledge.sources.port import Source
from ccos.knowledge.sources.website import Website
from ccos.knowledge.sources.wire import REQUEST_SECONDS, Sleep, Wire, open_session
from ccos.knowledge.sources.zammad import Zammad


@asynccontextmanager
async def open_source(
    spec: SourceSpec,
    token: str | None,
    *,
    resolver: AbstractResolver | None = None,
    seconds: float = REQUEST_SECONDS,
    sleep: Sleep = asyncio.sleep,
) -> AsyncIterator[Source]:
    """The source, for as long as the context lasts; nothing is asked of it yet.

    Raises `AddressForbidden` for an address of a private network that was not told to be one.
    """
    if spec.is_file:
        yield Export(spec)
        return
    base = URL(spec.address.strip()).with_fragment(None)
    base = base.with_path(base.raw_path, encoded=True, keep_query=True)  # "/" where there was none
    guard = Guard(base if spec.options.allow_private else None)
    guard.check(base)
    async with open_session(guard, resolver=resolver) as session:
        headers = _headers(spec, token)
        wire = Wire(session, base, guard, headers=headers, seconds=seconds, sleep=sleep)
        yield _source(spec, wire, sleep, signed_in=token is not None)


def _headers(spec: SourceSpec, token: str | None) -> dict[str, str]:
    if token is None:
        return {}
    match spec.kind:
        case SourceKind.ZENDESK:
            return {"Authorization": zendesk.authorization(token, spec.options.user)}
        case SourceKind.ZAMMAD:
            return {"Authorization": f"Token token={token}"}
        case SourceKind.CHATWOOT:
            return {"api_access_token": token}
        case SourceKind.WEBSITE:
            return {"Authorization": f"Bearer {token}"}


def _source(spec: SourceSpec, wire: Wire, sleep: Sleep, *, signed_in: bool) -> Source:
    options = spec.options
    match spec.kind:
        case SourceKind.ZENDESK:
            return zendesk.Zendesk(wire, spec.content, locale=options.locale, signed_in=signed_in)
        case SourceKind.ZAMMAD:
            return Zammad(wire, spec.content, locale=options.locale)
        case SourceKind.CHATWOOT:
            assert options.account is not None  # the description was checked
            return Chatwoot(
                wire,
                spec.content,
                account=options.account,
                portal=options.portal,
                locale=options.locale,
            )
        case SourceKind.WEBSITE:
            return Website(
                wire,
                follow=options.follow,
                max_pages=options.max_pages,
                locale=options.locale,
                sleep=sleep,
            )
