"""Tokens a second through the service beside the bare engine, on the same file in one run.

    python benchmarks/local_speed.py MODEL.gguf [--streams 1 4 8] [--tokens 32] [--prompt 256] [--rounds 2]

The bare engine is llama.cpp in a process with nothing else in it, told the same threads, slots and batch,
and asked without HTTP. The service is what the product runs: the supervised child, its HTTP server, the
client that streams, and the provider with its slots. Rounds of the two alternate, and the middle one of
each is shown. Only one of them works at a time. A random-weight file (`benchmarks/random_gguf.py`) does as
much computing as a real one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil
from local_service import Service, asking, opened

from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task
from ccos.local.gguf import read_model_file
from ccos.local.machine import decoding_threads
from ccos.local.plan import CHATML, PROMPT_BATCH_TOKENS, ModelPlan

WORDS = (
    "안녕하세요 고객님, 주문하신 상품의 환불을 접수해 드리겠습니다. 배송은 영업일 기준 3일 안에 완료됩니다. "
)
FEW = 4
"""Tokens written where reading is timed: one alone may be half a character, and no answer."""


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second: written by all streams together, and read of a prompt by one."""

    out: float
    prompt: float


def body(text: str, tokens: int) -> dict[str, Any]:
    messages = [{"role": "system", "content": "-"}, {"role": "user", "content": text}]
    return {
        "messages": messages,
        "max_tokens": tokens,
        "temperature": 0.2,
        "ignore_eos": True,
        "cache_prompt": False,
    }


def bare(
    pipe: Connection, path: str, slots: int, threads: int, context: int, as_they_are: bool, template: bool
) -> None:
    """The engine alone: takes (streams, text, tokens), gives seconds and token counts."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx, params.n_parallel, params.kv_unified = context * slots, slots, False
    params.n_batch = params.n_ubatch = PROMPT_BATCH_TOKENS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.no_extra_bufts = as_they_are
    params.cache_ram_mib, params.fit_params, params.verbosity = 0, False, 0
    if template:
        params.chat_template = CHATML
    began = time.perf_counter()
    server = xllamacpp.Server(params)
    pipe.send(time.perf_counter() - began)

    def ask(text: str, tokens: int) -> dict[str, Any]:
        said: list[dict[str, Any]] = []
        server.handle_chat_completions(body(text, tokens), lambda piece: said.append(piece))
        return said[-1]

    while (job := pipe.recv()) is not None:
        streams, texts, tokens = job
        began = time.perf_counter()
        with ThreadPoolExecutor(streams) as pool:
            answers = list(pool.map(ask, texts[:streams], [tokens] * streams))
        usage = [answer["usage"] for answer in answers]
        seconds = time.perf_counter() - began
        pipe.send((seconds, sum(u["completion_tokens"] for u in usage), usage[0]["prompt_tokens"]))


class Bare:
    def __init__(self, plan: ModelPlan) -> None:
        model = read_model_file(plan.path)
        ours, theirs = multiprocessing.get_context("spawn").Pipe()
        self._pipe = ours
        self._process = multiprocessing.get_context("spawn").Process(
            target=bare,
            args=(
                theirs,
                str(plan.path),
                plan.slots,
                plan.threads,
                plan.context(model),
                not model.is_q4_0,
                not model.has_chat_template,
            ),
            daemon=True,
        )
        self._process.start()
        self.load_seconds: float = ours.recv()

    @property
    def rss(self) -> int:
        return int(psutil.Process(self._process.pid).memory_info().rss)

    async def run(self, texts: list[str], tokens: int) -> tuple[float, int, int]:
        self._pipe.send((len(texts), texts, tokens))
        return await asyncio.to_thread(self._pipe.recv)

    def close(self) -> None:
        self._pipe.send(None)
        self._process.join(10)


class Served:
    """The product's way to the same model."""

    def __init__(self, service: Service) -> None:
        self.service = service

    async def run(self, texts: list[str], tokens: int) -> tuple[float, int, int]:
        prompts = [Prompt(Task.CHAT, "-", (Turn("user", text),), max_tokens=tokens) for text in texts]
        said, seconds = await self.service.ask_all(prompts)
        return seconds, sum(s.answer.tokens_out for s in said), said[0].answer.tokens_in


