"""Trains the triage models that ship with CCOS: `python benchmarks/triage_weights.py DATA_FOLDER`.

DATA_FOLDER holds the public sets as docs/triage-models.md lists them, one folder a set with `train.jsonl.gz`.
Their sentences are read and not kept: a model holds hashes of n-grams and weights.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from ccos.agents.triage import intent_prior, sentiment_prior
from ccos.learning.labelled import read_lines
from ccos.learning.texts import Columns, LabelledText, read_texts
from ccos.learning.triage_plans import PLANS, Plan
from ccos.learning.triage_training import Trained, train
from ccos.quality.classifying import Spelling, save_model

NOISY_KOREAN = Spelling(chars=(1, 3), jamo=(3, 6), words=1)
OWN = Path(str(files("ccos.sample").joinpath("triage")))
WEIGHTS = Path(str(files("ccos.quality.classifying").joinpath("weights")))


def main(data: Path) -> None:
    WEIGHTS.mkdir(exist_ok=True)
    for trained in (intent(data), sentiment(), abuse(data)):
        model, told = trained.model, trained.told
        path = WEIGHTS / f"{model.what}.npz"
        save_model(model, path)
        kept = float((told.max(axis=1) >= model.certain).mean())
        print(f"{path.name}: {path.stat().st_size / 1e3:.0f} kB, certain {model.certain:.3f} on {kept:.0%}")


def intent(data: Path) -> Trained:
    own = [
        line for name in ("ko", "en") for line in read_texts(OWN / f"{name}.jsonl", Columns(label="label"))
    ]
    clinc = data / "en_clinc150" / "train.jsonl.gz"
    strange = [
        *some(data / "ko_chatbot" / "train.jsonl.gz", 100, "question"),
        *some(clinc, 75, "text", lambda row: row["intent"] == "oos"),
        *some(clinc, 75, "text", lambda row: row["domain"] not in ("banking", "credit_cards", "oos")),
    ]
    lines = own + [LabelledText(text, "other") for text in strange]
    plan = replace(PLANS["intent"], spelling=NOISY_KOREAN, certain=0.875)
    about = {"own": len(own), "ko_chatbot (MIT)": 100, "CLINC150 (CC BY 3.0)": 150}
    return train("intent", lines, plan, prior=intent_prior, about=about)


def sentiment() -> Trained:
    own = [
        line
        for name in ("ko", "en")
        for line in read_texts(OWN / f"{name}.jsonl", Columns(label="sentiment"))
    ]
    plan = Plan(NOISY_KOREAN, cost=0.5, certain=0.975)
    return train("sentiment", own, plan, prior=sentiment_prior, about={"own": len(own)})


def abuse(data: Path) -> Trained:
    own = read_texts(OWN / "abuse.jsonl")
    calm = [
        line for name in ("ko", "en") for line in read_texts(OWN / f"{name}.jsonl", Columns(label="label"))
    ]
    hate = read_texts(data / "ko_abuse_beep" / "train.jsonl.gz", Columns(label="hate"))
    lines = [LabelledText(line.text, line.label, f"own {n}") for n, line in enumerate(own) for _ in range(8)]
    lines += [LabelledText(line.text, "no") for line in calm]
    lines += [
        LabelledText(line.text, "yes" if line.label == "hate" else "no")
        for line in hate
        if line.label != "offensive"
    ]
    about = {
        "own": len(own) + len(calm),
        "BEEP! (CC BY-SA 4.0), none and hate": len(lines) - 8 * len(own) - len(calm),
    }
    return train("abuse", lines, PLANS["abuse"], about=about)


def some(
    path: Path, count: int, column: str, where: Callable[[dict[str, Any]], bool] = lambda _: True
) -> list[str]:
    """`count` texts, the same every time."""
    texts = [str(row[column]) for row in map(json.loads, read_lines(path)) if where(row)]
    random.Random(0).shuffle(texts)
    return texts[:count]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Give the folder of the public sets: python benchmarks/triage_weights.py DATA_FOLDER")
    main(Path(sys.argv[1]))
