"""What learning from decisions is worth, by labels; what a poisoned week costs; how long a night takes.

    python benchmarks/loop.py [--runs 200] [--night 30000]

A simulated desk with a known truth: the gate's quality q is honest elsewhere, while here the chance that an
agent approves is logistic(0.7 * log-odds(q) - 0.9). Labels come in the order of time; the loop fits on the
older three quarters, compares on the newest, and promotes or keeps what ships. Then both are tried on 4,000
new tickets whose truth is known: log loss in nats, the distance of quality and truth, and the answers that
are accepted at a quality of 0.7 with the share of good ones among them. Means with 95 % intervals.

Poisoned: of the newest seventh of the labels one in five is turned round; and, in the worst case, of all.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from ccos.learning.loop.comparing import compare, time_split
from ccos.learning.loop.library import Sent, proposals
from ccos.learning.loop.outcomes import Decided, Label, labels_of
from ccos.learning.loop.recalibrating import recalibrate
from ccos.quality.model import logistic
from ccos.quality.recalibration import Recalibration, as_shipped

SLOPE, INTERCEPT = 0.7, -0.9
REQUIRED = 0.7
SIZES = (0, 100, 300, 1_000, 3_000)
START = datetime(2026, 1, 1, tzinfo=UTC)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Tried:
    promoted: bool
    log_loss: float
    distance: float
    accepted: float
    good: float


def truth(z: Floats, slope: float, intercept: float) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-(slope * z + intercept))))


def labels(n: int, seed: int, *, slope: float, intercept: float, poisoned: float = 0.0) -> list[Label]:
    """`poisoned` is the share, from the newest on, of which one in five is turned round."""
    draw = np.random.default_rng(seed)
    z = draw.normal(0.8, 1.4, n)
    good = draw.random(n) < truth(z, slope, intercept)
    turned = (draw.random(n) < 0.2) & (np.arange(n) >= n * (1 - poisoned))
    return [
        Label(
            f"t{at}",
            logistic(float(z[at])),
            bool(good[at] ^ turned[at]),
            1.0,
            START + timedelta(minutes=at),
            "",
            None,
        )
        for at in range(n)
    ]


def night(known: list[Label]) -> tuple[Recalibration, bool]:
    """What is in force after a night with these labels, and whether that is something new."""
    shipped = as_shipped("bench")
    fit, held_back = time_split(known)
    learned = recalibrate(fit, "bench")
    promote = compare(shipped, learned, held_back, required=REQUIRED).promote
    return (learned if promote else shipped), promote


def tried(made: Recalibration, promoted: bool, seed: int, *, slope: float, intercept: float) -> Tried:
    z = np.random.default_rng(1_000_000 + seed).normal(0.8, 1.4, 4_000)
    p = truth(z, slope, intercept)
    q = np.clip([made.curve.probability(float(each)) for each in z], 1e-6, 1 - 1e-6)
    accepted = q >= REQUIRED
    return Tried(
        promoted,
        float(-(p * np.log(q) + (1 - p) * np.log1p(-q)).mean()),
        float(np.abs(p - q).mean()),
        float(accepted.mean()),
        float(p[accepted].mean()) if accepted.any() else math.nan,
    )


def told(values: list[float], digits: int) -> str:
    known = np.array([value for value in values if not math.isnan(value)])
    if not len(known):
        return "-"
    reach = 1.96 * float(known.std(ddof=1)) / math.sqrt(len(known)) if len(known) > 1 else 0.0
    return f"{known.mean():.{digits}f} ±{reach:.{digits}f}"


def line(name: str, runs: list[Tried]) -> None:
    promoted = sum(each.promoted for each in runs)
    figures = (
        told([each.log_loss for each in runs], 4),
        told([each.distance for each in runs], 4),
        told([100 * each.accepted for each in runs], 1),
        told([100 * each.good for each in runs], 1),
    )
    print(f"{name:<30}{promoted:>5}/{len(runs):<5}" + "".join(f"{figure:>17}" for figure in figures))


def series(
    name: str, n: int, runs: int, *, slope: float = SLOPE, intercept: float = INTERCEPT, poisoned: float = 0.0
) -> None:
    found = []
    for seed in range(runs):
        known = labels(n, seed, slope=slope, intercept=intercept, poisoned=poisoned)
        made, promoted = night(known)
        found.append(tried(made, promoted, seed, slope=slope, intercept=intercept))
    line(name, found)


def timed(n: int) -> None:
    """A night over `n` decided drafts, whose replies are of 300 kinds; the database is not in it."""
    draw = np.random.default_rng(0)
    decided, sent = [], []
    for at in range(n):
        kind, quality = int(draw.integers(300)), float(draw.uniform(0.05, 0.98))
        reply = (
            f"Your request {10_000 + at} about {'abcdefghij'[kind % 10] * 6} "
            f"{'klmnopqrst'[kind // 10 % 10] * 6} {'uvwxyz'[kind // 100] * 8} is with the team, "
            "who answer within 3 days."
        )
        verdict = "approved" if draw.random() < quality * 0.8 else "rejected"
        decided.append(
            Decided(f"t{at}", verdict, quality, START + timedelta(minutes=at), reply, intent=f"i{kind % 12}")
        )
        if verdict == "approved":
            sent.append(Sent(f"t{at}", reply, f"i{kind % 12}", "en"))
    begun = time.perf_counter()
    known = labels_of(decided)
    labelled = time.perf_counter()
    night(known)
    fitted = time.perf_counter()
    found = proposals(sent)
    done = time.perf_counter()
    print(
        f"A night at {n:,} decisions: {done - begun:.1f} s (labels {labelled - begun:.1f}, calibration and "
        f"comparison {fitted - labelled:.1f}, library {done - fitted:.1f}: {len(found)} answers proposed)."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--night", type=int, default=30_000)
    asked = parser.parse_args()
    print(f"{'':<30}{'promoted':>11}{'log loss':>17}{'distance':>17}{'accepted %':>17}{'good of them %':>17}")
    for n in SIZES:
        series("no learning" if n == 0 else f"{n:,} labels", n, asked.runs)
    series("3,000, a week poisoned", 3_000, asked.runs, poisoned=1 / 7)
    series("3,000, all poisoned", 3_000, asked.runs, poisoned=1.0)
    series("nothing to learn: no learning", 0, asked.runs, slope=1.0, intercept=0.0)
    series("nothing to learn: 1,000", 1_000, asked.runs, slope=1.0, intercept=0.0)
    series("the same, all poisoned", 1_000, asked.runs, slope=1.0, intercept=0.0, poisoned=1.0)
    timed(asked.night)


if __name__ == "__main__":
    main()
