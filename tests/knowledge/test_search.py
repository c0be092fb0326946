import asyncio
import json
import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from ccos.domain.errors import IndexUnusable
from ccos.domain.evidence import EvidenceKind, Visibility
from ccos.domain.knowledge import Item, Passage
from ccos.knowledge import chunking
from ccos.knowledge.answering import BAR
from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.querying import question
from ccos.knowledge.recipe import Recipe
from ccos.knowledge.search import SNIPPET_CHARACTERS, Searcher, snippet

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TENANT = uuid4()

ARTICLES = {
    "refund": ("환불 기간 안내", "환불을 요청하시면 카드사 승인 취소까지 영업일 3~5일이 걸립니다."),
    "cancel": ("주문 변경", "배송 전에는 결제취소요청 단추로 바로 취소하실 수 있습니다."),
    "tracking": ("배송 조회", "마이페이지에서 배송 조회가 안 되면 송장이 아직 등록되지 않은 것입니다."),
    "points": ("포인트 적립", "구매 확정 다음 날 포인트가 쌓입니다. 오류 코드 PT-1042가 보이면 알려 주세요."),
    "english": ("Overseas shipping", "We ship to 12 countries; refunds follow the same policy."),
}


def item(external_id: str, title: str, body: str, **more) -> Item:
    return Item(EvidenceKind.KB, external_id, title, body, **more)


async def put(shelf: MemoryShelf, *items: Item, tenant: UUID = TENANT) -> None:
    await shelf.put(tenant, [(each, chunking.passages(each.title, each.body)) for each in items])


@pytest.fixture
async def shelf() -> MemoryShelf:
    shelf = MemoryShelf()
    await put(shelf, *(item(key, *texts) for key, texts in ARTICLES.items()))
    return shelf


@pytest.fixture
async def searcher(shelf, tmp_path):
    searcher = Searcher(shelf, tmp_path, patience_seconds=30)
    yield searcher
    await searcher.aclose()


async def ids(searcher: Searcher, *queries: str, pool="kb", limit=5, tenant=TENANT, now=NOW) -> list[str]:
    return [e.id for e in await searcher.search(tenant, queries, pool=pool, limit=limit, now=now)]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("환불", "refund"),
        ("환불이 언제 되나요?", "refund"),
        ("환뷸 기간", "refund"),
        ("취소", "cancel"),
        ("배송조회가안돼요", "tracking"),
        ("배 송 조 회", "tracking"),
        ("pt-1042", "points"),
        ("Do you offer refunds for overseas orders?", "english"),
    ],
)
async def test_the_right_article_comes_first(searcher, query, best):
    assert (await ids(searcher, query))[0] == best


async def test_evidence_carries_what_a_draft_needs(shelf, searcher):
    updated = datetime(2026, 9, 1, 3, tzinfo=UTC)
    await put(
        shelf,
        item("vip", "우수 고객 우대", "우대 기준은 내부용입니다.", url="https://help.example.com/vip",
             visibility=Visibility.INTERNAL, updated_at=updated),
    )  # fmt: skip
    [first, *_] = await searcher.search(TENANT, ["우수 고객 우대"], pool="kb", now=NOW)
    assert (first.n, first.kind, first.id, first.title) == (1, EvidenceKind.KB, "vip", "우수 고객 우대")
    assert (first.snippet, first.score) == ("우대 기준은 내부용입니다.", 1.0)
    assert (first.url, first.visibility, first.updated_at) == (
        "https://help.example.com/vip",
        Visibility.INTERNAL,
        updated,
    )


async def test_numbers_and_scores_follow_the_order(searcher):
    found = await searcher.search(TENANT, ["배송 전에 결제를 취소하고 환불"], pool="kb", now=NOW)
    assert [e.n for e in found] == list(range(1, len(found) + 1))
    assert len(found) >= 3
    assert [e.score for e in found] == sorted((e.score for e in found), reverse=True)


async def test_changes_are_found_at_the_next_search(shelf, searcher):
    assert await ids(searcher, "선물 포장") == []
    await put(shelf, item("gift", "선물 포장", "포장 상자를 고르실 수 있습니다."))
    assert await ids(searcher, "선물 포장") == ["gift"]
    await put(shelf, item("gift", "상자", "이제 하지 않습니다."))
    assert await ids(searcher, "선물") == []
    assert (await ids(searcher, "상자"))[0] == "gift"


