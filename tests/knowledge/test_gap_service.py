"""From drafts that did not answer to an article that does, on a real database and a real index."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from ccos.agents.gaps import Gaps
from ccos.domain.draft import Draft, DraftState
from ccos.domain.errors import BadInput, Conflict, NotFound, ProviderDown
from ccos.domain.evidence import EvidenceKind
from ccos.domain.gap import SLOT, GapState
from ccos.domain.knowledge import Item
from ccos.domain.money import MicroUsd
from ccos.domain.ticket import Customer, Message, Ticket
from ccos.domain.tier import Mode, Tier
from ccos.knowledge.chunking import passages
from ccos.knowledge.postgres import PostgresShelf
from ccos.knowledge.search import Searcher
from ccos.providers.rules import RuleBased
from ccos.store import decisions, drafts, knowledge, tenants, tickets
from ccos.store import gaps as store
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.testing import ScriptedProvider
from ccos.wiring.learning import learned_gate
from support.store import new_tenant

GIFT = ["선물 포장 되나요?", "선물포장 가능한가요", "선물 포장지 고를 수 있나요"]
ANSWER = "고객님, 선물 포장은 결제 화면에서 2,000원에 고르실 수 있습니다."


class Shop:
    """A tenant whose tickets get drafts that end as a test says."""

    def __init__(self, database, searcher, tenant):
        self.database, self.searcher, self.tenant = database, searcher, tenant
        self.gaps = Gaps(database, searcher)

    async def draft(self, text, *, state=DraftState.ABSTAINED, verdict=None, sent=None, reason="", **ticket):
        asked = Ticket(subject=text, **{"channel": "chat", "created_at": datetime.now(UTC)} | ticket)
        async with self.database.tenant(self.tenant.id) as tx:
            put = (await tickets.put(tx, asked)).ticket
        return await self.again(put.id, state=state, verdict=verdict, sent=sent, reason=reason)

    async def again(self, ticket_id, *, state=DraftState.READY, verdict=None, sent=None, reason=""):
        async with self.database.tenant(self.tenant.id) as tx:
            queued = await drafts.queue(tx, ticket_id)
            run = await drafts.start(tx, queued.id)
            made = Draft(
                id=queued.id,
                ticket_id=ticket_id,
                state=state,
                quality=0.8,
                confidence_score=0.8,
                reply="확인해 보겠습니다.",
            )
            await drafts.finish(tx, made, run=run)
            if verdict:
                await decisions.decide(tx, queued.id, verdict, text=sent, reason=reason)
        return ticket_id

    async def refresh(self, **ahead):
        return await self.gaps.refresh(self.tenant.id, datetime.now(UTC) + timedelta(**ahead))

    async def all(self, *states):
        async with self.database.tenant(self.tenant.id) as tx:
            return await store.page(
                tx, now=datetime.now(UTC), states=[GapState(state) for state in states], at_least=0
            )

    async def one(self):
        (gap,) = await self.all()
        return gap

    async def find(self, words):
        hits = await self.searcher.search(self.tenant.id, [words], pool="kb", limit=5, now=datetime.now(UTC))
        return [hit.id for hit in hits]


@pytest.fixture
async def shop(database, tmp_path):
    searcher = Searcher(PostgresShelf(database), tmp_path)
    yield Shop(database, searcher, await new_tenant(database, "gaps"))
    await searcher.aclose()


async def proposed(shop, *, sent=ANSWER):
    await shop.draft(GIFT[0], verdict="edited" if sent else None, sent=sent)
    await shop.refresh()
    return await shop.gaps.propose(shop.tenant, (await shop.one()).id)


async def test_questions_that_ask_the_same_are_one_gap_with_its_figures(shop):
    now = datetime.now(UTC)
    await shop.draft(GIFT[0], created_at=now - timedelta(days=20))
    await shop.draft(GIFT[1], channel="email")
    await shop.draft(GIFT[2])
    await shop.draft("제주도 배송 며칠 걸려요?", state=DraftState.READY, verdict="approved")
    done = await shop.refresh()
    assert (done.added, done.removed, done.unreadable) == (3, 0, 0)
    gap = await shop.one()
    assert gap.count == 3 and gap.state is GapState.OPEN and set(gap.examples) == set(GIFT)
    assert gap.label == gap.examples[0] and gap.weeks == (0, 1, 0, 2)
    assert gap.channels == (("chat", 2), ("email", 1)) and gap.whys == (("held", 3),)
    assert gap.first_seen < now - timedelta(days=19) and gap.last_seen > now - timedelta(minutes=1)


async def test_a_gap_keeps_its_id_as_it_grows_and_a_second_look_finds_nothing_new(shop):
    await shop.draft(GIFT[0])
    await shop.refresh()
    before = await shop.one()
    await shop.draft(GIFT[1])
    assert (await shop.refresh()).added == 1
    after = await shop.one()
    assert after.id == before.id and after.count == 2
    assert (await shop.refresh()).added == 0 and (await shop.one()) == after


async def test_since_and_min_count_only_what_was_asked_then(shop):
    await shop.draft(GIFT[0], created_at=datetime.now(UTC) - timedelta(days=40))
    await shop.draft(GIFT[1])
    await shop.refresh()
    now = datetime.now(UTC)
    async with shop.database.tenant(shop.tenant.id) as tx:
        (recent,) = await store.page(tx, now=now, since=now - timedelta(days=28))
        assert recent.count == 1
        assert await store.page(tx, now=now, since=now - timedelta(days=28), at_least=2) == []
        assert len(await store.page(tx, now=now, at_least=2)) == 1


async def test_nobody_is_named_in_what_is_stored(shop):
    person = Customer(name="노을빛", phone="010-1234-5678")
    await shop.draft(
        "선물 포장 되나요? 노을빛 010-1234-5678", customer=person, verdict="edited", sent=f"노을빛 {ANSWER}"
    )
    await shop.refresh()
    gap = await shop.gaps.propose(shop.tenant, (await shop.one()).id)
    async with shop.database.tenant(shop.tenant.id) as tx:
        rows = await tx.rows(
            "SELECT to_jsonb(g)::text AS g FROM kb_gap g UNION ALL SELECT to_jsonb(q)::text FROM kb_gap_question q"
        )
    kept = "".join(row["g"] for row in rows)
    assert "선물 포장" in kept and "노을빛" not in kept and "1234-5678" not in kept
    assert "2,000원" in gap.proposal.body


async def test_a_ticket_that_is_answered_by_a_later_draft_leaves_its_gap(shop):
    ticket_id = await shop.draft(GIFT[0])
    await shop.draft(GIFT[1])
    await shop.refresh()
    await shop.again(ticket_id, state=DraftState.READY)
    assert (await shop.refresh()).removed == 1
    assert (await shop.one()).examples == (GIFT[1],)


async def test_questions_go_with_their_ticket_and_with_time(shop):
    ticket_id = await shop.draft(GIFT[0])
    await shop.draft(GIFT[1])
    await shop.refresh()
    async with shop.database.tenant(shop.tenant.id) as tx:
        await tx.run("DELETE FROM ticket WHERE id = %(id)s", id=ticket_id)
    assert (await shop.one()).count == 1
    assert (await shop.refresh(days=200)).removed == 1
    assert await shop.all("open", "proposed") == []


async def test_a_proposal_holds_what_agents_sent_and_is_found_by_nobody(shop):
    gap = await proposed(shop)
    assert gap.state is GapState.PROPOSED and gap.proposal.made_by == "rules"
    assert "2,000원" in gap.proposal.body and SLOT["ko"] in gap.proposal.body
    assert [source.verdict for source in gap.proposal.sources] == ["edited"]
    assert await shop.find("선물 포장") == []


async def test_an_accepted_article_is_internal_tagged_and_found_at_once(shop):
    gap = await proposed(shop)
    done = await shop.gaps.accept(shop.tenant.id, gap.id, by="key-7")
    assert (done.state, done.article_id, done.decided_by) == (GapState.ACCEPTED, f"gap/{gap.id}", "key-7")
    hits = await shop.searcher.search(
        shop.tenant.id, ["선물 포장 되나요"], pool="kb", limit=5, now=datetime.now(UTC)
    )
    assert [hit.id for hit in hits] == [f"gap/{gap.id}"] and hits[0].visibility.value == "internal"
    assert SLOT["ko"] not in hits[0].snippet and "[1]" not in hits[0].snippet
    async with shop.database.tenant(shop.tenant.id) as tx:
        row = await tx.row("SELECT tags FROM kb_item")
    assert row["tags"] == ["machine-made", "accepted-by:key-7"]


async def test_a_public_and_edited_article_is_taken_as_it_was_written(shop):
    gap = await proposed(shop)
    text = "# 선물 포장\n\n한 상자에 3,000원입니다."
    await shop.gaps.accept(shop.tenant.id, gap.id, by="a", public=True, edited=text)
    (hit,) = await shop.searcher.search(
        shop.tenant.id, ["선물 포장 얼마"], pool="kb", limit=5, now=datetime.now(UTC)
    )
    assert hit.title == "선물 포장" and "3,000원" in hit.snippet and hit.visibility.value == "public"


@pytest.mark.parametrize(
    "edited", [None, "# 제목만", "", "# 선물 포장\n\n" + SLOT["ko"], "# 선물\n\n" + "가" * 100_001]
)
async def test_an_article_without_an_answer_is_not_accepted(shop, edited):
    gap = await proposed(shop, sent=None)
    assert gap.proposal.answer is None
    with pytest.raises(BadInput):
        await shop.gaps.accept(shop.tenant.id, gap.id, by="a", edited=edited)
    assert (await shop.one()).state is GapState.PROPOSED and await shop.find("선물 포장") == []


async def test_what_is_not_proposed_cannot_be_accepted_nor_what_is_settled_be_settled_again(shop):
    await shop.draft(GIFT[0], verdict="edited", sent=ANSWER)
    await shop.refresh()
    gap = await shop.one()
    with pytest.raises(Conflict):
        await shop.gaps.accept(shop.tenant.id, gap.id, by="a")
    await shop.gaps.propose(shop.tenant, gap.id)
    await shop.gaps.accept(shop.tenant.id, gap.id, by="a")
    for again in (
        shop.gaps.accept(shop.tenant.id, gap.id, by="a"),
        shop.gaps.propose(shop.tenant, gap.id),
        shop.gaps.dismiss(shop.tenant.id, gap.id, by="a", reason="no"),
    ):
        with pytest.raises(Conflict):
            await again


async def test_an_article_that_helps_closes_its_gap_and_one_that_does_not_opens_it_again(shop):
    gap = await proposed(shop)
    await shop.gaps.accept(shop.tenant.id, gap.id, by="a")
    await shop.refresh()
    assert (await shop.one()).state is GapState.ACCEPTED  # an article is no proof
    await shop.draft(GIFT[1], state=DraftState.READY, verdict="approved")
    await shop.refresh()
    closed = await shop.one()
    assert closed.state is GapState.CLOSED and closed.article_id == f"gap/{gap.id}"
    await shop.draft(GIFT[2])
    await shop.refresh()
    back = await shop.one()
    assert (back.id, back.state, back.count) == (gap.id, GapState.OPEN, 2)


async def test_an_article_that_others_outrank_does_not_close_its_gap(shop):
    gap = await proposed(shop)
    text = "# 매장 안내\n\n매장에서는 우산과 장화를 팝니다. 포장은 하지 않습니다."
    await shop.gaps.accept(shop.tenant.id, gap.id, by="a", public=True, edited=text)
    body = " ".join(GIFT)
    other = Item(EvidenceKind.KB, "other", GIFT[0], body)
    async with shop.database.tenant(shop.tenant.id) as tx:
        await knowledge.put(tx, other, passages(other.title, other.body))
    assert (await shop.find(GIFT[0]))[0] == "other"
    await shop.draft(GIFT[1], state=DraftState.READY, verdict="approved")
    await shop.refresh()
    assert (await shop.one()).state is GapState.ACCEPTED
    async with shop.database.tenant(shop.tenant.id) as tx:
        await knowledge.archive(tx, EvidenceKind.KB, "other")
        mine = Item(EvidenceKind.KB, f"gap/{gap.id}", GIFT[0], body)
        await knowledge.put(tx, mine, passages(mine.title, mine.body))
    await shop.draft(GIFT[1], state=DraftState.READY, verdict="approved")
    await shop.refresh()
    assert (await shop.one()).state is GapState.CLOSED


async def test_an_answer_to_another_question_closes_nothing(shop):
    gap = await proposed(shop)
    await shop.gaps.accept(shop.tenant.id, gap.id, by="a")
    await shop.draft("제주도 배송 며칠 걸려요?", state=DraftState.READY, verdict="approved")
    await shop.refresh()
    assert (await shop.one()).state is GapState.ACCEPTED


async def test_an_answer_without_anything_to_find_closes_nothing(shop):
    await shop.draft(GIFT[0])
    await shop.draft(GIFT[1], state=DraftState.READY, verdict="approved")
    await shop.refresh()
    assert (await shop.one()).state is GapState.OPEN


async def test_a_dismissed_gap_comes_back_when_it_has_doubled(shop):
    await shop.draft(GIFT[0])
    await shop.draft(GIFT[1])
    await shop.refresh()
    gap = await shop.gaps.dismiss(shop.tenant.id, (await shop.one()).id, by="a", reason="포장은 안 합니다")
    assert (gap.state, gap.reason, gap.dismissed_count) == (GapState.DISMISSED, "포장은 안 합니다", 2)
    await shop.draft(GIFT[2])
    await shop.refresh()
    assert (await shop.one()).state is GapState.DISMISSED
    await shop.draft("선물 포장 되나요")
    await shop.refresh()
    assert ((await shop.one()).id, (await shop.one()).state) == (gap.id, GapState.OPEN)


async def test_a_gap_is_not_dismissed_without_a_word(shop):
    await shop.draft(GIFT[0])
    await shop.refresh()
    with pytest.raises(BadInput):
        await shop.gaps.dismiss(shop.tenant.id, (await shop.one()).id, by="a", reason="  ")


async def test_of_passes_at_once_each_question_is_counted_once(shop):
    for text in GIFT:
        await shop.draft(text)
    await asyncio.gather(*(shop.refresh() for _ in range(4)))
    assert (await shop.one()).count == 3


async def test_another_tenants_gap_is_not_there(shop):
    await shop.draft(GIFT[0])
    await shop.refresh()
    gap = await shop.one()
    stranger = await new_tenant(shop.database, "stranger")
    for attempt in (
        shop.gaps.propose(stranger, gap.id),
        shop.gaps.accept(stranger.id, gap.id, by="a"),
        shop.gaps.dismiss(stranger.id, gap.id, by="a", reason="no"),
        shop.gaps.propose(shop.tenant, "no id"),
    ):
        with pytest.raises(NotFound):
            await attempt
    assert (await shop.one()).state is GapState.OPEN


async def test_history_counts_and_a_rejection_for_its_evidence_does_too(shop):
    talk = (Message(role="customer", text="학생 할인도 있나요?"),)
    await shop.draft("학생 할인", conversation_history=talk)
    await shop.draft("대학생 할인 있나요", state=DraftState.READY, verdict="rejected", reason="근거가 틀림")
    await shop.draft("말투가 이상한 답", state=DraftState.READY, verdict="rejected", reason="말투")
    await shop.refresh()
    gap = await shop.one()
    assert gap.whys == (("held", 1), ("rejected", 1))


async def test_a_tenant_without_drafts_has_no_gaps(shop):
    done = await shop.refresh()
    assert (done.added, done.removed) == (0, 0) and await shop.all() == []
    async with shop.database.unbound() as tx:
        assert shop.tenant.id in await tenants.ids(tx)


async def test_two_gaps_that_turn_out_to_be_one_become_one_under_the_elders_id(shop):
    await shop.draft("선물 포장 되나요?", created_at=datetime.now(UTC) - timedelta(days=3))
    await shop.draft("리본 색은 무엇이 있는지 알려주세요", created_at=datetime.now(UTC) - timedelta(days=2))
    await shop.refresh()
    before = {gap.label: gap.id for gap in await shop.all()}
    assert len(before) == 2
    for text in (
        "선물 포장 리본 색은 무엇이 있는지",
        "선물 포장 되나요? 리본 색은 무엇이 있는지",
        "선물 포장 리본 색",
    ):
        await shop.draft(text)
    await shop.refresh()
    joined = await shop.one()
    assert joined.count == 5 and joined.id in before.values()


async def test_a_gap_that_somebody_works_on_is_never_put_into_another(shop):
    await shop.draft("선물 포장 되나요?")
    await shop.draft("리본 색은 무엇이 있는지 알려주세요")
    await shop.refresh()
    for gap in await shop.all():
        await shop.gaps.propose(shop.tenant, gap.id)
    for text in (
        "선물 포장 리본 색은 무엇이 있는지",
        "선물 포장 되나요? 리본 색은 무엇이 있는지",
        "선물 포장 리본 색",
    ):
        await shop.draft(text)
    await shop.refresh()
    gaps = await shop.all("proposed")
    assert len(gaps) == 2 and sum(gap.count for gap in gaps) == 5


def tiers(said, tier=Tier.CLOUD_PREMIUM):
    providers = [ScriptedProvider(tier, [said], model="large"), RuleBased()]
    return MultiTierLLMService(providers, learned_gate({}).gate, MemoryBudget(MicroUsd(10**9)))


def facts(*given):
    return json.dumps({"facts": [{"text": text, "n": n} for text, n in given]}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("tier", "mode", "made_by"),
    [
        (Tier.CLOUD_PREMIUM, Mode.COST_FIRST, "tier_0 large"),
        (Tier.CLOUD_PREMIUM, Mode.OUTAGE, "rules"),
        (Tier.LOCAL_MINIMAX, Mode.COST_FIRST, "rules"),  # the rules are expected to copy facts better
    ],
)
async def test_the_best_model_there_is_picks_the_facts_and_the_article_says_which(shop, tier, mode, made_by):
    await shop.draft(
        GIFT[0], verdict="edited", sent=f"{ANSWER} 리본 색은 베이지 한 가지입니다. 오늘 날씨가 좋네요."
    )
    await shop.refresh()
    picked = "선물 포장은 결제 화면에서 2,000원에 고르실 수 있습니다."
    generator = tiers(facts((picked, 1)), tier)
    gap = await shop.gaps.propose(shop.tenant, (await shop.one()).id, generator=generator, mode=mode)
    assert gap.proposal.made_by == made_by
    assert ("리본" in gap.proposal.answer) is (made_by == "rules") and "2,000원" in gap.proposal.answer


@pytest.mark.parametrize(
    "said",
    [
        "not json",
        ProviderDown(),
        facts(("선물 포장은 무료이고 9,900원을 돌려드립니다.", 1)),
        facts(("선물 포장은 결제 화면에서 2,000원입니다.", 7)),
        facts(),
    ],
    ids=["nonsense", "down", "invented", "no such reply", "nothing"],
)
async def test_where_no_model_helps_the_rules_draft_it(shop, said):
    await shop.draft(GIFT[0], verdict="edited", sent=ANSWER)
    await shop.refresh()
    gap = await shop.gaps.propose(shop.tenant, (await shop.one()).id, generator=tiers(said))
    assert gap.proposal.made_by == "rules" and "2,000원" in gap.proposal.answer
    assert "9,900" not in gap.proposal.body


async def test_a_proposal_names_the_article_that_is_there_already_and_is_close(shop):
    item = Item(EvidenceKind.KB, "wrap", "선물 포장 안내", "선물 포장은 결제 화면에서 고르실 수 있습니다.")
    far = Item(EvidenceKind.KB, "card", "무이자 할부", "카드사 행사 기간에 석 달까지 됩니다.")
    shelf = PostgresShelf(shop.database)
    await shelf.put(shop.tenant.id, [(each, passages(each.title, each.body)) for each in (item, far)])
    gap = await proposed(shop, sent=None)
    assert "선물 포장 안내 (wrap)" in gap.proposal.body and "(card)" not in gap.proposal.body
