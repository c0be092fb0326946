from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from ccos.domain.draft import DraftState, Outcome
from ccos.domain.evidence import EvidenceKind
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task, Tier
from ccos.store import certificates, decisions, drafts, knowledge, labels, tenants, tickets
from ccos.store.certificates import Basis, Certification, Look
from support.store import certificate, finished, new_tenant

BASIS = Basis("learned-1", "tier_0:gpt", "p1", "x", 0)
DRAFT = Task.SOLUTION_DRAFT
REPLY = "환불은 상품을 회수한 뒤 3영업일 안에 처리됩니다. 카드사에 따라 며칠이 더 걸릴 수 있습니다."


async def decided(database, tenant, verdict="approved", *, quality=0.8, reason="accepted", **changes):
    """A draft that a person decided about."""
    text = changes.pop("text", None)
    state = changes.pop("state", DraftState.READY)
    outcome = Outcome.ACCEPTED if reason == "accepted" else Outcome.REFUSED_BY_GATE
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, Ticket(external_id=uuid4().hex, subject="환불"))).ticket
        queued = await drafts.queue(tx, ticket.id)
        made = finished(queued, state, reply=REPLY, tier=Tier.LOCAL_TINYLLAMA, scorer="learned-1")
        failed, used = made.attempts
        used = used.model_copy(update={"quality": quality, "reason": reason, "outcome": outcome})
        made = made.model_copy(update={"attempts": (failed, used)} | changes)
        await drafts.finish(tx, made, run=await drafts.start(tx, queued.id))
        await decisions.decide(tx, queued.id, verdict, text=text)
    return queued.id


async def latest(database, tenant, **which):
    async with database.tenant(tenant.id) as tx:
        return await labels.latest(tx, **{"scorer": "learned-1", **which})


async def certify(database, tenant, *found, basis=None, looks=(), gone=(), **changes):
    async with database.tenant(tenant.id) as tx:
        basis = basis or Basis("learned-1", "m", "p", *await certificates.now_for(tx))
        known = {"prompt_since": None, "labels_since": None, "labels_until": None, "labels": 40, "look": 1}
        known["labels_until"] = await certificates.newest_decision(tx)
        made = Certification(basis, **known | changes)
        await certificates.put(tx, made, found, fingerprint="f1", looks=looks, gone=gone)
        return made


async def due(database, tenant, *, scorer="learned-1", models="m", prompt="p", least=2):
    basis = Basis(scorer, models, prompt, "", 0).key
    async with database.unbound() as tx:
        return tenant.id in await certificates.due(tx, basis=basis, prompt=prompt, least=least)


def look(number=1, *, tier=None, labels=40):
    return Look(Task.SOLUTION_DRAFT, tier, number, labels, datetime(2026, 11, 22, tzinfo=UTC))


# --- labels ---


async def test_a_label_is_the_gates_quality_beside_what_people_made_of_it(database, tenant):
    good = await decided(database, tenant, quality=0.8123456)
    bad = await decided(
        database, tenant, "rejected", quality=0.4, reason="quality.low", state=DraftState.NEEDS_REVIEW
    )
    found = await latest(database, tenant)
    assert [(str(each.draft_id), each.quality, each.good) for each in found] == [
        (bad, 0.4, False),
        (good, 0.8123456, True),
    ]
    assert {(each.tier, each.model) for each in found} == {(Tier.LOCAL_TINYLLAMA, "tiny")}


@pytest.mark.parametrize(
    ("text", "good"),
    [(REPLY.replace("3영업일", "5영업일"), True), ("환불은 되지 않고 교환만 가능합니다.", False)],
)
async def test_an_edit_is_good_when_it_is_light(database, tenant, text, good):
    await decided(database, tenant, "edited", text=text)
    assert [each.good for each in await latest(database, tenant)] == [good]


async def test_what_a_veto_refused_no_threshold_accepts(database, tenant):
    await decided(database, tenant, quality=0.95, reason="veto.pii", state=DraftState.NEEDS_REVIEW)
    assert [each.quality for each in await latest(database, tenant)] == [labels.VETOED]


async def test_of_several_answers_the_one_that_was_shown_counts(database, tenant):
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, Ticket(external_id="T", subject="환불"))).ticket
        queued = await drafts.queue(tx, ticket.id)
        made = finished(queued, DraftState.NEEDS_REVIEW, tier=Tier.LOCAL_TINYLLAMA, scorer="learned-1")
        low = made.attempts[1].model_copy(
            update={"outcome": Outcome.REFUSED_BY_GATE, "reason": "quality.low", "quality": 0.5}
        )
        vetoed = low.model_copy(update={"reason": "veto.pii", "quality": 0.9})
        lower = low.model_copy(update={"quality": 0.3})
        made = made.model_copy(update={"attempts": (vetoed, low, lower)})
        await drafts.finish(tx, made, run=await drafts.start(tx, queued.id))
        await decisions.decide(tx, queued.id, "approved")
    assert [each.quality for each in await latest(database, tenant)] == [0.5]


