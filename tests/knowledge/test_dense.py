"""Vectors beside words, on PostgreSQL and against a server of vectors that misbehaves on the wire."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ccos.domain.draft import Outcome
from ccos.domain.errors import ProviderError
from ccos.domain.evidence import EvidenceKind, Visibility
from ccos.domain.knowledge import Item, Passage
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Task, Tier
from ccos.knowledge.dense import Dense, both, text_hash
from ccos.knowledge.dense_filling import Filler
from ccos.knowledge.filtering import Filter
from ccos.knowledge.postgres import PostgresShelf
from ccos.knowledge.prefixes import Prefixes
from ccos.knowledge.recipe import Recipe
from ccos.knowledge.search import Searcher
from ccos.providers.embeddings import Embeddings
from ccos.providers.http import open_session
from ccos.store import knowledge, vectors
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.embedder import Embedder
from ccos.tiers.ledger import Entry
from support.fake_embeddings import WIDTH, fake_embeddings
from support.store import new_tenant

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SAME = (("환불", "돈돌려받기"),)
ARTICLES = {
    "refund": ("환불 안내", "환불은 사흘 안에 됩니다."),
    "parcel": ("배송 조회", "송장 번호로 어디 있는지 봅니다."),
    "points": ("포인트 적립", "구매 다음 날 쌓입니다."),
}
ASKED = "돈돌려받기"
"""None of its letters stand in an article; the model knows that it means a refund."""


def item(external_id: str, title: str, body: str, **more) -> Item:
    return Item(EvidenceKind.KB, external_id, title, body, **more)


class Purse(MemoryBudget):
    def __init__(self, limit: MicroUsd) -> None:
        super().__init__(limit)
        self.paid: list[int] = []

    def settle(self, tenant_id, reservation, spent) -> None:
        super().settle(tenant_id, reservation, spent)
        self.paid.append(spent)


class Noting:
    def __init__(self, noted: list[Entry]) -> None:
        self.note = noted.append


class Desk:
    """One tenant's knowledge with everything that reads it, over a server of vectors."""

    def __init__(
        self, database, tenant, home, fake, session, *, model="m", seconds=5.0, outside=False
    ) -> None:
        client = Embeddings(session=session, base_url=fake.url, model=model)
        card = ProviderCard(Tier.LOCAL_MINIMAX, "embedding", model, paid=outside, leaves_machine=outside)
        self.budget = Purse(MicroUsd(10**6))
        self.noted: list[Entry] = []
        self.embedder = Embedder(
            client, card, None, budget=self.budget, ledger=Noting(self.noted), usd_per_million=Decimal(1)
        )
        self.database, self.tenant, self.model = database, tenant, model
        self.shelf = PostgresShelf(database)
        self.dense = Dense(database, self.shelf, self.embedder, model, seconds=seconds)
        self.searcher = Searcher(self.shelf, home, patience_seconds=30, dense=self.dense)

    async def put(self, *items: Item, tenant=None) -> None:
        entries = [(each, [Passage("", each.body)]) for each in items]
        await self.shelf.put((tenant or self.tenant).id, entries)

    async def fill(self, tenant=None) -> int:
        return await Filler(self.database, self.embedder, self.model, seconds=5).fill(
            (tenant or self.tenant).id
        )

    async def ready(self) -> None:
        await self.dense.ready(self.tenant.id)

    async def found(self, query=ASKED, tenant=None, now=NOW, **more) -> list[str]:
        who = (tenant or self.tenant).id
        return [e.id for e in await self.searcher.search(who, [query], pool="kb", now=now, **more)]

    async def coverage(self) -> tuple[int, int]:
        async with self.database.tenant(self.tenant.id) as tx:
            said = await vectors.coverage(tx, self.model)
        return said.vectors, said.passages


@pytest.fixture
async def fake():
    with fake_embeddings(same=SAME) as fake:
        yield fake


@pytest.fixture
async def open_desk(database, tenant, tmp_path, fake):
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(open_session())

        async def open_one(name="one", **options) -> Desk:
            desk = Desk(database, tenant, tmp_path / name, fake, session, **options)
            for close in (desk.embedder.aclose, desk.dense.aclose, desk.searcher.aclose):
                stack.push_async_callback(close)
            return desk

        yield open_one


@pytest.fixture
async def desk(open_desk):
    desk = await open_desk()
    await desk.put(*(item(key, *texts) for key, texts in ARTICLES.items()))
    assert await desk.fill() == 3
    await desk.ready()
    return desk


