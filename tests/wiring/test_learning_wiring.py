"""Labels become promises: certified by what people decided, held in memory, and withdrawn when they must be."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from ccos import worker
from ccos.domain.draft import DraftState, Outcome
from ccos.domain.errors import DatabaseUnavailable, StoreError
from ccos.domain.evidence import EvidenceKind
from ccos.domain.prompt import ProviderCard
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task, Tier
from ccos.quality.gate import Gate
from ccos.quality.judging import Rates
from ccos.quality.likeness import LikenessOdds
from ccos.quality.promises import Promises, models_line, still_answers
from ccos.settings import Settings
from ccos.store import certificates, counts, decisions, drafts, knowledge, labels, plans, tenants, tickets
from ccos.store.database import Database
from ccos.store.migrate import migrate
from ccos.tiers.predicting import Cell
from ccos.wiring import learning as wiring
from ccos.wiring.embedding import write_embedding
from ccos.wiring.judges import write_judge
from ccos.wiring.learning import (
    JudgeAndPromises,
    Learning,
    open_gate,
    open_learning,
)
from support.database_away import Door
from support.postgres import fresh_database
from support.store import certificate, finished, new_tenant, opened, planned

SCORER = "learned-1"
CARDS = (
    ProviderCard(Tier.CLOUD_PREMIUM, "openai", "gpt-4o", paid=True),
    ProviderCard(Tier.LOCAL_TINYLLAMA, "local", "tiny"),
    ProviderCard(Tier.RULE_BASED, "rules", "rules"),
)
DRAFT = Task.SOLUTION_DRAFT


@pytest.fixture(scope="module")
def urls(embedded_server):
    """A database of this file's own: certifying goes through every tenant there is."""
    with fresh_database(embedded_server, "learning_tests") as urls:
        migrate(urls.owner)
        yield urls


@pytest.fixture
async def database(urls):
    async with opened(Database(urls.app)) as database:
        yield database


@pytest.fixture
async def tenant(database, request):
    return await new_tenant(database, request.node.name)


def models_of(cards):
    return models_line((card.tier, card.model) for card in cards)


def learning(database, promises=None, cards=CARDS, **changes):
    shipped = Promises([certificate(source="shipped", threshold=0.6)])
    answering = (lambda _tenant: models_of(cards)) if cards is not None else None
    known = {"models": answering, "prompt": "p1"}
    return Learning(database, promises or shipped, SCORER, **known | changes)


async def label(
    database, tenant, how_many=1, verdict="approved", *, quality=0.9, model="tiny", tier=Tier.LOCAL_TINYLLAMA
):
    async with database.tenant(tenant.id) as tx:
        for _ in range(how_many):
            ticket = (await tickets.put(tx, Ticket(external_id=uuid4().hex, subject="환불"))).ticket
            queued = await drafts.queue(tx, ticket.id)
            made = finished(queued, DraftState.READY, tier=tier, scorer=SCORER)
            used = made.attempts[1].model_copy(
                update={"quality": quality, "model": model, "tier": tier, "outcome": Outcome.ACCEPTED}
            )
            made = made.model_copy(update={"attempts": (used,)})
            await drafts.finish(tx, made, run=await drafts.start(tx, queued.id))
            await decisions.decide(tx, queued.id, verdict)


def promised(known, tenant, quality=0.9, tier=Tier.LOCAL_TINYLLAMA):
    return known.promises.promise(tenant.id, DRAFT, tier, scorer=SCORER, quality=quality).kept


# --- certified ---


async def test_good_labels_certify_a_threshold_and_the_gate_is_told(database, tenant):
    told = []
    known = learning(database, on_change=told.append)
    await label(database, tenant, 60)
    await label(database, tenant, 20, "rejected", quality=0.2)
    made = await known.certify(tenant.id)
    assert (made.labels, made.look) == (80, 1) and told == [tenant.id]
    assert promised(known, tenant, 0.9) == 0.95  # all 60 were good: 59 would do at this confidence
    assert promised(known, tenant, 0.3) < 0.7 < promised(known, tenant, 0.9)  # one in four was bad
    async with database.tenant(tenant.id) as tx:
        stored = {each.certificate.required: each for each in await certificates.stored(tx)}
    found = stored[0.7].certificate
    assert (found.threshold, found.labels, found.source, found.scorer) == (0.9, 80, "tenant", SCORER)
    assert found.risk_bound is not None and found.risk_bound <= 0.3
    assert found.confidence == pytest.approx(0.95)  # the first of however many looks


