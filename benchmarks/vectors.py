"""Exact search of a tenant's vectors in memory: time and memory by how many and how wide they are.

    python benchmarks/vectors.py [--passages 10000 50000 200000] [--width 384 1024] [--queries 50] [--json]

Vectors and queries are random, of length 1; nothing of exact search depends on what they mean. Times are of
`Matrix.nearest` alone, one query at a time: the query's own vector, and reading what was found from the
store, come on top. `benchmarks/search.py` has the same figures of the search by words.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from uuid import UUID

import numpy as np

from ccos.domain.evidence import EvidenceKind
from ccos.knowledge.dense_matrix import Matrix, as_bytes
from ccos.store.vectors import Held, Made

_BATCH = 1_000
_ITEMS = 80
"""As many as a search for 20 items looks at."""


def matrix(passages: int, width: int, dice: np.random.Generator) -> Matrix:
    built = Matrix()
    for start in range(0, passages, _BATCH):
        numbers = range(start, min(start + _BATCH, passages))
        hashes = [number.to_bytes(32, "little") for number in numbers]
        items = [UUID(int=number) for number in numbers]
        held = [Held(item, EvidenceKind.KB, 1, text) for item, text in zip(items, hashes, strict=True)]
        built.place(items, held)
        rows = dice.standard_normal((len(numbers), width))
        built.take([Made(0, text, as_bytes(row)) for text, row in zip(hashes, rows, strict=True)])
    return built


def measured(passages: int, width: int, queries: int) -> dict[str, float]:
    dice = np.random.default_rng(7)
    begun = time.perf_counter()
    built = matrix(passages, width, dice)
    loaded = time.perf_counter() - begun
    took = []
    for query in dice.standard_normal((queries, width)):
        begun = time.perf_counter()
        built.nearest(EvidenceKind.KB, [query.tolist()], _ITEMS)
        took.append(1_000 * (time.perf_counter() - begun))
    p50, p99 = np.percentile(took, [50, 99])
    return {
        "passages": passages,
        "width": width,
        "mb": round(built.size / 1e6, 1),
        "take_in_seconds": round(loaded, 2),
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--passages", type=int, nargs="+", default=[10_000, 50_000, 200_000])
    parser.add_argument("--width", type=int, nargs="+", default=[384, 1_024])
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = [measured(n, width, options.queries) for n in options.passages for width in options.width]
    if options.json:
        print(json.dumps({"cores": os.cpu_count(), "rows": rows}))
    else:
        print(f"{os.cpu_count()} cores")
        for row in rows:
            print("  ".join(f"{name} {value}" for name, value in row.items()))
