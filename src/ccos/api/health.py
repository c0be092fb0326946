"""Health: of the process, of what it needs, of the tiers. Answered from memory wherever it can be."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, generate_latest

from ccos.api.caller import Opened
from ccos.api.gauges import gauges_of
from ccos.api.problems import OF_EVERY_ROUTE, problem
from ccos.domain.errors import DatabaseUnavailable, StoreError
from ccos.store import checks
from ccos.tiers.health import health
from ccos.wiring import Ccos
from ccos.wiring.insides import insides, without_paths
from ccos.wiring.models import told_of_models, told_of_updates

router = APIRouter(tags=["health"])

READY_SECONDS = 2.0
"""A balancer asks every few seconds: a database that needs longer for a word is not there for it."""


def health_now(ccos: Ccos, *, with_paths: bool = False) -> dict[str, Any]:
    """The document about the tiers at this moment; only an administrator reads where files lie."""
    service, money = ccos.service, ccos.budget.level(None)
    now, at = time.monotonic(), datetime.now(UTC)
    document = health(
        service.pulses(),
        now=now,
        at=at,
        load=service.load(),
        money=money,
        notices=service.notices(),
        insides=insides(service, ccos.models, now=now, at=at),
    )
    told = told_of_updates(told_of_models(document, ccos.models), ccos.settings)
    return told if with_paths else without_paths(told, ccos.models)


@router.get("/livez", summary="Is the process alive")
async def live() -> dict[str, str]:
    """The process runs."""
    return {"status": "alive"}


@router.get("/readyz", response_model=None, summary="Can it serve", responses={503: OF_EVERY_ROUTE[503]})
async def ready(ccos: Opened) -> Response:
    """The database answers and has the right schema."""
    told = asyncio.ensure_future(_readiness(ccos))
    await asyncio.wait((told,), timeout=READY_SECONDS)
    if told.done():
        return told.result()
    told.cancel()  # not waited for: to hang up on a frozen server takes seconds too
    return problem(503, DatabaseUnavailable.code, DatabaseUnavailable.message)


async def _readiness(ccos: Ccos) -> Response:
    try:
        wrong = await checks.problems(ccos.database)
    except StoreError as fault:
        return problem(503, fault.code, fault.sentence)
    if wrong:
        return problem(503, "store.unfit", " ".join(wrong))
    return JSONResponse({"status": "ready"})


@router.get("/api/health/llm-tiers", summary="Health of the tiers")
async def llm_tiers(ccos: Opened) -> dict[str, Any]:
    """The state of the four tiers, from what calls and probes have seen. Never asks anyone.

    A tier of several servers lists them in `servers` of its provider; a model that runs here shows its
    process in `local`.
    """
    return health_now(ccos)


@router.get("/metrics", summary="Metrics for Prometheus", response_class=PlainTextResponse)
async def metrics(ccos: Opened) -> Response:
    """Counts and seconds of this process, in the text format of Prometheus."""
    return Response(generate_latest(REGISTRY) + gauges_of(ccos), media_type=CONTENT_TYPE_LATEST)