async def test_another_score_a_question_to_the_customer_and_another_tenant_give_no_label(database, tenant):
    await decided(database, tenant, scorer="heuristic")
    await decided(database, tenant, state=DraftState.ABSTAINED)
    await decided(database, await new_tenant(database))
    assert await latest(database, tenant) == []


async def test_drafts_of_one_ticket_are_one_label_the_first_that_was_decided(database, tenant):
    first = await decided(database, tenant, "rejected", quality=0.9)
    async with database.tenant(tenant.id) as tx:
        ticket_id = (await drafts.get(tx, first)).ticket_id
    for _ in range(3):
        async with database.tenant(tenant.id) as tx:
            queued = await drafts.queue(tx, ticket_id)
            made = finished(
                queued, DraftState.READY, reply=REPLY, tier=Tier.LOCAL_TINYLLAMA, scorer="learned-1"
            )
            await drafts.finish(tx, made, run=await drafts.start(tx, queued.id))
            await decisions.decide(tx, queued.id, "approved")
    other = await decided(database, tenant)
    found = await latest(database, tenant)
    assert [(str(label.draft_id), label.good) for label in found] == [(other, True), (first, False)]


async def test_labels_can_be_had_from_a_moment_on_and_only_the_newest(database, tenant):
    first, second = await decided(database, tenant), await decided(database, tenant)
    newest, older = await latest(database, tenant)
    assert [str(newest.draft_id), str(older.draft_id)] == [second, first]
    assert [str(e.draft_id) for e in await latest(database, tenant, limit=1)] == [second]
    since = newest.decided_at
    assert [str(e.draft_id) for e in await latest(database, tenant, decided_since=since)] == [second]
    assert await latest(database, tenant, made_since=since + timedelta(seconds=1)) == []


# --- certificates ---


async def test_certificates_come_back_with_their_evidence_and_replace_those_before(database, tenant):
    nothing = certificate(
        tier=Tier.CLOUD_PREMIUM, required=0.9, threshold=None, accepted=0, bad=0, risk_bound=None
    )
    await certify(database, tenant, certificate(), nothing)
    async with database.tenant(tenant.id) as tx:
        found = await certificates.stored(tx)
    assert [each.certificate for each in found] == [certificate(), nothing]
    assert {(each.fingerprint, each.look) for each in found} == {("f1", 1)}
    await certify(database, tenant, certificate(required=0.6), look=2, gone=[(DRAFT, Tier.CLOUD_PREMIUM)])
    async with database.tenant(tenant.id) as tx:
        assert [(e.certificate.required, e.look) for e in await certificates.stored(tx)] == [(0.6, 2)]


async def test_a_tier_that_was_not_looked_at_keeps_what_it_has(database, tenant):
    cloud = Tier.CLOUD_PREMIUM
    both = [certificate(), certificate(tier=cloud)]
    await certify(database, tenant, *both, looks=[look(), look(tier=cloud)])
    await certify(database, tenant, certificate(threshold=0.5), looks=[look(2, labels=70)], look=2)
    async with database.tenant(tenant.id) as tx:
        found = [(e.certificate.tier, e.certificate.threshold, e.look) for e in await certificates.stored(tx)]
        looks = await certificates.looks(tx, Basis("learned-1", "m", "p", "", 0).key)
    assert found == [(None, 0.5, 2), (cloud, certificate().threshold, 1)]
    assert looks == [look(2, labels=70), look(tier=cloud)]


async def test_certificates_of_several_bases_stand_side_by_side(database, tenant):
    other = replace(BASIS, models="tier_0:claude")
    await certify(database, tenant, certificate(), basis=BASIS, looks=[look(3)], look=3)
    await certify(database, tenant, certificate(required=0.9), basis=other, looks=[look()])
    newer = replace(BASIS, policy="y", kb_epoch=9)  # the same kind of answers, by other knowledge
    assert newer.key == BASIS.key != other.key
    async with database.tenant(tenant.id) as tx:
        for basis, required, number in ((newer, 0.7, 3), (other, 0.9, 1)):
            (stored,) = await certificates.stored(tx, basis.key)
            (seen,) = await certificates.looks(tx, basis.key)
            made = await certificates.last(tx, basis.key)
            assert (stored.certificate.required, seen.number, made.look) == (required, number, number)
        assert [each.basis.models for each in await certificates.every(tx)] == ["tier_0:claude", "tier_0:gpt"]


async def test_rows_of_a_newer_release_are_left_out_and_told_of(database, tenant):
    await certify(database, tenant, certificate(), looks=[look()])
    await decided(database, tenant)
    async with database.tenant(tenant.id) as tx:
        for table in ("certificate", "certified_look"):
            for column in ("task", "tier"):
                await tx.run(
                    f"""INSERT INTO {table} SELECT (jsonb_populate_record(row,
                            jsonb_build_object('{column}', '{column} of tomorrow'))).*
                          FROM {table} row WHERE tenant_id = %(tenant)s AND task = 'solution_draft'
                           AND tier = 'any'"""
                )
        await tx.run("UPDATE draft SET body = jsonb_set(body, '{tier}', '\"tier_9\"')")
        await tx.run("UPDATE attempt SET tier = 'tier_9'")
        with capture_logs() as logs:
            assert [each.certificate for each in await certificates.stored(tx)] == [certificate()]
            assert await certificates.looks(tx, Basis("learned-1", "m", "p", "", 0).key) == [look()]
            assert await labels.latest(tx, scorer="learned-1") == []
    assert [(each["what"], each["left_out"]) for each in logs] == [
        ("certificates", 2), ("looks", 2), ("labels", 1),
    ]  # fmt: skip


