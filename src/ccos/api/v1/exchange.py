"""One request for an answer and what becomes of it: who asks, what for, and how it goes out."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Mapping
from typing import Any

import structlog
from starlette.types import Receive, Scope, Send

from ccos.api.caller import WRITERS, require
from ccos.api.generate import pii_of
from ccos.api.headers import generation_headers
from ccos.api.identities import Caller
from ccos.api.leaving import ClientLeft
from ccos.api.metrics import count_attempts
from ccos.api.v1.asked import Asked
from ccos.api.v1.faults import Fault
from ccos.api.v1.formats import Format
from ccos.api.v1.making import Gone, Making
from ccos.api.v1.reply import Ending, few_words, reply_to
from ccos.api.v1.wire import JSON, Out, answer, caller_of, headers_of, told
from ccos.domain.errors import CcosError
from ccos.domain.ticket import PiiClass
from ccos.tiers.relay import Relay
from ccos.tiers.request import Generation
from ccos.wiring import Ccos
from ccos.wiring.logs import where

log = structlog.get_logger(__name__)

HEADERS_SECONDS = 2.0
"""After so long a streamed answer's headers go out without it, for clients that wait no longer for them."""
WORKING_SECONDS = 5.0
WORKING = b": ccos is working\n\n"
"""Sent every so often while nothing else is, so that nobody between us and the caller hangs up."""

EVENTS = b"text/event-stream; charset=utf-8"


class Generating:
    """The ASGI endpoint of one format, at `path`."""

    def __init__(self, path: str, form: Format) -> None:
        self.path = path
        self._form = form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = self  # metrics are by route
        headers = headers_of(scope)
        try:
            caller = await caller_of(scope, headers)
            require(caller, *WRITERS)
            asked = self._form.asked((await receive())["body"], headers)
            pii = await pii_of(asked.texts)
        except (CcosError, Fault) as fault:
            await answer(send, *told(self._form.shape, fault))
            return
        making, out = Making(), Out(send)
        passing = asked.stream and asked.schema is None and asked.extras.streaming == "pass-through"
        ending = Ending(asked.stops, making.hear) if passing else None
        relay = Relay(ending.hear) if ending is not None else None
        ccos: Ccos = scope["app"].state.ccos
        try:
            async with making.begin(_work(ccos, caller, asked, pii, relay), receive):
                if asked.stream:
                    await self._stream(out, making, asked, scope["ccos.request_id"], ending)
                else:
                    await self._whole(send, making, asked, scope["ccos.request_id"])
        except Gone:
            log.info("caller.left", route=self.path)
            if not out.begun:
                raise ClientLeft from None

    async def _whole(self, send: Send, making: Making, asked: Asked, request_id: str) -> None:
        await making.stir()
        made = making.result()
        body = self._form.whole(reply_to(asked, made, request_id, int(time.time())))
        await answer(send, 200, body, {"content-type": JSON, **_headers(asked, made)})

    async def _stream(
        self, out: Out, making: Making, asked: Asked, request_id: str, ending: Ending | None
    ) -> None:
        created = int(time.time())
        await making.stir(HEADERS_SECONDS)
        made = making.result() if making.done else None  # a fault of ours before anything is sent is a 500
        await out.begin({"content-type": EVENTS, **_headers(asked, made)})
        writer = self._form.writer(request_id, created, asked, made.model if made else asked.alias.name)
        opened = False
        while not making.done:
            words = making.take()
            if words:
                await out.write(writer.words(words) if opened else writer.opening() + writer.words(words))
                opened = True
            else:
                await out.write(WORKING)
            await making.stir(WORKING_SECONDS)
        try:
            made = making.result()
        except Exception as fault:
            log.error("request.broke", route=self.path, error=type(fault).__name__, at=where(fault))
            await out.end(writer.broken(Fault(500, "Something went wrong here; it has been logged.")))
            return
        reply = reply_to(asked, made, request_id, created)
        if not opened:
            writer = self._form.writer(request_id, created, asked, made.model)
            await out.write(writer.opening())
        if ending is None:
            await out.write_all(writer.words(piece) for piece in few_words(reply.text))
        elif not made.cut:
            ending.finish()
        if words := making.take():
            await out.write(writer.words(words))
        if made.cut:
            sentence = "The provider ended in the middle of the answer; what came is not whole."
            await out.end(writer.broken(Fault(502, sentence, code="stream_cut")))
        else:
            await out.end(writer.closing(reply))


async def _generated(work: Coroutine[Any, Any, Generation]) -> Generation:
    made = await work
    count_attempts(made.attempts)
    return made


def _work(
    ccos: Ccos, caller: Caller, asked: Asked, pii: PiiClass, relay: Relay | None
) -> Coroutine[Any, Any, Generation]:
    context = asked.context(caller.tenant, ccos.settings.mode, pii, relay)
    prompt = asked.prompt(caller.tenant)
    return _generated(ccos.service.generate_with_fallback(prompt, context, asked.extras.required_quality))


def _headers(asked: Asked, made: Generation | None) -> Mapping[str, bytes]:
    """What is known when the headers go out; the last event of a stream says all of it."""
    known = {"x-ccos-requested-model": asked.alias.name}
    if made is not None:
        known |= generation_headers(made, asked.extras.cache)
    return {name: value.encode("latin-1") for name, value in known.items()}
