"""One Markdown table from the JSON that the local benchmarks wrote: a column for each model.

    python benchmarks/local_report.py RESULTS/*.json

What nobody measured yet is left open as "-".
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Cell = tuple[str, str]
"""The name of a row, and what stands in it."""


def speed(document: dict[str, Any]) -> Iterator[Cell]:
    for row in document["rows"]:
        yield (
            f"tokens/s written, {row['streams']} streams: service (to bare engine)",
            f"{row['service_out']:.1f} ({row['ratio_out']:.2f})",
        )
    first = document["rows"][0]
    yield (
        "tokens/s read: service (to bare engine)",
        f"{first['service_prompt']:.0f} ({first['ratio_prompt']:.2f})",
    )
    yield "start to ready", f"{document['service_ready_seconds']:.1f} s"
    yield "memory, mapped weights included", f"{document['service_rss_mb']:,} MB"


def prefix(document: dict[str, Any]) -> Iterator[Cell]:
    for row in document["rows"]:
        what = "system text alone" if row["prompt"] == "shared" else f"{row['prompt']} prompt"
        yield (
            f"first token, {row['language']} {what}: cold, warmed (ratio)",
            f"{row['cold_seconds']:.2f} s, {row['warmed_seconds']:.2f} s ({row['warmed_ratio']:.2f})",
        )


def shaped(document: dict[str, Any]) -> Iterator[Cell]:
    valid, outputs = (sum(row[name] for row in document["valid"]) for name in ("valid", "outputs"))
    yield "JSON by grammar: valid of all", f"{valid} of {outputs}"
    for row in document["cost"]:
        yield (
            f"speed with grammar to without, {row['tokens']}: clock (processor)",
            f"{row['ratio']:.2f} ({row['processor_ratio']:.2f})",
        )


def speculation(document: dict[str, Any]) -> Iterator[Cell]:
    for row in document["rows"]:
        if row["kind"] != "off":
            share = row["accepted"] / row["drafted"] if row["drafted"] else 0.0
            yield (
                f"{row['kind']}, {row['replies']} replies, {row['streams']} streams:"
                " speed-up by clock (processor), guesses right",
                f"{row['speed_up']:.2f} ({row['processor_speed_up']:.2f}), {share:.0%}",
            )


def logprobs(document: dict[str, Any]) -> Iterator[Cell]:
    for row in document["rows"]:
        yield (
            f"speed with log-probabilities to without, {row['streams']} streams: clock (processor)",
            f"{row['ratio']:.2f} ({row['processor_ratio']:.2f})",
        )


READERS: dict[str, Callable[[dict[str, Any]], Iterator[Cell]]] = {
    "speed": speed,
    "prefix": prefix,
    "json": shaped,
    "speculation": speculation,
    "logprobs": logprobs,
}


def table(documents: list[dict[str, Any]]) -> str:
    """Rows in the order of the benchmarks, whatever the order of the files."""
    order = list(READERS)
    documents = sorted(documents, key=lambda document: order.index(document["benchmark"]))
    models = {document["model"]: document["bytes"] for document in documents}
    cells: dict[str, dict[str, str]] = {}
    for document in documents:
        for name, text in READERS[document["benchmark"]](document):
            cells.setdefault(name, {})[document["model"]] = text
    names = sorted(models, key=lambda name: models[name])
    lines = [
        f"| | {' | '.join(f'{name}, {models[name] / 1e9:.2f} GB' for name in names)} |",
        f"|---|{'---|' * len(names)}",
    ]
    for name, row in cells.items():
        lines.append(f"| {name} | {' | '.join(row.get(model, '-') for model in names)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", type=Path, nargs="+")
    given = parser.parse_args()
    print(table([json.loads(path.read_text(encoding="utf-8")) for path in given.files]))
