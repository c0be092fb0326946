"""A draft with the rules alone: seconds and CPU in all, and what each part takes of it.

    python benchmarks/draft_path.py [--drafts 300] [--home FOLDER]

Beside it, in the same run, the raw alternative: one transaction that stores the same ticket and a fixed
template as its draft, with no search, no workflow and no gate.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from ccos import sample
from ccos.domain.draft import Draft, DraftState
from ccos.settings import load
from ccos.store import drafts, tickets
from ccos.wiring import Ccos, open_ccos
from ccos.wiring.database import open_owner
from ccos.wiring.logs import set_up_logs
from ccos.wiring.sample import ensure_sample, warm_up

Spent = dict[str, list[float]]


def main() -> None:
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--drafts", type=int, default=300)
    wanted.add_argument("--home", type=Path)
    given = wanted.parse_args()
    with tempfile.TemporaryDirectory(prefix="ccos-bench-") as scratch:
        asyncio.run(measure(given.home or Path(scratch), given.drafts))


async def measure(home: Path, count: int) -> None:
    set_up_logs("console", level=40)
    environment = {name: value for name, value in os.environ.items() if name == "PATH"}
    settings = load(environment, CCOS_HOME=str(home), _env_file=None)
    async with AsyncExitStack() as stack:
        ccos = await stack.enter_async_context(open_ccos(settings))
        await warm_up()
        tenant = await ensure_sample(ccos, await open_owner(ccos.urls, stack))
        ids = []
        for ticket in sample.tickets():
            async with ccos.database.tenant(tenant.id) as tx:
                ids.append((await tickets.put(tx, ticket)).ticket.id)
        for ticket_id in ids[:20]:
            await ccos.drafting.make(tenant, ticket_id)

        spent: Spent = defaultdict(list)
        watch_parts(ccos, spent)
        whole, cpu = [], time.process_time()
        for n in range(count):
            started = time.perf_counter()
            made = await ccos.drafting.make(tenant, ids[n % len(ids)])
            whole.append(time.perf_counter() - started)
            assert made.reply
        cpu = time.process_time() - cpu

        raw, raw_cpu = [], time.process_time()
        for n in range(count):
            started = time.perf_counter()
            await template_only(ccos, tenant.id, ids[n % len(ids)])
            raw.append(time.perf_counter() - started)
        raw_cpu = time.process_time() - raw_cpu
    report(whole, cpu, raw, raw_cpu, spent)


def watch_parts(ccos: Ccos, spent: Spent) -> None:
    """Times each part from outside; nothing in the product knows of it."""
    timed(ccos.searcher, "search", "search", spent)
    timed(ccos.service._gate, "judge", "gate", spent)
    timed(ccos.service._providers[-1], "answer", "rules", spent)
    timed(ccos.drafting._drafter, "draft", "workflow in all", spent)


def timed(owner: Any, name: str, part: str, spent: Spent) -> None:
    inner: Callable[..., Any] = getattr(owner, name)

    if asyncio.iscoroutinefunction(inner):

        @functools.wraps(inner)
        async def outer(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return await inner(*args, **kwargs)
            finally:
                spent[part].append(time.perf_counter() - started)

    else:

        @functools.wraps(inner)
        def outer(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return inner(*args, **kwargs)
            finally:
                spent[part].append(time.perf_counter() - started)

    setattr(owner, name, outer)


async def template_only(ccos: Ccos, tenant_id: Any, ticket_id: str) -> None:
    async with ccos.database.tenant(tenant_id) as tx:
        await tickets.get(tx, ticket_id)
        queued = await drafts.queue(tx, ticket_id)
        run = await drafts.start(tx, queued.id)
    text = "안녕하세요, 고객님. 문의하신 내용을 확인하고 있습니다. 감사합니다."
    done = Draft(id=queued.id, ticket_id=ticket_id, state=DraftState.NEEDS_REVIEW, reply=text)
    async with ccos.database.tenant(tenant_id) as tx:
        await drafts.finish(tx, done, run=run)
        await drafts.get(tx, queued.id)


def report(whole: list[float], cpu: float, raw: list[float], raw_cpu: float, spent: Spent) -> None:
    n = len(whole)
    per = {part: 1000 * sum(times) / n for part, times in spent.items()}
    mean = 1000 * statistics.fmean(whole)
    parts = {name: per[name] for name in ("search", "rules", "gate")}
    parts["graph and state"] = per["workflow in all"] - sum(parts.values())
    parts["database"] = mean - per["workflow in all"]
    print(f"{n} drafts, rules only, one at a time")
    print(f"{'':24}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}")
    for name, times, used in (("ccos draft", whole, cpu), ("store + template only", raw, raw_cpu)):
        cut = statistics.quantiles(times, n=100)
        print(f"{name:24}{1000 * cut[49]:9.1f}{1000 * cut[98]:9.1f}{1000 * used / n:9.1f}")
    print(f"{'ratio':24}{statistics.median(whole) / statistics.median(raw):9.1f}{'':9}{cpu / raw_cpu:9.1f}")
    print("\nmean ms of a draft, by part")
    for name, value in sorted(parts.items(), key=lambda pair: -pair[1]):
        print(f"  {name:22}{value:9.2f}  {value / mean:6.1%}")


if __name__ == "__main__":
    main()
