"""An index that is lost, damaged, old or unwanted is built anew while search goes on."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from ccos.domain.errors import DatabaseUnavailable, IndexUnusable
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage
from ccos.knowledge import following, index, keeping, plain
from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.search import Searcher

NOW = datetime(2026, 11, 1, tzinfo=UTC)
TENANT = uuid4()


def article(name: str, body: str = "환불은 영업일 3일 안에 됩니다.", **more) -> Item:
    return Item(EvidenceKind.KB, name, more.pop("title", f"안내 {name}"), body, **more)


async def put(shelf: MemoryShelf, *items: Item) -> None:
    await shelf.put(TENANT, [(each, [Passage("", each.body)]) for each in items])


class Gated(MemoryShelf):
    """Hands out items only while `go` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()
        self.go.set()
        self.loads = 0

    async def load(self, tenant_id, item_ids):
        await self.go.wait()
        self.loads += 1
        return await super().load(tenant_id, item_ids)


class Asking:
    """A searcher that remembers what answered."""

    def __init__(self, shelf: MemoryShelf, home: Path, **more) -> None:
        self.answered: list[str] = []
        self.searcher = Searcher(
            shelf, home, **({"patience_seconds": 30} | more), on_search=self.answered.append
        )

    async def __call__(self, query: str = "환불", limit: int = 5, now: datetime = NOW) -> list[str]:
        found = await self.searcher.search(TENANT, [query], pool="kb", limit=limit, now=now)
        return [each.id for each in found]

    async def __aenter__(self) -> Asking:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.searcher.aclose()


@pytest.fixture
async def shelf() -> Gated:
    shelf = Gated()
    await put(shelf, article("a"), article("b", "배송은 2일 걸립니다."))
    return shelf


def home(tmp_path: Path) -> Path:
    return tmp_path / "index" / str(TENANT) / "0"


def numbers(tmp_path: Path) -> list[str]:
    return sorted(each.name for each in home(tmp_path).iterdir() if each.is_dir())


def serving(tmp_path: Path) -> Path:
    return home(tmp_path) / (home(tmp_path) / "serving").read_text()


def edit_mark(folder: Path, **changes: int) -> None:
    mark = folder / "ccos.json"
    mark.write_text(json.dumps(json.loads(mark.read_text()) | changes))


def generation(tmp_path: Path) -> int:
    """Of the index that serves; 0 while none does or it is just being switched."""
    try:
        return json.loads((serving(tmp_path) / "ccos.json").read_text())["generation"]
    except FileNotFoundError:
        return 0


async def until(true) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def test_a_rebuild_on_demand_is_followed_while_the_old_index_serves_and_takes_in_changes(
    shelf, tmp_path, monkeypatch
):
    monkeypatch.setattr(following, "GENERATION_SECONDS", 0.0)
    async with Asking(shelf, tmp_path) as ask:
        assert await ask() == ["a"]
        assert numbers(tmp_path) == ["1"]
        first = serving(tmp_path)
        shelf.go.clear()
        await shelf.rebuild(TENANT)
        assert await ask() == ["a"]  # starts it; the index that is there answers
        await until(lambda: len(numbers(tmp_path)) == 2)
        assert serving(tmp_path) == first
        shelf.go.set()
        await put(shelf, article("c"))
        assert set(await ask()) == {"a", "c"}
        await until(lambda: numbers(tmp_path) == ["2"])
        assert set(await ask()) == {"a", "c"}
        assert generation(tmp_path) == 1
        assert set(ask.answered) == {"index"}
        loads = shelf.loads
        assert set(await ask()) == {"a", "c"} and shelf.loads == loads  # it is built once


async def test_searches_never_miss_while_an_index_is_built_again_and_again(shelf, tmp_path, monkeypatch):
    monkeypatch.setattr(following, "GENERATION_SECONDS", 0.0)
    async with Asking(shelf, tmp_path) as ask:
        for wanted in range(1, 6):
            await shelf.rebuild(TENANT)
            while generation(tmp_path) < wanted:
                found = await asyncio.gather(*(ask() for _ in range(4)))
                assert found == [["a"]] * 4
        assert set(ask.answered) == {"index"}


