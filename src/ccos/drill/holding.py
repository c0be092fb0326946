"""Sets the scene: the settings' providers, one tier of them breakable, everything else in memory."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from uuid import uuid4

from ccos import sample
from ccos.domain.errors import BadInput
from ccos.domain.evidence import EvidenceKind
from ccos.domain.money import MicroUsd, micro_usd, usd
from ccos.domain.tenant import Tenant
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode, Tier
from ccos.drill.clock import DrillClock
from ccos.drill.faults import Fault
from ccos.drill.faulty import Faulty
from ccos.drill.money import DrillBudget
from ccos.drill.records import Part, Record
from ccos.drill.rehearsal import Drafter, Lengths, Rehearsal
from ccos.drill.simulated import NAME, SimulatedCloud
from ccos.knowledge.formats import Options
from ccos.knowledge.importing import import_path
from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.search import Searcher
from ccos.quality.pii import classify
from ccos.settings import Settings
from ccos.tiers.provider import Provider
from ccos.tiers.service import MultiTierLLMService
from ccos.wiring.learning import open_gate
from ccos.wiring.models import with_models_in_service
from ccos.wiring.providers import open_providers, wait_until_loaded

LOAD_SECONDS = 120.0
_INDEX_SECONDS = 60.0
_PLAY_MONEY = micro_usd(Decimal(1_000))

_WHAT_TO_SET = {
    Tier.CLOUD_PREMIUM: "OPENAI_API_KEY or ANTHROPIC_API_KEY",
    Tier.LOCAL_MINIMAX: "MINIMAX_MODEL_PATH or MINIMAX_BASE_URL",
    Tier.LOCAL_TINYLLAMA: "TINYLLAMA_MODEL_PATH or TINYLLAMA_BASE_URL",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be rehearsed. `tickets` is how many different ones are used, in each phase the same."""

    tier: Tier
    mode: Mode
    seconds: float
    concurrency: int
    tickets: int
    spend_at_most_usd: Decimal
    simulate: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything a drill needs, opened; nothing of it is shared with the product that serves."""

    wish: Wish
    settings: Settings
    providers: tuple[Provider, ...]
    faulty: tuple[Faulty, ...]
    parts: tuple[Part, ...]
    tenant: Tenant
    searcher: Searcher
    clock: DrillClock
    limit: MicroUsd
    budget: DrillBudget

    @property
    def may_cost(self) -> bool:
        """Whether anybody can be billed."""
        return any(part.paid and not part.simulated for part in self.parts)

    def record(self) -> Record:
        wish = self.wish
        return Record(
            tier=wish.tier,
            mode=wish.mode,
            seconds=wish.seconds,
            concurrency=wish.concurrency,
            began_at=datetime.now(UTC),
            spend_at_most_usd=usd(self.limit),
            parts=self.parts,
        )

    async def rehearse(
        self, record: Record, faults: Sequence[Fault], lengths: Lengths, on_draft: Callable[[], None]
    ) -> None:
        """Fills `record` as it goes: what was done is there even when it is cancelled."""
        workflow = await asyncio.to_thread(import_module, "ccos.agents.orchestrator")

        def new_drafter() -> Drafter:
            settings = self.settings
            judge = open_gate(settings)
            service = MultiTierLLMService(
                self.providers,
                judge.gate,
                self.budget,
                thresholds=settings.thresholds,
                required_quality=settings.llm_tier_threshold,
                one_tier=not settings.llm_enable_multi_tier,
                clock=self.clock,
            )
            drafter: Drafter = workflow.Orchestrator(service, self.searcher, classify, clock=self.clock)
            return drafter

        rehearsal = Rehearsal(
            record,
            new_drafter=new_drafter,
            faulty=self.faulty,
            tenant=self.tenant,
            tickets=spread(sample.tickets(), self.wish.tickets),
            clock=self.clock,
            spent_usd=lambda: usd(self.budget.spent) if self.may_cost else 0.0,
            on_draft=on_draft,
        )
        await rehearsal.run(faults, lengths)


async def open_scene(settings: Settings, wish: Wish, stack: AsyncExitStack) -> Scene:
    """Opens providers and the sample shop's knowledge; waits for local models that are being loaded.

    Raises BadInput when the tier has no provider and none is simulated.
    """
    # Model logs and indexes of a product that is serving stay untouched; what is set there holds here.
    home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ccos-drill-")))
    found, models = await open_providers(with_models_in_service(settings), stack, state_dir=home)
    clock = DrillClock()
    parts: list[Part] = []
    providers: list[Provider] = []
    others_paid = any(p.card.paid and p.card.tier is not wish.tier for p in found)
    if wish.simulate:
        stand_in = SimulatedCloud(wish.tier, paid=wish.tier is Tier.CLOUD_PREMIUM and not others_paid)
        found = [stand_in, *(p for p in found if p.card.tier is not wish.tier)]
    for provider in sorted(found, key=lambda p: p.card.tier.rank):
        card = provider.card
        parts.append(Part(card.tier, card.name, card.model, card.paid, card.credential == NAME))
        providers.append(Faulty(provider, clock) if card.tier is wish.tier else provider)
    faulty = tuple(p for p in providers if isinstance(p, Faulty))
    if not faulty:
        raise BadInput(
            f"{wish.tier.value} has no provider to rehearse an outage of; set {_WHAT_TO_SET[wish.tier]}, "
            "or add --simulate to put a simulated one in its place."
        )
    tenant = Tenant(id=uuid4(), slug="drill", name="Drill", settings=sample.settings())
    searcher = await _knowledge(tenant, home, stack)
    await wait_until_loaded(models, seconds=LOAD_SECONDS)
    limit = _limit(wish, settings)
    return Scene(
        wish,
        settings,
        tuple(providers),
        faulty,
        tuple(parts),
        tenant,
        searcher,
        clock,
        limit,
        DrillBudget(
            limit if any(part.paid and not part.simulated for part in parts) else _PLAY_MONEY,
            lambda: sum(call.imagined for each in faulty for call in each.calls),
        ),
    )


def _limit(wish: Wish, settings: Settings) -> MicroUsd:
    """What the drill may spend: never more than the day's limit."""
    if not settings.enable_cost_based_fallback:
        return micro_usd(wish.spend_at_most_usd)
    return micro_usd(min(wish.spend_at_most_usd, settings.daily_llm_cost_limit))


async def _knowledge(tenant: Tenant, home: Path, stack: AsyncExitStack) -> Searcher:
    shelf = MemoryShelf()
    with sample.kb_folder() as folder, sample.cases_path() as cases:
        await import_path(folder, shelf, tenant.id)
        await import_path(cases, shelf, tenant.id, options=Options(kind=EvidenceKind.CASE))
    searcher = Searcher(shelf, home, patience_seconds=_INDEX_SECONDS)
    stack.push_async_callback(searcher.aclose)
    await searcher.search(tenant.id, ["문의"], pool="kb", limit=1, now=datetime.now(UTC))
    return searcher


def spread(tickets: Sequence[Ticket], wanted: int) -> list[Ticket]:
    """`wanted` tickets taken evenly from all of them, so that few still show every kind."""
    count = min(wanted, len(tickets))
    return [tickets[n * len(tickets) // count] for n in range(count)]
