"""How often the right article is a draft's first evidence, through the command line alone.

    python benchmarks/first_evidence.py KB.jsonl[.gz] TICKETS.jsonl[.gz] [--body-field index_text]

KB lines hold id, title and a body; ticket lines hold subject, ticket and gold_kb (a list of ids). Everything
runs as a user would run it, in a database of its own: `ccos kb import`, then `ccos draft --batch`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("kb", type=Path)
    wanted.add_argument("tickets", type=Path)
    wanted.add_argument("--body-field", default="index_text")
    wanted.add_argument(
        "--hide-titles", action="store_true", help="for sets whose ticket subjects are the article titles"
    )
    given = wanted.parse_args()
    rows = lines(given.tickets)
    with tempfile.TemporaryDirectory(prefix="ccos-bench-") as scratch:
        home = Path(scratch)
        batch = home / "tickets.jsonl"
        batch.write_text(
            "\n".join(
                json.dumps(
                    {"external_id": f"t{n}", "subject": row["subject"][:200], "description": row["ticket"]},
                    ensure_ascii=False,
                )
                for n, row in enumerate(rows)
            ),
            encoding="utf-8",
        )
        kb = home / "kb.jsonl"
        articles = [
            row | {"title": f"문서 {n}"} if given.hide_titles else row
            for n, row in enumerate(lines(given.kb))
        ]
        kb.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in articles), encoding="utf-8")
        environment = {**os.environ, "CCOS_HOME": str(home / "ccos")}
        imported = ccos(environment, "kb", "import", str(kb), "--body-field", given.body_field, "--json")
        started = time.perf_counter()
        drafts = ccos(environment, "draft", "--batch", str(batch), "--json")["drafts"]
        seconds = time.perf_counter() - started
    found = [[e["id"] for e in d["evidence"] if e["kind"] == "kb"] for d in drafts]
    gold = [set(row["gold_kb"]) for row in rows]
    first = sum(bool(ids) and ids[0] in wanted_ids for ids, wanted_ids in zip(found, gold, strict=True))
    five = sum(not wanted_ids.isdisjoint(ids[:5]) for ids, wanted_ids in zip(found, gold, strict=True))
    print(f"imported: {imported}")
    print(f"{len(rows)} tickets drafted in {seconds:.1f} s")
    print(f"first evidence: {first}/{len(rows)} = {first / len(rows):.3f}")
    print(f"among the first five: {five}/{len(rows)} = {five / len(rows):.3f}")


def ccos(environment: dict[str, str], *arguments: str) -> Any:
    command = [sys.executable, "-m", "ccos", *arguments]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def lines(path: Path) -> list[Any]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


if __name__ == "__main__":
    main()