async def test_archived_items_go_and_come_back(shelf, searcher):
    assert (await ids(searcher, "환불 기간"))[0] == "refund"
    await shelf.archive_missing(TENANT, EvidenceKind.KB, set(ARTICLES) - {"refund"})
    assert "refund" not in await ids(searcher, "환불 기간")
    await put(shelf, item("refund", *ARTICLES["refund"]))
    assert (await ids(searcher, "환불 기간"))[0] == "refund"


async def test_what_is_no_longer_valid_is_left_out_from_that_moment(shelf, searcher):
    end = NOW + timedelta(hours=1)
    await put(shelf, item("event", "가을 행사", "가을 행사 쿠폰", valid_until=end))
    assert await ids(searcher, "가을 행사", now=end - timedelta(seconds=1)) == ["event"]
    assert await ids(searcher, "가을 행사", now=end) == []


async def test_expired_items_do_not_crowd_out_valid_ones(shelf, searcher):
    old = [item(f"old-{n}", "겨울 행사", "겨울 행사 쿠폰", valid_until=NOW) for n in range(300)]
    await put(
        shelf, *old, item("new", "안내", "겨울 행사는 끝났고 봄에 다시 시작하는 것을 준비하고 있습니다.")
    )
    assert await ids(searcher, "겨울 행사 쿠폰") == ["new"]


async def test_pools_are_apart(shelf, searcher):
    case = replace(item("T-7", "환불이 늦어요", "카드사 확인 뒤 안내"), kind=EvidenceKind.CASE)
    await put(shelf, case)
    assert await ids(searcher, "환불", pool="case") == ["T-7"]
    assert "T-7" not in await ids(searcher, "환불")


async def test_of_one_item_the_best_passage_is_shown(shelf, searcher):
    pieces = [
        Passage("가", "수선 접수 방법입니다."),
        Passage("나", "수선 비용은 만 원이고 수선 비용 안내입니다."),
    ]
    await shelf.put(TENANT, [(item("repair", "수선", "-"), pieces)])
    found = await searcher.search(TENANT, ["수선 비용"], pool="kb", now=NOW)
    assert [e.id for e in found].count("repair") == 1
    assert found[0].snippet == pieces[1].body


async def test_an_item_that_comes_up_for_several_queries_wins(shelf, searcher):
    await put(
        shelf,
        item("both", "교환과 반품", "교환 반품"),
        item("one", "교환", "교환 교환"),
        item("two", "반품", "반품 반품"),
    )
    found = await searcher.search(TENANT, ["교환", "반품"], pool="kb", limit=3, now=NOW)
    assert found[0].id == "both"
    assert {e.id for e in found} == {"both", "one", "two"}


async def test_a_title_weighs_more_than_a_mention(shelf, searcher):
    mention = "선물 상자와 보증서 재발급 이야기가 잠깐 나오는 긴 글입니다."
    await put(
        shelf,
        item("mention", "여러 이야기", mention),
        item("titled", "보증서 재발급", "신분증을 보내 주세요."),
    )
    assert await ids(searcher, "보증서 재발급", limit=2) == ["titled", "mention"]


async def test_a_title_made_from_the_text_is_not_searched_as_a_title(shelf, searcher):
    text = "수선비 안내입니다\n수선비는 만 원입니다"
    await put(shelf, item("made-up", "수선비 안내입니다", text), item("plain", "그 밖의 글", text))
    found = await searcher.search(TENANT, ["수선비"], pool="kb", limit=2, now=NOW)
    index = next(iter(searcher._followed.values()))._index
    plain = Recipe(reranking=False)
    scores = [hit.score for hit in index.search(EvidenceKind.KB, question("수선비"), 2, plain)]
    assert {e.id for e in found} == {"made-up", "plain"}
    assert scores[0] == pytest.approx(scores[1])