async def test_an_index_of_another_format_is_read_and_held_against_the_shelf_until_the_new_one_serves(
    shelf, tmp_path
):
    await put(shelf, article("c", "환불 계좌를 바꾸는 방법입니다."))
    async with Asking(shelf, tmp_path) as ask:
        assert set(await ask()) == {"a", "c"}
    edit_mark(serving(tmp_path), format=index.FORMAT - 1)
    await put(shelf, article("c", "반품 계좌를 바꾸는 방법입니다."), article("d", "새로 온 환불 글"))
    held = Gated()
    held._tenants = shelf._tenants
    async with Asking(held, tmp_path, patience_seconds=0.2) as ask:
        build_waits = asyncio.Event()
        load = held.load

        async def only_for_searches(tenant_id, item_ids):
            if len(item_ids) > 2:  # the build reads all four
                await build_waits.wait()
            return await load(tenant_id, item_ids)

        held.load = only_for_searches
        assert await ask() == ["a"]  # c has changed since and is not shown as it was
        assert ask.answered == ["former"]
        assert await ask("새로") == ["d"]  # what the old index lacks is found in the store
        assert ask.answered == ["former", "store"]
        build_waits.set()
        await until(lambda: numbers(tmp_path) == ["2"])
        assert set(await ask()) == {"a", "d"}
        assert ask.answered[-1] == "index"


async def test_what_another_schema_wrote_is_not_searched_but_the_store_is(shelf, tmp_path):
    async with Asking(shelf, tmp_path) as ask:
        await ask()
    edit_mark(serving(tmp_path), format=0)
    import tantivy

    for pool in ("kb", "case"):
        folder = serving(tmp_path) / pool
        shutil.rmtree(folder)
        folder.mkdir()
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("other")
        tantivy.Index(builder.build(), path=str(folder))
    shelf.go.clear()
    async with Asking(shelf, tmp_path, patience_seconds=0.1) as ask:
        assert await ask() == ["a"]
        assert ask.answered == ["store"]
        shelf.go.set()


async def test_an_index_that_breaks_under_a_running_process_is_built_anew_beside_searches(shelf, tmp_path):
    async with Asking(shelf, tmp_path, patience_seconds=0.2) as ask:
        assert await ask() == ["a"]
        shutil.rmtree(home(tmp_path))
        shelf.go.clear()
        ahead = asyncio.create_task(ask())
        shelf.go.set()
        assert await ahead == ["a"]
        await until(lambda: (home(tmp_path) / "serving").exists())
        assert await ask() == ["a"]
        assert ask.answered[-1] == "index"


async def test_an_index_of_an_earlier_layout_is_taken_over_as_it_is(shelf, tmp_path):
    async with Asking(shelf, tmp_path) as ask:
        await ask()
    old = serving(tmp_path)
    for each in list(old.iterdir()):
        each.rename(home(tmp_path) / each.name)
    old.rmdir()
    (home(tmp_path) / "serving").unlink()
    loads = shelf.loads
    async with Asking(shelf, tmp_path) as ask:
        assert await ask() == ["a"]
    assert (shelf.loads, numbers(tmp_path), ask.answered) == (loads, ["1"], ["index"])


async def test_a_build_that_was_cut_short_goes_on_where_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(following, "BATCH", 10)
    shelf = Gated()
    await put(shelf, *(article(f"n{n}") for n in range(60)))

    class Stopping(Gated):
        async def load(self, tenant_id, item_ids):
            if self.loads == 3:
                await asyncio.Event().wait()
            return await super().load(tenant_id, item_ids)

    stopping = Stopping()
    stopping._tenants = shelf._tenants
    ask = Asking(stopping, tmp_path, patience_seconds=0.3)
    assert len(await ask()) == 5
    assert ask.answered == ["store"]
    await until(lambda: json.loads((home(tmp_path) / "1" / "ccos.json").read_text())["seq"] == 30)
    followed = next(iter(ask.searcher._followed.values()))
    followed._build.cancel()
    await asyncio.wait({followed._build})
    await ask.searcher.aclose()
    assert not (home(tmp_path) / "serving").exists()

    async with Asking(shelf, tmp_path) as ask:
        assert len(await ask(limit=100)) == 60
        assert ask.answered == ["index"]
    assert shelf.loads == 3  # the other half
    assert numbers(tmp_path) == ["1"]


async def test_a_build_that_was_cut_short_for_an_earlier_generation_starts_anew(shelf, tmp_path):
    async with Asking(shelf, tmp_path) as ask:
        await ask()
    shutil.copytree(serving(tmp_path), home(tmp_path) / "2")
    await shelf.rebuild(TENANT)
    await shelf.rebuild(TENANT)
    edit_mark(home(tmp_path) / "2", generation=1)
    async with Asking(shelf, tmp_path) as ask:
        await ask.searcher.rebuild(TENANT, lambda done, total: None)
        assert await ask() == ["a"]
    assert generation(tmp_path) == 2