async def test_until_thirty_labels_the_shipped_thresholds_hold(database, tenant):
    known = learning(database)
    await label(database, tenant, 29, "rejected")
    assert (await known.certify(tenant.id)).look == 0
    assert promised(known, tenant) == 0.7
    await label(database, tenant, 1, "rejected")
    await known.certify(tenant.id)
    assert promised(known, tenant) == 0.0  # labels that certify nothing: everything needs review
    async with database.tenant(tenant.id) as tx:
        assert {each.certificate.threshold for each in await certificates.stored(tx)} == {None}


async def test_another_tenants_labels_promise_nothing_here(database, tenant):
    known, other = learning(database), await new_tenant(database)
    await label(database, other, 40, "rejected")
    await known.certify(other.id)
    await known.certify(tenant.id)
    assert (promised(known, other), promised(known, tenant)) == (0.0, 0.7)


async def test_labels_of_a_model_that_no_longer_answers_do_not_count(database, tenant):
    await label(database, tenant, 40, "rejected", model="older")
    await label(database, tenant, 35, model="tiny-2026-01-15")
    made = await learning(database).certify(tenant.id)
    assert made.labels == 35


async def test_labels_of_an_older_prompt_do_not_count(database, tenant):
    await label(database, tenant, 40)
    known = learning(database)
    assert (await known.certify(tenant.id)).labels == 40
    newer = learning(database, prompt="p2")
    made = await newer.certify(tenant.id)
    assert (made.labels, made.look) == (0, 0)  # nothing to look at costs no look
    assert promised(newer, tenant) == 0.7
    await label(database, tenant, 31)
    made = await newer.certify(tenant.id)
    assert (made.labels, made.look) == (31, 1)


async def test_labels_of_a_prompt_that_came_and_went_do_not_count(database, tenant):
    known, other = learning(database), learning(database, prompt="p2")
    await label(database, tenant, 40)
    await known.certify(tenant.id)
    await other.certify(tenant.id)
    await label(database, tenant, 40, "rejected")
    assert await known.certify_due() >= 1
    await known.certify(tenant.id)
    assert promised(known, tenant) > 0.7  # as it was earned before the other came
    await label(database, tenant, 35, "rejected")
    made = await known.certify(tenant.id)
    assert (made.labels, made.look, promised(known, tenant)) == (35, 2, 0.0)


async def test_after_a_change_of_policy_the_latest_two_hundred_count(database, tenant):
    await label(database, tenant, 210)
    known = learning(database)
    assert (await known.certify(tenant.id)).labels == 210
    async with database.tenant(tenant.id) as tx:
        await tenants.update_settings(tx, TenantSettings(banned_phrases=("절대",)))
    await label(database, tenant, 195)
    made = await known.certify(tenant.id)
    assert made.labels == 200 and made.labels_since is not None


async def test_a_look_is_taken_once_enough_labels_are_new(database, tenant):
    known = learning(database)
    await label(database, tenant, 30)
    assert [(await known.certify(tenant.id)).look for _ in range(3)] == [1, 1, 1]
    await label(database, tenant, 20)  # 30 * (2.128 / 1.645) ** 2 = 50.2
    made = await known.certify(tenant.id)
    assert (made.look, made.labels, made.wanted) == (1, 30, 1)
    await label(database, tenant, 1)
    made = await known.certify(tenant.id)
    assert (made.look, made.labels, made.wanted) == (2, 51, 26)
    stricter = learning(database, cards=(*CARDS, ProviderCard(Tier.LOCAL_MINIMAX, "local", "seven")))
    assert (await stricter.certify(tenant.id)).look == 1


async def test_a_published_page_costs_no_look_and_leaves_promises_standing(database, tenant):
    known = learning(database)
    await label(database, tenant, 40)
    before = await known.certify(tenant.id)
    for n in range(5):
        async with database.tenant(tenant.id) as tx:
            item = knowledge.Item(EvidenceKind.KB, f"kb-{n}", "Refunds", "How refunds work.")
            await knowledge.put(tx, item, [knowledge.Passage("Refunds", "Money comes back in three days.")])
        await label(database, tenant, 1)
        assert await known.certify_due() == 0
        made = await known.certify(tenant.id)
        assert (made.look, made.basis, made.labels) == (1, before.basis, 40)
        async with database.tenant(tenant.id) as tx:
            assert made.is_stale(*await certificates.now_for(tx))
    assert promised(known, tenant) >= 0.9
    await label(database, tenant, 22, "rejected")
    made = await known.certify(tenant.id)
    assert made.look == 2 and made.basis.kb_epoch > before.basis.kb_epoch
    assert promised(known, tenant) < 0.7