async def test_work_repeated_after_a_crash_leaves_no_copies(shelf, tmp_path):
    for _ in range(2):
        searcher = Searcher(shelf, tmp_path, patience_seconds=30)
        await ids(searcher, "환불")
        index = next(iter(searcher._followed.values()))._index
        assert len(index.search(EvidenceKind.KB, question("환불 기간", None), 50)) == 1
        await searcher.aclose()
        mark = folder(tmp_path) / "ccos.json"
        mark.write_text(json.dumps(json.loads(mark.read_text()) | {"seq": 0}))


async def test_sentences_raise_what_answers_one_of_them(shelf, tmp_path):
    ticket = "우산 살대 교체했어요. 모자 챙이 구겨졌어요. 텀블러 뚜껑이 새요. 세관 통관 부호 알려 주세요."
    await put(
        shelf,
        item("answer", "안내", "세관 통관 부호를 알려 드립니다."),
        item("touching", "목록", "우산과 모자와 텀블러와 양말, 세관의 목록입니다."),
    )
    leads = []
    for recipe in (Recipe(sentences=False), Recipe()):
        searcher = Searcher(shelf, tmp_path, patience_seconds=30, recipe=recipe)
        await ids(searcher, ticket)
        index = next(iter(searcher._followed.values()))._index
        found = {h.external_id: h.score for h in index.search(EvidenceKind.KB, question(ticket), 9, recipe)}
        leads.append(found["answer"] - found["touching"])
        await searcher.aclose()
    assert leads[1] > leads[0]


async def test_each_part_of_the_search_can_be_left_out(shelf, tmp_path):
    await put(shelf, item("warranty", "보증서 재발급", "신분증을 보내 주세요."))
    for recipe, query, best in (
        (Recipe(), "보증서", "warranty"),
        (Recipe(titles=False), "보증서", None),
        (Recipe(), "환뷸기깐", "refund"),
        (Recipe(jamo=False), "환뷸기깐", None),
        (Recipe(words=False), "환뷸 기깐", "refund"),
    ):
        searcher = Searcher(shelf, tmp_path, patience_seconds=30, recipe=recipe)
        assert next(iter(await ids(searcher, query)), None) == best, recipe
        await searcher.aclose()


async def test_limit_is_kept(searcher):
    assert len(await ids(searcher, "배송 환불 취소 포인트", limit=2)) == 2
    assert await ids(searcher, "환불", limit=0) == []


async def test_tenants_are_apart(shelf, searcher):
    other = uuid4()
    await put(shelf, item("refund", "다른 회사 환불", "다른 회사"), tenant=other)
    assert (await searcher.search(other, ["환불"], pool="kb", now=NOW))[0].title == "다른 회사 환불"
    assert (await searcher.search(TENANT, ["환불"], pool="kb", now=NOW))[0].title == "환불 기간 안내"
    assert await ids(searcher, "환불", tenant=uuid4()) == []


@pytest.mark.parametrize(
    "query",
    ["", " \n\t", "!?.,;", "😀🎉👩‍👩‍👧", "ㅋㅋㅋㅠㅠ", "ㅎㅂ", "+-\"'*~^:[]{}()\\ AND OR NOT", "title:환불^9 -배송*", "\0\ud800",
     "가" * 10_000, "환불 " * 5_000, "a" * 10_000, "a-" * 5_000, "١٢٣ ทดสอบ Привет", "\u202e환불\u200b"],
)  # fmt: skip
async def test_hostile_queries_return_cleanly(searcher, query):
    assert set(await ids(searcher, query)) <= set(ARTICLES)


async def test_no_and_a_thousand_queries(searcher):
    assert await ids(searcher) == []
    assert (await ids(searcher, *(f"환불 {n}" for n in range(1_000))))[0] == "refund"


async def test_a_later_process_takes_the_index_as_it_is(shelf, tmp_path):
    class Counting(MemoryShelf):
        loads = 0

        async def load(self, tenant_id, item_ids):
            Counting.loads += 1
            return await shelf.load(tenant_id, item_ids)

        changes, last_change = shelf.changes, shelf.last_change

    counting = Counting()
    counting.changes, counting.last_change = shelf.changes, shelf.last_change
    for _ in range(2):
        searcher = Searcher(counting, tmp_path, patience_seconds=30)
        assert (await ids(searcher, "환불"))[0] == "refund"
        await searcher.aclose()
    assert Counting.loads == 1


