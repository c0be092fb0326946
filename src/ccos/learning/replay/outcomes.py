"""Outcomes: what the weak and the strong model made of the same prompts, read from files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ccos.domain.errors import BadInput
from ccos.learning.labelled import name_of, read_lines
from ccos.learning.replay.curve import Floats

LEAST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """One prompt. `weak` and `strong` are how good the two answers were: 0 or 1, or any number of one scale.

    `group` keeps rows together in every split. `columns` are the other columns of the file, to filter by.
    """

    id: str
    prompt: str
    weak: float
    strong: float
    group: str
    weak_answer: str | None
    columns: Mapping[str, Any]

    def domain(self, column: str) -> str:
        return str(self.columns.get(column, ""))


def read_outcomes(
    path: Path, *, answers: Path | None = None, weak: str | None = None, strong: str | None = None
) -> list[Outcome]:
    """Rows of `path`, with the weak model's answers of the file `answers` joined by id.

    A row has `weak` and `strong`, or `scores` by model, from which those named are taken. Scores that may
    be negative are moved to [0, 1] together. Raises BadInput in one sentence for a file that is neither.
    """
    rows = list(_rows(path))
    if rows and "scores" in rows[0][1]:
        weak_name, strong_name = _models(rows, weak, strong)
    else:
        weak_name = strong_name = ""
    joined = _answers(answers, weak_name) if answers else {}
    found = [_outcome(name_of(path), n, row, weak_name, strong_name, joined) for n, row in rows]
    if len(found) < LEAST_ROWS:
        raise BadInput(f"{name_of(path)} has {len(found)} outcomes; a replay needs at least {LEAST_ROWS}.")
    if answers and not any(each.weak_answer for each in found):
        raise BadInput(
            f"{name_of(answers)} holds no answer to the prompts of {name_of(path)}; check the ids."
        )
    return _scaled(found)


def select(rows: Iterable[Outcome], where: Sequence[str], drop: Sequence[str]) -> list[Outcome]:
    """Rows for which every `column=value` holds, and no column in `drop` is true. Raises BadInput."""
    wanted = []
    for condition in where:
        column, equals, value = condition.partition("=")
        if not equals:
            raise BadInput(f"--where {condition!r} is no condition; write column=value.")
        wanted.append((column, value))
    kept = [
        row
        for row in rows
        if all(_shown(row.columns.get(column)) == value for column, value in wanted)
        and not any(row.columns.get(column) for column in drop)
    ]
    if len(kept) < LEAST_ROWS:
        raise BadInput(f"{len(kept)} outcomes are left; a replay needs at least {LEAST_ROWS}.")
    return kept


def qualities(rows: Sequence[Outcome]) -> tuple[Floats, Floats]:
    """Of the weak and of the strong model, one value a row."""
    return np.array([r.weak for r in rows]), np.array([r.strong for r in rows])


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise BadInput(f"{name_of(path)}, line {number} is not a JSON object.")
        yield number, row


def _models(
    rows: Sequence[tuple[int, Mapping[str, Any]]], weak: str | None, strong: str | None
) -> tuple[str, str]:
    known = sorted({name for _, row in rows for name in row.get("scores", {})})
    if weak is None or strong is None:
        raise BadInput(f"Say which models to compare with --weak and --strong; there are {', '.join(known)}.")
    return _named(weak, known), _named(strong, known)


def _named(wanted: str, known: Sequence[str]) -> str:
    """A model by its name, or by the beginning that only it has."""
    if wanted in known:
        return wanted
    fit = [name for name in known if name.startswith(wanted)]
    if len(fit) != 1:
        which = f"it could be {', '.join(fit)}" if fit else f"there are {', '.join(known)}"
        raise BadInput(f"There is no one model {wanted!r}; {which}.")
    return fit[0]


def _answers(path: Path, model: str) -> dict[str, str]:
    """The weak model's answers by id: a column `weak_answer` or `weak_response`, or rows of that `model`."""
    found = {}
    for _, row in _rows(path):
        if model and row.get("model") != model:
            continue
        text = row.get("weak_answer") or row.get("weak_response") or (row.get("answer") if model else None)
        if isinstance(text, str):
            found[str(row.get("id"))] = text
    if not found:
        whose = f" of {model}" if model else ""
        raise BadInput(
            f"{name_of(path)} holds no answers{whose}; it needs id and weak_answer, or id, model, answer."
        )
    return found


def _outcome(
    name: str, number: int, row: dict[str, Any], weak: str, strong: str, answers: Mapping[str, str]
) -> Outcome:
    scores = row.get("scores", {}) if weak else row
    low, high = scores.get(weak or "weak"), scores.get(strong or "strong")
    prompt = row.get("prompt") or row.get("question")
    for what, value in (("weak", low), ("strong", high)):
        if not isinstance(value, int | float) or not math.isfinite(value):
            raise BadInput(f"{name}, line {number}: {what} must be a number: how good that answer was.")
    if not isinstance(prompt, str) or not prompt.strip():
        raise BadInput(f"{name}, line {number}: a prompt is missing.")
    key = str(row.get("id", number))
    given = row.get("weak_answer") or row.get("weak_response")
    answer = given if isinstance(given, str) else answers.get(key)
    group = str(row.get("ticket_id") or prompt)
    rest = {k: v for k, v in row.items() if k not in ("prompt", "scores", "weak_answer", "weak_response")}
    return Outcome(key, prompt, float(low or 0), float(high or 0), group, answer, rest)


def _scaled(rows: list[Outcome]) -> list[Outcome]:
    """Shares of a quality need a scale that begins at 0: scores from -m to m become (score + m) / 2m."""
    values = [value for row in rows for value in (row.weak, row.strong)]
    if min(values) >= 0:
        return rows
    most = max(map(abs, values))
    return [
        replace(row, weak=(row.weak + most) / (2 * most), strong=(row.strong + most) / (2 * most))
        for row in rows
    ]


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
