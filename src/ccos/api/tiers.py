"""The four tiers: what each is made of, what is required of it, and how it is now."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ccos.api.caller import AnyCaller, Opened
from ccos.api.health import health_now
from ccos.domain.prompt import ProviderCard
from ccos.domain.tenant import Role
from ccos.domain.tier import REQUIRED_QUALITY, Mode, Tier
from ccos.wiring import Ccos

router = APIRouter(prefix="/api/tiers", tags=["tiers"])


class ProviderOut(BaseModel):
    """A provider as it is configured, and as it is now."""

    provider: str
    model: str
    status: str = Field(description="healthy, unhealthy or disabled, as in GET /api/health/llm-tiers")
    error: str | None = Field(description="A stable code, when it is not healthy")
    message: str | None = Field(
        description="A sentence for people; folders in it show to administrators only"
    )
    notice: str | None = Field(description="Why another model that was chosen does not serve")
    paid: bool
    leaves_machine: bool = Field(description="Texts leave this network: they go there masked")
    context_tokens: int = Field(description="Tokens it reads, prompt and answer")
    slots: int | None = Field(description="Answers at once; null: the limit finds itself")
    in_flight: int
    waiting: int
    servers: list[dict[str, Any]] = Field(description="Of a tier that several servers work for: each of them")
    local: dict[str, Any] | None = Field(description="Of a model that runs here: its process")


class TierOut(BaseModel):
    tier: Tier
    name: str
    status: str
    threshold: float = Field(description="TIER_n_THRESHOLD: share of its drafts that are expected to be good")
    providers: list[ProviderOut] = Field(description="In the order they are asked; empty: none is configured")


class TiersOut(BaseModel):
    mode: Mode = Field(description="CCOS_MODE: how plans are made where a request does not say")
    multi_tier: bool = Field(description="LLM_ENABLE_MULTI_TIER: off, one tier is asked before the rules")
    required_quality: dict[str, float] = Field(description="Of each task, the quality an answer must have")
    tiers: list[TierOut]


@router.get("", summary="The tiers")
async def read(caller: AnyCaller, ccos: Opened) -> TiersOut:
    """What the four tiers are made of and how they are. From memory: nobody is asked, nothing is spent.

    Every role may read it. Administrators also read where model files lie and which adapters are loaded.
    """
    admin = caller.role is Role.ADMIN
    document, settings = health_now(ccos, with_paths=admin), ccos.settings
    own = settings.llm_tier_threshold
    return TiersOut(
        mode=settings.mode,
        multi_tier=settings.llm_enable_multi_tier,
        required_quality={
            task.value: known if own is None else own for task, known in REQUIRED_QUALITY.items()
        },
        tiers=[_tier(ccos, tier, document["tiers"][tier.value], admin=admin) for tier in Tier],
    )


def _tier(ccos: Ccos, tier: Tier, told: dict[str, Any], *, admin: bool) -> TierOut:
    cards = [card for card in ccos.service.cards if card.tier is tier]
    pairs = zip(cards, told["providers"], strict=True)
    return TierOut(
        tier=tier,
        name=tier.name,
        status=told["status"],
        threshold=ccos.settings.thresholds[tier],
        providers=[_provider(ccos, card, each, admin=admin) for card, each in pairs],
    )


def _provider(ccos: Ccos, card: ProviderCard, told: dict[str, Any], *, admin: bool) -> ProviderOut:
    local = told.get("local")
    if local is not None and admin:
        model = next(each for each in ccos.models if each.plan.name == card.name)
        local = local | {"path": str(model.plan.path), "adapter_names": list(model.status.adapters)}
    return ProviderOut(
        provider=card.name,
        model=told["model"],
        status=told["status"],
        error=told.get("error"),
        message=told.get("message"),
        notice=told.get("notice"),
        paid=card.paid,
        leaves_machine=card.leaves_machine,
        context_tokens=card.context_tokens,
        slots=card.slots,
        in_flight=told.get("in_flight", 0),
        waiting=told.get("waiting", 0),
        servers=told.get("servers", []),
        local=local,
    )
