"""How long it takes to plan a request, and to plan and judge it, beside the plan by priors alone.

    python benchmarks/planning.py [--rounds N]

A ticket with five passages and four tiers. "by priors" is what planning was before anything was counted: the
tiers' prior chances and one look at the 15 lists. "by what was counted" reads the shrunken counts of 20,000
cells and the evidence, and may explore; "plan, and twice again" is a request whose first two tiers were
refused. Where a trained gate ships it judges too. Figures are microseconds of one call, p50 and p95, by the
wall clock and by CPU time.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator
from functools import partial
from importlib.resources import files
from uuid import UUID

from gate import KOREAN_REPLY, case, microseconds  # benchmarks/gate.py, beside this file

from ccos.agents.triage_words import KOREAN
from ccos.domain.money import Level
from ccos.domain.prompt import Answer, Prompt
from ccos.domain.tier import Mode, Task, Tier
from ccos.quality import Gate
from ccos.quality.promises import Promises
from ccos.tiers.exploring import choose
from ccos.tiers.outlook import CAPABILITY, EXPECTED_SECONDS, UNPRICED_MICRO_USD
from ccos.tiers.planning import Learnt, Outlook, Plan, Refused, make_plan, replan
from ccos.tiers.predicting import (
    Cell,
    Counted,
    Counts,
    Tally,
    cell_of,
    good_prior,
    shift,
    shifted,
    signals,
)
from ccos.tiers.request import Context

REQUIRED = 0.7
TENANTS = 100
INTENTS = tuple(KOREAN)


def counted() -> Iterator[tuple[Cell, Counted]]:
    dice = random.Random(7)
    for n in range(TENANTS):
        for intent in INTENTS:
            for language in ("ko", "en"):
                for tier in Tier:
                    cell = Cell(UUID(int=n), Task.SOLUTION_DRAFT, intent, language, tier)
                    asked, decided = dice.randrange(200), dice.randrange(50)
                    yield (
                        cell,
                        Counted(
                            Tally(asked, dice.randrange(asked + 1)),
                            Tally(decided, dice.randrange(decided + 1)),
                        ),
                    )


def plain(_prompt: Prompt) -> Plan:
    """As it was: prior chances, no look at counts or evidence."""
    outlooks = [
        Outlook(tier, CAPABILITY[tier], UNPRICED_MICRO_USD[tier], EXPECTED_SECONDS[tier]) for tier in Tier
    ]
    return _made(outlooks)


def outlooks_of(counts: Counts, prompt: Prompt) -> list[Outlook]:
    by = shift(signals(prompt))
    found = []
    for tier in Tier:
        prior = CAPABILITY[tier]
        good = good_prior(tier, REQUIRED, prior)
        expected = counts.predict(cell_of(prompt, UUID(int=3), tier), accept=prior, good=good)
        chance = shifted(expected.accept, by)
        cost, seconds = UNPRICED_MICRO_USD[tier], EXPECTED_SECONDS[tier]
        found.append(Outlook(tier, chance, cost, seconds, expected.good, expected.accept))
    return found


def predicted(counts: Counts, prompt: Prompt) -> tuple[Plan, list[Outlook]]:
    outlooks = outlooks_of(counts, prompt)
    plan = _made(outlooks)
    choose(
        plan.tiers[0],
        [o.tier for o in outlooks],
        Context(),
        intent="coupon",
        share=0.05,
        labels=counts.labels(UUID(int=3)),
        level=Level.OK,
        seed=7,
    )
    return plan, outlooks


def three_times(counts: Counts, prompt: Prompt) -> Plan:
    plan, outlooks = predicted(counts, prompt)
    asked: list[Tier] = []
    for quality in (0.6, 0.2):
        asked.append(plan.tiers[0])
        learnt = Learnt(tuple(asked), tuple(Refused(t, quality) for t in asked), 3 - len(asked), 10.0)
        plan = replan(Mode.COST_FIRST, outlooks, learnt, required_quality=REQUIRED)
    return plan


def judged(counts: Counts, gate: Gate, prompt: Prompt, answer: Answer) -> object:
    predicted(counts, prompt)
    return gate.judge(prompt, answer, tenant_id=UUID(int=3), tier=Tier.LOCAL_MINIMAX)


def gates() -> Iterator[tuple[str, Gate]]:
    yield "the baseline gate", Gate()
    if files("ccos.quality").joinpath("gate.json").is_file():
        from ccos.quality.scorer import LearnedScorer, shipped

        yield "the trained gate", Gate(LearnedScorer(shipped()), promises=Promises(shipped().certificates))


def _made(outlooks: list[Outlook]) -> Plan:
    return make_plan(Mode.COST_FIRST, outlooks, required_quality=REQUIRED, seconds=20.0, max_calls=3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=2_000)
    rounds = parser.parse_args().rounds
    counts = Counts(counted())
    prompt, answer = case(KOREAN_REPLY, "ko")
    jobs: list[tuple[str, Callable[[], object]]] = [
        ("plan, by priors", partial(plain, prompt)),
        ("plan, by what was counted", partial(predicted, counts, prompt)),
        ("plan, and twice again", partial(three_times, counts, prompt)),
        *((f"plan and {name}", partial(judged, counts, gate, prompt, answer)) for name, gate in gates()),
    ]
    heads = " ".join(f"{head:>10}" for head in ("p50 us", "p95 us", "cpu p50", "cpu p95"))
    print(f"{'what':30} {'rounds':>6} {heads}")
    for what, job in jobs:
        shown = " ".join(f"{figure:>10.1f}" for figure in microseconds(job, rounds))
        print(f"{what:30} {rounds:>6} {shown}")


if __name__ == "__main__":
    main()