async def test_the_last_certification_says_what_it_holds_for(database, tenant):
    async with database.tenant(tenant.id) as tx:
        assert await certificates.last(tx) is None
    made = await certify(database, tenant, basis=BASIS, labels=31, look=4)
    async with database.tenant(tenant.id) as tx:
        found = await certificates.last(tx)
    assert found is not None and found.made_at is not None
    assert (found.basis, found.labels, found.look, found.prompt_since) == (BASIS, 31, 4, made.prompt_since)


async def test_policy_and_knowledge_are_known_by_their_changes(database, tenant):
    async def now():
        async with database.tenant(tenant.id) as tx:
            return await certificates.now_for(tx)

    before = await now()
    assert before == await now()
    async with database.tenant(tenant.id) as tx:
        await tenants.update_settings(tx, TenantSettings(banned_phrases=("절대",)))
    settled = await now()
    assert settled[0] != before[0] and settled[1] == before[1]
    async with database.tenant(tenant.id) as tx:
        item = knowledge.Item(EvidenceKind.KB, "kb-1", "Refunds", "How refunds work.")
        await knowledge.put(tx, item, [knowledge.Passage("Refunds", "Money comes back in three days.")])
    published = await now()
    assert published[0] == settled[0] and published[1] > settled[1]


async def test_it_is_time_once_there_are_enough_decisions_and_again_after_as_many_as_were_wanted(
    database, tenant
):
    await decided(database, tenant)
    assert not await due(database, tenant)
    await decided(database, tenant)
    assert await due(database, tenant)
    await certify(database, tenant, wanted=2)
    assert not await due(database, tenant)
    await decided(database, tenant)
    assert not await due(database, tenant)
    await decided(database, tenant)
    assert await due(database, tenant)


@pytest.mark.parametrize("changed", [{"scorer": "learned-2"}, {"models": "other"}, {"prompt": "p2"}])
async def test_another_score_model_or_prompt_makes_it_time_and_once_only(database, tenant, changed):
    await decided(database, tenant)
    await decided(database, tenant)
    await certify(database, tenant)
    assert await due(database, tenant, **changed)
    named = {"scorer": "learned-1", "models": "m", "prompt": "p"} | changed
    await certify(database, tenant, basis=Basis(**named, policy="x", kb_epoch=0))
    assert not await due(database, tenant, **changed)


async def test_two_models_side_by_side_make_it_time_for_neither(database, tenant):
    await decided(database, tenant)
    await decided(database, tenant)
    for models in ("m", "other", "m", "other"):
        await certify(database, tenant, basis=Basis("learned-1", models, "p", "x", 0))
    assert not await due(database, tenant, models="m")
    assert not await due(database, tenant, models="other")


async def test_a_prompt_that_was_at_work_meanwhile_makes_it_time(database, tenant):
    await decided(database, tenant)
    await decided(database, tenant)
    await certify(database, tenant)
    await certify(database, tenant, basis=Basis("learned-1", "m", "p2", "x", 0))
    assert await due(database, tenant, prompt="p")
    await certify(database, tenant)
    assert not await due(database, tenant, prompt="p")


async def test_a_change_of_policy_or_knowledge_makes_stale_and_is_no_reason_to_look(database, tenant):
    async def stale():
        async with database.tenant(tenant.id) as tx:
            made = await certificates.last(tx)
            return made.is_stale(*await certificates.now_for(tx))

    await decided(database, tenant)
    await decided(database, tenant)
    await certify(database, tenant)
    assert not await stale()
    async with database.tenant(tenant.id) as tx:
        await tenants.update_settings(tx, TenantSettings(banned_phrases=("절대",)))
    assert await stale() and not await due(database, tenant)
    await certify(database, tenant)
    assert not await stale()
    async with database.tenant(tenant.id) as tx:
        item = knowledge.Item(EvidenceKind.KB, "kb-1", "Refunds", "How refunds work.")
        await knowledge.put(tx, item, [knowledge.Passage("Refunds", "Money comes back in three days.")])
    assert await stale() and not await due(database, tenant)


async def test_who_was_certified_since_is_known_to_every_process(database, tenant):
    other = await new_tenant(database)
    async with database.unbound() as tx:
        before, _ = await certificates.changed_since(tx, None)
    await certify(database, tenant)
    async with database.unbound() as tx:
        _, changed = await certificates.changed_since(tx, before)
    assert tenant.id in changed and other.id not in changed
