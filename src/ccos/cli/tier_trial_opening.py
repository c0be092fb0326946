"""Opens what a trial of the tiers needs: the tiers asked for, their money, and the knowledge they search."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from ccos import sample
from ccos.cli.tenancy import tenant_for
from ccos.cli.tier_trial import Trial, Watching
from ccos.cli.tier_trial_purse import Purse
from ccos.domain.errors import CcosError
from ccos.domain.evidence import EvidenceKind
from ccos.domain.money import MicroUsd, micro_usd
from ccos.domain.tenant import Tenant
from ccos.domain.tier import Tier
from ccos.knowledge.formats import Options
from ccos.knowledge.importing import import_path
from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.search import Searcher
from ccos.learning.tier_report import TierState
from ccos.quality.gate import Gate
from ccos.settings import Settings
from ccos.tiers.budget import Budget, MemoryBudget
from ccos.tiers.daily_budget import DailyBudget
from ccos.tiers.daily_ledger import DailyLedger
from ccos.tiers.provider import Provider
from ccos.tiers.service import MultiTierLLMService
from ccos.wiring.database import open_database, open_owner, open_urls
from ccos.wiring.models import Served, with_models_in_service
from ccos.wiring.providers import open_providers

LOAD_SECONDS = 120.0
_INDEX_SECONDS = 60.0
_SURE = 0.99
"""What the tier on trial is said to be worth: it is planned, whatever is known of it."""
_FREE = MicroUsd(1)
"""Where nobody is paid; with nothing at all the day's money would count as spent."""

WHAT_TO_SET = {
    Tier.CLOUD_PREMIUM: "OPENAI_API_KEY or ANTHROPIC_API_KEY",
    Tier.LOCAL_MINIMAX: "MINIMAX_MODEL_PATH or MINIMAX_BASE_URL",
    Tier.LOCAL_TINYLLAMA: "TINYLLAMA_MODEL_PATH or TINYLLAMA_BASE_URL",
}


async def open_trial(
    settings: Settings,
    tiers: Sequence[Tier],
    gate: Gate,
    stack: AsyncExitStack,
    *,
    seconds: float,
    spend_at_most_usd: Decimal,
    kb: Path | None = None,
    slug: str | None = None,
) -> Trial:
    """Opens the tiers that were asked for and the knowledge they search, in a folder of its own.

    The database is opened only when somebody can be billed: the day's limit stands there, and the tenant
    `slug` (left out: `default`) pays.
    """
    home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ccos-eval-")))
    in_force = with_models_in_service(settings)
    providers, models = await open_providers(in_force, stack, tiers=tiers, state_dir=home)
    budget: Budget = MemoryBudget(_FREE)
    ledger: DailyLedger | None = None
    payer: UUID | None = None
    if any(p.card.paid for p in providers if p.card.tier in tiers):
        payer, day, ledger = await _books(settings, slug, stack)
        budget = Purse(day, micro_usd(spend_at_most_usd))
    tenant = Tenant(id=uuid4(), slug="evaluation", name="Evaluation", settings=sample.settings())
    searcher = await sample_knowledge(tenant, home, stack, kb)
    unusable = await _loaded(models)
    watching = Watching(gate)
    rules = [p for p in providers if p.card.tier is Tier.RULE_BASED]
    services: dict[Tier, MultiTierLLMService] = {}
    states: list[TierState] = []
    for tier in tiers:
        mine = [p for p in providers if p.card.tier is tier]
        states.append(_state(tier, mine, unusable))
        if states[-1].why is None:
            members = mine if tier is Tier.RULE_BASED else [*mine, *rules]
            services[tier] = MultiTierLLMService(
                members, watching, budget, ledger=ledger, thresholds={**settings.thresholds, tier: _SURE}
            )
    return Trial(tuple(states), services, watching, tenant, searcher, seconds, payer, [])


def _state(tier: Tier, mine: Sequence[Provider], unusable: Mapping[str, str]) -> TierState:
    names = tuple(f"{p.card.name} ({p.card.model})" for p in mine)
    if not mine:
        setting = WHAT_TO_SET[tier]
        return TierState(tier, (), f"It is not configured: set {setting}.", setting)
    faults = [unusable[p.card.name] for p in mine if p.card.name in unusable]
    return TierState(tier, names, faults[0] if len(faults) == len(mine) else None)


async def _loaded(models: Sequence[Served]) -> dict[str, str]:
    """Waits for models that are being loaded; by name, why some cannot be."""

    async def why(model: Served) -> str | None:
        try:
            await model.endpoint(seconds=LOAD_SECONDS)
        except CcosError as fault:
            return fault.sentence
        return None

    found = await asyncio.gather(*map(why, models))
    return {model.plan.name: fault for model, fault in zip(models, found, strict=True) if fault}


async def _books(
    settings: Settings, slug: str | None, stack: AsyncExitStack
) -> tuple[UUID, DailyBudget, DailyLedger]:
    """Who pays, the day's money, and the ledger of calls: the product's own."""
    urls = await open_urls(settings, stack)
    database = await open_database(urls, stack)
    payer = await tenant_for(await open_owner(urls, stack), slug)
    zone = ZoneInfo(settings.timezone)
    limit = micro_usd(settings.daily_llm_cost_limit)
    day = DailyBudget(database, limit, zone, enforced=settings.enable_cost_based_fallback)
    stack.push_async_callback(day.close)
    ledger = DailyLedger(database, zone)
    stack.push_async_callback(ledger.close)
    return payer.id, day, ledger


async def sample_knowledge(tenant: Tenant, home: Path, stack: AsyncExitStack, kb: Path | None) -> Searcher:
    """A search over the sample shop's knowledge, or over the files at `kb`."""
    shelf = MemoryShelf()
    if kb is not None:
        await import_path(kb, shelf, tenant.id)
    else:
        with sample.kb_folder() as folder, sample.cases_path() as cases:
            await import_path(folder, shelf, tenant.id)
            await import_path(cases, shelf, tenant.id, options=Options(kind=EvidenceKind.CASE))
    searcher = Searcher(shelf, home, patience_seconds=_INDEX_SECONDS)
    stack.push_async_callback(searcher.aclose)
    await searcher.search(tenant.id, ["문의"], pool="kb", limit=1, now=datetime.now(UTC))
    return searcher
