"""The OpenAI-compatible route over a zero-delay upstream: CCOS, LiteLLM proxy and a direct call, in one run.

    python benchmarks/gateway.py [--clients 1 32 256] [--seconds 8] [--litellm PYTHON]

`PYTHON` is the interpreter of an environment that holds `litellm[proxy]`; without it that column is left
out. Each gateway runs one worker in processes of its own, over one fake upstream, and rounds alternate. CPU
is what its processes used (user and system) over the requests done, the figure a busy machine hardly moves;
added time is a percentile less the direct call's of the same round. A fixed piece of work is timed first, to
compare machines by. CCOS does what it does for each caller: key, plan, money held and settled in PostgreSQL
(whose own CPU stands in a column beside), personal data looked for and masked, gate, breaker. Its answer
cache is off, or nothing would be asked.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import orjson
import psutil

ROOT = Path(__file__).parents[1]
UPSTREAM = ROOT / "tests" / "support" / "fake_upstream.py"
READY_SECONDS = 120
WARM_UP_SECONDS = 2.0
MESSAGES = [
    {"role": "system", "content": "당신은 고객센터 상담사를 돕습니다. 정중하게 답하세요."},
    {"role": "user", "content": "주문한 상품이 아직 도착하지 않았어요. 언제 오나요?"},
]


@dataclass(frozen=True)
class Target:
    """One way to the upstream. `pids` are the processes whose CPU and memory count as its own."""

    name: str
    url: str
    model: str
    headers: dict[str, str]
    pids: tuple[int, ...] = ()


@dataclass
class Round:
    """What one round saw; seconds."""

    latencies: list[float] = field(default_factory=list)
    wrong: int = 0
    elsewhere: int = 0
    seconds: float = 0.0
    cpu_ms: float = 0.0
    beside_ms: float = 0.0
    rss_mb: float = 0.0


def family(target: Target) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """The gateway's own processes, and those of the database it brings along."""
    found: list[psutil.Process] = []
    for pid in target.pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(pid)
            found += [parent, *parent.children(recursive=True)]
    beside = [p for p in found if p.pid not in target.pids and _is_database(p)]
    return [p for p in found if p not in beside], beside


def _is_database(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return "postgres" in process.name() or "embedded/boot.py" in " ".join(process.cmdline())
    return False


def cpu_seconds(processes: list[psutil.Process]) -> float:
    used = 0.0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            used += times.user + times.system
    return used


def rss_mb(processes: list[psutil.Process]) -> float:
    size = 0
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            size += process.memory_info().rss
    return size / 2**20


async def load(target: Target, clients: int, seconds: float) -> Round:
    """So many clients, each one request after the other, for so long."""
    seen = Round()
    body = orjson.dumps({"model": target.model, "messages": MESSAGES, "max_tokens": 256})
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        stop = time.perf_counter() + seconds

        async def client() -> None:
            while (begun := time.perf_counter()) < stop:
                try:
                    async with session.post(target.url, data=body, headers=target.headers) as response:
                        answer = await response.read()
                        good = response.status == 200 and b'"content"' in answer
                        seen.elsewhere += response.headers.get("x-ccos-tier", "tier_0") != "tier_0"
                except aiohttp.ClientError:
                    good = False
                seen.wrong += not good
                seen.latencies.append(time.perf_counter() - begun)

        own, database = family(target)
        cpu, beside, begun = cpu_seconds(own), cpu_seconds(database), time.perf_counter()
        await asyncio.gather(*(client() for _ in range(clients)))
        seen.seconds = time.perf_counter() - begun
        done = max(len(seen.latencies), 1)
        seen.cpu_ms = (cpu_seconds(own) - cpu) / done * 1000
        seen.beside_ms = (cpu_seconds(database) - beside) / done * 1000
        seen.rss_mb = rss_mb(own)
    return seen


def percentile(latencies: list[float], share: float) -> float:
    """Milliseconds."""
    ordered = sorted(latencies)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] * 1000


async def compare(targets: list[Target], clients: int, seconds: float, rounds: int) -> dict[str, list[Round]]:
    seen: dict[str, list[Round]] = {target.name: [] for target in targets}
    for target in targets:
        await load(target, clients, WARM_UP_SECONDS)
    for _ in range(rounds):
        for target in targets:
            seen[target.name].append(await load(target, clients, seconds))
    return seen


def table(clients: int, seen: dict[str, list[Round]]) -> dict[str, dict[str, float]]:
    """One row a target: the middle of its rounds; added times against the direct call of the same round."""
    direct = seen["direct"]
    rows = {}
    for name, rounds in seen.items():
        middle = statistics.median
        rows[name] = {
            "clients": clients,
            "requests_per_second": middle(len(r.latencies) / r.seconds for r in rounds),
            "p50_ms": middle(percentile(r.latencies, 0.5) for r in rounds),
            "p99_ms": middle(percentile(r.latencies, 0.99) for r in rounds),
            "added_p50_ms": middle(
                percentile(r.latencies, 0.5) - percentile(d.latencies, 0.5)
                for r, d in zip(rounds, direct, strict=True)
            ),
            "added_p99_ms": middle(
                percentile(r.latencies, 0.99) - percentile(d.latencies, 0.99)
                for r, d in zip(rounds, direct, strict=True)
            ),
            "cpu_ms_per_request": middle(r.cpu_ms for r in rounds),
            "database_cpu_ms_per_request": middle(r.beside_ms for r in rounds),
            "rss_mb": max(r.rss_mb for r in rounds),
            "wrong": sum(r.wrong for r in rounds),
            "other_tier": sum(r.elsewhere for r in rounds),
        }
    return rows