async def test_two_workers_with_other_models_take_their_own_looks_in_turn(database, tenant):
    seven = (*CARDS, ProviderCard(Tier.LOCAL_MINIMAX, "local", "seven"))
    one, other = learning(database), learning(database, cards=seven)
    await label(database, tenant, 35)
    assert await one.certify_due() >= 1 and await other.certify_due() >= 1
    for _ in range(3):
        assert (await one.certify_due(), await other.certify_due()) == (0, 0)
    async with database.tenant(tenant.id) as tx:
        assert [each.look for each in await certificates.every(tx)] == [1, 1]
    await one.refresh()
    assert promised(one, tenant) == promised(other, tenant) >= 0.9


async def test_a_model_that_takes_over_has_to_earn_its_promises(database, tenant):
    """A running process changes the model of a tier: its answers are not those the labels judged."""
    cards = list(CARDS)
    known = learning(database, cards=cards)
    await label(database, tenant, 40)
    await known.certify(tenant.id)

    def kept(model: str) -> float:
        ask = {"scorer": SCORER, "quality": 0.9, "model": model}
        return known.promises.promise(tenant.id, DRAFT, Tier.LOCAL_TINYLLAMA, **ask).kept

    assert kept("tiny") >= 0.9 > kept("newer"), "at once, whatever was heard of the change"
    old = next(card for card in cards if card.model == "tiny")
    cards[cards.index(old)] = replace(old, model="newer")
    await known.refresh()
    assert max(kept("newer"), kept("tiny")) < 0.9
    await label(database, tenant, 35, model="newer")
    assert await known.certify_due() >= 1
    assert kept("newer") >= 0.9 > kept("tiny")
    cards[cards.index(replace(old, model="newer"))] = old  # rolled back: what was proved of it stands
    await known.refresh()
    assert kept("tiny") >= 0.9 > kept("newer")


@pytest.mark.parametrize("other", ["tiny-2", "tiny-7", "tiny-1-2"])
async def test_labels_of_a_model_that_is_numbered_certify_no_other(database, tenant, other):
    await label(database, tenant, 40, model=other)
    known = learning(database)
    assert (await known.certify(tenant.id)).labels == 0
    assert promised(known, tenant) == 0.7


async def test_a_label_is_of_the_model_whose_answer_was_seen(database, tenant):
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, Ticket(external_id=uuid4().hex, subject="환불"))).ticket
        queued = await drafts.queue(tx, ticket.id)
        made = finished(queued, DraftState.NEEDS_REVIEW, tier=Tier.LOCAL_TINYLLAMA, scorer=SCORER)
        asked = made.attempts[1].model_copy(
            update={"tier": Tier.LOCAL_TINYLLAMA, "outcome": Outcome.REFUSED_BY_GATE, "reason": "quality"}
        )
        both = [
            asked.model_copy(update={"model": name, "quality": quality})
            for name, quality in (("better", 0.9), ("tiny", 0.6), ("newer", 0.8))
        ]
        made = made.model_copy(update={"attempts": tuple(both), "model": "tiny", "quality": 0.6})
        await drafts.finish(tx, made, run=await drafts.start(tx, queued.id))
        await decisions.decide(tx, queued.id, "approved")
        (found,) = await labels.latest(tx, scorer=SCORER)
    assert (found.model, found.quality) == ("tiny", 0.6)


async def test_where_only_the_rules_answer_no_label_of_a_model_counts(database, tenant):
    await label(database, tenant, 40)
    assert (await learning(database, cards=[]).certify(tenant.id)).labels == 0
    await label(database, tenant, 31, model="rules", tier=Tier.RULE_BASED)
    assert (await learning(database, cards=[]).certify(tenant.id)).labels == 31


