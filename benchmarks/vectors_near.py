"""pgvector's HNSW beside exact search in memory, of the same vectors: time, recall, disk, upkeep.

    nice -n 10 python benchmarks/vectors_near.py [--passages 50000] [--width 384] [--queries 100] [--json]

Vectors lie around `--topics` centres, as those of texts do (random ones have no near neighbours worth
finding); a question is a passage's vector with noise of its own. Both searches look for the 80 nearest of one
pool; the recall is of the 10 nearest, against exact search. The store is an embedded server that this makes
and removes; one passage is stored for each vector, by the product's own way, so the seconds of copying are
those of `ccos kb vectors`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage
from ccos.knowledge.dense import text_hash
from ccos.knowledge.dense_matrix import Matrix, as_bytes
from ccos.store import embedded, knowledge, near, tenants, vectors
from ccos.store.database import Database
from ccos.store.migrate import APP_ROLE, migrate

MODEL = "bench"
KB = EvidenceKind.KB
FOUND, DEEP = 10, 80
BATCH = 1_000


def made(count: int, width: int, topics: int) -> tuple[np.ndarray, np.random.Generator]:
    dice = np.random.default_rng(7)
    centres = dice.standard_normal((topics, width))
    rows = centres[dice.integers(topics, size=count)] + 0.7 * dice.standard_normal((count, width))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True), dice


def cuts(seconds: list[float]) -> tuple[float, float]:
    p50, p99 = np.percentile(seconds, [50, 99])
    return round(1_000 * float(p50), 2), round(1_000 * float(p99), 2)


async def measure(home: Path, count: int, width: int, queries: int, topics: int) -> dict[str, Any]:
    def say(words: str) -> None:
        print(words, file=sys.stderr)

    rows, dice = made(count, width, topics)
    asked = rows[dice.integers(count, size=queries)] + 0.5 / np.sqrt(width) * dice.standard_normal(
        (queries, width)
    )
    server = embedded.start(home)
    try:
        migrate(server.urls.owner)
        near.prepare(server.urls.owner, server.urls.superuser)
        owner = Database(server.urls.owner, connections=1)
        database = Database(server.urls.app, role=APP_ROLE, statement_seconds=120)
        await owner.open()
        await database.open()
        try:
            async with owner.unbound() as tx:
                tenant = await tenants.create(tx, "bench", "Bench")
            matrix = Matrix()
            for start in range(0, count, BATCH):
                names = [f"n{n}" for n in range(start, min(start + BATCH, count))]
                entries = [(Item(KB, name, name, "."), [Passage("", ".")]) for name in names]
                hashes = {
                    text_hash(name, Passage("", ".")): as_bytes(row)
                    for name, row in zip(names, rows[start : start + BATCH].tolist(), strict=True)
                }
                async with database.tenant(tenant.id) as tx:
                    puts = await knowledge.put_all(tx, entries)
                    await vectors.store(tx, MODEL, hashes)
                    matrix.place([put.id for put in puts], await vectors.held(tx, [put.id for put in puts]))
                    matrix.take(await vectors.made_of(tx, MODEL, hashes))
                if start % 10_000 == 0:
                    say(f"{start} stored")
            async with database.tenant(tenant.id) as tx:
                await near.begin(tx, MODEL, width)
            began, more = time.perf_counter(), True
            while more:
                async with database.tenant(tenant.id) as tx:
                    more = await near.follow(tx, MODEL)
            copied = time.perf_counter() - began
            say(f"copied in {copied:.0f} s")
            began = time.perf_counter()
            near.build(server.urls.owner, tenant.id, MODEL, width)
            built = time.perf_counter() - began
            say(f"built in {built:.0f} s")
            async with database.tenant(tenant.id) as tx:
                row = await tx.row(
                    "SELECT pg_table_size('kb_near') AS rows,"
                    "       pg_relation_size(to_regclass(%(name)s)) AS hnsw",
                    name=f"ccos.{near.index_name(tenant.id, MODEL)}",
                )
            assert row is not None
            exact, by_store, hits = [], [], 0
            for query in asked.tolist():
                began = time.perf_counter()
                (best,) = matrix.nearest(KB, [query], DEEP)
                exact.append(time.perf_counter() - began)
                wanted = {matrix.users(at, KB)[0][2] for at, _ in best[:FOUND]}
                began = time.perf_counter()
                async with database.tenant(tenant.id) as tx:
                    found = await near.nearest(tx, MODEL, KB, query, DEEP, dimensions=width)
                by_store.append(time.perf_counter() - began)
                hits += len(wanted & {each.hash for each in found[:FOUND]})
            memory, hnsw = cuts(exact), cuts(by_store)
            return {
                "passages": count,
                "width": width,
                "copy_seconds": round(copied, 1),
                "build_seconds": round(built, 1),
                "rows_mb": round(row["rows"] / 1e6, 1),
                "hnsw_mb": round(row["hnsw"] / 1e6, 1),
                "memory_mb": round(matrix.size / 1e6, 1),
                "memory_p50_ms": memory[0],
                "memory_p99_ms": memory[1],
                "hnsw_p50_ms": hnsw[0],
                "hnsw_p99_ms": hnsw[1],
                "hnsw_to_memory": round(hnsw[0] / memory[0], 2),
                "recall@10": round(hits / (FOUND * queries), 4),
            }
        finally:
            await database.close()
            await owner.close()
    finally:
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--passages", type=int, default=50_000)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--topics", type=int, default=500)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ccos-near-") as home:
        found = asyncio.run(measure(Path(home), given.passages, given.width, given.queries, given.topics))
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found.items():
        print(f"{name:16} {value}")


if __name__ == "__main__":
    main()
