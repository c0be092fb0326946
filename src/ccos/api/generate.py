"""The multi-tier call itself, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, field_validator
from pydantic_core import PydanticCustomError

from ccos.api.caller import Opened, Writer
from ccos.api.headers import generation_headers
from ccos.api.instructions import SYSTEM
from ccos.api.leaving import unless_left
from ccos.api.metrics import count_attempts
from ccos.domain.draft import Attempt, Check
from ccos.domain.evidence import Evidence, for_writing
from ccos.domain.prompt import Grounds, Language, Prompt, Turn
from ccos.domain.ticket import PiiClass, Text, Ticket
from ccos.domain.tier import Mode, Task, Tier
from ccos.quality import checks
from ccos.quality.pii import classify
from ccos.quality.schemas import flaw
from ccos.tiers.request import Context

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/api", tags=["generate"])

LONG_CHARACTERS = 50_000
"""Above it a text is searched for personal data in a thread, so that other requests need not wait for it."""


class GenerateIn(BaseModel):
    """`ticket` and `evidence` are what the answer may stand on; the gate checks against them."""

    prompt: Text = Field(min_length=1)
    task: Task = Task.SOLUTION_DRAFT
    system: Text | None = None
    ticket: Ticket | None = None
    evidence: list[Evidence] = Field(default_factory=list, max_length=20)
    language: Language = "ko"
    json_schema: dict[str, Any] | None = Field(
        None, description="Makes the answer one JSON object of this shape"
    )
    required_quality: float | None = Field(None, ge=0, le=1)
    max_retries: int = Field(3, ge=0, le=3)
    max_tokens: int = Field(800, ge=1, le=8_192)
    mode: Mode | None = None
    seconds: float = Field(20.0, gt=0, le=600)

    @field_validator("json_schema")
    @classmethod
    def _is_a_schema(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        if schema is not None and (said := flaw(schema)):
            raise PydanticCustomError("schema_invalid", "{said}", {"said": said.removesuffix(".")})
        return schema


class GenerateOut(BaseModel):
    response: str
    tier: Tier
    quality_score: float
    scorer: str
    latency: float = Field(description="Seconds")
    cost: float = Field(description="USD, refused and failed attempts included")
    fallback_used: bool
    degraded: bool
    accepted: bool
    certified: bool = Field(description="Whether labels certify the quality that was required")
    reason: str
    provider: str
    model: str
    attempts: list[Attempt]
    checks: list[Check]


@router.post("/generate", summary="Generate through the tiers")
async def generate(
    wish: GenerateIn, caller: Writer, ccos: Opened, request: Request, response: Response
) -> GenerateOut:
    """An answer from the best tier that gave one; never an error because a tier is down."""
    ticket = wish.ticket or Ticket(description=wish.prompt)
    prompt = Prompt(
        task=wish.task,
        system=wish.system or SYSTEM[wish.language],
        turns=(Turn("user", wish.prompt),),
        grounds=Grounds(
            ticket=ticket,
            evidence=for_writing(wish.evidence),
            language=wish.language,
            settings=caller.tenant.settings,
        ),
        schema=wish.json_schema,
        max_tokens=wish.max_tokens,
    )
    context = Context(
        tenant_id=caller.tenant.id,
        mode=wish.mode or ccos.settings.mode,
        seconds=wish.seconds,
        pii=await pii_of("\n".join(_written(wish, ticket))),
        cloud_allowed=caller.tenant.settings.cloud_allowed,
        source="api",
    )
    work = ccos.service.generate_with_fallback(prompt, context, wish.required_quality, wish.max_retries)
    made = await unless_left(request.receive, work)
    count_attempts(made.attempts)
    response.headers.update(generation_headers(made))
    return GenerateOut(
        response=made.response,
        tier=made.tier,
        quality_score=made.quality_score,
        scorer=made.verdict.scorer,
        latency=made.latency,
        cost=made.cost,
        fallback_used=made.fallback_used,
        degraded=made.degraded,
        accepted=made.accepted,
        certified=made.certified,
        reason=made.reason,
        provider=made.provider,
        model=made.model,
        attempts=list(made.attempts),
        checks=list(checks(made.verdict, prompt)),
    )


async def pii_of(text: str) -> PiiClass:
    """What may happen to a text. Recognisers that fail close the cloud for it, not the answer."""
    try:
        return classify(text) if len(text) <= LONG_CHARACTERS else await asyncio.to_thread(classify, text)
    except Exception as fault:
        log.warning("privacy.unreadable", error=type(fault).__name__)
        return "unreadable"


def _written(wish: GenerateIn, ticket: Ticket) -> list[str]:
    found = (f"{one.title}\n{one.snippet}" for one in for_writing(wish.evidence))
    return [wish.system or "", wish.prompt, ticket.whole_text, *found]
