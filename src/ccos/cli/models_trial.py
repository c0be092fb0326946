"""A model's drafts of sample and real tickets, through the real gate; nothing of them is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from ccos import sample
from ccos.cli.eval_tiers import gate_in_use
from ccos.cli.tenancy import tenant_for
from ccos.cli.tier_trial import GoldOf, Trial, Watching
from ccos.cli.tier_trial_opening import LOAD_SECONDS, sample_knowledge
from ccos.domain.money import MicroUsd
from ccos.domain.tenant import Tenant
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from ccos.knowledge.postgres import PostgresShelf
from ccos.knowledge.search import Searcher
from ccos.learning.tier_report import Asked
from ccos.providers.rules import RuleBased
from ccos.settings import Settings
from ccos.store import tickets as stored
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.service import MultiTierLLMService
from ccos.wiring.database import open_database, open_owner, open_urls
from ccos.wiring.providers import open_file, tuned

_SURE = 0.99
"""What the tier on trial is said to be worth, so that it is asked whatever is known of it."""


@dataclass(frozen=True, slots=True)
class Course:
    """Tickets to draft, with what is known for them to stand on."""

    tenant: Tenant
    searcher: Searcher
    tickets: Sequence[Ticket]
    gold: GoldOf


async def golden_course(home: Path, most: int, stack: AsyncExitStack) -> Course:
    """The sample shop, spread over all its kinds of tickets."""
    tenant = Tenant(id=uuid4(), slug="evaluation", name="Evaluation", settings=sample.settings())
    searcher = await sample_knowledge(tenant, home / "golden", stack, None)
    known = sample.tickets()
    count = min(most, len(known))
    chosen = [known[n * len(known) // count] for n in range(count)]
    return Course(tenant, searcher, chosen, {each.external_id: each for each in sample.gold()})


async def shadow_course(
    settings: Settings, home: Path, most: int, slug: str | None, stack: AsyncExitStack
) -> Course:
    """A tenant's newest tickets, and its own knowledge. Raises StoreError, UnknownTenant."""
    urls = await open_urls(settings, stack)
    database = await open_database(urls, stack)
    tenant = await tenant_for(await open_owner(urls, stack), slug)
    async with database.tenant(tenant.id) as tx:
        newest = (await stored.page(tx, limit=most)).tickets
    searcher = Searcher(PostgresShelf(database), home / "shadow")
    stack.push_async_callback(searcher.aclose)
    named = [ticket.model_copy(update={"external_id": ticket.id}) for ticket in newest]
    return Course(tenant, searcher, named, {})


async def drafted(
    settings: Settings,
    tier: Tier,
    path: Path,
    courses: Sequence[Course],
    *,
    seconds: float,
    on_draft: Callable[[], None],
) -> list[list[Asked]]:
    """What became of each course's tickets with the model at `path` as the tier. Raises ModelUnusable."""
    found: list[list[Asked]] = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ccos-trial-")))
        provider, model = await open_file(settings, stack, tier, path, state_dir=folder)
        await model.endpoint(seconds=LOAD_SECONDS)
        watching = Watching(gate_in_use())
        service = MultiTierLLMService(
            [tuned(settings, provider), RuleBased()],
            watching,
            MemoryBudget(MicroUsd(1)),
            thresholds={**settings.thresholds, tier: _SURE},
        )
        for course in courses:
            trial = Trial((), {tier: service}, watching, course.tenant, course.searcher, seconds, None, [])
            made = []
            for ticket in course.tickets:
                made.append(await trial.draft(tier, ticket, course.gold.get(ticket.external_id or "")))
                on_draft()
            found.append(made)
    return found
