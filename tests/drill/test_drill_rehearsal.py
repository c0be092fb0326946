"""Whole drills in this process: with the simulated cloud, the rules, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ccos import sample
from ccos.domain.draft import DraftState, Outcome
from ccos.domain.errors import BadInput
from ccos.domain.money import Level, MicroUsd
from ccos.domain.tier import Mode, Tier
from ccos.drill.clock import DrillClock
from ccos.drill.faults import FAULTS
from ccos.drill.figures import by_phase, of_fault
from ccos.drill.holding import Scene, Wish, open_scene, spread
from ccos.drill.money import DrillBudget
from ccos.drill.records import Record
from ccos.drill.rehearsal import Length, Lengths
from ccos.settings import Settings

FEW = Lengths(Length(drafts=4), Length(drafts=8), Length(drafts=4))
WISH = Wish(
    tier=Tier.CLOUD_PREMIUM,
    mode=Mode.COST_FIRST,
    seconds=20.0,
    concurrency=4,
    tickets=8,
    spend_at_most_usd=Decimal("0.1"),
    simulate=True,
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return Settings(CCOS_HOME=tmp_path / "home", database_url="postgresql://nobody@127.0.0.1:9/none")


@asynccontextmanager
async def scene(settings: Settings, **wish: Any) -> AsyncIterator[Scene]:
    async with AsyncExitStack() as stack:
        yield await open_scene(settings, replace(WISH, **wish), stack)


async def drill(settings: Settings, *names: str, lengths: Lengths = FEW, **wish: Any) -> Record:
    async with scene(settings, **wish) as opened:
        record = opened.record()
        await opened.rehearse(record, [FAULTS[name] for name in names], lengths, lambda: None)
        return record


async def test_what_is_set_for_the_product_is_rehearsed(settings: Settings) -> None:
    """A `ccos.toml` in the home counts although the drill keeps its files elsewhere."""
    settings.folder.mkdir()
    servers = "".join(f"[[tier_1]]\nname = 'gpu-{n}'\nbase_url = 'http://127.0.0.1:{n}'\n" for n in (8, 9))
    (settings.folder / "ccos.toml").write_text(servers + "[[tier_2]]\nname = 'own'\nbase_url = 'http://h'\n")
    async with scene(settings) as opened:
        assert {part.name for part in opened.parts} == {"simulated", "minimax", "own", "rules"}
    assert [each.name for each in settings.folder.iterdir()] == ["ccos.toml"]


async def test_an_outage_is_answered_by_another_tier_and_ends(settings: Settings) -> None:
    record = await drill(settings, "unavailable")
    phases, [outage] = by_phase(record), record.outages
    assert {name: found.drafts for name, found in phases.items() if name != "recovery"} == {
        "before": 4, "during": 8, "after": 4,
    }  # fmt: skip
    assert phases["during"].tiers == {"tier_3": 8} and phases["during"].answered == 1.0
    assert "tier_0" in phases["before"].tiers and "tier_0" in phases["after"].tiers
    assert phases["during"].switched == 1.0 and phases["during"].switches >= 5
    assert outage.sent == 0 and outage.asked >= 5
    assert outage.rested and outage.probes == 1
    assert outage.back_seconds is not None and outage.back_seconds <= 30.0
    assert not [p for p in of_fault(record, outage) if p.verdict == "fail"]


async def test_the_same_tickets_go_through_each_phase(settings: Settings) -> None:
    record = await drill(settings, "dns", lengths=Lengths(*[Length(drafts=8)] * 3))
    tickets = {
        p: sorted(s.ticket for s in record.samples if s.phase == p) for p in ("before", "during", "after")
    }
    assert tickets["before"] == tickets["during"] == tickets["after"] and len(set(tickets["before"])) == 8


async def test_each_fault_meets_a_service_that_knows_nothing_of_the_last(settings: Settings) -> None:
    record = await drill(settings, "wrong_key", "context_too_long")
    first = next(
        s for s in record.samples if s.fault == "context_too_long" and s.phase == "during" and s.tried
    )
    assert not any(t.reason in ("key.refused", "breaker.open") for s in record.samples for t in s.tried
                   if s.fault == "context_too_long" and s.phase == "during")  # fmt: skip
    assert first.in_time and [o.fault for o in record.outages] == ["wrong_key", "context_too_long"]
    assert all(o.back_seconds is not None for o in record.outages)  # the new key is read by a restart


async def test_nothing_outside_is_written_or_connected_to(settings: Settings) -> None:
    record = await drill(settings, "reset")  # no database answers at that address
    assert all(s.in_time for s in record.samples)
    assert not (settings.folder).exists()


async def test_faults_end_with_the_outage(settings: Settings) -> None:
    async with scene(settings) as opened:
        record = opened.record()
        await opened.rehearse(record, [FAULTS["tls"]], FEW, lambda: None)
        assert all(each.fault is None for each in opened.faulty)
        later = [
            c for each in opened.faulty for c in each.calls if c.started > opened.clock() - 60 and c.sent
        ]
        assert later and all(call.answered for call in later)


async def test_a_tier_without_a_provider_is_said_in_one_sentence(settings: Settings) -> None:
    with pytest.raises(
        BadInput, match=r"tier_0 has no provider.*OPENAI_API_KEY or ANTHROPIC_API_KEY.*--simulate"
    ):
        async with scene(settings, simulate=False):
            pass
    with pytest.raises(BadInput, match=r"tier_2 has no provider.*TINYLLAMA_MODEL_PATH"):
        async with scene(settings, simulate=False, tier=Tier.LOCAL_TINYLLAMA):
            pass


async def test_a_simulated_provider_takes_the_place_of_the_tiers_own(settings: Settings) -> None:
    paid = settings.model_copy(update={"openai_api_key": None, "anthropic_api_key": None})
    async with scene(paid, tier=Tier.LOCAL_MINIMAX) as opened:
        assert [(p.tier.value, p.simulated) for p in opened.parts] == [("tier_1", True), ("tier_3", False)]
        assert not opened.may_cost


async def test_what_may_be_spent_is_never_more_than_the_day_allows(tmp_path: Path) -> None:
    given = {"CCOS_HOME": tmp_path, "openai_api_key": "sk-x", "daily_llm_cost_limit": Decimal("0.03")}
    async with scene(Settings(**given), simulate=False) as opened:
        assert opened.may_cost and opened.limit == 30_000
        assert opened.record().spend_at_most_usd == 0.03
    async with scene(Settings(**given, enable_cost_based_fallback=False), simulate=False) as opened:
        assert opened.limit == 100_000


async def test_a_stopped_drill_keeps_what_was_done(settings: Settings) -> None:
    async with scene(settings) as opened:
        record = opened.record()
        made = asyncio.Event()

        def on_draft() -> None:
            if any(s.phase == "during" for s in record.samples):
                made.set()

        work = asyncio.create_task(
            opened.rehearse(
                record, [FAULTS["no_response"]], Lengths(Length(drafts=2), Length(seconds=300), Length(drafts=2)), on_draft
            )
        )  # fmt: skip
        async with asyncio.timeout(60):
            await made.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert record.interrupted and record.samples
        assert record.outages[0].end is not None and not record.outages[0].looked
        assert all(each.fault is None for each in opened.faulty)


async def test_phases_may_be_given_in_seconds(settings: Settings) -> None:
    lengths = Lengths(Length(seconds=0), Length(seconds=0.5), Length(seconds=0))
    record = await drill(settings, "overloaded", lengths=lengths)
    assert {s.phase for s in record.samples} == {"during"} and record.samples
    assert not record.outages[0].looked and record.skipped_seconds == 0


async def test_a_draft_that_never_comes_is_counted_as_lost(settings: Settings, monkeypatch: Any) -> None:
    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr("ccos.agents.orchestrator.Orchestrator.draft", never)
    monkeypatch.setattr("ccos.drill.rehearsal.GRACE_SECONDS", 0.0)
    lengths = Lengths(Length(drafts=2), Length(drafts=0), Length(drafts=0))
    record = await drill(settings, lengths=lengths, seconds=0.05)
    assert [(s.state, s.in_time, s.reason) for s in record.samples] == [(None, False, "timeout")] * 2
    assert by_phase(record)["before"].states == {"lost": 2}


async def test_bad_answers_are_refused_and_charged(settings: Settings) -> None:
    record = await drill(settings, "bad_quality")
    during = by_phase(record)["during"]
    assert during.tiers == {"tier_3": 8} and during.failed_cost_usd > 0
    refused = [
        t for s in record.samples if s.phase == "during" for t in s.tried if t.tier is Tier.CLOUD_PREMIUM
    ]
    assert refused and all(t.outcome is not Outcome.ACCEPTED for t in refused)
    assert all(s.state is not DraftState.FAILED for s in record.samples)


def test_the_clock_skips_what_it_is_told_to() -> None:
    now = [100.0]
    clock = DrillClock(lambda: now[0])
    assert (clock(), clock.elapsed) == (100.0, 0.0)
    clock.skip(30)
    now[0] = 101.0
    assert (clock(), clock.elapsed, clock.skipped) == (131.0, 31.0, 30.0)


@pytest.mark.parametrize(("wanted", "given"), [(1, 1), (7, 7), (60, 60), (600, 60)])
def test_few_tickets_are_spread_over_all(wanted: int, given: int) -> None:
    chosen = spread(sample.tickets(), wanted)
    assert len({t.external_id for t in chosen}) == given


async def test_what_was_never_sent_does_not_use_the_drills_money_up(settings: Settings) -> None:
    async with scene(settings) as opened:
        record = opened.record()
        lengths = Lengths(Length(drafts=0), Length(drafts=8), Length(drafts=0))
        await opened.rehearse(record, [FAULTS["stream_cut"], FAULTS["bad_quality"]], lengths, lambda: None)
        assert by_phase(record)["during"].failed_cost_usd > 0
        assert opened.budget.spent == 0


async def test_the_drills_money_holds_and_running_out_is_said(settings: Settings) -> None:
    spent = MicroUsd(100_000)
    imagined = [0]
    budget = DrillBudget(spent, lambda: imagined[0])
    held = [await budget.reserve(None, MicroUsd(30_000)) for _ in range(4)]
    assert held[3] is None and all(held[:3])
    assert held[0] and held[1] and held[2]
    budget.settle(None, held[0], MicroUsd(20_000))
    budget.settle(None, held[0], MicroUsd(20_000))
    budget.release(None, held[1])
    assert budget.spent == 20_000 and budget.level(None) is Level.OK
    budget.settle(None, held[2], MicroUsd(30_000))
    imagined[0] = 30_000
    assert budget.spent == 20_000
    assert await budget.reserve(None, MicroUsd(80_001)) is None
    assert await budget.reserve(None, MicroUsd(80_000)) and budget.level(None) is Level.EXHAUSTED


async def test_a_tier_that_is_not_asked_for_want_of_money_is_not_called_away(settings: Settings) -> None:
    async with scene(settings) as opened:
        poor = replace(opened, budget=DrillBudget(MicroUsd(1), lambda: 0))
        record = poor.record()
        await poor.rehearse(record, [FAULTS["reset"]], FEW, lambda: None)
        assert record.out_of_money and not record.outages[0].looked
        assert all(s.in_time for s in record.samples)
