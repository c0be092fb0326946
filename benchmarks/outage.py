"""A total outage under load: every call of the cloud hangs for ever, and 32 clients keep asking for a minute.

    python benchmarks/outage.py [--clients 32] [--seconds 60] [--deadline 20] [--v1] [--html FILE]

`ccos serve` runs for real, in a process of its own with its own home and embedded PostgreSQL; its cloud is a
server that takes every request and never answers. Each client sends its next request over a kept connection
as soon as it has the last answer. Beside it, in the same minute, as many clients call the hung server
directly with a timeout of 10 s: the raw alternative. The health page is asked ten times a second all the
while, which also tells when the breaker opened. A fixed piece of work is timed first, to compare machines by.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import psutil
from scatter import Point, scatter

from ccos import sample

TESTS = Path(__file__).parents[1] / "tests"
RAW_SECONDS = 10.0
SLACK_SECONDS = 10.0
"""How much longer than its deadline a request may take before the client gives up: that would be an error."""
READY_SECONDS = 120.0
HUNG = """
import asyncio, sys
from support.fake_upstream import FakeUpstream

async def main():
    async with FakeUpstream("silent", models="silent") as upstream:
        print(upstream.origin, flush=True)
        while await asyncio.to_thread(sys.stdin.readline):
            posts = [seen.path.startswith("/raw") for seen in upstream.seen if seen.method == "POST"]
            print(len(posts) - sum(posts), sum(posts), flush=True)

asyncio.run(main())
"""


@dataclass(frozen=True)
class Sample:
    """One request: when it began, in seconds from the start, how long it took, and what came of it."""

    begun: float
    seconds: float
    error: str | None = None
    tier: str = ""
    why: str = ""


@dataclass
class Seen:
    """What one run saw. `opened` is when the breaker was last seen closed before it opened, None if never."""

    ccos: list[Sample] = field(default_factory=list)
    raw: list[Sample] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    opened: float | None = None
    cpu_seconds: float = 0.0


@dataclass(frozen=True)
class Wish:
    """The request each client sends, and whether what came back is a whole answer."""

    url: str
    bodies: Sequence[bytes]
    headers: dict[str, str]
    gives_up: float
    whole: Callable[[Any], bool]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--deadline", type=float, default=20.0, help="seconds a request may take")
    parser.add_argument("--v1", action="store_true", help="send POST /v1/chat/completions")
    parser.add_argument("--html", type=Path, metavar="FILE", help="also draw every request into this file")
    options = parser.parse_args()
    load = "/".join(f"{n:.1f}" for n in os.getloadavg())
    print(f"fixed work {fixed_work():.0f} ms, load {load}, Python {sys.version.split()[0]}")
    with tempfile.TemporaryDirectory(prefix="ccos-outage-") as scratch, contextlib.ExitStack() as stack:
        hung, calls = stack.enter_context(hung_cloud())
        url, key, process = stack.enter_context(served(Path(scratch), f"{hung}/v1"))
        wish = (v1_wish if options.v1 else generate_wish)(url, key, options.deadline)
        seen = asyncio.run(rehearse(wish, f"{hung}/raw", url, options.clients, options.seconds, process))
        reached, raw_reached = calls()
    print(
        f"{options.clients} clients for {options.seconds:g} s, {options.deadline:g} s each, the cloud hangs\n"
    )
    report(seen, reached, raw_reached)
    if options.html:
        options.html.write_text(picture(seen, options.clients), "utf-8")


@contextlib.contextmanager
def hung_cloud() -> Iterator[tuple[str, Callable[[], tuple[int, int]]]]:
    """Its origin, and a function that counts the calls it took: those of CCOS, and the direct ones."""
    upstream = subprocess.Popen(
        [sys.executable, "-c", HUNG],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(TESTS)},
    )
    assert upstream.stdin is not None and upstream.stdout is not None
    talk, listen = upstream.stdin, upstream.stdout

    def calls() -> tuple[int, int]:
        talk.write("how many?\n")
        talk.flush()
        ours, direct = listen.readline().split()
        return int(ours), int(direct)

    try:
        yield listen.readline().strip(), calls
    finally:
        upstream.terminate()
        upstream.wait(timeout=10)


@contextlib.contextmanager
def served(home: Path, cloud: str) -> Iterator[tuple[str, str, psutil.Process]]:
    """`ccos serve` with a tenant of its own: its URL, a key, and its process."""
    environment = {
        "PATH": os.environ["PATH"],
        "CCOS_HOME": str(home / "home"),
        "OPENAI_BASE_URL": cloud,
        "OPENAI_API_KEY": "sk-never-read",
        "DAILY_LLM_COST_LIMIT": "100000",  # or the money, not the breaker, would keep calls from the cloud
    }
    ccos = [sys.executable, "-m", "ccos"]
    said = home / "said.txt"
    with said.open("w") as out:
        server = subprocess.Popen(
            [*ccos, "serve", "--port", "0"], stdout=out, stderr=out, cwd=home, env=environment
        )
    try:
        url = wait_for(said, "Serving on ", server).split()[0]
        for command in (["tenants", "create", "outage", "Outage"], ["keys", "create", "--role", "integration",
                        "--tenant", "outage", "--json"]):  # fmt: skip
            made = subprocess.run(
                [*ccos, *command], check=True, stdout=subprocess.PIPE, cwd=home, env=environment
            )
        yield url, json.loads(made.stdout)["key"], psutil.Process(server.pid)
    finally:
        server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_for(said: Path, mark: str, process: subprocess.Popen[bytes]) -> str:
    """What follows `mark` in the file, as soon as it is there."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        for line in said.read_text("utf-8").splitlines(keepends=True):
            if mark in line and line.endswith("\n"):
                return line.partition(mark)[2]
        time.sleep(0.05)
    raise SystemExit(f"ccos serve did not start: {said.read_text('utf-8')}")


