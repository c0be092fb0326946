"""Trains and measures the answer check: questions with and without an answer in a knowledge base."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from ccos.domain.errors import BadInput
from ccos.domain.evidence import Evidence, EvidenceKind, for_writing
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task
from ccos.knowledge.answering import BAR, SIGNS, AnswerModel, answerability, signs
from ccos.knowledge.asked import Asked, nouns, read, text_of
from ccos.knowledge.formats import Options
from ccos.knowledge.gap_texts import language_of
from ccos.knowledge.importing import import_path
from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.search import Searcher
from ccos.learning import labelled
from ccos.learning.fitting import finite, fit_head, scored
from ccos.learning.measuring import Measured
from ccos.learning.metrics import auroc, auroc_interval, wilson
from ccos.learning.splitting import fold_numbers
from ccos.providers.rules.queries import queries
from ccos.quality.model import Head, Platt, odds

HELD = 0.075
"""The share of answered training questions that the bar holds back: of others it holds a little more."""

FOLDS, ROUNDS = 10, 5
_TENANT = UUID(int=1)
_KB, _CASES = 5, 3
"""Passages of each pool, as a draft gets them."""


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    ticket: Ticket
    answerable: bool


@dataclass(frozen=True, slots=True)
class LookedUp:
    """A question with what a draft would have stood on, and the terms of it that the index holds."""

    question: Question
    asked: Asked
    evidence: tuple[Evidence, ...]
    indexed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Library:
    """A knowledge base in memory with its index."""

    shelf: MemoryShelf
    searcher: Searcher
    synonyms: Sequence[Sequence[str]]

    async def look_up(self, question: Question) -> LookedUp:
        """As the workflow does with the rules' queries, without its second, wider search."""
        now, ticket = datetime.now(UTC), question.ticket
        words = queries(ticket) or [ticket.customer_text]
        like: dict[str, Any] = {
            "now": now,
            "synonyms": self.synonyms,
            "language": language_of(text_of(ticket)),
        }
        kb = await self.searcher.search(_TENANT, words, pool="kb", limit=_KB, **like)
        cases = await self.searcher.search(_TENANT, words, pool="case", limit=_CASES, **like)
        asked = read(text_of(ticket))
        indexed = await self.searcher.indexed(_TENANT, asked.terms)
        return LookedUp(question, asked, for_writing((*kb, *cases)), indexed)


@asynccontextmanager
async def library(
    kb: Path, cases: Path | None = None, synonyms: Sequence[Sequence[str]] = ()
) -> AsyncIterator[Library]:
    """Raises BadKnowledge for files that cannot be imported."""
    shelf = MemoryShelf()
    await import_path(kb, shelf, _TENANT)
    if cases is not None:
        await import_path(cases, shelf, _TENANT, options=Options(EvidenceKind.CASE))
    with tempfile.TemporaryDirectory() as folder:
        searcher = Searcher(shelf, Path(folder), patience_seconds=3_600)
        try:
            yield Library(shelf, searcher, synonyms)
        finally:
            await searcher.aclose()


def read_asks(path: Path) -> list[Question]:
    """JSON lines `{"text": ..., "gold": [ids]}`, none for a question without an answer; a `subject` is read
    too, and `query` stands for `text`. Raises BadInput."""
    name, found = labelled.name_of(path), []
    for at, raw in enumerate(labelled.read_lines(path), start=1):
        if not raw.strip():
            continue
        try:
            row = json.loads(raw)
            text, gold = row.get("text", row.get("query")), row["gold"]
            if not isinstance(text, str) or not text.strip() or not isinstance(gold, list):
                raise ValueError
            ticket = Ticket(subject=str(row.get("subject") or ""), description=text)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
            raise BadInput(
                f"Line {at} of {name} needs 'text' and 'gold', a list of article ids, empty for no answer."
            ) from fault
        found.append(Question(str(row.get("id", at)), ticket, bool(gold)))
    if not found:
        raise BadInput(f"{name} holds no questions: write one JSON object a line.")
    return found