def folder(tmp_path: Path) -> Path:
    """Of the index that serves."""
    home = tmp_path / "index" / str(TENANT) / "0"
    return home / (home / "serving").read_text()


def _delete(path: Path) -> None:
    shutil.rmtree(path)


def _truncate(path: Path) -> None:
    for file in path.rglob("*"):
        if file.is_file():
            file.unlink()
            file.write_bytes(b"xx")


def _lose_a_segment(path: Path) -> None:
    for file in path.rglob("*.term"):
        file.unlink()


def _age(path: Path) -> None:
    mark = json.loads((path / "ccos.json").read_text())
    (path / "ccos.json").write_text(json.dumps(mark | {"format": 0}))


def _mix(path: Path) -> None:
    shutil.rmtree(path / "kb")
    (path / "kb").write_text("a file where a folder was")


@pytest.mark.parametrize("damage", [_delete, _truncate, _lose_a_segment, _age, _mix])
async def test_a_damaged_index_is_built_anew(shelf, tmp_path, damage):
    for _ in range(2):
        searcher = Searcher(shelf, tmp_path, patience_seconds=30)
        assert (await ids(searcher, "환불"))[0] == "refund"
        await searcher.aclose()
        damage(folder(tmp_path))


async def test_an_index_deleted_under_a_running_process_is_built_anew(shelf, searcher, tmp_path):
    assert (await ids(searcher, "환불"))[0] == "refund"
    shutil.rmtree(folder(tmp_path))
    assert (await ids(searcher, "환불"))[0] == "refund"
    assert folder(tmp_path).is_dir()


async def test_a_shelf_set_back_to_a_backup_is_followed(shelf, tmp_path):
    searcher = Searcher(shelf, tmp_path, patience_seconds=30)
    assert (await ids(searcher, "환불"))[0] == "refund"
    await searcher.aclose()
    backup = MemoryShelf()
    await put(backup, item("older", "환불", "옛 안내"))
    searcher = Searcher(backup, tmp_path, patience_seconds=30)
    assert await ids(searcher, "환불") == ["older"]
    await searcher.aclose()


async def test_processes_on_one_home_each_have_their_own_place(shelf, tmp_path):
    first, second = (Searcher(shelf, tmp_path, patience_seconds=30) for _ in range(2))
    assert await ids(first, "환불") == await ids(second, "환불") != []
    assert {path.name for path in (tmp_path / "index" / str(TENANT)).iterdir()} == {"0", "1"}
    await first.aclose()
    third = Searcher(shelf, tmp_path, patience_seconds=30)
    assert (await ids(third, "환불"))[0] == "refund"
    assert {path.name for path in (tmp_path / "index" / str(TENANT)).iterdir()} == {"0", "1"}
    await second.aclose()
    await third.aclose()


async def test_a_home_that_cannot_be_written_is_one_sentence_and_the_store_is_searched(
    shelf, tmp_path, capsys
):
    (tmp_path / "index").write_text("a file where the folder should be")
    searcher = Searcher(shelf, tmp_path)
    assert (await ids(searcher, "환불"))[0] == "refund"
    said = capsys.readouterr()  # to one or the other, as logs were set up before
    assert "cannot be written under" in said.out + said.err
    with pytest.raises(IndexUnusable, match="cannot be written under"):
        await searcher.rebuild(TENANT, lambda done, total: None)
    await searcher.aclose()


async def test_searches_at_once_all_see_what_was_there_when_they_began(shelf, searcher):
    async def one(n: int) -> list[str]:
        await put(shelf, item(f"new-{n}", f"새글{n:03}번", "본문"))
        return await ids(searcher, f"새글{n:03}번", limit=1)

    assert await asyncio.gather(*(one(n) for n in range(20))) == [[f"new-{n}"] for n in range(20)]


