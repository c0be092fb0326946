"""How often experiments fool those who watch them, how soon they find an effect, and what reading one costs.

    python benchmarks/experiments.py [--runs 200] [--days 30] [--per-day 1000]

Every run is a simulated month of decided drafts with a known truth, looked at after every 50 of them. Beside
the product's always-valid test stands the usual z test of two shares, looked at just as often: the mistake
that peeking is. The share of A/A runs that alarm comes with its 95 % Wilson interval.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import time
from uuid import UUID

from ccos.domain.experiment import Definition, Seen
from ccos.learning.experiments.adjusting import difference, theta
from ccos.learning.experiments.assigning import arm_of
from ccos.learning.experiments.checking import BROKEN_BELOW, ratio_evidence
from ccos.learning.experiments.reading import ALPHA, LOOK_EVERY, read
from ccos.learning.experiments.sequential import LEAST, log_evidence
from ccos.learning.experiments.sums import Sums

ONE_A_MINUTE = 60.0
Z = 1.959964


def definition() -> Definition:
    """Two arms that change nothing: what they are told apart by is this file's own dice."""
    return Definition.model_validate({"name": "bench", "arms": [{"name": "control"}, {"name": "new"}]})


def month(
    wanted: Definition, n: int, *, approval: float, effect: float, known: float, seed: int
) -> list[Seen]:
    """`n` decided drafts. The chance of approval of single tickets lies `known` above or below, and a
    prediction knows half of that tilt; the new arm adds `effect`."""
    dice, key = random.Random(seed), UUID(int=seed + 1)
    made = []
    for at in range(n):
        ticket = str(at)
        arm = arm_of(wanted, key, ticket)
        assert arm is not None
        tilt = dice.choice((-known, known))
        hint = tilt if dice.random() < 0.75 else -tilt
        approved = dice.random() < approval + tilt + (effect if arm.name == "new" else 0.0)
        made.append(
            Seen(
                arm.name,
                ticket,
                at * ONE_A_MINUTE,
                expected=approval + hint / 2,
                decided_at=at * ONE_A_MINUTE + 30,
                verdict="approved" if approved else "rejected",
                seconds=dice.expovariate(1 / 40),
                cost_usd=0.002,
                latency_seconds=1.5,
            )
        )
    return made


def watched(made: list[Seen]) -> tuple[int | None, int | None, bool]:
    """After how many drafts the product's test alarmed, and the z test; and whether the ratio check did."""
    sums = {"control": Sums(), "new": Sums()}
    always = peeked = None
    broken = False
    for n, one in enumerate(made, start=1):
        sums[one.arm] = sums[one.arm].plus(float(one.verdict == "approved"), one.expected or 0.0)
        if n % LOOK_EVERY or min(each.n for each in sums.values()) < LEAST:
            continue
        pair = sums["control"], sums["new"]
        if always is None:
            found = difference(*pair, theta(pair))
            always = n if log_evidence(found, spread=0.05) >= math.log(1 / ALPHA) else None
        if peeked is None:
            share = (pair[0].y + pair[1].y) / n
            error = math.sqrt(share * (1 - share) * (1 / pair[0].n + 1 / pair[1].n))
            peeked = n if abs(pair[1].mean - pair[0].mean) > Z * error else None
        counts = [each.n for each in pair]
        broken = broken or ratio_evidence(counts, (0.5, 0.5)) > math.log(1 / BROKEN_BELOW)
        if always and peeked:
            break
    return always, peeked, broken


def wilson(hits: int, n: int) -> str:
    share, spread = hits / n, Z * Z / n
    middle, reach = share + spread / 2, Z * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    low, high = (max(0.0, (middle - reach) / (1 + spread)), (middle + reach) / (1 + spread))
    return f"{hits}/{n} = {share:.1%} ({low:.1%} to {high:.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--per-day", type=int, default=1_000)
    asked = parser.parse_args()
    wanted, n = definition(), asked.days * asked.per_day

    print(f"A/A, {asked.runs} months of {n:,} drafts, looked at after every {LOOK_EVERY}:")
    for approval in (0.5, 0.8, 0.95):
        told = [
            watched(month(wanted, n, approval=approval, effect=0.0, known=0.04, seed=1_000 + run))
            for run in range(asked.runs)
        ]
        print(f"  approval {approval:.0%}:")
        print(f"    always-valid alarms in {wilson(sum(t[0] is not None for t in told), asked.runs)},")
        print(f"    a z test that is peeked at in {wilson(sum(t[1] is not None for t in told), asked.runs)},")
        print(f"    the sample-ratio check in {wilson(sum(t[2] for t in told), asked.runs)}")

    print("Time to detection at 75 % approval (drafts of both arms; found within the month):")
    for effect in (0.02, 0.05, 0.10):
        runs = max(asked.runs // 4, 10)
        found = [
            watched(month(wanted, n, approval=0.75, effect=effect, known=0.04, seed=9_000 + run))[0]
            for run in range(runs)
        ]
        hits = sorted(each for each in found if each is not None)
        middle = f"{statistics.median(hits):,.0f}" if hits else "-"
        late = f"{hits[math.ceil(0.9 * len(hits)) - 1]:,}" if hits else "-"
        print(f"  {100 * effect:.0f} points: {len(hits)}/{runs} found, median {middle}, 90 % within {late}")

    print("CUPED by a prediction that is right three times in four, 75 % approval:")
    for known in (0.0, 0.1, 0.2, 0.24):
        told = read(wanted, month(wanted, n, approval=0.75, effect=0.0, known=known, seed=77))
        apart = f"{100 * known:.0f} points apart from the mean"
        print(f"  tickets {apart}: {told.variance_cut:.1%} of the variance gone")

    made = month(wanted, 30_000, approval=0.75, effect=0.02, known=0.1, seed=5)
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        read(wanted, made)
        took.append(1_000 * (time.perf_counter() - begun))
    print(f"Reading an experiment of 30,000 drafts: {statistics.median(took):.0f} ms of CPU")


if __name__ == "__main__":
    main()
