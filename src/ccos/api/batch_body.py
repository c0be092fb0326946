"""The body of a batch: tickets one a line, read while they come, or a list of them in one document."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect, Request

from ccos.agents.batching import TicketLine
from ccos.api.leaving import ClientLeft
from ccos.domain.batch import mark, named
from ccos.domain.documents import checked, parsed, says_something
from ccos.domain.errors import BadInput, BadTicket
from ccos.domain.ticket import Ticket
from ccos.store.batches import BadLine

MAX_TICKETS = 10_000
"""Ten days of a busy desk; they are stored in one transaction, which should be over within seconds."""
MAX_BYTES = 32 * 2**20
"""Room for 10,000 tickets of 3 kB. A batch is held in memory until it is stored."""
MAX_DOCUMENT_BYTES = 2_000_000
"""One JSON document cannot be read in parts, and nothing else is done while it is parsed."""
BODY_SECONDS = 120.0
BLOCK_BYTES = 256 * 1024
"""So much is parsed at a time, in a thread, so that other requests go on."""

NDJSON = "application/x-ndjson"
LINES = frozenset({NDJSON, "application/ndjson", "application/jsonl"})


class NoTicket(BadInput):
    code, message = "batch.no_ticket", "There are no tickets; give one JSON object a line."


class TooMany(BadInput):
    code = "batch.too_many"
    message = f"A batch has at most {MAX_TICKETS} tickets; send the rest as another one."


class Unfit(Exception):
    """The body as such is refused, with this HTTP status."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        self.status, self.code, self.sentence = status, code, sentence
        super().__init__(sentence)


@dataclass(slots=True)
class Found:
    """Lines of a batch, those that are tickets and those that are none."""

    tickets: list[TicketLine] = field(default_factory=list)
    bad: list[BadLine] = field(default_factory=list)

    def add(self, line: int, read: Ticket | BadTicket) -> None:
        """Raises TooMany."""
        if len(self.tickets) + len(self.bad) >= MAX_TICKETS:
            raise TooMany
        if isinstance(read, BadTicket):
            self.bad.append(BadLine(line, read.code, read.sentence))
            return
        ticket = named(read, line)
        self.tickets.append(TicketLine(line, ticket, mark(ticket)))


async def read_batch(request: Request) -> Found:
    """Its lines. Raises NoTicket, TooMany, BadInput, Unfit, or ClientLeft when the sender does not stay."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in LINES and kind != "application/json":
        raise Unfit(415, "media_type.unsupported", f"Send the batch as {NDJSON}, one ticket a line.")
    found = Found()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            if kind == "application/json":
                await _document(request, found)
            else:
                await _lines(request, found)
    except TimeoutError:
        raise Unfit(408, "input.too_slow", "The body did not arrive in time; send it again.") from None
    except ClientDisconnect:
        raise ClientLeft from None
    if not found.tickets:
        if found.bad:
            first = found.bad[0]
            raise NoTicket(f"No line is a ticket. Line {first.line}: {first.sentence}")
        raise NoTicket
    return found


async def _lines(request: Request, found: Found) -> None:
    rest = bytearray()
    line = 0
    async for chunk in _bounded(request, MAX_BYTES, f"The batch is over {MAX_BYTES >> 20} MiB; divide it."):
        rest += chunk
        if len(rest) < BLOCK_BYTES or b"\n" not in chunk:
            continue
        block, _, behind = rest.rpartition(b"\n")
        rest = bytearray(behind)
        line = await asyncio.to_thread(_read_block, bytes(block), line, found)
    await asyncio.to_thread(_read_block, bytes(rest), line, found)


def _read_block(block: bytes, line: int, found: Found) -> int:
    """Adds the lines of the block, the first of which comes after number `line`; the last one's number."""
    for raw in block.split(b"\n"):
        line += 1
        if stripped := raw.strip():
            found.add(line, _ticket(stripped))
    return line


async def _document(request: Request, found: Found) -> None:
    sentence = f"The document is over {MAX_DOCUMENT_BYTES // 1_000_000} MB; send {NDJSON}, one ticket a line."
    content = b"".join([chunk async for chunk in _bounded(request, MAX_DOCUMENT_BYTES, sentence)])
    await asyncio.to_thread(_read_document, content, found)


def _read_document(content: bytes, found: Found) -> None:
    try:
        value: Any = json.loads(content)
    except (ValueError, RecursionError):
        sentence = "The body is not valid JSON; send one JSON document in UTF-8."
        raise Unfit(400, "json.invalid", sentence) from None
    if not isinstance(value, dict) or set(value) != {"tickets"} or not isinstance(value["tickets"], list):
        raise BadInput('Send {"tickets": [...]} and nothing else, or one ticket a line as ' + NDJSON + ".")
    for line, each in enumerate(value["tickets"], start=1):
        try:
            found.add(line, says_something(checked(each, Ticket, "ticket", BadTicket)))
        except BadTicket as fault:
            found.add(line, fault)


def _ticket(raw: bytes) -> Ticket | BadTicket:
    try:
        return says_something(parsed(raw, Ticket, "ticket", BadTicket))
    except BadTicket as fault:
        return fault


async def _bounded(request: Request, limit: int, sentence: str) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise Unfit(413, "input.too_large", sentence)
        yield chunk