def show(rows: dict[str, dict[str, float]]) -> None:
    clients = next(iter(rows.values()))["clients"]
    print(f"\n{clients:.0f} clients")
    print(
        f"{'':8} {'req/s':>8} {'p50 ms':>8} {'p99 ms':>8} {'+p50':>8} {'+p99':>8} {'CPU ms':>8} {'db CPU':>8}"
        f" {'RSS MB':>8} {'wrong':>6} {'other':>6}"
    )
    for name, row in rows.items():
        print(
            f"{name:8} {row['requests_per_second']:8.0f} {row['p50_ms']:8.2f} {row['p99_ms']:8.2f}"
            f" {row['added_p50_ms']:8.2f} {row['added_p99_ms']:8.2f} {row['cpu_ms_per_request']:8.2f}"
            f" {row['database_cpu_ms_per_request']:8.2f} {row['rss_mb']:8.0f} {row['wrong']:6.0f}"
            f" {row['other_tier']:6.0f}"
        )
    if "litellm" in rows:
        ratio = rows["ccos"]["cpu_ms_per_request"] / rows["litellm"]["cpu_ms_per_request"]
        print(f"CPU per request, CCOS to LiteLLM: {ratio:.2f} (aim 0.20 or less)")


@contextlib.contextmanager
def program(*command: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another program, ended with the block; what it says goes into a file."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env={**os.environ, **environment}
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def told(log: Path, mark: str, process: subprocess.Popen[bytes]) -> str:
    """The rest of the line that holds `mark`, once it is written."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        for line in log.read_text(errors="replace").splitlines():
            if mark in line:
                return line.partition(mark)[2].strip()
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise SystemExit(f"{process.args!r} did not start:\n{log.read_text(errors='replace')[-2000:]}")


def free_port() -> int:
    import socket

    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@contextlib.contextmanager
def upstream(folder: Path) -> Iterator[str]:
    log = folder / "upstream.log"
    with program(sys.executable, "-u", str(UPSTREAM), "--port", "0", log=log) as process:
        line = told(log, "http://", process)
        yield "http://" + line.split()[0].split("/v1")[0].rstrip(",")


@contextlib.contextmanager
def ccos(folder: Path, origin: str) -> Iterator[Target]:
    home = folder / "home"
    environment = {
        "CCOS_HOME": str(home),
        "OPENAI_BASE_URL": f"{origin}/v1",
        "OPENAI_API_KEY": "sk-benchmark",
        "OPENAI_MODEL": "gpt-4o",
        "DAILY_LLM_COST_LIMIT": "100000",
    }
    made = subprocess.run(
        [sys.executable, "-m", "ccos", "keys", "create", "--role", "integration", "--json"],
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
    )
    key = json.loads(made.stdout)["key"]
    log = folder / "ccos.log"
    command = (sys.executable, "-m", "ccos", "serve", "--port", "0")
    with program(*command, log=log, **environment) as process:
        url = told(log, "Serving on ", process).split()[0]
        headers = {"Authorization": f"Bearer {key}", "Cache-Control": "no-store"}
        yield Target("ccos", f"{url}/v1/chat/completions", "ccos/tier_0", headers, (process.pid,))


@contextlib.contextmanager
def litellm(folder: Path, origin: str, python: str) -> Iterator[Target]:
    port = free_port()
    config = folder / "litellm.yaml"
    config.write_text(
        "model_list:\n"
        "  - model_name: draft\n"
        f"    litellm_params: {{model: openai/gpt-4o, api_base: '{origin}/v1', api_key: sk-benchmark}}\n"
        "litellm_settings: {num_retries: 0, request_timeout: 30, telemetry: false}\n"
        "general_settings: {}\n"
    )
    log = folder / "litellm.log"
    command = (str(Path(python).parent / "litellm"), "--config", str(config), "--host", "127.0.0.1",
               "--port", str(port), "--num_workers", "1")  # fmt: skip
    quiet = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        "NO_PROXY": "*",
    }
    with program(*command, log=log, **quiet) as process:
        told(log, "Uvicorn running on ", process)
        yield Target(
            "litellm", f"http://127.0.0.1:{port}/v1/chat/completions", "draft", {}, pids=(process.pid,)
        )


def fixed_work() -> float:
    """Milliseconds of one fixed job, the best of five: says how fast, and how busy, this machine is."""

    def job() -> float:
        started = time.perf_counter()
        for i in range(3_000):
            json.dumps({"n": i, "text": "고객님 " * 20})
        return (time.perf_counter() - started) * 1000

    return min(job() for _ in range(5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 32, 256])
    parser.add_argument("--seconds", type=float, default=8.0, help="per round and target")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--litellm", metavar="PYTHON", help="interpreter of an environment with litellm[proxy]"
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    print(f"fixed work {fixed_work():.0f} ms, Python {sys.version.split()[0]}", file=sys.stderr)
    results = []
    with tempfile.TemporaryDirectory() as made, contextlib.ExitStack() as stack:
        folder = Path(made)
        origin = stack.enter_context(upstream(folder))
        direct = Target("direct", f"{origin}/v1/chat/completions", "gpt-4o", {})
        targets = [direct, stack.enter_context(ccos(folder, origin))]
        if options.litellm:
            targets.append(stack.enter_context(litellm(folder, origin, options.litellm)))
        for clients in options.clients:
            rows = table(clients, asyncio.run(compare(targets, clients, options.seconds, options.rounds)))
            results.append(rows)
            if not options.json:
                show(rows)
    if options.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
