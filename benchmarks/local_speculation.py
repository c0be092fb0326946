"""What guessing words from the prompt brings where replies copy from their evidence: off and on, in one run.

    python benchmarks/local_speculation.py MODEL.gguf [--replies 1] [--sweep] [--streams 1 2] [--json OUT]

Random weights never copy by chance. So a grammar of single tokens makes the model write one given answer:
the JSON that the product asks for, around a reply that people approved, with the evidence of that reply in
the prompt. Guesses are then right exactly where the real reply copies from its prompt, and what a guess
costs is what it costs any model of that shape. Two things differ from real weights. Each token is tried
against the grammar of all tokens, which is dear, so speeds are compared with each other only, under the
same grammar. And where a token ends within a character, that character is forced letter by letter and may
be written in other tokens than the prompt has: the share of such tokens is shown.

Two kinds of replies: the approved ones as people wrote them, and such that quote their passage word for word,
which is the most that lookup can hope for.

`--sweep` tries other kinds and lengths than the engine's own 12 words to match and 48 to guess.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local_prompts import Case, cases
from local_service import Said, Service, asking, opened

from ccos.domain.prompt import Prompt
from ccos.domain.ticket import Priority
from ccos.local.gguf import ModelFile
from ccos.local.machine import decoding_threads
from ccos.local.plan import ModelPlan
from ccos.local.worker import LOOKUP

FEW = 4

Lookup = tuple[str, int, int]
"""The engine's kind, the tokens to match, and the tokens to guess."""

SWEEP: tuple[Lookup, ...] = (
    ("ngram_simple", 12, 48),
    ("ngram_simple", 8, 16),
    ("ngram_simple", 6, 8),
    ("ngram_simple", 4, 4),
    ("ngram_simple", 3, 4),
    ("ngram_simple", 2, 3),
    ("ngram_map_k", 4, 4),
    ("ngram_map_k4v", 4, 4),
)


@dataclass(frozen=True, slots=True)
class LookupPlan(ModelPlan):
    """A plan whose process is told other lengths than its own."""

    lookup: Lookup = LOOKUP

    def told(self, model: ModelFile, **how: Any) -> dict[str, Any]:
        return {**ModelPlan.told(self, model, **how), "lookup": self.lookup}


@dataclass(frozen=True, slots=True)
class Forced:
    """A prompt, the one answer that the grammar allows, and the share of its tokens that are not forced."""

    prompt: Prompt
    text: str
    grammar: str
    loose: float


def answer_of(case: Case, prompt: Prompt, *, quoting: bool) -> str:
    """The JSON that the product asks for, around the approved reply, or around its passage word for word."""
    assert prompt.schema is not None
    reply = f"{case.reply.splitlines()[0]}\n{case.evidence[0].snippet} [1]" if quoting else case.reply
    category = prompt.schema["properties"]["category"]["enum"][1]
    said = {
        "reply": reply,
        "category": category,
        "tags": [],
        "priority": Priority.NORMAL.value,
        "citations": [1],
        "kind": "answer",
    }
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


async def forced(service: Service, case: Case, *, quoting: bool) -> Forced:
    prompt = replace(case.prompt("solution"), temperature=0.0, max_tokens=2_000)
    text = answer_of(case, prompt, quoting=quoting)
    tokens = await service.tokens(text)
    parts, loose = _parts(tokens, text)
    return Forced(prompt, text, f"root ::= {' '.join(parts)}\n", loose / len(tokens))


def _parts(tokens: Sequence[tuple[int, bytes]], text: str) -> tuple[list[str], int]:
    """Grammar terms, and how many tokens are given as letters: the engine cannot name half a character."""
    wanted = text.encode()
    parts: list[str] = []
    held, loose = b"", 0
    at = sum(len(piece) for _, piece in tokens) - len(wanted)  # blanks that some tokenizers put first
    for number, piece in tokens:
        blanks, piece = piece[:at], piece[at:]
        at -= len(blanks)
        if not held and not blanks and _whole(piece):
            parts.append(f"<[{number}]>")
            continue
        held, loose = held + piece, loose + 1
        if held and _whole(held):
            parts.append(json.dumps(held.decode(), ensure_ascii=False))
            held = b""
    return parts, loose


def _whole(piece: bytes) -> bool:
    try:
        return bool(piece.decode())
    except UnicodeDecodeError:
        return False


@dataclass(frozen=True, slots=True)
class Run:
    """Tokens a second while writing, by the clock and by the processor, and what was guessed."""

    speed: float
    by_processor: float
    tokens: int
    drafted: int
    accepted: int