class Slow(MemoryShelf):
    """Lets loads through only once `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def load(self, tenant_id, item_ids):
        await self.go.wait()
        return await super().load(tenant_id, item_ids)


async def test_a_long_build_does_not_hold_a_search_up(tmp_path):
    slow = Slow()
    await put(slow, item("refund", *ARTICLES["refund"]))
    answered: list[str] = []
    searcher = Searcher(slow, tmp_path, patience_seconds=0.2, on_search=answered.append)
    assert await ids(searcher, "환불") == ["refund"]
    assert answered == ["store"]
    slow.go.set()
    while answered[-1] != "index":
        assert await ids(searcher, "환불") == ["refund"]
        await asyncio.sleep(0.01)
    await searcher.aclose()


async def test_a_shelf_that_fails_is_told_and_tried_again(tmp_path):
    class Failing(MemoryShelf):
        broken = True

        async def changes(self, tenant_id, since, limit):
            if self.broken:
                raise ConnectionError("down")
            return await super().changes(tenant_id, since, limit)

    shelf = Failing()
    await put(shelf, item("refund", *ARTICLES["refund"]))
    searcher = Searcher(shelf, tmp_path, patience_seconds=30)
    with pytest.raises(ConnectionError):
        await ids(searcher, "환불")
    shelf.broken = False
    assert await ids(searcher, "환불") == ["refund"]
    await searcher.aclose()


async def test_the_loop_stays_free_while_the_engine_works(shelf, tmp_path):
    main, used = threading.get_ident(), []

    class Watched(MemoryShelf):
        async def load(self, tenant_id, item_ids):
            used.append(threading.get_ident())
            return await super().load(tenant_id, item_ids)

    watched = Watched()
    await put(watched, *(item(str(n), f"글 {n}", "본문 " * 200) for n in range(300)))
    searcher = Searcher(watched, tmp_path, patience_seconds=30)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await ids(searcher, "본문")
    ticking.cancel()
    await searcher.aclose()
    assert used == [main]
    assert ticks > 10


@pytest.mark.parametrize("text", ["짧은 글", "가" * 5_000, "낱말 " * 1_000, ("한 줄입니다.\n" * 300)])
def test_a_snippet_is_bounded_and_ends_at_a_word(text):
    cut = snippet(text)
    assert len(cut) <= SNIPPET_CHARACTERS
    assert cut == text or (cut.endswith("…") and text.startswith(cut[:-1]))
    assert not cut.removesuffix("…").endswith((" ", "\n")) or cut == text


async def test_answerability_tells_covered_from_foreign_questions(searcher):
    async def covered(query: str) -> float:
        found = await searcher.search(TENANT, [query], pool="kb", now=NOW)
        return await searcher.answerability(TENANT, query, found)

    assert await covered("환불은 언제 되나요?") > BAR
    assert await covered("카드사 승인 취소까지 얼마나 걸리나요") > BAR
    assert await covered("우주여행 보험 약관 사본을 받을 수 있나요?") < BAR
    assert await covered("안녕하세요") == 0.0
    assert await searcher.answerability(TENANT, "", []) == 0.0
    assert await searcher.answerability(TENANT, "환불은 언제 되나요?", []) == 0.0


async def test_a_word_counts_as_known_where_it_stands_in_any_article_or_case(searcher):
    terms = frozenset({"환불", "우주", "파손"})
    assert await searcher.indexed(TENANT, terms) >= {"환불"}
    assert "우주" not in await searcher.indexed(TENANT, terms)
    assert await searcher.indexed(UUID(int=404), terms) == frozenset(), "another tenant's words are not ours"


async def test_whoever_keeps_answers_hears_of_a_change_when_it_can_be_found(shelf, tmp_path):
    changed: list[UUID] = []
    searcher = Searcher(shelf, tmp_path, patience_seconds=30, on_change=changed.append)
    await ids(searcher, "환불")
    assert set(changed) == {TENANT}
    changed.clear()
    await ids(searcher, "환불")
    assert changed == []
    await put(shelf, item("refund", "환불 기간 안내", "환불은 영업일 7일이 걸립니다."))
    await ids(searcher, "환불")
    other = uuid4()
    await put(shelf, item("points", *ARTICLES["points"]), tenant=other)
    await ids(searcher, "포인트", tenant=other)
    assert changed == [TENANT, other]
    await searcher.aclose()
