"""Search over many synthetic Korean passages: what a build takes, how fast one client and many are served.

    nice -n 10 python benchmarks/search_scale.py [--passages 100000 1000000] [--queries 300] [--json]

Each size runs in two processes of its own, one that builds and one that opens what was built and searches, so
that their memory is told apart. Passages are those of `benchmarks/search.py`, made when they are asked for:
no process holds them all. Times are wall clock around the whole `Searcher.search`. A change is timed from
the moment it is on the shelf to the end of the search that finds it. `clean` questions have five words,
`long` ones a ticket of 200 more words below.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, overload
from uuid import UUID

from search import ENDINGS, PARTICLES, Corpus, size, tell

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Change, Item, Passage, Shelved
from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.search import Searcher

TENANT = UUID(int=1)
CHANGES = 100


class Drawn(Sequence[list[str]]):
    """The words of each passage, drawn when they are asked for."""

    def __init__(self, corpus: Scale, length: int) -> None:
        self._corpus = corpus
        self._length = length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> list[str]: ...
    @overload
    def __getitem__(self, at: slice) -> list[list[str]]: ...
    def __getitem__(self, at: int | slice) -> list[str] | list[list[str]]:
        if isinstance(at, slice):
            return [self[n] for n in range(*at.indices(self._length))]
        dice = random.Random(at)
        return self._corpus._draw(dice.randint(20, 60), dice)


class Scale(Corpus):
    def __init__(self, length: int) -> None:
        super().__init__(0)
        self.contents = Drawn(self, length)  # type: ignore[assignment]

    def shelved(self, at: int) -> Shelved:
        words, dice = self.contents[at], random.Random(-at - 1)
        text = " ".join(word + dice.choice(PARTICLES) for word in words) + " " + dice.choice(ENDINGS)
        item = Item(EvidenceKind.KB, str(at), " ".join(dice.sample(words, 3)), text)
        return Shelved(UUID(int=at + 1), item, (Passage("", text),))


class ScaleShelf(MemoryShelf):
    """Passage n is change n + 1; what is put later follows those."""

    def __init__(self, corpus: Scale) -> None:
        super().__init__()
        self._corpus = corpus
        self._length = len(corpus.contents)
        self.read = 0

    async def changes(self, tenant_id: UUID, since: int, limit: int) -> list[Change]:
        last = min(since + limit, self._length)
        first = [Change(seq, UUID(int=seq)) for seq in range(since + 1, last + 1)]
        if first:
            return first
        later = await super().changes(tenant_id, since - self._length, limit)
        return [Change(each.seq + self._length, each.item_id) for each in later]

    async def last_change(self, tenant_id: UUID) -> int:
        return self._length + await super().last_change(tenant_id)

    async def waiting(self, tenant_id: UUID, since: int) -> int:  # noqa: ARG002
        return max(self._length - since, 0)

    async def load(self, tenant_id: UUID, item_ids: Collection[UUID]) -> list[Shelved]:
        made = [self._corpus.shelved(each.int - 1) for each in item_ids if each.int <= self._length]
        self.read = max([self.read, *(each.id.int for each in made)])
        return made + await super().load(tenant_id, [each for each in item_ids if each.int > self._length])


@dataclass
class Times:
    seconds: list[float]

    def ms(self, share: float) -> float:
        return round(sorted(self.seconds)[int(len(self.seconds) * share)] * 1e3, 1)

    def shown(self) -> dict[str, float]:
        return {"p50_ms": self.ms(0.5), "p99_ms": self.ms(0.99)}


def memory(field: str) -> float:
    """Megabytes of this process as the kernel counts them: VmHWM the most there were, RssAnon its own."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return round(int(line.split()[1]) / 1e3, 1)
    return float("nan")