def generate_wish(url: str, key: str, deadline: float) -> Wish:
    bodies = [
        {"prompt": ticket.description, "ticket": ticket.model_dump(mode="json"), "seconds": deadline}
        for ticket in sample.tickets()
    ]

    def whole(made: Any) -> bool:
        return bool(made["response"])

    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return Wish(f"{url}/api/generate", [encoded(b) for b in bodies], headers, deadline + SLACK_SECONDS, whole)


def v1_wish(url: str, key: str, deadline: float) -> Wish:
    bodies = [
        {
            "model": "ccos",
            "messages": [{"role": "user", "content": ticket.description}],
            "ccos": {"timeout_seconds": deadline},
        }
        for ticket in sample.tickets()
    ]

    def whole(made: Any) -> bool:
        choice = made["choices"][0]
        return bool(choice["message"]["content"]) and choice["finish_reason"] == "stop"

    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return Wish(
        f"{url}/v1/chat/completions", [encoded(b) for b in bodies], headers, deadline + SLACK_SECONDS, whole
    )


def encoded(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


async def rehearse(
    wish: Wish, raw_url: str, url: str, clients: int, seconds: float, process: psutil.Process
) -> Seen:
    """Both kinds of clients at once, until each has the answer to what it asked within `seconds`."""
    seen = Seen()
    used = process.cpu_times()
    direct = Wish(
        f"{raw_url}/chat/completions",
        [b'{"model": "gpt-4o", "messages": [{"role": "user", "content": "?"}]}'],
        {"Content-Type": "application/json"},
        RAW_SECONDS,
        lambda _: False,
    )
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        start = time.perf_counter()
        watching = asyncio.create_task(watch(session, f"{url}/api/health/llm-tiers", seen, start))
        jobs = [
            client(session, each, into, start, seconds, n)
            for each, into in ((wish, seen.ccos), (direct, seen.raw))
            for n in range(clients)
        ]
        await asyncio.gather(*jobs)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    now = process.cpu_times()
    seen.cpu_seconds = now.user + now.system - used.user - used.system
    return seen


async def client(
    session: aiohttp.ClientSession, wish: Wish, into: list[Sample], start: float, seconds: float, n: int
) -> None:
    while (begun := time.perf_counter() - start) < seconds:
        body = wish.bodies[(n + len(into)) % len(wish.bodies)]
        made = await ask(session, wish, body)
        took = time.perf_counter() - start - begun
        into.append(replace(made, begun=begun, seconds=took))


async def ask(session: aiohttp.ClientSession, wish: Wish, body: bytes) -> Sample:
    timeout = aiohttp.ClientTimeout(total=wish.gives_up, ceil_threshold=math.inf)
    try:
        async with session.post(wish.url, data=body, headers=wish.headers, timeout=timeout) as response:
            raw = await response.read()
            if response.status != 200:
                return Sample(0, 0, f"HTTP {response.status}")
            if not wish.whole(json.loads(raw)):
                return Sample(0, 0, "empty or cut")
            said = response.headers
            return Sample(0, 0, None, said["x-ccos-tier"], said.get("x-ccos-fallback-reason", ""))
    except TimeoutError:
        return Sample(0, 0, "no answer in time")
    except (aiohttp.ClientError, ValueError, KeyError) as fault:
        return Sample(0, 0, type(fault).__name__)


async def watch(session: aiohttp.ClientSession, url: str, seen: Seen, start: float) -> None:
    closed = 0.0
    while True:
        begun = time.perf_counter()
        async with session.get(url) as response:
            tiers = (await response.json())["tiers"]
        seen.health.append(time.perf_counter() - begun)
        if tiers["tier_0"]["breaker"] == "closed":
            closed = begun - start
        elif seen.opened is None:
            seen.opened = closed
        await asyncio.sleep(0.1)


def report(seen: Seen, reached: int, raw_reached: int) -> None:
    print(f"{'':26}{'requests':>9}{'answered':>10}{'p50 s':>9}{'p99 s':>9}{'max s':>9}{'per s':>9}")
    show("ccos", seen.ccos)
    if seen.opened is None:
        print("  the breaker stayed closed")
    else:
        show(f"  in the first {seen.opened:.1f} s", [s for s in seen.ccos if s.begun < seen.opened])
        show("  after the breaker opened", [s for s in seen.ccos if s.begun >= seen.opened])
    show(f"hung cloud, {RAW_SECONDS:g} s timeout", seen.raw)
    answered = [s for s in seen.ccos if s.error is None]
    tiers = Counter(s.tier for s in answered)
    errors = Counter(s.error for s in seen.ccos if s.error)
    print(f"\nanswered by   {counts(tiers) or '-'}")
    print(f"because       {counts(Counter(s.why or 'the plan said so' for s in answered)) or '-'}")
    print(f"errors        {counts(errors) or 'none'}")
    print(f"reached the cloud: {reached} of {len(seen.ccos)} requests (direct: {raw_reached})")
    slow, most = percentile(seen.health, 0.5), percentile(seen.health, 0.99)
    print(f"health page, asked {len(seen.health)} times: p50 {1000 * slow:.1f} ms, p99 {1000 * most:.1f} ms")
    print(f"CPU of ccos: {1000 * seen.cpu_seconds / max(len(seen.ccos), 1):.2f} ms a request")


def show(name: str, samples: Sequence[Sample]) -> None:
    if not samples:
        print(f"{name:26}{0:9}")
        return
    answered = sum(s.error is None for s in samples) / len(samples)
    times = [s.seconds for s in samples]
    begun = [s.begun for s in samples]
    span = max(s.begun + s.seconds for s in samples) - min(begun)
    figures = "".join(f"{percentile(times, share):9.3f}" for share in (0.5, 0.99, 1.0))
    print(f"{name:26}{len(samples):9}{answered:10.2%}{figures}{len(samples) / span:9.1f}")


def counts(found: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in found.most_common())


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else math.nan


def picture(seen: Seen, clients: int) -> str:
    def points(samples: Iterable[Sample]) -> list[Point]:
        return [(s.begun + s.seconds, s.seconds) for s in samples]

    return scatter(
        f"{clients} clients while the cloud hangs: seconds of each request, by when it ended",
        {
            "answered by ccos": ("#1a7f5a", points(s for s in seen.ccos if s.error is None)),
            "error of ccos": ("#c0392b", points(s for s in seen.ccos if s.error)),
            "direct call, never answered": ("#888", points(seen.raw)),
        },
        {} if seen.opened is None else {"breaker opened": seen.opened},
    )


def fixed_work() -> float:
    """Milliseconds of one fixed job, the best of five: says how fast, and how busy, this machine is."""

    def job() -> float:
        started = time.perf_counter()
        for i in range(3_000):
            json.dumps({"n": i, "text": "고객님 " * 20})
        return (time.perf_counter() - started) * 1000

    return min(job() for _ in range(5))


if __name__ == "__main__":
    main()