BUILDING = """
    import asyncio, sys, threading, os, signal
    from datetime import UTC, datetime
    from pathlib import Path
    from uuid import UUID
    from ccos.domain.evidence import EvidenceKind
    from ccos.domain.knowledge import Item, Passage
    from ccos.knowledge import following
    from ccos.knowledge.memory import MemoryShelf
    from ccos.knowledge.search import Searcher

    following.BATCH = 20
    tenant, kill_at = UUID(sys.argv[2]), int(sys.argv[3])

    class Shelf(MemoryShelf):
        loads = 0
        async def load(self, tenant_id, item_ids):
            Shelf.loads += 1
            if Shelf.loads == kill_at:
                threading.Timer(0.003, os.kill, (os.getpid(), signal.SIGKILL)).start()
            return await super().load(tenant_id, item_ids)

    async def main():
        shelf = Shelf()
        body = "환불은 영업일 3일 안에 됩니다. " * 20  # and a number, or they would count as one
        items = [Item(EvidenceKind.KB, f"n{n}", f"안내 {n}", f"{n} {body}") for n in range(200)]
        await shelf.put(tenant, [(each, [Passage("", each.body)]) for each in items])
        searcher = Searcher(shelf, Path(sys.argv[1]), patience_seconds=60)
        found = await searcher.search(tenant, ["환불"], pool="kb", limit=300, now=datetime(2026, 11, 1, tzinfo=UTC))
        print(len(found), len({each.id for each in found}))
        await searcher.aclose()

    asyncio.run(main())
"""


