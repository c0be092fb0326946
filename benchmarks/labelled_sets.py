"""Public labelled sets as labelled answers, to train the gate on and to measure it by.

    python benchmarks/labelled_sets.py DATA OUT

DATA is a folder with `en_grounded_begin/dev.jsonl.gz` (BEGIN: google/BEGIN-dataset) and
`ko_nli_sts/nli_dev.jsonl.gz` (KorNLI: kakaobrain/KorNLUDatasets); what is missing is passed over. OUT gets
`begin.jsonl`, `kornli.jsonl`, where there is one `halueval_qa.jsonl`, and `facts.json`, which says for
each where it comes from and that no threshold is certified on it. The shipped model is made by

    ccos train gate OUT/begin.jsonl OUT/kornli.jsonl --about OUT/facts.json --name gate-3 \\
        --date YYYY-MM-DD --out src/ccos/quality/gate.json

The same data and date give the same bytes. `ccos eval gate OUT/begin.jsonl --cross-validate` shows one set.
"""

from __future__ import annotations

import argparse
import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def begin(row: Row) -> Iterator[Row]:
    """A reply to a chat, attributable to its passage or not; "Generic" replies claim nothing and are bad."""
    yield {
        "question": row["message"],
        "evidence": [row["knowledge"]],
        "answer": row["response"],
        "label": int(row["label"] == "Fully attributable"),
        "task": "solution_draft",
        "language": "en",
        "generator": row["model"],
        "ticket_id": row["knowledge"],
    }


def nli(row: Row) -> Iterator[Row]:
    """A claim that its premise entails or not."""
    yield {
        "evidence": [row["premise"]],
        "answer": row["hypothesis"],
        "label": int(row["label"] == "entailment"),
        "task": "kb_synthesis",
        "language": "ko",
        "ticket_id": row["premise"],
    }


def halueval(row: Row) -> Iterator[Row]:
    """Short answers to questions, right or made up."""
    for answer, label in ((row["right_answer"], 1), *((made_up, 0) for made_up in row["hallucinated"])):
        yield {
            "question": row["question"],
            "evidence": [row["knowledge"]],
            "answer": answer,
            "label": label,
            "language": "en",
            "ticket_id": row["question"],
        }


SETS: dict[str, tuple[str, Callable[[Row], Iterator[Row]], str, str]] = {
    "begin": (
        "en_grounded_begin/dev.jsonl.gz",
        begin,
        "BEGIN dev, parts wow and cmu (google/BEGIN-dataset)",
        "CC BY 4.0",
    ),
    "kornli": (
        "ko_nli_sts/nli_dev.jsonl.gz",
        nli,
        "KorNLI dev (kakaobrain/KorNLUDatasets)",
        "CC BY-SA 4.0",
    ),
    "halueval_qa": (
        "en_halueval/qa_knowledge.jsonl.gz",
        halueval,
        "HaluEval QA pools (RUCAIBox/HaluEval)",
        "MIT",
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    facts: dict[str, Any] = {}
    for name, (path, converted, source, licence) in SETS.items():
        if not (given.data / path).exists():
            print(f"{path} is not there")
            continue
        with gzip.open(given.data / path, "rt", encoding="utf-8") as file:
            lines = [
                json.dumps(made, ensure_ascii=False) for line in file for made in converted(json.loads(line))
            ]
        (given.out / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        facts[name] = {"source": source, "licence": licence, "certifies": False}
        print(f"{name}.jsonl: {len(lines)} lines")
    (given.out / "facts.json").write_text(
        json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
