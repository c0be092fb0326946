"""Outages of tiers, read from how often they were silent. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from ccos.domain.tier import Tier
from ccos.store.outages import SLICE, Slice

SILENT_SHARE = 0.5
LEAST_ASKED = 3
"""One call that fails is no outage."""
GAP = 3 * SLICE
"""So long all may have gone well within one outage."""
QUIET = 36 * SLICE
"""So long nobody may have asked within one outage."""


@dataclass(frozen=True, slots=True)
class Outage:
    """Between `began` and `ended`, to the slice, a tier was asked `asked` times and silent `silent` times."""

    tier: Tier
    began: datetime
    ended: datetime
    asked: int
    silent: int

    def lasts(self, now: datetime) -> bool:
        """Whether it may not be over yet."""
        return now - self.ended < SLICE


def outages(slices: Iterable[Slice]) -> list[Outage]:
    """The newest first. An outage is a run of slices in which a tier was silent half of the times or more."""
    found = []
    for tier, its in groupby(
        sorted(slices, key=lambda each: (each.tier.rank, each.at)), lambda each: each.tier
    ):
        run: list[Slice] = []
        answered = False
        for each in its:
            if each.silent < SILENT_SHARE * each.asked:
                answered = True
                continue
            if run and each.at - run[-1].at > (GAP if answered else QUIET):
                found.append(_outage(tier, run))
                run = []
            run.append(each)
            answered = False
        if run:
            found.append(_outage(tier, run))
    return sorted(
        (each for each in found if each.silent >= LEAST_ASKED), key=lambda each: each.began, reverse=True
    )


def _outage(tier: Tier, run: list[Slice]) -> Outage:
    asked, silent = sum(each.asked for each in run), sum(each.silent for each in run)
    return Outage(tier, run[0].at, run[-1].at + SLICE, asked, silent)
