"""Ways to cut Korean text into search terms, side by side under one plain BM25 in one run.

    python benchmarks/tokenisers.py KB.jsonl QUESTIONS.jsonl [KB QUESTIONS ...] [--json]

KB lines hold id, title, body; question lines query and gold, a list of ids. Columns are hit@1, hit@5, MRR@10,
microseconds to cut 1,000 characters, and distinct terms in thousands. `both` is syllable pairs and jamo
4-grams, the grams at 0.3, as the index has them. The morphemes of Kiwi are shown where `kiwipiepy` is
installed; it is no dependency: it takes seconds to load and half a gigabyte.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from ccos.knowledge import korean
from ccos.knowledge.filler import without_particles
from ccos.knowledge.querying import MOST_CHARACTERS, inverse_frequency
from ccos.knowledge.ranking import JAMO

K1, B = 1.2, 0.75
CONTENT = ("NN", "NR", "VV", "VA", "XR", "SL", "SN", "SH", "MAG", "XPN", "XSN")

Cut = Callable[[str], list[str]]


class Bm25:
    """Okapi BM25 over whole articles, query terms weighted 1 + ln(count)."""

    def __init__(self, cut: Cut, articles: Sequence[str]) -> None:
        self._cut = cut
        begun = time.process_time()
        held = [Counter(cut(article)) for article in articles]
        spent = time.process_time() - begun
        self.microseconds = spent * 1e9 / sum(map(len, articles)) if articles else 0.0
        self._postings: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for place, terms in enumerate(held):
            for term, count in terms.items():
                self._postings[term].append((place, count))
        self._lengths = [terms.total() for terms in held]
        self._average = sum(self._lengths) / max(len(held), 1)
        self.terms = len(self._postings)

    def scores(self, query: str) -> dict[int, float]:
        found: dict[int, float] = defaultdict(float)
        for term, said in Counter(self._cut(query)).items():
            postings = self._postings.get(term, ())
            rarity = inverse_frequency(len(self._lengths), len(postings)) * (1 + math.log(said))
            for place, count in postings:
                long = 1 - B + B * self._lengths[place] / self._average
                found[place] += rarity * count * (K1 + 1) / (count + K1 * long)
        return found


def whole_words(text: str) -> list[str]:
    return korean.runs(without_particles(text))


def cutters() -> dict[str, Cut]:
    known: dict[str, Cut] = {"words": whole_words, "pairs": korean.words, "jamo": korean.jamo}
    try:
        from kiwipiepy import Kiwi
    except ImportError:
        return known
    kiwi = Kiwi()
    return known | {"kiwi": lambda text: [t.form for t in kiwi.tokenize(text) if t.tag.startswith(CONTENT)]}


def blend(one: dict[int, float], other: dict[int, float], weight: float) -> dict[int, float]:
    return {
        place: one.get(place, 0.0) + weight * other.get(place, 0.0) for place in one.keys() | other.keys()
    }


def measured(ids: Sequence[str], rankings: Iterable[tuple[dict[int, float], set[str]]]) -> list[float]:
    first = five = reciprocal = 0.0
    n = 0
    for scores, gold in rankings:
        best = sorted(scores, key=lambda place: (-scores[place], place))[:10]
        rank = next((at for at, place in enumerate(best, start=1) if ids[place] in gold), None)
        first, five = first + (rank == 1), five + (rank is not None and rank <= 5)
        reciprocal += 1 / rank if rank else 0.0
        n += 1
    return [round(value / max(n, 1), 4) for value in (first, five, reciprocal)]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]


def compare(kb: Path, questions: Path) -> dict[str, dict[str, float]]:
    articles, asked = lines(kb), lines(questions)
    ids = [str(article["id"]) for article in articles]
    texts = [f"{article.get('title', '')}\n{article['body']}" for article in articles]
    engines = {name: Bm25(cut, texts) for name, cut in cutters().items()}
    scored = {
        name: [engine.scores(row["query"][:MOST_CHARACTERS]) for row in asked]
        for name, engine in engines.items()
    }
    pairs = {"both": ("pairs", "jamo")} | ({"kiwi+jamo": ("kiwi", "jamo")} if "kiwi" in engines else {})
    for name, (one, other) in pairs.items():
        scored[name] = [blend(a, b, JAMO) for a, b in zip(scored[one], scored[other], strict=True)]
    gold = [set(map(str, row["gold"])) for row in asked]
    told = {}
    for name, rankings in scored.items():
        figures = zip(
            ("hit@1", "hit@5", "mrr@10"), measured(ids, zip(rankings, gold, strict=True)), strict=True
        )
        parts = [engines[part] for part in pairs.get(name, (name,))]
        told[name] = dict(figures) | {
            "us_per_1000": round(sum(part.microseconds for part in parts), 1),
            "thousand_terms": round(sum(part.terms for part in parts) / 1_000, 1),
        }
    return told


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="KB QUESTIONS")
    parser.add_argument("--json", action="store_true", dest="as_json")
    options = parser.parse_args()
    if len(options.files) % 2:
        parser.error("give pairs of files: articles and questions")
    told = {}
    for kb, questions in zip(options.files[::2], options.files[1::2], strict=True):
        told[questions.stem] = compare(kb, questions)
        print(f"{questions.stem}: done", file=sys.stderr)
    if options.as_json:
        print(json.dumps(told, indent=2))
        return
    for name, rows in told.items():
        print(f"\n{name:12} {'hit@1':>7} {'hit@5':>7} {'MRR@10':>7} {'us/1000':>8} {'k terms':>8}")
        for cut, row in rows.items():
            print(
                f"  {cut:10} {row['hit@1']:7.3f} {row['hit@5']:7.3f} {row['mrr@10']:7.3f} "
                f"{row['us_per_1000']:8.1f} {row['thousand_terms']:8.1f}"
            )


if __name__ == "__main__":
    main()