async def test_a_tenant_whose_adapter_answers_has_promises_of_its_own(database, tenant):
    other = await new_tenant(database)
    adapters: dict[UUID, str] = {}

    def models(tenant_id):
        name = f"tiny+{adapters[tenant_id]}" if tenant_id in adapters else "tiny"
        return models_line([(Tier.LOCAL_TINYLLAMA, name)])

    known = learning(database, models=models)
    for each in (tenant, other):
        await label(database, each, 40)
        await known.certify(each.id)

    def kept(of, model: str) -> float:
        ask = {"scorer": SCORER, "quality": 0.9, "model": model}
        return known.promises.promise(of.id, DRAFT, Tier.LOCAL_TINYLLAMA, **ask).kept

    adapters[tenant.id] = "own"
    await known.refresh()
    assert kept(other, "tiny") >= 0.9 > max(kept(tenant, "tiny+own"), kept(tenant, "tiny"))
    await label(database, tenant, 35, model="tiny+own")
    assert await known.certify_due() >= 1
    assert kept(tenant, "tiny+own") >= 0.9 > kept(tenant, "tiny")
    assert kept(other, "tiny") >= 0.9 > kept(other, "tiny+own")
    del adapters[tenant.id]
    await known.refresh()
    assert kept(tenant, "tiny") >= 0.9 > kept(tenant, "tiny+own")


async def test_a_tier_is_looked_at_when_its_own_labels_have_grown(database, tenant):
    known = learning(database)
    await label(database, tenant, 200)
    assert (await known.certify(tenant.id)).look == 1
    await label(database, tenant, 150, tier=Tier.CLOUD_PREMIUM, model="gpt-4o")
    assert (await known.certify(tenant.id)).look == 2
    async with database.tenant(tenant.id) as tx:
        looks = await certificates.looks(tx, (await certificates.last(tx)).basis.key)
        stored = {(each.certificate.tier, each.look) for each in await certificates.stored(tx)}
    assert {(each.tier, each.number, each.labels) for each in looks} == {
        (None, 2, 350),
        (Tier.LOCAL_TINYLLAMA, 1, 200),
    }
    assert stored == {(None, 2), (Tier.LOCAL_TINYLLAMA, 1)}


async def test_nothing_is_held_that_was_not_committed(database, tenant):
    class Uncommitted:
        """All goes well until the transaction is to be written."""

        @asynccontextmanager
        async def tenant(self, tenant_id):
            with suppress(_Undone):
                async with database.tenant(tenant_id) as tx:
                    yield tx
                    raise _Undone
            raise DatabaseUnavailable

    class _Undone(Exception):
        pass

    told = []
    known = learning(Uncommitted(), on_change=told.append)
    await label(database, tenant, 40, "rejected")
    with pytest.raises(StoreError):
        await known.certify(tenant.id)
    assert told == [] and promised(known, tenant) == 0.7
    assert (await learning(database).certify(tenant.id)).look == 1  # and the look was not taken


async def test_upkeep_certifies_whoever_is_due_and_nobody_twice(database, tenant):
    known, few = learning(database), await new_tenant(database)
    await label(database, few, 29)
    await label(database, tenant, 30)
    assert await known.certify_due() >= 1
    assert await known.certify_due() == 0
    async with database.tenant(few.id) as tx:
        assert await certificates.last(tx) is None
    await label(database, tenant, 20)
    assert await known.certify_due() == 0
    await label(database, tenant, 1)
    assert await known.certify_due() == 1


async def test_without_knowing_the_models_those_of_the_last_time_stand(database, tenant):
    await label(database, tenant, 30)
    await label(database, tenant, 5, model="older")
    await learning(database).certify(tenant.id)
    by_hand = learning(database, cards=None)
    assert await by_hand.certify_due() == 0
    made = await by_hand.certify(tenant.id)
    assert (made.labels, made.basis.models) == (30, models_of(CARDS))


# --- kept up to date ---


async def test_what_another_process_certified_and_counted_is_read_again(database, tenant):
    here, told = learning(database), []
    reader = learning(database, on_change=told.append)
    await reader.refresh()
    told.clear()
    await label(database, tenant, 40, "rejected")
    await here.certify(tenant.id)
    cell = counts.Cell(tenant.id, "solution_draft", "coupon", "ko", "tier_2", "tiny")
    async with database.unbound() as tx:
        await plans.add(tx, uuid4(), 1, [], {cell: (0, 90)})
    await reader.refresh()
    await reader.refresh()
    assert promised(reader, tenant) == 0.0 and told == [tenant.id]
    seen = reader.counts.predict(
        Cell(tenant.id, DRAFT, "coupon", "ko", Tier.LOCAL_TINYLLAMA), accept=0.7, good=0.85
    )
    assert seen.accept < 0.1
    assert reader.counts.labels(tenant.id) == 40


