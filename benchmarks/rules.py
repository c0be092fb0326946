"""How long a rule-tier answer takes, beside a bare str.format template.

    python benchmarks/rules.py [--rounds N]

The sample tickets with five evidence passages each, the sample's approved answers, every task; then the same
without approved answers (passages speak), a ticket of 100,000 characters, and passages never seen before
(what a passage says is remembered). Figures are milliseconds of one call; CPU is of this process.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from itertools import count

from ccos import sample
from ccos.agents.triage import triage
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.prompt import Grounds, Prompt
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task
from ccos.providers.rules import RuleBased

TEMPLATE = (
    "안녕하세요, {name} 고객님. {company} 고객센터입니다. {topic} 문의를 확인하고 있습니다. 감사합니다."
)
SCHEMA = {"type": "object"}


def passages() -> list[Evidence]:
    with sample.kb_folder() as folder:
        texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))]
    return [
        Evidence(
            n=1,
            kind=EvidenceKind.KB,
            id=_head(text, "id"),
            title=_head(text, "title"),
            snippet=text.split("---\n", 2)[2][:800],
            score=1.0,
        )
        for text in texts
    ]


def _head(text: str, name: str) -> str:
    return text.split(f"\n{name}: ")[1].split("\n")[0]


def prompts(
    task: Task, kb: Sequence[Evidence], marked: str = "", settings: TenantSettings | None = None
) -> list[Prompt]:
    """One prompt per sample ticket, its own articles first; `marked` makes every passage a new one."""
    made = []
    settings = settings or sample.settings()
    by_id = {e.id: e for e in kb}
    for i, (ticket, gold) in enumerate(zip(sample.tickets(), sample.gold(), strict=True)):
        found = [by_id[kb_id] for kb_id in gold.kb_ids] + [kb[(7 * i + k) % len(kb)] for k in range(5)]
        evidence = tuple(
            e.model_copy(update={"n": n, "snippet": f"{e.snippet}\n{marked}{i}" if marked else e.snippet})
            for n, e in enumerate(found[:5], start=1)
        )
        grounds = Grounds(ticket, evidence, gold.language, gold.intent, settings=settings)
        made.append(Prompt(task, "", (), grounds, schema=SCHEMA))
    return made


async def timed(name: str, rules: RuleBased, rounds: Sequence[Sequence[Prompt]]) -> None:
    took = []
    cpu = time.process_time()
    for round_ in rounds:
        for prompt in round_:
            start = time.perf_counter()
            await rules.answer(prompt, seconds=1)
            took.append(time.perf_counter() - start)
    report(name, took, time.process_time() - cpu)


def report(name: str, took: list[float], cpu: float) -> None:
    took.sort()
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    print(
        f"{name:44} n={len(took):6}  p50 {1e3 * p50:7.3f}  p99 {1e3 * p99:7.3f}  "
        f"max {1e3 * took[-1]:7.3f}  CPU/answer {1e3 * cpu / len(took):7.3f} ms"
    )


async def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=30, help="passes over the 60 sample tickets")
    rounds = parser.parse_args().rounds
    rules, kb = RuleBased(), passages()
    bare = sample.settings().model_copy(update={"approved_answers": ()})
    for settings in (None, bare):
        for task in Task:
            for prompt in prompts(task, kb, settings=settings):
                await rules.answer(prompt, seconds=1)

    took, cpu = [], time.process_time()
    for _ in range(rounds * 60):
        start = time.perf_counter()
        TEMPLATE.format(name="한지우", company="가온상점", topic="반품")
        took.append(time.perf_counter() - start)
    report("str.format of one template (raw)", took, time.process_time() - cpu)

    for task in (Task.SOLUTION_DRAFT, Task.QUERY_BUILDER, Task.KB_SYNTHESIS):
        await timed(f"{task}, approved answers", rules, [prompts(task, kb)] * rounds)
    await timed(
        "solution_draft, passages only", rules, [prompts(Task.SOLUTION_DRAFT, kb, settings=bare)] * rounds
    )
    new = count()
    fresh = [
        prompts(Task.SOLUTION_DRAFT, kb, f"새 글 {next(new)} ", bare) for _ in range(max(1, rounds // 5))
    ]
    await timed("solution_draft, passages never seen before", rules, fresh)

    long = Ticket(
        subject="반품", description="".join(f"{i}번째 상품 반품 배송비는 얼마인가요? " for i in range(4_000))
    )
    grounds = Grounds(long, tuple(kb[:5]), "ko", "return_request", settings=sample.settings())
    huge = [Prompt(task, "", (), grounds, schema=SCHEMA) for task in Task]
    await timed(f"every task, a ticket of {len(long.description):,} characters", rules, [huge] * rounds)

    took, cpu = [], time.process_time()
    for _ in range(rounds):
        for ticket in sample.tickets():
            start = time.perf_counter()
            triage(ticket, pii="none")
            took.append(time.perf_counter() - start)
    report("triage of a ticket", took, time.process_time() - cpu)


if __name__ == "__main__":
    asyncio.run(main())
