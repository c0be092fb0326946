"""What happens when the cluster misbehaves, and what is sent to it."""

import asyncio
import json
from base64 import b64encode
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from ccos.domain.errors import IndexUnusable, StoreError
from ccos.domain.evidence import EvidenceKind, Visibility
from ccos.knowledge import opensearch_following
from ccos.knowledge.filtering import Filter
from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.opensearch import open_opensearch
from ccos.knowledge.opensearch_builds import FORMAT, Build, Builds
from ccos.knowledge.opensearch_following import PostgresLeases
from ccos.knowledge.opensearch_index import ClusterIndex
from ccos.knowledge.opensearch_orphans import remove_orphans
from ccos.knowledge.querying import question
from ccos.knowledge.recipe import WHOLE
from support.opensearch_searchers import Turns, cluster_searchers
from support.opensearch_server import kept_length, opensearch_server
from support.search_contract import ARTICLES, NOW, ids, item, put, stocked

FAULTS = ["slow", "429", "503", "half", "partial", "timed out"]


@pytest.fixture
async def shelf():
    return MemoryShelf()


@pytest.fixture
async def tenant(shelf):
    tenant = uuid4()
    await stocked(shelf, tenant)
    return tenant


@pytest.fixture
def fake():
    with opensearch_server() as fake:
        fake.slow_seconds = 2.0
        yield fake


@pytest.fixture
def sources():
    return []


@pytest.fixture
async def searchers(fake, shelf, tmp_path, sources, monkeypatch):
    monkeypatch.setattr(opensearch_following, "REST_SECONDS", 0.0)
    async with cluster_searchers(
        fake.url, "t", shelf, tmp_path, ask_seconds=1.0, on_search=sources.append
    ) as another:

        async def impatient():
            searcher = await another()
            searcher.cluster._rest_seconds = 0.0
            return searcher

        yield impatient


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_search_that_is_not_answered_whole_is_answered_from_the_store(
    searchers, fake, tenant, sources, fault
):
    searcher = await searchers()
    await ids(searcher, tenant, "배송")
    fake.fault, fake.where = fault, "_msearch"
    assert (await ids(searcher, tenant, "환불 기간"))[0] == "refund"
    fake.fault = None
    assert (await ids(searcher, tenant, "환불 기간"))[0] == "refund"
    assert sources == ["index", "store", "index"]


@pytest.mark.parametrize("fault", ["slow", "429", "503", "half"])
async def test_a_cluster_that_is_away_from_the_start_is_used_when_it_comes(
    searchers, fake, tenant, sources, fault
):
    fake.fault = fault
    searcher = await searchers()
    assert (await ids(searcher, tenant, "환불 기간"))[0] == "refund"
    assert searcher._followed[tenant].standing.state == "failed"
    fake.fault = None
    assert (await ids(searcher, tenant, "환불 기간"))[0] == "refund"
    assert searcher._followed[tenant].standing.state == "ready"
    assert sources == ["store", "index"]


async def test_nobody_listens_there(shelf, tenant, tmp_path, sources):
    nowhere = "http://127.0.0.1:9"
    async with cluster_searchers(nowhere, "t", shelf, tmp_path, on_search=sources.append) as another:
        assert (await ids(await another(), tenant, "환불 기간"))[0] == "refund"
    assert sources == ["store"]


async def test_after_an_unanswered_request_the_cluster_is_left_alone_for_a_while(searchers, fake, tenant):
    searcher = await searchers()
    await ids(searcher, tenant, "배송")
    searcher.cluster._rest_seconds = 60.0
    fake.fault = "503"
    await ids(searcher, tenant, "환불")
    before = len(fake.calls)
    assert (await ids(searcher, tenant, "환불"))[0] == "refund"
    assert len(fake.calls) == before


async def test_while_it_takes_in_nothing_what_it_has_is_found(searchers, fake, shelf, tenant, sources):
    searcher = await searchers()
    await ids(searcher, tenant, "환불")
    fake.fault, fake.where = "429", "_bulk"
    await put(shelf, tenant, item("gift", "선물 포장", "포장 상자를 고르실 수 있습니다."))
    assert (await ids(searcher, tenant, "환불"))[0] == "refund"
    assert searcher._followed[tenant].standing.state == "failed"
    fake.fault = None
    assert await ids(searcher, tenant, "선물 포장") == ["gift"]
    assert sources == ["index", "index", "index"]


async def test_an_index_that_refuses_passages_is_told_and_the_store_answers(
    searchers, fake, shelf, tenant, sources
):
    fake.fault = "conflict"
    searcher = await searchers()
    assert (await ids(searcher, tenant, "환불"))[0] == "refund"
    with pytest.raises(IndexUnusable, match="mapper_parsing_exception"):
        await searcher.rebuild(tenant, lambda *_: None)
    assert sources == ["store"]