async def written(service: Service, jobs: Sequence[Forced], streams: int) -> Run:
    """Every answer once, `streams` at a time. Their prompts are read before, which costs the same."""
    seconds = processor = 0.0
    said: list[Said] = []
    for start in range(0, len(jobs), streams):
        batch = jobs[start : start + streams]
        await service.ask_all([replace(job.prompt, schema=None, max_tokens=FEW) for job in batch])
        before, began = service.cpu_seconds, time.perf_counter()
        said += await asyncio.gather(*(_one(service, job) for job in batch))
        seconds += time.perf_counter() - began
        processor += service.cpu_seconds - before
    tokens = sum(each.answer.tokens_out for each in said)
    drafted, accepted = sum(s.drafted for s in said), sum(s.accepted for s in said)
    return Run(tokens / seconds, tokens / processor, tokens, drafted, accepted)


async def _one(service: Service, job: Forced) -> Said:
    dialect = replace(asking(), grammar=lambda _schema: job.grammar)
    said = await service.speaking(dialect).ask(job.prompt)
    if said.answer.text != job.text:
        raise SystemExit("The model wrote something else than the grammar allows.")
    return said


def named(lookup: Lookup | None) -> str:
    return "{} {}/{}".format(*lookup) if lookup else "off"


async def main(given: argparse.Namespace) -> dict[str, Any]:
    kinds: list[Lookup | None] = [None, *(SWEEP if given.sweep else (LOOKUP,))]
    chosen = [case for language in ("ko", "en") for case in cases(language)[: given.replies]]
    rows: list[dict[str, Any]] = []
    loose = 0.0
    async with AsyncExitStack() as stack:
        services = {}
        for kind in kinds:
            plan = LookupPlan(
                f"bench-{len(services)}",
                given.model,
                context_tokens=given.context,
                slots=2,
                threads=given.threads or decoding_threads(),
                cache_mib=0,
                speculation="lookup" if kind else "off",
                lookup=kind or LOOKUP,
            )
            services[kind] = await stack.enter_async_context(opened(plan))
        everything = {
            quoting: [await forced(services[None], case, quoting=quoting) for case in chosen]
            for quoting in (False, True)
        }
        loose = statistics.fmean(job.loose for jobs in everything.values() for job in jobs)
        for streams, (quoting, jobs) in itertools.product(given.streams, everything.items()):
            found: dict[Lookup | None, list[Run]] = {kind: [] for kind in kinds}
            for _ in range(given.rounds):
                for kind, service in services.items():
                    found[kind].append(await written(service, jobs, streams))
            for kind, runs in found.items():
                pairs = list(zip(runs, found[None], strict=True))
                rows.append(
                    {
                        "streams": streams,
                        "replies": "quoting" if quoting else "approved",
                        "kind": named(kind),
                        "tokens_per_second": round(statistics.median(run.speed for run in runs), 2),
                        "speed_up": round(statistics.median(a.speed / b.speed for a, b in pairs), 3),
                        "processor_speed_up": round(
                            statistics.median(a.by_processor / b.by_processor for a, b in pairs), 3
                        ),
                        "tokens": runs[0].tokens,
                        "drafted": runs[0].drafted,
                        "accepted": runs[0].accepted,
                    }
                )
                print(told(rows[-1]), flush=True)
    print(f"not forced as single tokens: {loose:.1%}")
    return {
        "benchmark": "speculation",
        "model": given.model.name,
        "bytes": given.model.stat().st_size,
        "threads": given.threads or decoding_threads(),
        "answers": len(chosen),
        "loose": round(loose, 4),
        "rows": rows,
    }


def told(row: dict[str, Any]) -> str:
    share = row["accepted"] / row["drafted"] if row["drafted"] else 0.0
    by_processor = f"by processor time {row['processor_speed_up']:.2f}"
    speed = f"{row['tokens_per_second']:.1f} tok/s ({row['speed_up']:.2f}; {by_processor})"
    guessed = f"{row['drafted']} guessed, {row['accepted']} right ({share:.0%}) of {row['tokens']}"
    return f"{row['streams']} streams, {row['replies']}, {row['kind']}: {speed}; {guessed}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--replies", type=int, default=1, help="of each language")
    parser.add_argument("--sweep", action="store_true", help="other lengths of match and guess, too")
    parser.add_argument("--streams", type=int, nargs="+", default=[1])
    parser.add_argument("--context", type=int, default=2_048)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    document = asyncio.run(main(given))
    if given.json:
        given.json.write_text(json.dumps(document, indent=1) + "\n")
