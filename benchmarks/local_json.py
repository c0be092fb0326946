"""Answers held to a JSON schema by our grammar: the share that is valid, and the cost in tokens a second.

    python benchmarks/local_json.py MODEL.gguf [--outputs 50] [--tokens 48] [--rounds 3] [--json OUT]

Random weights want everything but JSON, so nothing but the grammar makes their answers valid: what a real
model would seldom try, they try with every token. Half of the outputs are written at temperature 0.2, half
at 1.0. Closing quotation marks are favoured, so that texts are some ten tokens long instead of hundreds.
Whatever fails is told with its reason; an answer that is cut off by the token limit is one of them, as it
is for the product. Asking ends after --seconds.

The cost is shown twice. With every token refused, as random weights have it, all of the vocabulary is tried
against the grammar again and again: the worst there is. With every token taken, as from a model that knows
its JSON, only the token picked is tried.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from local_service import Service, asking, opened

from ccos import sample
from ccos.agents.prompts import QUERY_SCHEMA, SYNTHESIS_SCHEMA, solution_schema
from ccos.cli.tier_trial import TRIAGE_SCHEMA
from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task
from ccos.local.machine import decoding_threads
from ccos.local.plan import ModelPlan
from ccos.providers.openai_wire import Dialect
from ccos.quality.shape import fault, parse_object

SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "query": QUERY_SCHEMA,
    "synthesis": SYNTHESIS_SCHEMA,
    "solution": solution_schema(sample.settings()),
    "triage": TRIAGE_SCHEMA,
}
TEMPERATURES = (0.2, 1.0)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


async def valid(service: Service, outputs: int, seconds: float, most_tokens: int) -> list[dict[str, Any]]:
    """A row for each schema: how many outputs were valid, and why the others were not."""
    ends = service.speaking(asking(logit_bias=[[token, 6.0] for token in await service.letters('"')]))
    rows: list[dict[str, Any]] = []
    slots = service.model.plan.slots
    until = time.monotonic() + seconds
    for place, (name, schema) in enumerate(SCHEMAS.items()):
        left = (until - time.monotonic()) / (len(SCHEMAS) - place)
        stop = time.monotonic() + max(left, 0.0)
        reasons: Counter[str] = Counter()
        done = tokens = 0
        while done < outputs and (not done or time.monotonic() < stop):
            prompts = [
                Prompt(
                    Task.CHAT,
                    "",
                    (Turn("user", f"{name} {number}"),),
                    schema=schema,
                    max_tokens=most_tokens,
                    temperature=TEMPERATURES[number % len(TEMPERATURES)],
                )
                for number in range(done, min(done + slots, outputs))
            ]
            said, _ = await ends.ask_all(prompts)
            done += len(said)
            for each in said:
                tokens += each.answer.tokens_out
                if why := _wrong(each.answer.text, schema):
                    cut = each.answer.finish_reason == "length"
                    reasons["cut off by the token limit" if cut else why] += 1
        rows.append(
            {
                "schema": name,
                "outputs": done,
                "valid": done - reasons.total(),
                "tokens": tokens,
                "reasons": dict(reasons),
            }
        )
        told = f"{name}: {rows[-1]['valid']} of {done} valid, {tokens / done:.0f} tokens each"
        print(told + (f"; {dict(reasons)}" if reasons else ""), flush=True)
    return rows


def _wrong(text: str, schema: Mapping[str, Any]) -> str | None:
    found = parse_object(text)
    return found if isinstance(found, str) else fault(found, schema)


async def cost(service: Service, tokens: int, rounds: int) -> list[dict[str, Any]]:
    """Tokens a second with the grammar and without, one stream, the two in turns."""
    letters = [[token, 100.0] for token in await service.letters(LETTERS)]
    free = asking(ignore_eos=True)
    kinds: dict[str, Dialect] = {
        "every token refused": free,
        "every token taken": asking(ignore_eos=True, logit_bias=letters),
    }
    rows: list[dict[str, Any]] = []
    for name, dialect in kinds.items():
        asked = service.speaking(dialect)
        speeds: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
        for number in range(rounds + 1):
            for shaped in (False, True):
                prompt = Prompt(
                    Task.CHAT,
                    "",
                    (Turn("user", f"{number}"),),
                    schema=SCHEMAS["solution"] if shaped else None,
                    max_tokens=tokens,
                    temperature=0.2,
                )
                before = service.cpu_seconds
                said = await asked.ask(prompt)
                out = said.answer.tokens_out
                if number:
                    speeds[shaped].append((out / said.seconds, out / (service.cpu_seconds - before)))
        clock, processor = (
            statistics.median(b[n] / a[n] for a, b in zip(speeds[False], speeds[True], strict=True))
            for n in (0, 1)
        )
        row = {
            "tokens": name,
            "free": round(statistics.median(speed for speed, _ in speeds[False]), 2),
            "shaped": round(statistics.median(speed for speed, _ in speeds[True]), 2),
            "ratio": round(clock, 3),
            "processor_ratio": round(processor, 3),
        }
        rows.append(row)
        told = f"{row['free']} tok/s free, {row['shaped']} with grammar ({row['ratio']})"
        print(f"{name}: {told}; by processor time {row['processor_ratio']}", flush=True)
    return rows


async def main(given: argparse.Namespace) -> dict[str, Any]:
    threads = given.threads or decoding_threads()
    plan = ModelPlan("bench", given.model, context_tokens=4_096, slots=2, threads=threads, cache_mib=0)
    async with opened(plan, replace(asking(), logprobs=False)) as service:
        shares = await valid(service, given.outputs, given.seconds, given.most_tokens)
        costs = await cost(service, given.tokens, given.rounds)
    return {
        "benchmark": "json",
        "model": given.model.name,
        "bytes": given.model.stat().st_size,
        "threads": threads,
        "valid": shares,
        "cost": costs,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--outputs", type=int, default=50, help="of each schema")
    parser.add_argument("--seconds", type=float, default=300, help="for all outputs together")
    parser.add_argument("--most-tokens", type=int, default=3_000, help="of one output")
    parser.add_argument("--tokens", type=int, default=48, help="written where the cost is measured")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    document = asyncio.run(main(given))
    if given.json:
        given.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