def train(
    looked_up: Sequence[LookedUp],
    talk: Sequence[str],
    *,
    on: str,
    measure: Mapping[str, Sequence[LookedUp]],
) -> AnswerModel:
    """A model whose bar holds `HELD` of the answered questions; the same input gives the same model.

    `talk` is what customers of any desk write: what they name is usual. `on` names the training set, whose
    figures are out of fold; `measure` are sets that it is only measured on. Raises BadInput for too few
    questions, or without scikit-learn.
    """
    usual = frozenset(nouns(talk))
    rows = measured(looked_up, usual)
    out_of_fold = _out_of_fold(rows)
    head = _with_bar(fit_head(rows, SIGNS), out_of_fold, [row.good for row in rows])
    model = AnswerModel(name=f"answers {on}", head=head, usual=usual)
    bar = _bar(out_of_fold, [row.good for row in rows])
    shifted = [score + BAR - bar for score in out_of_fold]
    told = {
        on: figures(shifted, [row.good for row in rows]),
        **{key: figures(scores(model, those), _truth(those)) for key, those in measure.items()},
    }
    return model.model_copy(update={"about": {"trained_on": on, "figures": told}})


def scores(model: AnswerModel, looked_up: Sequence[LookedUp]) -> list[float]:
    """Of each question, as serving gives them."""
    return [answerability(each.asked, each.evidence, each.indexed, model) for each in looked_up]


def measured(looked_up: Sequence[LookedUp], usual: Collection[str]) -> list[Measured]:
    return [
        Measured(
            features={"case": 0.0, **signs(each.asked, each.evidence, each.indexed, usual)},
            good=each.question.answerable,
            group=each.question.id,
            task=Task.QUERY_BUILDER,
            language="ko",
            vetoed=False,
        )
        for each in looked_up
    ]


def figures(values: Sequence[float], answerable: Sequence[bool]) -> dict[str, Any]:
    """`auroc`; `recognised`, the share of questions without an answer below the bar, and `held`, that of the
    others; each with its interval at 95 % (bootstrap, Wilson)."""
    below = [value < BAR for value in values]
    without = [low for low, good in zip(below, answerable, strict=True) if not good]
    with_one = [low for low, good in zip(below, answerable, strict=True) if good]
    reach = auroc_interval(values, answerable, list(range(len(values))))
    told: dict[str, Any] = {
        "n": len(below),
        "answerable": len(with_one),
        "auroc": finite(auroc(values, answerable)),
        "auroc_ci": None if reach is None else [round(reach.low, 4), round(reach.high, 4)],
    }
    for key, those in (("recognised", without), ("held", with_one)):
        told[key] = round(sum(those) / len(those), 4) if those else None
        interval = wilson(sum(those), len(those)) if those else None
        told[f"{key}_ci"] = None if interval is None else [round(interval.low, 4), round(interval.high, 4)]
    return told


def written(model: AnswerModel) -> bytes:
    """The model as its file holds it: readable, its words in order."""
    content = model.model_dump(mode="json")
    content["usual"] = sorted(content["usual"])
    return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()


def _truth(looked_up: Sequence[LookedUp]) -> list[bool]:
    return [each.question.answerable for each in looked_up]


def _out_of_fold(rows: Sequence[Measured]) -> list[float]:
    """The mean of several rounds, so that the bar does not hang on one split."""
    found = np.zeros(len(rows))
    for seed in range(ROUNDS):
        fold = fold_numbers([row.group for row in rows], FOLDS, seed)
        for number in range(FOLDS):
            out = np.flatnonzero(fold == number).tolist()
            head = fit_head([rows[place] for place in np.flatnonzero(fold != number).tolist()], SIGNS)
            found[out] += scored(head, [rows[place] for place in out])
    return [float(value) for value in found / ROUNDS]


def _bar(values: Sequence[float], answerable: Sequence[bool]) -> float:
    return float(np.quantile([v for v, good in zip(values, answerable, strict=True) if good], HELD))


def _with_bar(head: Head, values: Sequence[float], answerable: Sequence[bool]) -> Head:
    """The head with its curve moved so that the bar lies at `BAR`."""
    curve = head.calibration
    if not isinstance(curve, Platt):
        raise BadInput("So many questions are calibrated by steps, whose bar cannot be moved; take fewer.")
    moved = Platt(
        slope=curve.slope, intercept=round(curve.intercept - odds(_bar(values, answerable)) + odds(BAR), 6)
    )
    return head.model_copy(update={"calibration": moved})
