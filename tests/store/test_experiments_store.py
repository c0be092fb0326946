"""Experiments in the database: their life, who may do what when, and what an analysis reads."""

import asyncio
from datetime import UTC, datetime

import pytest

from ccos.domain.choices import Choices
from ccos.domain.draft import DraftState, Outcome
from ccos.domain.errors import BadInput, Conflict, NotFound
from ccos.domain.experiment import Definition, Enrolled, Excluded, State
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode
from ccos.store import decisions, drafts, experiments, tenants, tickets
from support.store import TONE, finished, new_tenant

MODES = Definition.model_validate(
    {"name": "modes", "arms": [{"name": "control"}, {"name": "fast", "change": {"mode": "latency_first"}}]}
)


async def do(database, tenant, call, *values, **more):
    async with database.tenant(tenant.id) as tx:
        return await call(tx, *values, **more)


async def choices(database, tenant):
    return (await do(database, tenant, tenants.by_id, tenant.id)).settings.choices


async def drafted(database, tenant, *parts, decide=None, text=None, **changes):
    """A finished draft with its parts in experiments, decided when it says so."""
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, Ticket(subject="환불"))).ticket
        queued = await drafts.queue(tx, ticket.id)
        made = finished(queued, DraftState.READY, experiments=parts, **changes)
        await drafts.finish(tx, made, run=await drafts.start(tx, queued.id))
        if decide:
            await decisions.decide(tx, queued.id, decide, text=text)
        return ticket, queued


async def test_a_definition_is_kept_as_it_was(database, tenant):
    made = await do(database, tenant, experiments.create, TONE, by="hana")
    assert made.definition == TONE and made.state is State.DRAFT and made.created_by == "hana"
    assert await do(database, tenant, experiments.get, "tone") == made
    with pytest.raises(Conflict, match="another name"):
        await do(database, tenant, experiments.create, TONE)
    with pytest.raises(NotFound, match="ccos experiments list"):
        await do(database, tenant, experiments.get, "tune")


async def test_its_life_is_written_down(database, tenant):
    made = await do(database, tenant, experiments.create, TONE, by="hana")
    started = await do(database, tenant, experiments.start, "tone", by="hana")
    assert started.state is State.RUNNING and started.started_by == "hana" and started.started_at
    assert await do(database, tenant, experiments.running) == [started]
    stopped = await do(database, tenant, experiments.stop, "tone", by="juno", reason="harm")
    assert stopped.state is State.STOPPED and stopped.stopped_by == "juno"
    assert await do(database, tenant, experiments.stop, "tone") == stopped
    assert await do(database, tenant, experiments.running) == []
    known = await do(database, tenant, experiments.events, made.id)
    assert [(event.what, event.by) for event in known] == [
        ("created", "hana"),
        ("started", "hana"),
        ("stopped", "juno"),
    ]
    assert known[-1].facts == {"reason": "harm"}


async def test_what_was_stopped_does_not_start_again(database, tenant):
    await do(database, tenant, experiments.create, TONE)
    with pytest.raises(Conflict, match="never started"):
        await do(database, tenant, experiments.stop, "tone")
    await do(database, tenant, experiments.start, "tone")
    with pytest.raises(Conflict, match="make a new one"):
        await do(database, tenant, experiments.start, "tone")
    await do(database, tenant, experiments.stop, "tone")
    with pytest.raises(Conflict, match="make a new one"):
        await do(database, tenant, experiments.start, "tone")


async def test_of_two_that_want_one_knob_at_one_moment_one_starts(database, tenant):
    other = MODES.model_copy(update={"name": "other"})
    for each in (MODES, other):
        await do(database, tenant, experiments.create, each)
    told = await asyncio.gather(
        *(do(database, tenant, experiments.start, name) for name in ("modes", "other")),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in told) == ["Conflict", "Experiment"]
    assert len(await do(database, tenant, experiments.running)) == 1


async def test_an_arm_may_not_open_a_closed_cloud(database, tenant):
    await do(database, tenant, tenants.update_settings, TenantSettings(cloud_allowed=False))
    wanted = MODES.model_dump(mode="json")
    wanted["arms"][1]["change"] = {"mode": "quality_first"}
    await do(database, tenant, experiments.create, Definition.model_validate(wanted))
    with pytest.raises(BadInput, match="cloud"):
        await do(database, tenant, experiments.start, "modes")