async def build(passages: int, home: Path) -> dict[str, Any]:
    shelf = ScaleShelf(Scale(passages))
    before = memory("VmRSS")
    start, used = time.perf_counter(), time.process_time()
    searcher = Searcher(shelf, home, patience_seconds=1e6)
    building = asyncio.create_task(searcher.rebuild(TENANT, lambda _done, _total: None))
    while not (await asyncio.wait({building}, timeout=5))[0]:
        tell_line(f"{passages}: building, {shelf.read} read, {time.perf_counter() - start:.0f} s")
    await building
    seconds, cpu = time.perf_counter() - start, time.process_time() - used
    await searcher.aclose()
    return {
        "build_seconds": round(seconds, 1),
        "build_cpu_seconds": round(cpu, 1),
        "build_per_second": round(passages / seconds),
        "before_mb": before,
        "build_most_mb": memory("VmHWM"),
        "disk_mb": round(size(home), 1),
    }


async def ask(passages: int, home: Path, queries: int, clients: int) -> dict[str, Any]:
    corpus = Scale(passages)
    shelf, now = ScaleShelf(corpus), datetime.now(UTC)
    searcher = Searcher(shelf, home, patience_seconds=1e6)
    start = time.perf_counter()
    await searcher.search(TENANT, ["가나다"], pool="kb", now=now)
    told: dict[str, Any] = {"open_ms": round((time.perf_counter() - start) * 1e3, 1)}

    async def timed(question: str) -> tuple[float, list[str]]:
        begun = time.perf_counter()
        hits = await searcher.search(TENANT, [question], pool="kb", limit=5, now=now)
        return time.perf_counter() - begun, [hit.id for hit in hits]

    for kind in ("clean", "long"):
        asked, found, times = corpus.questions(kind, queries), 0, []
        for n, (at, question) in enumerate(asked):
            tell(f"{passages}: {kind}, one client", n, queries)
            seconds, ids = await timed(question)
            times.append(seconds)
            found += str(at) in ids
        told[kind] = Times(times).shown() | {"recall@5": round(found / queries, 3)}

        waiting, crowd = list(asked), list[float]()

        async def client(waiting: list[tuple[int, str]] = waiting, crowd: list[float] = crowd) -> None:
            while waiting:
                crowd.append((await timed(waiting.pop()[1]))[0])

        begun = time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        rate = round(queries / (time.perf_counter() - begun), 1)
        told[kind] |= {f"clients_{name}": value for name, value in Times(crowd).shown().items()}
        told[kind] |= {"clients_per_second": rate}
    told |= {"search_anon_mb": memory("RssAnon"), "search_file_mb": memory("RssFile")}

    late = []
    for n in range(CHANGES):
        tell(f"{passages}: changes", n, CHANGES)
        body = f"새소식{n:04}번 안내 본문입니다."
        await shelf.put(TENANT, [(Item(EvidenceKind.KB, f"new-{n}", "새소식", body), [Passage("", body)])])
        seconds, ids = await timed(f"새소식{n:04}번")
        assert f"new-{n}" in ids
        late.append(seconds)
    await searcher.aclose()
    return told | {"change": Times(late).shown()}


def tell_line(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure(passages: int, queries: int, clients: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as home:
        told: dict[str, Any] = {"passages": passages}
        for step in ("build", "ask"):
            command = [sys.executable, __file__, "--step", step, "--home", home, "--passages", str(passages)]
            command += ["--queries", str(queries), "--clients", str(clients)]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
            told |= json.loads(done.stdout)
        return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--passages", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--step", choices=("build", "ask"), help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.step == "build":
        print(json.dumps(asyncio.run(build(given.passages[0], given.home))))
        return
    if given.step == "ask":
        print(json.dumps(asyncio.run(ask(given.passages[0], given.home, given.queries, given.clients))))
        return
    rows = [measure(passages, given.queries, given.clients) for passages in given.passages]
    if given.json:
        print(json.dumps(rows, indent=2))
        return
    names: list[tuple[str, ...]] = [(name,) for name in rows[0] if not isinstance(rows[0][name], dict)]
    names += [(name, part) for name, parts in rows[0].items() if isinstance(parts, dict) for part in parts]
    for name in names:
        values = [row[name[0]] if len(name) == 1 else row[name[0]][name[1]] for row in rows]
        print(f"{' '.join(name):24s}" + "".join(f"{value:>14,}" for value in values))


if __name__ == "__main__":
    main()