async def test_a_search_is_two_requests_and_one_when_the_terms_are_known(searchers, fake, tenant):
    searcher = await searchers()
    await ids(searcher, tenant, "배송")
    fake.calls.clear()
    queries = ["환불은 언제 되나요?", "주문을 취소하고 싶어요.\n카드 결제입니다. 언제 환불되나요?"]
    await ids(searcher, tenant, *queries)
    assert fake.calls == ["POST /_mtermvectors", "POST /_msearch"]
    fake.calls.clear()
    await ids(searcher, tenant, *queries)
    assert fake.calls == ["POST /_msearch"]


async def test_a_word_that_nobody_had_is_found_as_soon_as_somebody_has_it(searchers, shelf, tenant):
    searcher = await searchers()
    assert await ids(searcher, tenant, "낙타") == []
    await put(shelf, tenant, item("camel", "낙타", "낙타 인형"))
    assert await ids(searcher, tenant, "낙타") == ["camel"]


@pytest.mark.parametrize("pool", ["kb", "case"])
async def test_an_index_that_somebody_deleted_is_built_anew(searchers, fake, shelf, tenant, pool):
    await put(shelf, tenant, replace(item("T-7", "환불이 늦어요", "카드사 확인"), kind=EvidenceKind.CASE))
    searcher = await searchers()
    before = await ids(searcher, tenant, "환불", pool=pool)
    with fake.lock:
        fake._drop(f"t-{tenant.hex}-1-{pool}")
    assert await ids(searcher, tenant, "환불", pool=pool) == before
    assert searcher._followed[tenant].serving.index.build.seq == await shelf.last_change(tenant)
    assert await ids(await searchers(), tenant, "환불", pool=pool) == before


async def test_an_index_of_another_database_is_built_anew(fake, searchers, shelf, tenant, tmp_path):
    await ids(await searchers(), tenant, "환불")
    backup = MemoryShelf()
    await put(backup, tenant, item("older", "환불", "옛 안내"))
    async with cluster_searchers(fake.url, "t", backup, tmp_path / "other") as another:
        assert await ids(await another(), tenant, "환불") == ["older"]
    assert [name for name in fake.indexes if name.endswith("kb")] == [f"t-{tenant.hex}-2-kb"]


async def test_an_index_of_a_later_version_is_read_and_left_as_it_is(fake, searchers, shelf, tenant, sources):
    await ids(await searchers(), tenant, "환불")
    mark = fake.indexes[f"t-{tenant.hex}-1-kb"].written["mark"].source["mark"]
    mark["format"] = FORMAT + 1
    await put(shelf, tenant, item("refund", "배송", "바뀐 글"))
    searcher = await searchers()
    assert "refund" not in await ids(searcher, tenant, "환불 기간", limit=1)
    assert (await ids(searcher, tenant, "배송 조회"))[0] == "tracking"
    assert sources[-1] == "former"
    assert {name for name in fake.indexes if name.endswith("kb")} == {f"t-{tenant.hex}-1-kb"}


async def test_while_another_build_grows_the_one_that_serves_takes_in_changes(
    fake, searchers, shelf, tenant, monkeypatch, sources
):
    searcher = await searchers()
    await ids(searcher, tenant, "환불")
    await shelf.rebuild(tenant)
    monkeypatch.setattr(opensearch_following, "BATCH", 1)
    monkeypatch.setattr(opensearch_following, "GENERATION_SECONDS", 0.0)
    fake.fault, fake.where = "503", "_aliases"  # it can be built and not be put in service
    await put(shelf, tenant, item("gift", "선물 포장", "포장 상자"))
    for _ in range(3):
        assert await ids(searcher, tenant, "선물 포장") == ["gift"]
    fake.fault = None
    await searcher.rebuild(tenant, lambda *_: None)
    assert await ids(searcher, tenant, "선물 포장") == ["gift"]
    assert set(sources) == {"index"}
    assert {name for name in fake.indexes if name.endswith("kb")} == {f"t-{tenant.hex}-2-kb"}


async def test_what_a_writer_that_was_cut_off_still_sends_changes_nothing(fake, shelf, tenant):
    async with open_opensearch(fake.url) as cluster:
        builds = Builds(cluster, "t", tenant)
        first = await builds.begin(None, 0, 99)
        [change, *_] = await shelf.changes(tenant, 0, 99)
        old = await shelf.load(tenant, [change.item_id])
        new = [replace(each, item=replace(each.item, title="새 제목"), version=2) for each in old]
        done = await builds.apply(first, new, (), 9)
        await builds.apply(done, new, (), 9)
        with pytest.raises(Exception, match="409"):
            await builds.apply(first, old, (), 4)
        written = fake.indexes[f"t-{tenant.hex}-1-kb"].written
        cards = [json.loads(each.source["card"]) for key, each in written.items() if key != "mark"]
        assert {card["title"] for card in cards} == {"새 제목"}
        assert (await builds.begin(None, 0, 99)) == Build(1, FORMAT, 0, 9)


