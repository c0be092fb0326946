"""The whole product, opened and closed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from uuid import UUID
from zoneinfo import ZoneInfo

from ccos.agents.drafting import Drafter, Drafting
from ccos.agents.job import Job, OnStage
from ccos.agents.ports import Experiments, Generator, Search
from ccos.domain.draft import Draft
from ccos.domain.money import micro_usd
from ccos.knowledge.postgres import PostgresShelf
from ccos.knowledge.search import Searcher, Source
from ccos.quality.pii import classify
from ccos.quality.promises import models_line
from ccos.settings import Settings
from ccos.store.database import Database
from ccos.store.jobs import defer_batch, defer_draft, hurry_draft
from ccos.tiers.cache import AnswerCache
from ccos.tiers.daily_budget import DailyBudget
from ccos.tiers.daily_ledger import DailyLedger
from ccos.tiers.service import MultiTierLLMService
from ccos.wiring.breakers import open_board
from ccos.wiring.database import Urls, open_database, open_urls
from ccos.wiring.embedding import open_embedder
from ccos.wiring.experiments import Enrolling, predicted_by
from ccos.wiring.learning import Learning, open_gate, open_learning
from ccos.wiring.models import Served, answering
from ccos.wiring.opensearch import open_elsewhere
from ccos.wiring.opinions import open_opinion
from ccos.wiring.premium import premium_cost, warm_prices
from ccos.wiring.progress import Followed
from ccos.wiring.providers import open_providers, wait_until_loaded
from ccos.wiring.vectors import Vectors, make_vectors, vectors_model


@dataclass(frozen=True, slots=True)
class Ccos:
    """Everything a face of the product may need, opened."""

    settings: Settings
    urls: Urls
    database: Database
    service: MultiTierLLMService
    budget: DailyBudget
    ledger: DailyLedger
    shelf: PostgresShelf
    searcher: Searcher
    drafting: Drafting
    models: tuple[Served, ...]
    learning: Learning
    vectors: Vectors | None


@asynccontextmanager
async def open_ccos(
    settings: Settings,
    *,
    load_seconds: float = 0.0,
    on_draft: Callable[[Draft], None] | None = None,
    on_search: Callable[[Source], None] | None = None,
) -> AsyncIterator[Ccos]:
    """All of CCOS, for as long as the context lasts. `load_seconds`: how long to wait for local models;
    `on_draft` hears of every draft that was made, to count it, and `on_search` of what answered each search.

    Raises StoreError with what to do when the database cannot be used; a model or a cloud that cannot be
    used is no error here, its tier is skipped.
    """
    async with AsyncExitStack() as stack:
        urls = await open_urls(settings, stack)
        database = await open_database(urls, stack)
        budget, ledger = _books(settings, database, stack)
        providers, models = await open_providers(settings, stack)
        cache = AnswerCache()
        judge = open_gate(settings)

        def models_for(tenant_id: UUID | None) -> str:
            return models_line(answering(providers, models, tenant_id))

        reading = await open_embedder(settings, budget, stack, ledger) if vectors_model(settings) else None
        embedder = None if reading is None else reading[0]
        learning = await open_learning(database, judge, models_for, stack, on_change=cache.forget)
        service = MultiTierLLMService(
            providers,
            judge.gate,
            budget,
            board=await open_board(providers, database, stack),
            thresholds=settings.thresholds,
            required_quality=settings.llm_tier_threshold,
            one_tier=not settings.llm_enable_multi_tier,
            ledger=ledger,
            predictor=learning.counts,
            decisions=learning.decisions,
            explore=settings.explore,
            cache=cache,
            opinion=await open_opinion(settings, judge.promises, budget, stack, embedder),
            premium=premium_cost(settings),
        )
        shelf = PostgresShelf(database)
        vectors = None if embedder is None else make_vectors(settings, database, shelf, embedder)
        if vectors is not None:
            stack.push_async_callback(vectors.dense.aclose)
        searcher = Searcher(
            shelf,
            settings.folder,
            on_change=cache.forget,
            on_search=on_search,
            keep_up=True,
            elsewhere=await open_elsewhere(settings, shelf, database, stack, cache.forget),
            dense=None if vectors is None else vectors.dense,
        )
        stack.push_async_callback(searcher.aclose)
        enrolling = Enrolling(database, lambda: service.cards, predicted_by(learning.counts))
        followed = Followed(LazyDrafter(service, searcher, on_draft, enrolling), database)
        stack.push_async_callback(followed.aclose)
        drafting = Drafting(
            database,
            followed,
            defer_draft,
            mode=settings.mode,
            defer_batch=defer_batch,
            hurry=hurry_draft,
        )
        if load_seconds:
            await wait_until_loaded(models, seconds=load_seconds)
        yield Ccos(
            settings,
            urls,
            database,
            service,
            budget,
            ledger,
            shelf,
            searcher,
            drafting,
            tuple(models),
            learning,
            vectors,
        )


class LazyDrafter:
    """Imports the workflow, and LangGraph with it, for the first draft: about 1.5 s of CPU, in a thread.

    That time is the draft's own: its deadline does not move.
    """

    def __init__(
        self,
        generator: Generator,
        search: Search,
        on_draft: Callable[[Draft], None] | None = None,
        experiments: Experiments | None = None,
    ) -> None:
        self._generator = generator
        self._search = search
        self._on_draft = on_draft
        self._experiments = experiments
        self._inner: Drafter | None = None

    async def draft(self, job: Job, on_stage: OnStage | None = None) -> Draft:
        if self._inner is None:
            begun = time.monotonic()
            workflow = await asyncio.to_thread(import_module, "ccos.agents.orchestrator")
            self._inner = workflow.Orchestrator(
                self._generator, self._search, classify, experiments=self._experiments
            )
            job = replace(job, seconds=max(job.seconds - (time.monotonic() - begun), 0.0))
        draft = await self._inner.draft(job, on_stage)
        if self._on_draft is not None:
            self._on_draft(draft)
        return draft


def _books(settings: Settings, database: Database, stack: AsyncExitStack) -> tuple[DailyBudget, DailyLedger]:
    """The day's money and the ledger of calls: closed after everyone who spends, before the database."""
    zone = ZoneInfo(settings.timezone)
    limit = micro_usd(settings.daily_llm_cost_limit)
    budget = DailyBudget(database, limit, zone, enforced=settings.enable_cost_based_fallback)
    stack.push_async_callback(budget.close)
    ledger = DailyLedger(database, zone)
    stack.push_async_callback(ledger.close)
    warming = asyncio.create_task(warm_prices(), name="warm-prices")
    stack.callback(warming.cancel)
    return budget, ledger
