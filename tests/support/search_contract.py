"""What search promises whatever keeps the index. A test class inherits `SearchContract` and gives the fixtures
`shelf` (any shelf) and `searchers`, a function that makes another process's searcher of the same index."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage
from ccos.knowledge import chunking

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ARTICLES = {
    "refund": ("환불 기간 안내", "환불을 요청하시면 카드사 승인 취소까지 영업일 3~5일이 걸립니다."),
    "cancel": ("주문 변경", "배송 전에는 결제취소요청 단추로 바로 취소하실 수 있습니다."),
    "tracking": ("배송 조회", "마이페이지에서 배송 조회가 안 되면 송장이 아직 등록되지 않은 것입니다."),
    "points": ("포인트 적립", "구매 확정 다음 날 포인트가 쌓입니다. 오류 코드 PT-1042가 보이면 알려 주세요."),
    "english": ("Overseas shipping", "We ship to 12 countries; refunds follow the same policy."),
}


def item(external_id: str, title: str, body: str, **more) -> Item:
    return Item(EvidenceKind.KB, external_id, title, body, **more)


async def put(shelf, tenant: UUID, *items: Item) -> None:
    await shelf.put(tenant, [(each, chunking.passages(each.title, each.body)) for each in items])


async def stocked(shelf, tenant: UUID) -> None:
    await put(shelf, tenant, *(item(key, *texts) for key, texts in ARTICLES.items()))


async def ids(searcher, tenant: UUID, *queries: str, pool="kb", limit=5, now=NOW) -> list[str]:
    return [each.id for each in await searcher.search(tenant, queries, pool=pool, limit=limit, now=now)]


class SearchContract:
    @pytest.fixture
    async def tenant(self, shelf) -> UUID:
        tenant = uuid4()
        await stocked(shelf, tenant)
        return tenant

    @pytest.mark.parametrize(
        ("query", "best"),
        [
            ("환불", "refund"),
            ("환뷸 기간", "refund"),
            ("취소", "cancel"),
            ("배송조회가안돼요", "tracking"),
            ("배 송 조 회", "tracking"),
            ("pt-1042", "points"),
            ("Do you offer refunds for overseas orders?", "english"),
        ],
    )
    async def test_the_right_article_comes_first(self, searchers, tenant, query, best):
        assert (await ids(await searchers(), tenant, query))[0] == best

    async def test_nothing_is_found_for_words_that_nobody_wrote(self, searchers, tenant):
        assert await ids(await searchers(), tenant, "xylophone") == []

    async def test_a_change_is_found_at_the_next_search_of_every_process(self, shelf, searchers, tenant):
        one, two = await searchers(), await searchers()
        assert await ids(one, tenant, "선물 포장") == await ids(two, tenant, "선물 포장") == []
        await put(shelf, tenant, item("gift", "선물 포장", "포장 상자를 고르실 수 있습니다."))
        assert await ids(one, tenant, "선물 포장") == await ids(two, tenant, "선물 포장") == ["gift"]
        await put(shelf, tenant, item("gift", "상자", "이제 하지 않습니다."))
        assert await ids(two, tenant, "선물") == await ids(one, tenant, "선물") == []
        assert (await ids(one, tenant, "상자"))[0] == "gift"

    async def test_passages_that_an_item_no_longer_has_are_gone(self, shelf, searchers, tenant):
        searcher, pieces = await searchers(), [Passage("", "수선 접수 방법"), Passage("", "우산 살대 교체")]
        await shelf.put(tenant, [(item("repair", "수선", "-"), pieces)])
        assert (await ids(searcher, tenant, "우산 살대"))[0] == "repair"
        await shelf.put(tenant, [(item("repair", "수선", "-"), pieces[:1])])
        assert await ids(searcher, tenant, "우산 살대") == []
        assert (await ids(searcher, tenant, "수선 접수"))[0] == "repair"

    async def test_archived_items_go_and_come_back(self, shelf, searchers, tenant):
        searcher = await searchers()
        assert (await ids(searcher, tenant, "환불 기간"))[0] == "refund"
        await shelf.archive_missing(tenant, EvidenceKind.KB, set(ARTICLES) - {"refund"})
        assert "refund" not in await ids(searcher, tenant, "환불 기간")
        await put(shelf, tenant, item("refund", *ARTICLES["refund"]))
        assert (await ids(searcher, tenant, "환불 기간"))[0] == "refund"

    async def test_what_is_no_longer_valid_is_left_out_from_that_moment(self, shelf, searchers, tenant):
        searcher, end = await searchers(), NOW + timedelta(hours=1)
        await put(shelf, tenant, item("event", "가을 행사", "가을 행사 쿠폰", valid_until=end))
        assert await ids(searcher, tenant, "가을 행사", now=end - timedelta(seconds=1)) == ["event"]
        assert await ids(searcher, tenant, "가을 행사", now=end) == []

    async def test_expired_items_do_not_crowd_out_valid_ones(self, shelf, searchers, tenant):
        old = [item(f"old-{n}", "겨울 행사", "겨울 행사 쿠폰", valid_until=NOW) for n in range(200)]
        late = item("new", "안내", "겨울 행사는 끝났고 봄에 다시 시작하는 것을 준비하고 있습니다.")
        await put(shelf, tenant, *old, late)
        assert await ids(await searchers(), tenant, "겨울 행사 쿠폰") == ["new"]

    async def test_pools_are_apart(self, shelf, searchers, tenant):
        case = replace(item("T-7", "환불이 늦어요", "카드사 확인 뒤 안내"), kind=EvidenceKind.CASE)
        await put(shelf, tenant, case)
        searcher = await searchers()
        assert await ids(searcher, tenant, "환불", pool="case") == ["T-7"]
        assert "T-7" not in await ids(searcher, tenant, "환불")

    async def test_tenants_are_apart(self, shelf, searchers, tenant):
        searcher, other = await searchers(), uuid4()
        await put(shelf, other, item("refund", "다른 회사 환불", "다른 회사"))
        found = {each: await searcher.search(each, ["환불"], pool="kb", now=NOW) for each in (tenant, other)}
        assert found[other][0].title == "다른 회사 환불"
        assert found[tenant][0].title == "환불 기간 안내"
        assert await ids(searcher, tenant, "다른 회사") == []
        assert await ids(searcher, uuid4(), "환불") == []

    async def test_of_one_item_the_best_passage_is_shown(self, shelf, searchers, tenant):
        pieces = [Passage("가", "수선 접수 방법입니다."), Passage("나", "수선 비용은 만 원, 수선 비용 안내")]
        await shelf.put(tenant, [(item("repair", "수선", "-"), pieces)])
        found = await (await searchers()).search(tenant, ["수선 비용"], pool="kb", now=NOW)
        assert [each.id for each in found].count("repair") == 1
        assert found[0].snippet == pieces[1].body
        assert found[0].passages == (2,)

    async def test_a_sentence_of_its_own_is_asked_by_itself(self, shelf, searchers, tenant):
        talk = [item(f"talk-{n}", "인사", f"안녕하세요 반갑습니다 감사합니다 {n}") for n in range(40)]
        await put(shelf, tenant, *talk, item("customs", "안내", "세관 통관 부호를 알려 드립니다."))
        query = "안녕하세요 반갑습니다 감사합니다.\n정말 안녕하세요 감사합니다.\n통관 부호가 뭔가요?"
        assert "customs" in await ids(await searchers(), tenant, query, limit=3)

    async def test_a_build_that_is_asked_for_replaces_the_former(self, shelf, searchers, tenant):
        searcher, heard = await searchers(), []
        assert (await ids(searcher, tenant, "환불"))[0] == "refund"
        await shelf.rebuild(tenant)
        other = await searchers()
        await other.rebuild(tenant, lambda done, total: heard.append((done, total)))
        followed = other._followed[tenant]
        assert (followed.standing.state, followed.standing.generation) == ("ready", 1)
        assert followed.standing.seq == await shelf.last_change(tenant)
        assert followed.serving.index.bytes > 0
        assert await ids(searcher, tenant, "환불") == await ids(other, tenant, "환불")
        assert (await ids(searcher, tenant, "환불"))[0] == "refund"

    async def test_which_terms_any_passage_has(self, searchers, tenant):
        searcher = await searchers()
        await ids(searcher, tenant, "환불")
        index = searcher._followed[tenant].serving.index
        assert await index.holding(frozenset({"환불", "조회", "낙타"})) == {"환불", "조회"}

    @pytest.mark.parametrize(
        "query",
        ["", " \n\t", "!?.,;", "😀🎉", "ㅋㅋㅋㅠㅠ", "+-\"'*~^:[]{}()\\ AND OR NOT", "title:환불^9 -배송*", "\0\ud800",
         "가" * 10_000, "환불 " * 5_000, "a" * 10_000, "a-" * 5_000, "١٢٣ ทดสอบ Привет", "\u202e환불\u200b"],
    )  # fmt: skip
    async def test_hostile_queries_return_cleanly(self, searchers, tenant, query):
        assert set(await ids(await searchers(), tenant, query)) <= set(ARTICLES)