async def test_every_search_asks_for_the_tenant_and_shows_nothing_before_its_time(fake, searchers, tenant):
    searcher = await searchers()
    bodies, msearch = [], fake._msearch
    fake._msearch = lambda lines: bodies.extend(lines[1::2]) or msearch(lines)
    await ids(searcher, tenant, "환불은 언제 되나요? 주문 취소도 하고 싶어요.", pool="kb")
    await ids(searcher, tenant, "환불", pool="case")
    assert bodies
    for body in bodies:
        assert {"term": {"tenant": tenant.hex}} in body["query"]["bool"]["filter"]
        assert body["timeout"]


async def test_what_is_filtered_out_takes_no_place_from_what_is_wanted(fake, searchers, shelf, tenant):
    """However many there are that say the same and are not wanted."""
    since = datetime(2026, 11, 1, 9, 0, 0, 500_400, tzinfo=UTC)
    old = {"updated_at": since - timedelta(seconds=1), "locale": "ko", "category": "배송"}
    await put(shelf, tenant, *[item(f"{n}", "제주 배송", "제주 배송 제주 배송", **old) for n in range(120)])
    wanted = item(
        "yes",
        "섬",
        "주문하신 물건은 제주에도 갑니다. 배송에는 며칠이 더 걸립니다.",
        visibility=Visibility.INTERNAL,
        locale="en_GB",
        category="배송 > 지연 > 섬",
        updated_at=since + timedelta(microseconds=100),
    )
    await put(shelf, tenant, wanted)
    searcher = await searchers()
    bodies, msearch = [], fake._msearch
    fake._msearch = lambda lines: bodies.extend(lines[1::2]) or msearch(lines)
    for only in (
        Filter(visibility=Visibility.INTERNAL),
        Filter(locale="EN"),
        Filter(locale="en-gb"),
        Filter(category="배송 > 지연"),
        Filter(category="배송 > 지연 > 섬", locale="en", visibility=Visibility.INTERNAL, updated_after=since),
        Filter(updated_after=since),
    ):
        found = await searcher.search(tenant, ["제주 배송"], pool="kb", limit=1, now=NOW, only=only)
        assert [each.id for each in found] == ["yes"], only
        if only.updated_after is None:  # dates are of whole milliseconds there
            assert max(len(body["query"]["bool"]["filter"]) for body in bodies) == 2
        bodies.clear()
    for only in (
        Filter(locale="e"),
        Filter(locale="en-g"),
        Filter(category="배송 > 지"),
        Filter(category="지연"),
        Filter(updated_after=since + timedelta(microseconds=100)),
    ):
        assert not await searcher.search(tenant, ["제주 배송"], pool="kb", limit=1, now=NOW, only=only), only


async def test_an_index_that_tells_nothing_to_filter_by_is_sifted_after_the_search(fake, shelf, tenant):
    await put(
        shelf, tenant, item("inner", "내부", "환불은 내부 규정을 따릅니다.", visibility=Visibility.INTERNAL)
    )
    async with open_opensearch(fake.url) as cluster:
        builds = Builds(cluster, "t", tenant)
        shelved = await shelf.load(tenant, {each.item_id for each in await shelf.changes(tenant, 0, 99)})
        build = await builds.apply(await builds.begin(None, 0, 99), shelved, (), 9)
        for each in fake.indexes[f"t-{tenant.hex}-1-kb"].seen.values():
            each.source.pop("visibility", None)  # as a document of the former format is
        for formed, found in ((1, ["inner"]), (FORMAT, [])):
            index = ClusterIndex(builds, replace(build, format=formed))
            only = Filter(visibility=Visibility.INTERNAL)
            [hits] = await index.ranked(EvidenceKind.KB, [question("환불")], 1, NOW, WHOLE, only)
            assert [each.external_id for each in hits] == found


async def test_a_change_is_shown_before_anybody_searches_and_no_second_of_refreshing_is_waited_for(
    fake, searchers, shelf, tenant
):
    """What was put is found by the first search after it: within two seconds there is nothing to wait for."""
    writer, reader = await searchers(), await searchers()
    await ids(writer, tenant, "환불")
    await ids(reader, tenant, "환불")
    assert {each.settings["refresh_interval"] for each in fake.indexes.values()} == {"-1"}
    fake.calls.clear()
    await put(shelf, tenant, item("gift", "선물 포장", "포장 상자를 고르실 수 있습니다."))
    assert await ids(writer, tenant, "선물 포장") == ["gift"]
    asked = [call.rsplit("/", 1)[1] for call in fake.calls]
    assert asked.index("_bulk") < asked.index("_refresh") < asked.index("_msearch")
    assert await ids(reader, tenant, "선물 포장") == ["gift"]


