"""Which of the answers measured the model was trained on: of these it knows more than of new ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ccos.cli.train_gate import SEED_SET

if TYPE_CHECKING:
    from ccos.learning.labelled import LabelledAnswer
    from ccos.quality.gate import Scorer


def training_sets(scorer: Scorer) -> list[dict[str, Any]]:
    """Names of the sets the model was trained on, and how many answers each had."""
    from ccos.quality.scorer import LearnedScorer

    known = scorer.model.about.get("trained_on") if isinstance(scorer, LearnedScorer) else None
    sets = known if isinstance(known, list) else []
    return [
        {"name": str(one["name"]), "rows": one.get("rows"), "good": one.get("good")}
        for one in sets
        if isinstance(one, Mapping) and "name" in one
    ]


def seen(
    sets: Sequence[Mapping[str, Any]], files: Sequence[Path], rows: Sequence[tuple[int, LabelledAnswer]]
) -> dict[str, Any] | None:
    """How many of `rows` are in `sets`, and in which; None when none is.

    The set that ships is looked up answer by answer. The others are known by their facts only: a file is one
    of them when it has its name, or as many answers and as many good ones.
    """
    found: dict[str, int] = {}
    names = {one["name"] for one in sets}
    ours = _shipped_answers() if SEED_SET in names else frozenset()
    for number, file in enumerate(files):
        mine = [row for place, row in rows if place == number]
        counts = (len(mine), sum(row.good for row in mine))
        stem = file.name.removesuffix(".gz").removesuffix(".jsonl")
        for one in sets:
            name = one["name"]
            if name == SEED_SET:
                known = sum((row.question, row.answer) in ours for row in mine)
            else:
                known = len(mine) if stem == name or counts == (one["rows"], one["good"]) else 0
            if known:
                found[name] = found.get(name, 0) + known
    return {"answers": min(len(rows), sum(found.values())), "sets": list(found)} if found else None


def _shipped_answers() -> frozenset[tuple[str | None, str]]:
    from ccos.learning.labelled import read_labelled
    from ccos.sample import labels_folder

    with labels_folder() as folder:
        return frozenset(
            (row.question, row.answer) for path in folder.glob("*.jsonl") for row in read_labelled(path)
        )
