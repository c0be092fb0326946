"""What it takes to import and to check a knowledge base, beside the rows alone.

    nice -n 10 python benchmarks/kb_import.py [--items 2500] [--tiny] [--check] [--json]

Articles are made from a fixed seed: of about 250 words in five sections, or, `--tiny`, one line each. They
are imported into an empty database of a server that this makes and removes: cold, again unchanged, and with
one of ten changed. The raw alternative copies the very rows and passages that came of it into bare tables of
the same database, without an index, a version or a hash. Memory is the most that the process held; `ccos kb
check` is measured in one of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection
from search import ENDINGS, PARTICLES, Corpus

from ccos.knowledge.checking import Rules
from ccos.knowledge.importing import ImportReport, import_path
from ccos.knowledge.inspecting import inspect
from ccos.knowledge.postgres import PostgresShelf
from ccos.store import embedded, tenants
from ccos.store.database import Database
from ccos.store.migrate import APP_ROLE, migrate

CORPUS = Corpus(0)


def sentence(dice: random.Random) -> str:
    words = CORPUS._draw(dice.randint(6, 12), dice)
    return " ".join(word + dice.choice(PARTICLES) for word in words) + " " + dice.choice(ENDINGS)


def article(at: int, *, tiny: bool, changed: bool = False) -> dict[str, Any]:
    dice = random.Random(at)
    title = f"{' '.join(CORPUS._draw(3, dice))} {at}"
    if tiny:
        body = sentence(dice)
    else:
        body = "\n\n".join(
            f"## {CORPUS._draw(1, dice)[0]}\n\n" + " ".join(sentence(dice) for _ in range(5))
            for _ in range(5)
        )
    return {"id": f"a-{at}", "title": title, "body": body + (" 바뀌었습니다." if changed else "")}


def write(path: Path, items: int, *, tiny: bool, changed: bool = False) -> None:
    with path.open("w", encoding="utf-8") as file:
        for at in range(items):
            new = changed and at % 10 == 0
            file.write(json.dumps(article(at, tiny=tiny, changed=new), ensure_ascii=False) + "\n")


def memory_mb() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) / 1e3, 1)
    return float("nan")


async def raw_seconds(owner: str, tenant_id: Any) -> float:
    """Seconds to copy the same rows out of memory into bare tables."""
    async with await AsyncConnection.connect(owner, autocommit=True) as db:
        tables = {
            "item": "id, kind, external_id, title, body, content_hash",
            "passage": "item_id, ordinal, heading, body",
        }
        rows = {}
        async with db.transaction():
            await db.execute("SELECT set_config('ccos.tenant', %s, true)", [str(tenant_id)])
            for name, columns in tables.items():
                rows[name] = await (await db.execute(f"SELECT {columns} FROM ccos.kb_{name}")).fetchall()
                await db.execute(
                    f"CREATE TABLE ccos.bare_{name} AS SELECT {columns} FROM ccos.kb_{name} LIMIT 0"
                )
        began = time.perf_counter()
        for name in tables:
            async with db.cursor().copy(f"COPY ccos.bare_{name} FROM STDIN") as copy:
                for row in rows[name]:
                    await copy.write_row(row)
        return time.perf_counter() - began


def check_alone(url: str, tenant_id: str) -> dict[str, Any]:
    own = [sys.executable, __file__, "--check-at", url, tenant_id]
    told: dict[str, Any] = json.loads(subprocess.run(own, check=True, stdout=subprocess.PIPE).stdout)
    return told


async def checked(url: str, tenant_id: str) -> dict[str, Any]:
    database = Database(url, role=APP_ROLE)
    await database.open()
    try:
        began = time.perf_counter()
        found = await inspect(database, UUID(tenant_id), Rules(now=datetime.now(UTC)))
        seconds = round(time.perf_counter() - began, 2)
    finally:
        await database.close()
    return {"check_seconds": seconds, "check_findings": len(found.findings), "check_most_mb": memory_mb()}


async def measure(items: int, *, tiny: bool, check: bool, home: Path) -> dict[str, Any]:
    server = embedded.start(home)
    try:
        migrate(server.urls.owner)
        database = Database(server.urls.app, role=APP_ROLE)
        await database.open()
        owner = Database(server.urls.owner, connections=1)
        await owner.open()
        try:
            async with owner.unbound() as tx:
                tenant = await tenants.create(tx, "bench", "Bench")
            shelf = PostgresShelf(database)
            told: dict[str, Any] = {"items": items, "tiny": tiny}
            for name, changed in (("cold", False), ("unchanged", False), ("tenth", True)):
                path = home / f"{name}.jsonl"
                write(path, items, tiny=tiny, changed=changed)
                began = time.perf_counter()
                report: ImportReport = await import_path(path, shelf, tenant.id)
                told[f"{name}_seconds"] = round(time.perf_counter() - began, 2)
                told[f"{name}_counts"] = [report.added, report.changed, report.unchanged]
                print(f"{name}: {told[f'{name}_seconds']} s {told[f'{name}_counts']}", file=sys.stderr)
            told["import_most_mb"] = memory_mb()
            told["raw_seconds"] = round(await raw_seconds(server.urls.owner, tenant.id), 2)
            told["cold_to_raw"] = round(told["cold_seconds"] / told["raw_seconds"], 1)
            if check:
                told |= await asyncio.to_thread(check_alone, server.urls.app, str(tenant.id))
            return told
        finally:
            await owner.close()
            await database.close()
    finally:
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=2_500)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--check-at", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.check_at:
        print(json.dumps(asyncio.run(checked(*given.check_at))))
        return
    with tempfile.TemporaryDirectory(prefix="ccos-kb-import-") as home:
        told = asyncio.run(measure(given.items, tiny=given.tiny, check=given.check, home=Path(home)))
    if given.json:
        print(json.dumps(told))
        return
    for name, value in told.items():
        print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
