"""What asking for each token's log-probability costs, in turns with not asking, on the same model in one run.

    python benchmarks/local_logprobs.py MODEL.gguf [--tokens 96] [--rounds 5] [--json OUT]

The engine puts every token of the vocabulary in order to say how probable the one picked was, so the cost
grows with the vocabulary and not with the model: worst for a small model with a large one
(`random_gguf.py 27m OUT.gguf --vocabulary 152064`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from dataclasses import replace
from pathlib import Path
from typing import Any

from local_service import Service, asking, opened

from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task
from ccos.local.machine import decoding_threads
from ccos.local.plan import ModelPlan


async def speed(service: Service, streams: int, tokens: int, salt: int) -> tuple[float, float]:
    """Tokens of all streams together, of a second by the clock and of one of the processor."""
    prompts = [
        Prompt(Task.CHAT, "", (Turn("user", f"{salt} {n}"),), max_tokens=tokens) for n in range(streams)
    ]
    before = service.cpu_seconds
    said, seconds = await service.ask_all(prompts)
    out = sum(each.answer.tokens_out for each in said)
    return out / seconds, out / (service.cpu_seconds - before)


async def main(given: argparse.Namespace) -> dict[str, Any]:
    threads = given.threads or decoding_threads()
    plan = ModelPlan("bench", given.model, context_tokens=2_048, slots=2, threads=threads, cache_mib=0)
    rows: list[dict[str, Any]] = []
    async with opened(plan) as service:
        kinds = {
            asked: service.speaking(replace(asking(ignore_eos=True), logprobs=asked))
            for asked in (False, True)
        }
        for streams in (1, 2):
            found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
            for number in range(given.rounds + 1):
                for asked, spoken in kinds.items():
                    measured = await speed(spoken, streams, given.tokens, number)
                    if number:  # the first round warms up
                        found[asked].append(measured)
            clock, processor = (
                statistics.median(b[n] / a[n] for a, b in zip(found[False], found[True], strict=True))
                for n in (0, 1)
            )
            row = {
                "streams": streams,
                "without": round(statistics.median(speed for speed, _ in found[False]), 2),
                "with": round(statistics.median(speed for speed, _ in found[True]), 2),
                "ratio": round(clock, 3),
                "processor_ratio": round(processor, 3),
            }
            rows.append(row)
            told = f"{row['without']} tok/s without, {row['with']} with log-probabilities ({row['ratio']})"
            print(f"{streams} streams: {told}; by processor time {row['processor_ratio']}", flush=True)
    return {
        "benchmark": "logprobs",
        "model": given.model.name,
        "bytes": given.model.stat().st_size,
        "threads": threads,
        "rows": rows,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--tokens", type=int, default=96, help="written by each stream")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    document = asyncio.run(main(given))
    if given.json:
        given.json.write_text(json.dumps(document, indent=1) + "\n")
