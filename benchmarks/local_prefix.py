"""Time to first token, cold and with the beginning of the prompt read before, for the product's own prompts.

    python benchmarks/local_prefix.py MODEL.gguf [--rounds 1] [--languages ko en] [--json OUT]

Each prompt goes to three processes with the same file, in turns, while the others are idle:

    cold       nothing is kept: every prompt is read whole
    warmed     has read what all prompts of a task begin with ahead of traffic, and keeps what it read
    no cache   likewise warmed, but what a slot held before its last prompt is lost

Every ticket is another one, and that of another company, and its three prompts come one after the other as
they do in a draft. So `query` saves the system text, `synthesis` the ticket also, and `solution` the evidence
also; `draft` is the sum of the three. `shared` says what the engine makes of the system text alone: a ticket
of two letters.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
from local_prompts import COMPANIES, KINDS, cases
from local_service import Service, asking, opened

from ccos.agents.prompts import fixed_systems
from ccos.domain.prompt import Language, Prompt, Turn
from ccos.local.machine import decoding_threads
from ccos.local.plan import ModelPlan
from ccos.local.warming import warm

FEW = 4
"""Tokens of an answer: the first is what counts, and one alone may be half a letter."""
LANGUAGES: tuple[Language, ...] = ("ko", "en")


@dataclass(frozen=True, slots=True)
class First:
    """Seconds to the first token of one prompt, and how much of it was not read again."""

    seconds: float
    tokens: int
    cached: int


async def first(service: Service, prompt: Prompt) -> First:
    said = await service.ask(replace(prompt, schema=None, max_tokens=FEW))
    return First(said.answer.first_token_seconds or said.seconds, said.answer.tokens_in, said.cached)


def summed(steps: Sequence[First]) -> First:
    """What a draft takes that asks for each of them."""
    return First(sum(s.seconds for s in steps), sum(s.tokens for s in steps), sum(s.cached for s in steps))


async def warmed(service: Service) -> int:
    endpoint = await service.model.endpoint()
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as http:
        return await warm(http, endpoint.base_url, endpoint.headers, fixed_systems())


def row(language: Language, kind: str, found: dict[str, list[First]]) -> dict[str, Any]:
    cold = found["cold"]
    out: dict[str, Any] = {"language": language, "prompt": kind, "tokens": round(_mean(cold, "tokens"))}
    for name, firsts in found.items():
        out[f"{name}_seconds"] = round(statistics.median(f.seconds for f in firsts), 4)
        if name != "cold":
            ratios = [f.seconds / c.seconds for f, c in zip(firsts, cold, strict=True)]
            out[f"{name}_cached"] = round(_mean(firsts, "cached"))
            out[f"{name}_ratio"] = round(statistics.median(ratios), 3)
    return out


def _mean(firsts: list[First], field: str) -> float:
    return statistics.fmean(getattr(f, field) for f in firsts)


def told(row: dict[str, Any]) -> str:
    parts = [
        f"{name} {row[f'{name}_seconds']:.3f} s ({row[f'{name}_ratio']:.2f}, {row[f'{name}_cached']} cached)"
        for name in ("warmed", "no cache")
    ]
    head = f"{row['language']} {row['prompt']}, {row['tokens']} tokens: cold {row['cold_seconds']:.3f} s"
    return f"{head}, {', '.join(parts)}"


def prompts(language: Language, kind: str, number: int, company: str) -> Prompt:
    case = cases(language)[number]
    if kind != "shared":
        return case.prompt(kind, company)
    return replace(case.prompt("solution", company), turns=(Turn("user", f"{number}."),))


async def main(given: argparse.Namespace) -> dict[str, Any]:
    threads = given.threads or decoding_threads()
    async with AsyncExitStack() as stack:
        services: dict[str, Service] = {}
        for name, cache_mib in (("cold", 0), ("warmed", None), ("no cache", 0)):
            plan = ModelPlan(
                name.replace(" ", "-"),
                given.model,
                context_tokens=given.context,
                slots=2,
                threads=threads,
                cache_mib=cache_mib,
            )
            dialect = asking(cache_prompt=False) if name == "cold" else asking()
            services[name] = await stack.enter_async_context(opened(plan, dialect))
            if name != "cold":
                print(f"{name}: {await warmed(services[name])} system texts read", flush=True)
        found: dict[tuple[Language, str], dict[str, list[First]]] = {}
        companies = itertools.cycle(COMPANIES)
        for number, language in itertools.product(range(given.rounds), given.languages):
            company = next(companies)
            for kind in ("shared", *KINDS):
                prompt = prompts(language, kind, number, company)
                firsts = found.setdefault((language, kind), {name: [] for name in services})
                for name, service in services.items():
                    firsts[name].append(await first(service, prompt))
    for language in given.languages:
        steps = [found[language, kind] for kind in KINDS]
        found[language, "draft"] = {
            name: [summed(each) for each in zip(*(step[name] for step in steps), strict=True)]
            for name in services
        }
    rows = [row(language, kind, firsts) for (language, kind), firsts in found.items()]
    for each in rows:
        print(told(each), flush=True)
    return {
        "benchmark": "prefix",
        "model": given.model.name,
        "bytes": given.model.stat().st_size,
        "threads": threads,
        "rounds": given.rounds,
        "rows": rows,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=1, help="tickets of each prompt")
    parser.add_argument("--context", type=int, default=4_096)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--languages", nargs="+", choices=LANGUAGES, default=LANGUAGES)
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    document = asyncio.run(main(given))
    if given.json:
        given.json.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
