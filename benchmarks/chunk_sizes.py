"""How long passages should be: `ccos eval retrieval` on the same questions with articles cut differently.

    python benchmarks/chunk_sizes.py KB.jsonl QUESTIONS.jsonl [KB QUESTIONS ...] [--body-field NAME] [--json]

Files are what `ccos eval retrieval` takes. A size is "a heading ends a passage from A tokens on; blocks are
gathered up to B"; steps and tables that are longer than three times B are cut, as they are at B = 400 today.
"""

from __future__ import annotations

import argparse
import io
import json
from contextlib import redirect_stdout
from typing import Any

from ccos.cli.eval_retrieval import retrieval
from ccos.knowledge import chunking

SIZES = ((60, 120), (200, 400), (400, 800), (10**6, 10**6))
"""The last is whole articles."""

FIGURES = ("hit@1", "hit@5", "mrr@10", "recall@10", "p50_ms")


def measured(kb: str, questions: str, body_field: str | None, enough: int, most: int) -> dict[str, Any]:
    chunking.ENOUGH, chunking.MOST, chunking.LONGEST = enough, most, 3 * most
    arguments = ["--kb", kb, "--queries", questions, "--json"]
    told = io.TextIOWrapper(io.BytesIO(), "utf-8")
    with redirect_stdout(told):
        retrieval(arguments + (["--body-field", body_field] if body_field else []), standalone_mode=False)
    told.seek(0)
    return dict(json.load(told))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--body-field", metavar="NAME")
    parser.add_argument("--json", action="store_true", dest="as_json")
    given = parser.parse_args()
    if len(given.files) % 2:
        parser.error("give a file of questions for each file of articles")
    rows = []
    for kb, questions in zip(given.files[::2], given.files[1::2], strict=True):
        for enough, most in SIZES:
            figures = measured(kb, questions, given.body_field, enough, most)
            rows.append({"kb": kb, "enough": enough, "most": most} | figures)
            if not given.as_json:
                shown = "  ".join(f"{name} {figures[name]:.3f}" for name in FIGURES)
                print(f"{kb}  {enough}-{most}: {shown}", flush=True)
    if given.as_json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