async def counted(database, tenant, model, accepted, refused, *, tier="tier_2", task="solution_draft"):
    cell = counts.Cell(tenant.id, task, "coupon", "ko", tier, model)
    async with database.unbound() as tx:
        await plans.add(tx, uuid4(), 1, [], {cell: (accepted, refused)})


def expected(known, tenant, task=DRAFT, tier=Tier.LOCAL_TINYLLAMA):
    return known.counts.predict(Cell(tenant.id, task, "coupon", "ko", tier), accept=0.7, good=0.85).accept


async def test_what_a_replaced_model_did_is_not_expected_of_its_successor(database, tenant):
    serving = ["ours@aa"]

    def models(_tenant):
        return models_line([(Tier.LOCAL_TINYLLAMA, serving[0]), (Tier.CLOUD_PREMIUM, "gpt-4o")])

    known = learning(database, models=models)
    await counted(database, tenant, "ours@aa", 0, 900)
    await counted(database, tenant, "gpt-4o-2024-08-06", 0, 90, tier="tier_0")
    await counted(database, tenant, "rules-1", 0, 90, tier="tier_3")
    await known.refresh()
    assert expected(known, tenant) < 0.02
    assert expected(known, tenant, tier=Tier.CLOUD_PREMIUM) < 0.1  # a dated edition is that model
    assert expected(known, tenant, tier=Tier.RULE_BASED) < 0.1
    serving[0] = "ours@bb"
    await known.refresh()
    assert expected(known, tenant) == pytest.approx(0.7)  # nothing is known of it yet
    await counted(database, tenant, "ours@bb", 30, 0)
    await known.refresh()
    assert expected(known, tenant) > 0.9
    serving[0] = "ours@aa"  # rolled back
    await known.refresh()
    assert expected(known, tenant) < 0.02


async def test_a_tenants_own_adapter_is_another_model_for_its_drafts_alone(database, tenant):
    own = {tenant.id: "base@aa+tone@cc"}

    def models(of):
        return models_line([(Tier.LOCAL_TINYLLAMA, own.get(of, "base@aa"))])

    known = learning(database, models=models)
    await counted(database, tenant, "base@aa", 0, 90)
    await counted(database, tenant, "base@aa", 0, 90, task="triage")
    await known.refresh()
    assert expected(known, tenant) == pytest.approx(0.7)
    assert expected(known, tenant, Task.TRIAGE) < 0.1
    own.clear()
    await known.refresh()
    assert expected(known, tenant) < 0.1


async def test_certificates_of_another_score_promise_nothing(database, tenant):
    await label(database, tenant, 40)
    await learning(database).certify(tenant.id)
    other = Learning(database, Promises(), "learned-2", models=lambda _tenant: models_of(CARDS))
    await other.refresh()
    assert other.promises.promise(tenant.id, DRAFT, None, scorer="learned-2", quality=1.0).kept == 0.0
    assert other.promises.certificates(tenant.id, DRAFT, None) == ()


async def test_it_is_kept_in_step_in_the_background_also_past_an_outage(urls, database, tenant, monkeypatch):
    monkeypatch.setattr(wiring, "REFRESH_SECONDS", 0.02)
    judge = JudgeAndPromises(Gate(), Promises(), SCORER)
    draft = uuid4()
    async with (
        Door(urls.app) as door,
        opened(Database(door.url, wait_seconds=0.5)) as behind,
        AsyncExitStack() as stack,
    ):
        known = await open_learning(
            behind, judge, lambda _tenant: models_of(CARDS), stack, on_change=lambda _tenant: None
        )
        door.become("closed")
        await asyncio.sleep(0.1)
        await label(database, tenant, 30)
        await learning(database, prompt=wiring.PROMPT_VERSION).certify(tenant.id)
        door.become("open")
        async with asyncio.timeout(20):
            while not promised(known, tenant):
                await asyncio.sleep(0.02)
        known.decisions.note(planned(tenant, draft_id=draft), [])
    async with database.tenant(tenant.id) as tx:
        assert len(await plans.of_draft(tx, draft)) == 1