async def test_a_promotion_changes_the_tenant_and_can_be_taken_back(database, tenant):
    own = TenantSettings(tags=("a",), choices=Choices(guidance="Be brief."))
    await do(database, tenant, tenants.update_settings, own)
    await do(database, tenant, experiments.create, MODES)
    with pytest.raises(Conflict, match="never started"):
        await do(database, tenant, experiments.promote, "modes", "fast")
    await do(database, tenant, experiments.start, "modes")
    with pytest.raises(NotFound, match="control, fast"):
        await do(database, tenant, experiments.promote, "modes", "slow")
    promoted = await do(database, tenant, experiments.promote, "modes", "fast", by="hana")
    assert promoted.state is State.PROMOTED and promoted.promoted_arm == "fast" and promoted.stopped_at
    assert await choices(database, tenant) == Choices(guidance="Be brief.", mode=Mode.LATENCY_FIRST)
    assert (await do(database, tenant, tenants.by_id, tenant.id)).settings.tags == ("a",)
    assert await do(database, tenant, experiments.promote, "modes", "fast") == promoted
    with pytest.raises(Conflict, match="take that back"):
        await do(database, tenant, experiments.promote, "modes", "control")
    back = await do(database, tenant, experiments.take_back, "modes", by="hana")
    assert back.state is State.STOPPED and back.promoted_arm is None
    assert await choices(database, tenant) == own.choices
    with pytest.raises(Conflict, match="nothing to take back"):
        await do(database, tenant, experiments.take_back, "modes")


async def test_choices_that_were_changed_since_are_not_overwritten(database, tenant):
    await do(database, tenant, experiments.create, MODES)
    await do(database, tenant, experiments.start, "modes")
    await do(database, tenant, experiments.promote, "modes", "fast")
    await do(database, tenant, tenants.update_settings, TenantSettings(choices=Choices(mode=Mode.OUTAGE)))
    with pytest.raises(Conflict, match="changed since"):
        await do(database, tenant, experiments.take_back, "modes")
    assert (await choices(database, tenant)).mode is Mode.OUTAGE


async def test_an_analysis_reads_what_became_of_each_draft(database, tenant):
    made = await do(database, tenant, experiments.create, TONE)
    warm = Enrolled(experiment="tone", arm="warm", expected=0.75)
    ticket, queued = await drafted(
        database, tenant, warm, decide="approved", cost_usd=0.002, latency_seconds=1.5
    )
    fell = warm.model_copy(update={"arm": "control", "excluded": Excluded.FELL_OVER})
    await drafted(database, tenant, fell)
    vetoed = (
        finished(queued)
        .attempts[1]
        .model_copy(update={"outcome": Outcome.REFUSED_BY_GATE, "reason": "veto.pii"})
    )
    await drafted(database, tenant, warm, decide="edited", text="아주 다른 답변입니다.", attempts=(vetoed,))
    await drafted(database, tenant)
    at = datetime.now(UTC)
    await do(database, tenant, decisions.note_outcome, ticket.id, reopened_at=at)
    first, second, third = await do(database, tenant, experiments.seen, made.id)
    assert (first.arm, first.expected, first.verdict, first.ticket_id) == (
        "warm",
        0.75,
        "approved",
        ticket.id,
    )
    assert (first.cost_usd, first.latency_seconds, first.vetoed) == (pytest.approx(0.002), 1.5, False)
    assert first.reopened and first.decided_at == pytest.approx(at.timestamp(), abs=60)
    assert second.excluded is Excluded.FELL_OVER and second.verdict is None and not second.reopened
    assert third.vetoed and third.verdict == "edited" and third.changed is not None


async def test_a_draft_of_an_experiment_that_is_gone_is_kept_all_the_same(database, tenant):
    _, queued = await drafted(database, tenant, Enrolled(experiment="gone", arm="warm"))
    kept = await do(database, tenant, drafts.get, queued.id)
    assert kept.experiments == (Enrolled(experiment="gone", arm="warm"),)


async def test_experiments_of_another_tenant_are_not_seen(database, tenant):
    other = await new_tenant(database)
    await do(database, other, experiments.create, TONE)
    assert await do(database, tenant, experiments.find_all) == []
    await do(database, tenant, experiments.create, TONE)
    assert len(await do(database, other, experiments.find_all)) == 1


async def test_running_ones_come_first(database, tenant):
    for name in ("a", "b", "c"):
        await do(database, tenant, experiments.create, TONE.model_copy(update={"name": name}))
    await do(database, tenant, experiments.start, "b")
    assert [each.name for each in await do(database, tenant, experiments.find_all)] == ["b", "c", "a"]
