"""Readiness is told in time, also where the database says nothing at all."""

from __future__ import annotations

import asyncio
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ccos.api import health
from ccos.wiring import Ccos


async def test_a_database_that_says_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    stopped = asyncio.Event()

    async def frozen(_: Any) -> list[str]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # to hang up takes a moment too
            stopped.set()
            raise
        return []

    monkeypatch.setattr(health.checks, "problems", frozen)
    monkeypatch.setattr(health, "READY_SECONDS", 0.01)
    answer = await health.ready(cast(Ccos, SimpleNamespace(database=None)))
    assert answer.status_code == 503 and answer.headers["retry-after"]
    assert json.loads(bytes(answer.body))["code"] == "store.unavailable"
    await stopped.wait()
