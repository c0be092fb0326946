"""Can the saving that is wanted be had at all? Told before anybody is promised anything.

From the bound of conformal risk control with escalation (arXiv 2606.29054): of answers of which a share mu is
bad, at least e = (mu - alpha) / (1 - alpha) must go on for the kept ones to be bad at most at alpha. In a
cascade the weak model is always paid, so the saving is 1 - cost_ratio - e.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ccos.learning.replay.curve import Floats

REAL_GATE = 0.9
"""Of the coverage a perfect gate has, the share that a good one reached on labelled replies (measured .83 to
.94 for required qualities .8 to .6)."""


NOTHING = 0.005
"""A saving below this is none in whole percent, and one below zero is a loss."""


@dataclass(frozen=True, slots=True)
class Feasibility:
    """`escalation` and `saving` are those of a perfect gate, `expected_saving` of a real one.

    `needed` is the good rate of the cheap tier from which on the wanted saving can be had with a perfect
    gate, `needed_with_real_gate` with a real one; None where no good rate would do. `measured_gate` tells
    whether the real gate is one that was measured here.
    """

    good_rate: float
    required: float
    cost_ratio: float
    wanted: float
    escalation: float
    saving: float
    expected_saving: float
    needed: float | None
    needed_with_real_gate: float | None
    measured_gate: bool = False

    @property
    def sentence(self) -> str:
        """What an operator should know, in one sentence."""
        told = f"A saving of {self.wanted:.0%} at a required quality of {self.required:g} is"
        if self.expected_saving >= self.wanted - 1e-9:
            return f"{told} feasible: {_whose(self)} saves {_about(self.expected_saving)}."
        if self.saving >= self.wanted - 1e-9:
            return (
                f"{told} feasible with a perfect gate only (at most {self.saving:.0%}); {_whose(self)} saves"
                f" {_about(self.expected_saving)}{_until(self.needed_with_real_gate)}."
            )
        if self.saving < NOTHING:
            most = "with any gate, asking the cheap tier first costs as much as it saves or more"
        else:
            most = f"no gate saves more than {self.saving:.0%}"
        return f"{told} not feasible: {most}{_until(self.needed)}."


def feasibility(
    good_rate: float,
    required: float,
    *,
    cost_ratio: float,
    wanted: float = 0.6,
    gate: float | None = None,
) -> Feasibility:
    """What the cheap tier's `good_rate` allows. All in [0, 1]; `required` below 1. Raises ValueError.

    `gate` is the share of a perfect gate's coverage that the real one was measured to have; else REAL_GATE.
    """
    if not (0 <= good_rate <= 1 and 0 <= required < 1 and 0 <= cost_ratio <= 1 and 0 <= wanted <= 1):
        raise ValueError("rates, ratios and savings lie between 0 and 1")
    kept, real = coverage(good_rate, required), REAL_GATE if gate is None else gate
    return Feasibility(
        good_rate=good_rate,
        required=required,
        cost_ratio=cost_ratio,
        wanted=wanted,
        escalation=1 - kept,
        saving=kept - cost_ratio,
        expected_saving=real * kept - cost_ratio if kept < 1 else kept - cost_ratio,
        needed=_needed(wanted + cost_ratio, required),
        needed_with_real_gate=_needed((wanted + cost_ratio) / real, required) if real > 0 else None,
        measured_gate=gate is not None,
    )


def coverage(good_rate: float, required: float) -> float:
    """The largest share that can be kept: 1 - e = (1 - mu) / (1 - alpha), at most 1."""
    return 1.0 if required <= 0 else min(1.0, good_rate / required)


def gate_share(score: Floats, good: Floats, required: float) -> float | None:
    """What share of a perfect gate's coverage a gate with these scores has.

    The most answers, from the highest score down, of which at least `required` are good; equal scores are
    kept together. Read off the outcomes themselves, so a certified threshold keeps somewhat less. None where
    even a perfect gate keeps nothing.
    """
    perfect = coverage(float(good.mean()), required)
    if perfect <= 0:
        return None
    order = np.argsort(-score, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    shares = np.cumsum(good[order])[ends] / (ends + 1)
    kept = ends[shares >= required - 1e-9]
    return float((kept[-1] + 1) / len(score) / perfect) if len(kept) else 0.0


def _whose(found: Feasibility) -> str:
    return "this gate" if found.measured_gate else "a good gate"


def _about(saving: float) -> str:
    return f"about {saving:.0%}" if saving >= NOTHING else "nothing"


def _needed(kept: float, required: float) -> float | None:
    return kept * required if kept <= 1 else None


def _until(needed: float | None) -> str:
    if needed is None:
        return ", and no cheap tier, however good, changes that at its price"
    return f", until the cheap tier is good on {percent_up(needed)} of the tickets"


def percent_up(needed: float) -> str:
    """In whole percent, never less than what is needed."""
    return f"{math.ceil(100 * needed - 1e-9)}%"
