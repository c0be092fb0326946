"""The whole product, opened and closed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from importlib import import_module
from zoneinfo import ZoneInfo

from ccos.agents.drafting import Drafter, Drafting
from ccos.agents.job import Job, OnStage
from ccos.agents.ports import Generator, Search
from ccos.domain.draft import Draft
from ccos.domain.money import MicroUsd, micro_usd
from ccos.knowledge.postgres import PostgresShelf
from ccos.knowledge.search import Searcher
from ccos.local.supervisor import LocalModel
from ccos.quality.gate import Gate
from ccos.quality.pii import classify
from ccos.settings import Settings
from ccos.store.database import Database
from ccos.store.jobs import defer_draft
from ccos.tiers.daily_budget import DailyBudget
from ccos.tiers.service import MultiTierLLMService
from ccos.wiring.database import Urls, open_database, open_urls
from ccos.wiring.providers import open_providers, wait_until_loaded

UNLIMITED_USD = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Ccos:
    """Everything a face of the product may need, opened."""

    settings: Settings
    urls: Urls
    database: Database
    service: MultiTierLLMService
    budget: DailyBudget
    shelf: PostgresShelf
    searcher: Searcher
    drafting: Drafting
    models: tuple[LocalModel, ...]


@asynccontextmanager
async def open_ccos(
    settings: Settings, *, load_seconds: float = 0.0, on_draft: Callable[[Draft], None] | None = None
) -> AsyncIterator[Ccos]:
    """All of CCOS, for as long as the context lasts. `load_seconds`: how long to wait for local models;
    `on_draft` hears of every draft that was made, to count it.

    Raises StoreError with what to do when the database cannot be used; a model or a cloud that cannot be
    used is no error here, its tier is skipped.
    """
    async with AsyncExitStack() as stack:
        urls = await open_urls(settings, stack)
        database = await open_database(urls, stack)
        providers, models = await open_providers(settings, stack)
        budget = DailyBudget(database, _daily_limit(settings), ZoneInfo(settings.timezone))
        service = MultiTierLLMService(
            providers,
            Gate(),
            budget,
            thresholds=settings.thresholds,
            required_quality=settings.llm_tier_threshold,
            one_tier=not settings.llm_enable_multi_tier,
        )
        shelf = PostgresShelf(database)
        searcher = Searcher(shelf, settings.folder)
        stack.push_async_callback(searcher.aclose)
        drafting = Drafting(
            database, LazyDrafter(service, searcher, on_draft), defer_draft, mode=settings.mode
        )
        if load_seconds:
            await wait_until_loaded(models, seconds=load_seconds)
        yield Ccos(settings, urls, database, service, budget, shelf, searcher, drafting, tuple(models))


class LazyDrafter:
    """Imports the workflow, and LangGraph with it, for the first draft: about 1.5 s of CPU, in a thread."""

    def __init__(
        self, generator: Generator, search: Search, on_draft: Callable[[Draft], None] | None = None
    ) -> None:
        self._generator = generator
        self._search = search
        self._on_draft = on_draft
        self._inner: Drafter | None = None

    async def draft(self, job: Job, on_stage: OnStage | None = None) -> Draft:
        if self._inner is None:
            workflow = await asyncio.to_thread(import_module, "ccos.agents.orchestrator")
            self._inner = workflow.Orchestrator(self._generator, self._search, classify)
        draft = await self._inner.draft(job, on_stage)
        if self._on_draft is not None:
            self._on_draft(draft)
        return draft


def _daily_limit(settings: Settings) -> MicroUsd:
    limit = settings.daily_llm_cost_limit if settings.enable_cost_based_fallback else UNLIMITED_USD
    return micro_usd(limit)