async def test_a_database_that_is_away_at_the_start_leaves_priors(urls):
    async with Door(urls.app) as door, opened(Database(door.url, wait_seconds=0.3)) as behind:
        door.become("closed")
        async with AsyncExitStack() as stack:
            known = await open_learning(
                behind,
                open_gate(Settings()),
                lambda _tenant: models_of(CARDS),
                stack,
                on_change=lambda _tenant: None,
            )
            assert known.counts.labels(uuid4()) == 0
            with pytest.raises(StoreError):
                await known.refresh()
        door.become("open")


async def test_tidying_ends_old_decisions(database, tenant):
    from datetime import UTC, datetime, timedelta

    draft = uuid4()
    old = datetime.now(UTC) - timedelta(days=plans.KEPT_DAYS + 1)
    async with database.unbound() as tx:
        await plans.add(tx, uuid4(), 1, [planned(tenant, draft_id=draft, at=old)], {})
    await worker._tidy(database)
    async with database.tenant(tenant.id) as tx:
        assert await plans.of_draft(tx, draft) == []


# --- names ---


def test_a_dated_edition_is_the_same_model_and_a_smaller_one_is_not():
    models = models_of([*CARDS, ProviderCard(Tier.LOCAL_MINIMAX, "local", "my model.gguf")])
    assert still_answers(models, Tier.CLOUD_PREMIUM, "gpt-4o-2024-08-06")
    assert not still_answers(models, Tier.CLOUD_PREMIUM, "gpt-4o-mini")
    assert not still_answers(models, Tier.LOCAL_MINIMAX, "gpt-4o")
    assert still_answers(models, Tier.LOCAL_MINIMAX, "my model.gguf")
    assert still_answers(models, Tier.RULE_BASED, "whatever")
    for dated in ("gpt-4o-20241022", "gpt-4o@20241022", "gpt-4o-0613"):
        assert still_answers(models, Tier.CLOUD_PREMIUM, dated)
    for other in ("gpt-4o-2", "gpt-4o-7", "gpt-4o-2507", "gpt-4o-1-2", "gpt-4o@1", "gpt-4o-2024-08-06-x"):
        assert not still_answers(models, Tier.CLOUD_PREMIUM, other), other


@pytest.fixture
def settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return lambda **given: Settings(**{"CCOS_HOME": tmp_path / "home", **given})


PROVEN = LikenessOdds(
    slope=10.0, intercept=-4.0, scorer=SCORER, labels=200,
    auroc_gate=0.7, auroc_likeness=0.8, auroc_both=0.85, gain=(0.02, 0.2),
)  # fmt: skip
RATES = Rates(true_positive=0.85, true_negative=0.85, labels=400, good=200, bad=200)


def prompt_of(found):
    """What labels are of, by the settings."""
    return wiring._prompt_of(open_gate(found))


def test_a_second_opinion_that_is_heard_makes_other_labels(settings):
    server = {"CCOS_EMBEDDING_BASE_URL": "http://127.0.0.1:9/v1", "CCOS_EMBEDDING_MODEL": "bag"}
    off, on = settings(**server), settings(CCOS_SECOND_OPINION=True, **server)
    alone = prompt_of(off)
    assert prompt_of(on) == alone  # switched on, and nobody has proven anything yet
    write_embedding(on.folder, "bag", PROVEN.model_copy(update={"gain": (-0.1, 0.2)}))
    write_embedding(on.folder, "another", PROVEN)
    assert prompt_of(on) == alone
    write_embedding(on.folder, "bag", PROVEN)
    likeness = prompt_of(on)
    write_embedding(on.folder, "bag", PROVEN.model_copy(update={"slope": 9.0}))
    learned_anew = prompt_of(on)
    write_judge(on.folder, "claude-x", RATES)
    assert len({alone, likeness, learned_anew, prompt_of(on)}) == 4
    assert prompt_of(off) == alone


async def test_certificates_end_when_second_opinions_are_switched_on_and_are_there_when_off_again(
    database, tenant, settings
):
    off, on = settings(), settings(CCOS_SECOND_OPINION=True)
    write_judge(on.folder, "claude-x", RATES)
    await label(database, tenant, 40)
    await learning(database, prompt=prompt_of(off)).certify(tenant.id)
    for found, expected in ((on, 0.7), (off, 0.9)):
        known = learning(database, prompt=prompt_of(found))
        await known.refresh()
        assert promised(known, tenant) == expected


def test_the_order_of_providers_changes_no_fingerprint():
    assert models_of(CARDS) == models_of(reversed(CARDS)) == "tier_0:gpt-4o tier_2:tiny"