@pytest.mark.parametrize("kill_at", [1, 4, 10])
def test_a_process_killed_while_it_builds_leaves_nothing_half_in_service(tmp_path, kill_at):
    def run(at: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(BUILDING), str(tmp_path), str(TENANT), str(at)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert run(kill_at).returncode in (-signal.SIGKILL, 0)
    done = run(0)
    assert (done.returncode, done.stdout) == (0, "200 200\n"), done.stderr
    assert (home(tmp_path) / "serving").exists()


async def test_a_full_disk_is_one_sentence_and_search_goes_on(tmp_path, capsys, monkeypatch):
    shelf = MemoryShelf()
    await put(shelf, *(article(f"n{n}", f"환불 {n} " + "말 " * 200) for n in range(50)))

    def full(self, *_args, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index._Pool, "apply", full)
    async with Asking(shelf, tmp_path) as ask:
        assert len(await ask()) == 5
        assert ask.answered == ["store"]
        with pytest.raises(IndexUnusable, match="for want of disk space under"):
            await ask.searcher.rebuild(TENANT, lambda done, total: None)
        assert numbers(tmp_path) == []  # what was begun does not keep the disk full
        said = capsys.readouterr()  # to one or the other, as logs were set up before
        assert (said.out + said.err).count("search.index_not_built") == 1  # and is not tried at each search
        monkeypatch.undo()
        next(iter(ask.searcher._followed.values()))._retry_at = 0.0
        assert len(await ask()) == 5
        assert ask.answered[-1] == "index"


async def test_an_index_that_can_no_longer_be_written_goes_on_serving(shelf, tmp_path, monkeypatch):
    async with Asking(shelf, tmp_path, patience_seconds=5) as ask:
        assert await ask() == ["a"]

        def full(self, *_args, **_more):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(index._Pool, "apply", full)
        await put(shelf, article("c"))
        assert await ask() == ["a"]
        assert ask.answered == ["index", "former"]
        await shelf.archive_missing(TENANT, EvidenceKind.KB, {"b", "c"})
        assert await ask() == ["c"]
        assert ask.answered[-1] == "store"


async def test_progress_is_told_and_reaches_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(following, "BATCH", 5)
    shelf = Gated()
    await put(shelf, *(article(f"n{n}") for n in range(50)))
    await shelf.rebuild(TENANT)
    told: list[tuple[int, int]] = []
    async with Asking(shelf, tmp_path) as ask:
        await ask.searcher.rebuild(TENANT, lambda done, total: told.append((done, total)))
        followed = next(iter(ask.searcher._followed.values()))
        assert (followed.standing.done, followed.standing.total) == (50, 50)
        assert (followed.standing.state, followed.standing.generation) == ("ready", 1)
    assert all(0 <= done <= total for done, total in told)


# Plain search


def test_the_terms_of_a_plain_search_are_codes_first_and_no_filler():
    found = plain.terms("안녕하세요, 주문 ORD-2026-0012 환불은 언제 되나요?")
    assert found[0] == "ord-2026-0012"
    assert {"환불", "주문"} <= set(found)
    assert not {"안녕", "언제", "나요"} & set(found)
    assert plain.terms("!? 😀") == []
    assert len(plain.terms("가나다라마바사아자차카타파하 " * 1_000)) <= plain.MOST_TERMS


async def test_a_plain_search_ranks_pools_and_leaves_out_what_ran_out(tmp_path):
    shelf = MemoryShelf()
    await put(
        shelf,
        article("best", "카드 환불 기간은 3일입니다."),
        article("some", "카드 발급 기간은 7일이고 카드는 우편으로 옵니다."),
        article("over", "카드 환불 기간", valid_until=NOW),
        article("later", "카드 환불 기간", valid_until=NOW + timedelta(days=1)),
        replace(article("T-1", "카드 환불 기간"), kind=EvidenceKind.CASE),
    )
    [found] = await plain.search(shelf, TENANT, EvidenceKind.KB, ["카드 환불 기간이 궁금해요"], 5, NOW)
    names = [hit.external_id for hit in found]
    assert set(names[:2]) == {"best", "later"} and names[2] == "some" and len(names) == 3
    assert await plain.search(shelf, UUID(int=1), EvidenceKind.KB, ["카드"], 5, NOW) == [[]]
    assert await plain.search(shelf, TENANT, EvidenceKind.KB, ["!?"], 5, NOW) == []


async def test_of_one_item_a_plain_search_shows_its_best_passage(tmp_path):
    shelf = MemoryShelf()
    pieces = [
        Passage("", "수선 접수"),
        Passage("", "수선 비용은 만 원, 수선 비용 안내"),
        Passage("", "다른 말"),
    ]
    await shelf.put(TENANT, [(article("repair", "-", title="수선"), pieces)])
    [[hit]] = await plain.search(shelf, TENANT, EvidenceKind.KB, ["수선 비용"], 5, NOW)
    assert (hit.ordinal, hit.text) == (2, pieces[1].body)


# Keeping up


async def test_a_search_waits_for_what_was_there_and_not_for_what_others_write_on_and_on(shelf, tmp_path):
    class Busy(Gated):
        writes = 0

        async def changes(self, tenant_id, since, limit):
            found = await super().changes(tenant_id, since, limit)
            Busy.writes += 1
            await put(self, article(f"busy-{Busy.writes}", "다른 말입니다."))
            return found

    busy = Busy()
    busy._tenants = shelf._tenants
    async with asyncio.timeout(30), Asking(busy, tmp_path, patience_seconds=3_600) as ask:
        assert await ask() == ["a"]
        await put(busy, article("c"))
        assert set(await ask()) == {"a", "c"}
        assert set(ask.answered) == {"index"}


async def test_two_nodes_find_each_change_at_their_next_search_while_others_write(shelf, tmp_path):
    first, second = Asking(shelf, tmp_path / "1"), Asking(shelf, tmp_path / "2")

    async def write(number: int) -> None:
        for n in range(5):
            await put(shelf, article(f"w{number}-{n}", f"새글{number}번{n} 본문입니다."))
            for ask in (first, second):
                assert (await ask(f"새글{number}번{n}", limit=1))[0] == f"w{number}-{n}"

    await asyncio.gather(*(write(number) for number in range(4)))
    for ask in (first, second):
        await ask.searcher.aclose()


async def test_an_index_that_is_kept_up_follows_without_searches_and_tells_how_it_stands(
    shelf, tmp_path, monkeypatch
):
    monkeypatch.setattr(keeping, "TICK_SECONDS", 0.01)
    monkeypatch.setattr(keeping, "SOONEST_SECONDS", 0.01)
    monkeypatch.setattr(keeping, "LATEST_SECONDS", 0.02)
    monkeypatch.setattr(following, "GENERATION_SECONDS", 0.0)
    async with Asking(shelf, tmp_path, keep_up=True) as ask:
        await ask()
        nodes = shelf._tenants[TENANT].nodes
        await until(lambda: nodes)
        [name] = nodes
        assert name.endswith("/0")
        await put(shelf, article("c"))
        last = await shelf.last_change(TENANT)
        await until(lambda: nodes[name].seq == last and nodes[name].state == "ready")
        assert nodes[name].bytes > 0
        await shelf.rebuild(TENANT)
        await until(lambda: nodes[name].generation == 1 and nodes[name].state == "ready")
        assert generation(tmp_path) == 1
        assert len(ask.answered) == 1


async def test_whoever_is_kept_up_while_the_store_is_away_goes_on_when_it_is_back(
    shelf, tmp_path, monkeypatch
):
    for name in ("TICK_SECONDS", "SOONEST_SECONDS", "LATEST_SECONDS"):
        monkeypatch.setattr(keeping, name, 0.01)
    async with Asking(shelf, tmp_path, keep_up=True) as ask:
        await ask()
        nodes = shelf._tenants[TENANT].nodes
        await until(lambda: nodes)
        asked, changes = [], shelf.changes

        async def away(*_args):
            asked.append(1)
            raise DatabaseUnavailable

        shelf.changes = away
        await put(shelf, article("c"))
        await until(lambda: len(asked) > 3)
        shelf.changes = changes
        last = await shelf.last_change(TENANT)
        await until(lambda: {each.seq for each in nodes.values()} == {last})
