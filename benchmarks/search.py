"""Search beside plain BM25 over syllable bigrams, on the same synthetic Korean passages and in one run.

    python benchmarks/search.py [--passages 10000 100000] [--queries 300] [--json]

Questions are made from a passage each: some of its words with other particles, as written, with the
spaces taken out, or with a typo in every second word; `long` puts a ticket of 200 random words below it. A
hit is the passage the question was made from: made-up words are easier to tell apart than real ones. Times
are wall clock around one search at a time: for CCOS the whole `Searcher.search`, with its look at the
change feed, its thread, and titles to search in; for plain BM25 the engine's call only.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from uuid import uuid4

import tantivy

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage
from ccos.knowledge import korean
from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.search import Searcher

INITIALS, VOWELS, FINALS = (
    (0, 2, 3, 5, 6, 7, 9, 11, 12, 14, 18),
    (0, 4, 5, 8, 13, 18, 20),
    (0, 0, 0, 1, 4, 8, 16, 21),
)
PARTICLES = ("", "", "은", "는", "이", "가", "을", "를", "에서", "으로", "까지", "하고")
ENDINGS = ("합니다", "됩니다", "있습니다", "해 주세요", "인가요", "했는데요")
KINDS = ("clean", "no spaces", "typos", "long")


@dataclass(frozen=True)
class Row:
    engine: str
    passages: int
    build_seconds: float
    megabytes: float
    questions: str
    recall_at_5: float
    p50_ms: float
    p99_ms: float


class Corpus:
    """Passages of about 40 words with Zipf frequencies, the same for the same number and seed."""

    def __init__(self, size: int, seed: int = 7) -> None:
        self._dice = random.Random(seed)
        syllables = [
            chr(0xAC00 + (i * 21 + v) * 28 + f) for i in INITIALS for v in VOWELS for f in set(FINALS)
        ]
        words = {
            "".join(self._dice.choices(syllables, k=self._dice.choice((2, 2, 3, 3, 4))))
            for _ in range(30_000)
        }
        self._words = sorted(words)
        self._dice.shuffle(self._words)
        self._weights = list(accumulate(1 / (rank + 10) for rank in range(len(self._words))))
        self.contents = [self._draw(self._dice.randint(20, 60)) for _ in range(size)]

    def texts(self) -> Iterator[str]:
        dice = random.Random(11)
        for words in self.contents:
            yield " ".join(word + dice.choice(PARTICLES) for word in words) + " " + dice.choice(ENDINGS)

    def titles(self) -> Iterator[str]:
        """Three words of the passage, as a person might have picked them."""
        dice = random.Random(17)
        for words in self.contents:
            yield " ".join(dice.sample(words, 3))

    def questions(self, kind: str, count: int) -> list[tuple[int, str]]:
        dice = random.Random(13)
        rank = {word: at for at, word in enumerate(self._words)}
        made = []
        for _ in range(count):
            at = dice.randrange(len(self.contents))
            rare = sorted(set(self.contents[at]), key=lambda word: -rank[word])[:12]
            words = [word + dice.choice(PARTICLES) for word in dice.sample(rare, min(5, len(rare)))]
            if kind == "typos":
                words = [_mistyped(word, dice) if n % 2 else word for n, word in enumerate(words)]
            text = ("" if kind == "no spaces" else " ").join([*words, dice.choice(ENDINGS)])
            if kind == "long":
                text += "\n" + " ".join(self._draw(200, dice))
            made.append((at, text))
        return made

    def _draw(self, count: int, dice: random.Random | None = None) -> list[str]:
        return (dice or self._dice).choices(self._words, cum_weights=self._weights, k=count)


def _mistyped(word: str, dice: random.Random) -> str:
    """One syllable with another vowel."""
    at = dice.randrange(len(word))
    code = ord(word[at]) - 0xAC00
    vowel = (code // 28 % 21 + dice.randint(1, 20)) % 21
    return word[:at] + chr(0xAC00 + (code // 588 * 21 + vowel) * 28 + code % 28) + word[at + 1 :]


class Plain:
    """One field of bigrams, every term of the query, BM25 as the engine has it."""

    def __init__(self, texts: Sequence[str], folder: Path) -> None:
        builder = tantivy.SchemaBuilder()
        builder.add_text_field("bigrams", tokenizer_name="whitespace", index_option="freq")
        builder.add_unsigned_field("at", stored=True)
        self._index = tantivy.Index(builder.build(), path=str(folder))
        writer = self._index.writer(50_000_000, 1)
        for at, text in enumerate(texts):
            tell("plain BM25: indexing", at, len(texts))
            document = tantivy.Document(at=at)
            document.add_text("bigrams", " ".join(korean.words(text)))
            writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()

    def search(self, question: str) -> list[int]:
        searcher = self._index.searcher()
        union = [
            (tantivy.Occur.Should, tantivy.Query.term_query(self._index.schema, "bigrams", term, "freq"))
            for term in dict.fromkeys(korean.words(question))
        ]
        hits = searcher.search(tantivy.Query.boolean_query(union), 5, count=False).hits
        return [searcher.doc(address)["at"][0] for _, address in hits]


def tell(step: str, done: int, total: int) -> None:
    if done % max(total // 50, 1) == 0 and sys.stderr.isatty():
        print(f"\r{step}: {done * 100 // total:3d} %   ", end="", file=sys.stderr, flush=True)
    elif done % max(total // 4, 1) == 0 and not sys.stderr.isatty():
        print(f"{step}: {done * 100 // total} %", file=sys.stderr, flush=True)


def size(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def row(
    engine: str, corpus: Corpus, build: float, home: Path, kind: str, hits: int, times: list[float]
) -> Row:
    times.sort()
    p50, p99 = (round(times[int(len(times) * share)] * 1e3, 2) for share in (0.5, 0.99))
    recall = round(hits / len(times), 3)
    return Row(engine, len(corpus.contents), round(build, 1), round(size(home), 1), kind, recall, p50, p99)


async def measure(passages: int, queries: int) -> list[Row]:
    corpus, rows = Corpus(passages), []
    texts = list(corpus.texts())
    with tempfile.TemporaryDirectory() as plain_home, tempfile.TemporaryDirectory() as home:
        start = time.perf_counter()
        plain = Plain(texts, Path(plain_home))
        plain_build = time.perf_counter() - start
        shelf, tenant, now = MemoryShelf(), uuid4(), datetime.now(UTC)
        items = [Item(EvidenceKind.KB, str(at), title, texts[at]) for at, title in enumerate(corpus.titles())]
        await shelf.put(tenant, [(item, [Passage("", item.body)]) for item in items])
        searcher = Searcher(shelf, Path(home), patience_seconds=3_600)
        start = time.perf_counter()
        first = searcher.search(tenant, [texts[0]], pool="kb", limit=1, now=now)
        building = asyncio.create_task(first)
        while not (await asyncio.wait({building}, timeout=5))[0]:
            print(f"CCOS: indexing, {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
        build = time.perf_counter() - start
        gc.collect()
        gc.freeze()  # the corpus is ours, not the product's: its collection is no part of a search
        for kind in KINDS:
            found, times, plain_found, plain_times = 0, [], 0, []
            for n, (at, question) in enumerate(corpus.questions(kind, queries)):
                tell(f"{passages} passages, questions {kind}", n, queries)
                start = time.perf_counter()
                plain_hits = plain.search(question)
                plain_times.append(time.perf_counter() - start)
                start = time.perf_counter()
                hits = await searcher.search(tenant, [question], pool="kb", limit=5, now=now)
                times.append(time.perf_counter() - start)
                found += str(at) in [hit.id for hit in hits]
                plain_found += at in plain_hits
            rows.append(
                row("plain BM25", corpus, plain_build, Path(plain_home), kind, plain_found, plain_times)
            )
            rows.append(row("CCOS", corpus, build, Path(home), kind, found, times))
        await searcher.aclose()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--passages", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    given = parser.parse_args()
    rows = [row for passages in given.passages for row in asyncio.run(measure(passages, given.queries))]
    print(file=sys.stderr)
    if given.json:
        print(json.dumps([asdict(each) for each in rows], indent=2))
        return
    print("passages  engine      build s     MB  questions  recall@5   p50 ms   p99 ms")
    for each in rows:
        print(
            f"{each.passages:8d}  {each.engine:10s} {each.build_seconds:8.1f} {each.megabytes:6.1f}"
            f"  {each.questions:9s}  {each.recall_at_5:8.3f} {each.p50_ms:8.2f} {each.p99_ms:8.2f}"
        )


if __name__ == "__main__":
    main()