async def test_what_a_model_wants_before_questions_and_passages_is_put_there(open_desk, fake):
    """Each text is read with the passage's words, each question with the question's, and masked or cut after."""
    desk = await open_desk()
    await desk.put(item("refund", *ARTICLES["refund"]))
    name = Prefixes("ask: ", "text: ").identity("m")
    filler = Filler(desk.database, desk.embedder, name, prefix="text: ", seconds=5)
    assert await filler.fill(desk.tenant.id) == 1
    dense = Dense(desk.database, desk.shelf, desk.embedder, name, query_prefix="ask: ", seconds=5.0)
    await dense.ready(desk.tenant.id)
    ((hit,),) = await dense.ranked(desk.tenant.id, EvidenceKind.KB, [ASKED], 5, NOW)
    await dense.aclose()
    assert hit.item and fake.heard == ["text: 환불 안내\n환불은 사흘 안에 됩니다.", f"ask: {ASKED}"]
    assert await desk.coverage() == (0, 1)  # under the bare name there is none


async def test_what_is_said_otherwise_is_found_by_its_vector_and_not_by_its_words(desk, tmp_path):
    assert (await desk.found())[0] == "refund"
    words = Searcher(desk.shelf, tmp_path / "words", patience_seconds=30)
    without = Searcher(
        desk.shelf, tmp_path / "without", patience_seconds=30, dense=desk.dense, recipe=Recipe(dense=False)
    )
    for each in (words, without):
        assert await each.search(desk.tenant.id, [ASKED], pool="kb", now=NOW) == []
        await each.aclose()


async def test_a_passage_is_never_read_twice_and_a_changed_one_is_found_by_what_it_says_now(desk, fake):
    assert await desk.fill() == 0
    heard = fake.calls
    await desk.put(item("refund", *ARTICLES["refund"], url="https://help.example.com/1"))  # the same text
    assert await desk.fill() == 0
    assert fake.calls == heard
    await desk.put(item("points", "돈돌려받기", "돈돌려받기"), item("refund", "없음", "없음"))
    assert await desk.fill() == 2
    await desk.ready()
    assert (await desk.found())[0] == "points"


async def test_what_is_archived_has_run_out_or_is_internal_is_not_found(desk):
    await desk.put(
        item("old", "환불", "환불 환불", valid_until=NOW), item("far", "환불 둘", "환불 둘", locale="en")
    )
    await desk.put(item("desk", "환불 셋", "환불 셋", visibility=Visibility.INTERNAL))
    await desk.fill()
    await desk.ready()
    assert {"refund", "desk", "far"} <= set(await desk.found()) <= {*ARTICLES, "desk", "far"}
    assert "old" in await desk.found(now=NOW - timedelta(days=1))
    assert "desk" not in await desk.found(only=Filter(visibility=Visibility.PUBLIC))
    assert await desk.found(only=Filter(locale="en")) == ["far"]
    async with desk.database.tenant(desk.tenant.id) as tx:
        await knowledge.archive(tx, EvidenceKind.KB, "refund")
    assert "refund" not in await desk.found()  # the store has the last word, whatever is in memory
    async with desk.database.tenant(desk.tenant.id) as tx:
        await knowledge.put(tx, item("refund", *ARTICLES["refund"]), [Passage("", ARTICLES["refund"][1])])
    await desk.ready()
    assert "refund" in await desk.found()  # and its vector is still there


async def test_pools_are_apart(desk):
    case = replace(item("case-1", "환불", "환불"), kind=EvidenceKind.CASE)
    await desk.put(case)
    await desk.fill()
    await desk.ready()
    assert "case-1" not in await desk.found()
    cases = await desk.searcher.search(desk.tenant.id, [ASKED], pool="case", now=NOW)
    assert [each.id for each in cases] == ["case-1"]


async def test_no_vector_of_one_tenant_is_in_anothers_search(desk):
    other = await new_tenant(desk.database)
    await desk.put(item("secret", "환불", "환불"), tenant=other)
    await desk.fill(other)
    await desk.dense.ready(other.id)
    assert await desk.found(tenant=other) == ["secret"]
    assert "secret" not in await desk.found()


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"fault": 503}, "status_503"),
        ({"seconds": 0.5}, "late"),
        ({"body": b'{"data": ['}, "malformed"),
        ({"body": b'{"data": [{"index": 0, "embedding": [1.0, 0.5]}]}'}, "another_width"),
        ({"body": b'{"data": []}'}, "malformed"),
    ],
    ids=["gone", "slow", "half", "width", "none"],
)
async def test_a_server_that_fails_leaves_the_words_alone(open_desk, desk, fake, fault, why):
    again = await open_desk("again", seconds=0.2)
    await again.ready()
    for name, value in fault.items():
        setattr(fake, name, value)
    assert (await again.found("배송 조회"))[0] == "parcel"
    assert sum(again.dense.failed.values()) == 1
    assert why in again.dense.failed or why.startswith("status")


async def test_while_vectors_are_loaded_words_answer(open_desk, desk):
    again = await open_desk("again")
    assert await again.found("배송 조회") == ["parcel"]
    assert again.dense.failed == {"loading": 1}


