"""Bodies that come too slowly, too large or not to their end never reach a route."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from ccos.api.limits import BodyLimit


async def _meet(
    messages: list[dict[str, Any]], headers: list[tuple[bytes, bytes]] | None = None, **bounds: Any
) -> tuple[list[bytes], list[dict[str, Any]]]:
    """What the application behind the limit read, and what was answered."""
    read: list[bytes] = []
    sent: list[dict[str, Any]] = []
    waiting = list(messages)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        read.append((await receive())["body"])

    async def receive() -> dict[str, Any]:
        if waiting:
            return waiting.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers or []}
    await BodyLimit(app, **bounds)(scope, receive, send)
    return read, sent


def _part(body: bytes, more: bool = True) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_body_in_parts_is_handed_on_in_one():
    read, sent = await _meet([_part(b"one "), _part(b"body", more=False)])
    assert (read, sent) == ([b"one body"], [])


async def test_a_body_of_exactly_the_limit_is_taken_and_one_byte_more_is_not():
    read, _ = await _meet([_part(b"x" * 10, more=False)], limit=10)
    assert read == [b"x" * 10]
    read, sent = await _meet([_part(b"x" * 10), _part(b"x")], limit=10)
    assert read == [] and sent[0]["status"] == 413


async def test_a_body_that_stops_coming_is_a_408():
    read, sent = await _meet([_part(b"half")], seconds=0.01)
    assert read == [] and sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["code"] == "input.too_slow"


@pytest.mark.parametrize("before", [[], [_part(b'{"whole": true}')]])
async def test_a_sender_who_left_is_not_answered_and_not_acted_on(before):
    assert await _meet([*before, {"type": "http.disconnect"}]) == ([], [])


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"identity, deflate", b"GZIP"])
async def test_a_compressed_body_is_a_415_that_nobody_unpacks(coding: bytes):
    read, sent = await _meet([_part(b"x", more=False)], headers=[(b"content-encoding", coding)])
    assert read == [] and sent[0]["status"] == 415
    assert json.loads(sent[1]["body"])["code"] == "encoding.unsupported"


@pytest.mark.parametrize("coding", [b"identity", b"", b" Identity "])
async def test_a_body_that_says_it_is_plain_is_taken(coding: bytes):
    read, sent = await _meet([_part(b"x", more=False)], headers=[(b"content-encoding", coding)])
    assert (read, sent) == ([b"x"], [])