def texts(streams: int, words: int, salt: int) -> list[str]:
    """Prompts of about so many tokens that have no beginning in common."""
    each = (WORDS * (words // 20 + 1))[: words * 3]
    return [f"{salt * 97 + n} {each}" for n in range(streams)]


async def measured(what: Bare | Served, streams: int, tokens: int, words: int, salt: int) -> Speed:
    """Writing is timed with a short prompt, reading with a long one and a single token."""
    short = texts(streams, 4, salt)
    seconds, out, _ = await what.run(short, tokens)
    reading, _, read = await what.run(texts(1, words, salt + 50), FEW)
    return Speed(out / seconds, read / reading)


def told(row: dict[str, Any]) -> str:
    out = f"engine {row['engine_out']:.2f} tok/s, service {row['service_out']:.2f} ({row['ratio_out']:.2f})"
    read = f"{row['engine_prompt']:.1f} v {row['service_prompt']:.1f} ({row['ratio_prompt']:.2f})"
    return f"{row['streams']} streams: {out}; prompt {read}"


async def main(given: argparse.Namespace) -> dict[str, Any]:
    plan = ModelPlan(
        "bench",
        given.model,
        context_tokens=given.context,
        slots=max(given.streams),
        threads=given.threads or decoding_threads(),
        cache_mib=0,
    )
    rows: list[dict[str, Any]] = []
    engine = Bare(plan)
    async with AsyncExitStack() as stack:
        dialect = replace(asking(ignore_eos=True, cache_prompt=False), logprobs=not given.no_logprobs)
        ours = Served(await stack.enter_async_context(opened(plan, dialect)))
        for streams in given.streams:
            found: dict[str, list[Speed]] = {"engine": [], "service": []}
            for number in range(given.rounds + 1):
                for name, what in (("engine", engine), ("service", ours)):
                    speed = await measured(what, streams, given.tokens, given.prompt, number * 7 + streams)
                    if number:  # the first round warms both up
                        found[name].append(speed)
            row: dict[str, Any] = {"streams": streams}
            for name, speeds in found.items():
                row[f"{name}_out"] = round(statistics.median(s.out for s in speeds), 2)
                row[f"{name}_prompt"] = round(statistics.median(s.prompt for s in speeds), 2)
            ratios = [s.out / e.out for e, s in zip(found["engine"], found["service"], strict=True)]
            reads = [s.prompt / e.prompt for e, s in zip(found["engine"], found["service"], strict=True)]
            row["ratio_out"] = round(statistics.median(ratios), 3)
            row["ratio_prompt"] = round(statistics.median(reads), 3)
            rows.append(row)
            print(told(row), flush=True)
        document = {
            "benchmark": "speed",
            "model": given.model.name,
            "bytes": given.model.stat().st_size,
            "threads": plan.threads,
            "slots": plan.slots,
            "rows": rows,
            "engine_load_seconds": round(engine.load_seconds, 2),
            "service_ready_seconds": round(ours.service.model.status.load_seconds or 0, 2),
            "engine_rss_mb": round(engine.rss / 1e6),
            "service_rss_mb": round(ours.service.rss / 1e6),
        }
        print(
            f"start to ready: engine {document['engine_load_seconds']} s, service"
            f" {document['service_ready_seconds']} s; memory: {document['engine_rss_mb']} v"
            f" {document['service_rss_mb']} MB"
        )
    engine.close()
    return document


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--tokens", type=int, default=32, help="written by each stream")
    parser.add_argument("--prompt", type=int, default=256, help="about how many tokens are read")
    parser.add_argument("--context", type=int, default=2_048)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-logprobs", action="store_true", help="do not ask how probable each token was")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    document = asyncio.run(main(given))
    if given.json:
        given.json.write_text(json.dumps(document, indent=1) + "\n")
