"""A thousand requests through the service while the model's process is killed again and again.

    python benchmarks/local_kills.py MODEL.gguf [--requests 1000] [--every 20] [--clients 4] [--how kill]

The service is the real one: a supervised model above the rules, with breaker, limits and deadlines. Every
`--every` seconds the process gets SIGKILL (`kill`), SIGSTOP (`hang`), or dies at once after each start
(`loop`). The product gives a model up after the fourth death in five minutes; here it comes back until the
end, unless `--exits 3` asks for the product's patience. What must come out: every request answered by some
tier and no answer twice, memory of parent and child flat, and no long gap between answers. A random-weight
file (`benchmarks/random_gguf.py 27m`) will do.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import structlog

from ccos.agents.prompts import solution_prompt
from ccos.domain.draft import Outcome
from ccos.domain.money import ZERO
from ccos.domain.prompt import Answer, Grounds, Prompt, ProviderCard
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode, Tier
from ccos.domain.verdict import Verdict
from ccos.local.grammar import to_gbnf
from ccos.local.plan import ModelPlan
from ccos.local.supervisor import LocalModel, Patience
from ccos.providers.http import open_session
from ccos.providers.local import Endpoint, LocalProvider
from ccos.providers.openai_wire import Dialect, OpenAIChat
from ccos.providers.rules import RuleBased
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.request import Context, Generation
from ccos.tiers.service import MultiTierLLMService

LOOK_SECONDS = 1.0


class Taken:
    """A gate that takes all: random weights write nothing a real one would let through."""

    def judge(self, prompt: Prompt, answer: Answer, **_: Any) -> Verdict:  # noqa: ARG002
        return Verdict(0.9, "none", answer.text)


@dataclass
class Seen:
    """What came of it. Memory in MB by second, times of answers in seconds from the start."""

    answers: list[tuple[int, float, Generation]] = field(default_factory=list)
    parent: list[float] = field(default_factory=list)
    child: list[float] = field(default_factory=list)
    kills: int = 0


def question(n: int, tokens: int) -> Prompt:
    ticket = Ticket(
        subject=f"문의 {n}", description="주문한 신발의 환불은 며칠 걸리나요? 배송비는 누가 내나요?"
    )
    built = solution_prompt(ticket, Grounds(ticket=ticket), [])
    return Prompt(built.task, built.system, built.turns, built.grounds, max_tokens=tokens)


async def watch(model: LocalModel, seen: Seen) -> None:
    me = psutil.Process()
    while True:
        seen.parent.append(me.memory_info().rss / 1e6)
        with contextlib.suppress(psutil.Error):
            if (pid := model.status.pid) is not None:
                seen.child.append(psutil.Process(pid).memory_info().rss / 1e6)
        await asyncio.sleep(LOOK_SECONDS)


async def strike(model: LocalModel, seen: Seen, how: str, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        pid = model.status.pid
        if pid is not None and model.state == "up":
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(pid)
                if process.status() == psutil.STATUS_STOPPED:
                    continue  # it hangs still, and nobody has noticed
                process.send_signal(signal.SIGSTOP if how == "hang" else signal.SIGKILL)
                seen.kills += 1


async def run(given: argparse.Namespace) -> tuple[Seen, dict[str, Any]]:
    seen = Seen()
    plan = ModelPlan("kills", given.model, context_tokens=2_048)
    dialect = Dialect(
        schema="grammar", grammar=to_gbnf, return_progress=True, logprobs=True, extra={"ignore_eos": True}
    )
    with tempfile.TemporaryDirectory() as folder:
        async with open_session(keepalive_seconds=0) as session:

            def connect(endpoint: Endpoint) -> OpenAIChat:
                return OpenAIChat(
                    session=session,
                    base_url=endpoint.base_url,
                    api_key=endpoint.api_key,
                    model=plan.name,
                    tier=Tier.LOCAL_TINYLLAMA,
                    name=plan.name,
                    paid=False,
                    leaves_machine=False,
                    dialect=dialect,
                )

            patience = Patience(exits_allowed=given.exits)
            model = LocalModel(plan, state_dir=Path(folder), patience=patience)
            card = ProviderCard(Tier.LOCAL_TINYLLAMA, plan.name, plan.name, slots=plan.slots)
            provider = LocalProvider(model, connect, card, slots=plan.slots)
            service = MultiTierLLMService([provider, RuleBased()], Taken(), MemoryBudget(ZERO))
            await model.start()
            try:
                await model.endpoint(seconds=300)
                every = 0.2 if given.how == "loop" else given.every
                aside = [
                    asyncio.create_task(watch(model, seen)),
                    asyncio.create_task(strike(model, seen, given.how, every)),
                ]
                begun = time.monotonic()
                numbers = iter(range(given.requests))

                async def client() -> None:
                    for n in numbers:
                        context = Context(mode=Mode.QUALITY_FIRST, seconds=given.seconds)
                        made = await service.generate_with_fallback(question(n, given.tokens), context)
                        seen.answers.append((n, time.monotonic() - begun, made))
                        if made.tier is Tier.RULE_BASED:
                            await asyncio.sleep(given.pause)  # or the rules would end the run in a second

                await asyncio.gather(*(client() for _ in range(given.clients)))
                for task in aside:
                    task.cancel()
                status = model.status
            finally:
                await model.close(seconds=0)
    left = [p.pid for p in psutil.Process().children(recursive=True)]
    return seen, report(seen, given, restarts=status.restarts, reason=status.reason, left=left)


def report(
    seen: Seen, given: argparse.Namespace, *, restarts: int, reason: str, left: list[int]
) -> dict[str, Any]:
    times = sorted(at for _, at, _ in seen.answers)
    gaps = [after - before for before, after in pairwise(times)]
    accepted = [sum(a.outcome is Outcome.ACCEPTED for a in made.attempts) for _, _, made in seen.answers]
    failed = Counter(
        f"{a.outcome.value} {a.reason}"
        for _, _, made in seen.answers
        for a in made.attempts
        if a.outcome is not Outcome.ACCEPTED
    )
    return {
        "requests": given.requests,
        "how": given.how,
        "kills": seen.kills,
        "restarts": restarts,
        "reason_at_end": reason,
        "seconds": round(times[-1], 1),
        "answered": sum(bool(made.response) for _, _, made in seen.answers),
        "answered_once": len({n for n, _, _ in seen.answers}) == len(seen.answers) and set(accepted) == {1},
        "by_tier": dict(Counter(made.tier.value for _, _, made in seen.answers)),
        "not_accepted": dict(failed.most_common()),
        "longest_gap_seconds": round(max(gaps, default=0.0), 2),
        "longest_answer_seconds": round(max(made.latency for _, _, made in seen.answers), 2),
        "parent_mb": spread(seen.parent),
        "child_mb": spread(seen.child),
        "processes_left": len(left),
    }


def spread(values: list[float]) -> dict[str, float]:
    """The mean of the first and the last tenth, and the most: flat when they are alike."""
    tenth = max(len(values) // 10, 1)
    first, last = values[tenth : 2 * tenth] or values, values[-tenth:]
    return {
        "early": round(sum(first) / len(first), 1),
        "late": round(sum(last) / len(last), 1),
        "most": round(max(values), 1),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--requests", type=int, default=1_000)
    parser.add_argument("--every", type=float, default=20.0, help="seconds between two kills")
    parser.add_argument("--how", choices=["kill", "hang", "loop"], default="kill")
    parser.add_argument(
        "--exits", type=int, default=1_000, help="deaths in five minutes before it is given up (product: 3)"
    )
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=24, help="written for each answer")
    parser.add_argument("--seconds", type=float, default=20.0, help="deadline of each request")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds a client rests after a rule answer")
    parser.add_argument("--json", type=Path, help="write the figures here")
    given = parser.parse_args()
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    _, document = asyncio.run(run(given))
    for name, value in document.items():
        print(f"{name}: {value}")
    if given.json:
        given.json.write_text(json.dumps(document, indent=1) + "\n")
    good = (
        document["answered"] == given.requests
        and document["answered_once"]
        and not document["processes_left"]
    )
    sys.exit(0 if good else 1)