async def test_a_tenant_with_too_many_passages_is_searched_by_words(desk, tmp_path):
    dense = Dense(desk.database, desk.shelf, desk.embedder, "m", most_passages=2)
    await dense.ready(desk.tenant.id)
    assert await dense.ranked(desk.tenant.id, EvidenceKind.KB, [ASKED], 5, NOW) is None
    assert dense.failed == {"too_many": 1}
    await dense.aclose()


async def test_another_model_has_its_own_vectors(open_desk, desk):
    other = await open_desk("other", model="another")
    await other.ready()
    assert await other.found() == []
    assert await other.coverage() == (0, 3)
    assert await other.fill() == 3
    await other.ready()
    assert (await other.found())[0] == "refund"
    assert await desk.coverage() == (3, 3)


async def test_a_model_that_changed_its_width_behind_its_name_is_not_mixed_with_the_old(desk, fake):
    await desk.put(item("new", "환불", "새로"))
    fake.body = b'{"data": [{"index": 0, "embedding": [1.0, 0.5]}]}'
    with pytest.raises(ProviderError):
        await desk.fill()
    fake.body = None
    assert await desk.coverage() == (3, 4)
    assert await desk.fill() == 1  # what failed was given back


async def test_two_workers_share_the_work_and_pay_once(open_desk, fake):
    one, two = await open_desk("one"), await open_desk("two")
    await one.put(*(item(f"i{n}", f"제목 {n}", f"본문 {n}") for n in range(150)))
    made = await asyncio.gather(one.fill(), two.fill())
    assert sum(made) == len(fake.heard) == len(set(fake.heard)) == 150
    assert await one.coverage() == (150, 150)


async def test_a_fill_that_broke_off_goes_on_where_it_stopped(open_desk, fake):
    desk = await open_desk()
    await desk.put(*(item(f"i{n}", f"제목 {n}", f"본문 {n}") for n in range(100)))
    told = []

    def tell(made: int) -> None:
        told.append(made)
        fake.fault = 503

    filler = Filler(desk.database, desk.embedder, "m", seconds=5)
    with pytest.raises(ProviderError):
        await filler.fill(desk.tenant.id, tell)
    assert told == [64]
    fake.fault, fake.heard[:] = None, []
    assert await filler.fill(desk.tenant.id) == 36
    assert len(fake.heard) == 36


async def test_queries_leave_the_network_masked_and_are_paid_for(open_desk, fake):
    desk = await open_desk(outside=True)
    await desk.put(item("refund", *ARTICLES["refund"]))
    await desk.fill()
    await desk.ready()
    fake.heard.clear()
    assert sum(each.spent for each in desk.noted) == sum(desk.budget.paid) > 0
    desk.noted.clear()
    desk.budget.paid.clear()
    await desk.found("010-1234-5678 환불 언제 되나요 kim@example.com")
    assert len(fake.heard) == 1
    assert "1234" not in fake.heard[0]
    assert "kim@" not in fake.heard[0]
    assert desk.budget.paid == [7]  # micro-USD: seven tokens at a dollar a million
    (entry,) = desk.noted
    assert (entry.tenant_id, entry.source, entry.task) == (desk.tenant.id, "search", Task.EMBEDDING)
    assert (entry.outcome, entry.tokens_in, entry.spent, entry.reported) == (Outcome.ACCEPTED, 7, 7, 7)
    assert await desk.found("900101-1234568 환불")  # a resident number stays here, and words still find
    assert len(fake.heard) == 1


async def test_a_model_of_our_own_costs_nothing_and_stands_in_no_ledger(desk):
    await desk.found()
    assert desk.noted == []
    assert desk.embedder.read == {"ok": 2} and desk.embedder.texts == 4


async def test_a_query_of_two_searches_is_read_once(desk, fake):
    before = fake.calls
    for pool in ("kb", "case"):
        await desk.searcher.search(desk.tenant.id, [ASKED], pool=pool, now=NOW)
    assert fake.calls == before + 1


async def test_the_hash_is_the_stores(database, tenant):
    passage = Passage("머리 > 글", "몸\n통 😀")
    async with database.tenant(tenant.id) as tx:
        row = await tx.row(
            "SELECT kb_text_hash(%(a)s, %(b)s, %(c)s) AS hash", a="제목", b=passage.heading, c=passage.body
        )
    assert row is not None
    assert bytes(row["hash"]) == text_hash("제목", passage)


async def test_both_lists_add_up_and_the_words_passage_is_shown(desk):
    [hits] = await desk.dense.ranked(desk.tenant.id, EvidenceKind.KB, [ASKED], 5, NOW) or pytest.fail()
    a, b, c = hits
    assert both([], [a, b]) == [a, b]
    assert both([a, b], []) == [a, b]
    assert both([a, b], [b, c]) == [b, a, c]  # found twice beats found first
    assert both([replace(b, text="by words")], [b])[0].text == "by words"
    assert WIDTH == 512