async def test_indexes_of_tenants_that_are_gone_are_removed_and_no_others(fake, searchers, shelf, tenant):
    searcher, gone = await searchers(), uuid4()
    await stocked(shelf, gone)
    await ids(searcher, gone, "환불")
    await ids(searcher, tenant, "환불")
    async with open_opensearch(fake.url) as cluster:
        for prefix, owner in (("tt", gone), ("t2", gone), ("t-t", gone)):
            await Builds(cluster, prefix, owner).begin(None, 0, 0)
        foreign = f"t-{gone.hex}-1-kb-archive"
        fake.indexes[foreign] = fake.indexes["t-notes"] = fake.indexes[f"t-{tenant.hex}-1-kb"]
        ours, before = {f"t-{gone.hex}-1-kb", f"t-{gone.hex}-1-case"}, set(fake.indexes)
        told = []

        async def living():
            told.append(list(fake.calls))
            return [tenant]

        assert await remove_orphans(cluster, "t", living) == [gone]
        assert "GET /t-*/_alias" in told[0][-1]
        assert set(fake.indexes) == before - ours
        assert await remove_orphans(cluster, "t", living) == []
        assert await remove_orphans(cluster, "nobody", living) == []
    assert (await ids(searcher, tenant, "환불"))[0] == "refund"


async def test_the_login_of_the_url_is_sent_and_a_wrong_one_costs_only_the_index(shelf, tenant, tmp_path):
    right = "Basic " + b64encode(b"ccos:p w").decode()
    for password, source in (("p%20w", "index"), ("wrong", "store")):
        with opensearch_server(right) as fake:
            url, sources = fake.url.replace("http://", f"http://ccos:{password}@"), []
            async with cluster_searchers(url, "t", shelf, tmp_path, on_search=sources.append) as another:
                assert (await ids(await another(), tenant, "환불"))[0] == "refund"
            assert sources == [source]


async def test_whoever_does_not_hold_the_lease_waits_for_the_one_who_does(fake, shelf, tenant, tmp_path):
    leases = Turns()
    async with cluster_searchers(
        fake.url, "t", shelf, tmp_path, leases=leases, patience_seconds=0.5
    ) as another:
        searcher = await another()
        async with leases.taken(tenant) as ours:
            assert ours
            assert (await ids(searcher, tenant, "환불"))[0] == "refund"  # from the store
            assert not fake.indexes
        assert (await ids(searcher, tenant, "환불"))[0] == "refund"
        assert fake.indexes


class LostTurns(Turns):
    """Leases that end with a fault of the store, as those of a turn do that took too long."""

    def __init__(self):
        super().__init__()
        self.lost = True

    @asynccontextmanager
    async def taken(self, tenant_id):
        async with super().taken(tenant_id) as ours:
            yield ours
        if self.lost:
            raise StoreError("The transaction was idle for too long.")


async def test_a_turn_that_was_lost_costs_no_search(fake, shelf, tenant, tmp_path):
    leases = LostTurns()
    async with cluster_searchers(
        fake.url, "t", shelf, tmp_path, leases=leases, patience_seconds=0.5
    ) as another:
        searcher = await another()
        assert await ids(searcher, tenant, "환불")
        async with asyncio.timeout(20):
            while searcher._followed[tenant].standing.state != "failed":
                await asyncio.sleep(0.02)
        assert await ids(searcher, tenant, "환불")
        leases.lost = False
        await put(shelf, tenant, item("gift", "선물 포장", "포장 상자를 고르실 수 있습니다."))
        await searcher.rebuild(tenant, lambda _done, _all: None)
        assert await ids(searcher, tenant, "선물 포장") == ["gift"]


async def test_one_process_at_a_time_has_the_lease_of_a_tenant(database):
    one, other = uuid4(), uuid4()
    leases = PostgresLeases(database)
    async with leases.taken(one) as first, leases.taken(one) as second, leases.taken(other) as third:
        assert (first, second, third) == (True, False, True)
    async with leases.taken(one) as again:
        assert again


@pytest.mark.parametrize(("length", "kept"), [(0, 0), (40, 40), (41, 40), (42, 42), (100, 96), (1_000, 984)])
def test_lengths_are_kept_as_lucene_keeps_them(length, kept):
    assert kept_length(length) == kept


def test_the_articles_of_the_contract_differ():
    assert len({body for _, body in ARTICLES.values()}) == len(ARTICLES)
