"""How well a search finds what it should: questions with the articles that answer them, and their ranks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccos.domain.errors import BadInput
from ccos.learning import labelled
from ccos.learning.metrics import wilson

DEPTH = 10
"""Articles looked at for a question."""


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    text: str
    gold: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ranked:
    """What was found for a question, best first, and how long that took."""

    question: Question
    found: tuple[str, ...]
    seconds: float

    @property
    def rank(self) -> int | None:
        """Of the first right article, from 1."""
        return next((n for n, each in enumerate(self.found, start=1) if each in self.question.gold), None)


def read_questions(path: Path) -> list[Question]:
    """JSON lines `{"query": ..., "gold": [ids]}`, perhaps gzipped; `id` or `qid` is kept. Raises BadInput."""
    name, questions = labelled.name_of(path), []
    for at, raw in enumerate(labelled.read_lines(path), start=1):
        if not raw.strip():
            continue
        try:
            row = json.loads(raw)
            text, gold = row["query"], row["gold"]
            ids = [gold] if isinstance(gold, str | int) else list(gold)
            if not isinstance(text, str) or not text.strip() or not ids:
                raise ValueError
        except (ValueError, KeyError, TypeError, RecursionError) as fault:
            raise BadInput(f"Line {at} of {name} needs 'query' and 'gold', a list of article ids.") from fault
        known = str(row.get("id", row.get("qid", at)))
        questions.append(Question(known, text, frozenset(map(str, ids))))
    if not questions:
        raise BadInput(f"{name} holds no questions: write one JSON object a line.")
    return questions


def figures(ranked: Sequence[Ranked]) -> dict[str, Any]:
    """`hit@1`, `hit@5`, `mrr@10`, `recall@10` (Manning, Raghavan and Schütze 2008, chapter 8), milliseconds.

    `hit@1_ci` is Wilson's interval at 95 %. Recall is the mean over questions of the share of their gold
    articles that are among the first ten. `ranked` holds at least one.
    """
    n = len(ranked)
    ranks = [each.rank for each in ranked]
    first = sum(rank == 1 for rank in ranks)
    interval = wilson(first, n)
    recalls = [len(each.question.gold & set(each.found[:DEPTH])) / len(each.question.gold) for each in ranked]
    took = sorted(each.seconds * 1_000 for each in ranked)
    return {
        "n": n,
        "hit@1": round(first / n, 4),
        "hit@1_ci": [round(interval.low, 4), round(interval.high, 4)],
        "hit@5": round(sum(rank is not None and rank <= 5 for rank in ranks) / n, 4),
        "mrr@10": round(sum(1 / rank for rank in ranks if rank) / n, 4),
        "recall@10": round(sum(recalls) / n, 4),
        "p50_ms": round(took[(n - 1) // 2], 3),
        "p99_ms": round(took[min(n - 1, int(n * 0.99))], 3),
    }
