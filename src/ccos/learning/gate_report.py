"""What labelled answers say of the gate, as one document of plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ccos.learning.certifying import certify, least_labels
from ccos.learning.judging import Judged
from ccos.learning.metrics import (
    Interval,
    auroc,
    auroc_interval,
    average_precision,
    brier,
    calibration_error,
    calibration_interval,
    reliability,
    rounded,
    spearman,
    wilson,
)
from ccos.learning.repeats import one_each
from ccos.learning.resampling import RESAMPLINGS, try_promise

REQUIRED = (0.6, 0.7, 0.8)
GROUP_RESAMPLES = 400
"""Of the intervals within one group: there may be many groups."""

MOST_LABELS = 500
"""A resampling certifies on a third of the answers, and on so many at most: the rest is counted on, and the
smaller it is the more often chance alone makes it look as if a promise were broken."""


def gate_report(
    judged: Sequence[Judged], *, resamplings: int = RESAMPLINGS, seed: int = 0, least: int = 30
) -> dict[str, Any]:
    """The whole document; figures that a set does not define are None. There must be an answer at least."""
    quality = [one.verdict.quality for one in judged]
    good = [one.row.good for one in judged]
    heuristic = [one.heuristic for one in judged]
    groups = [one.group for one in judged]
    refused_last = [one.threshold_quality for one in judged]
    return {
        "n": len(judged),
        "groups": len(set(groups)),
        "labels": {
            name: sum(one.row.label == name for one in judged) for name in ("approve", "edit", "reject")
        },
        "base_rate": rounded(float(np.mean(good))),
        "auroc": rounded(auroc(quality, good)),
        "auroc_ci": _pair(auroc_interval(quality, good, groups, seed=seed)),
        "auroc_vetoed_last": rounded(auroc(refused_last, good)),
        "average_precision": rounded(average_precision(quality, good)),
        "ece": rounded(calibration_error(quality, good)),
        "ece_ci": _pair(calibration_interval(quality, good, groups, seed=seed)),
        "ece_equal_mass": rounded(calibration_error(quality, good, by="mass")),
        "brier": rounded(brier(quality, good)),
        "heuristic_auroc": rounded(auroc(heuristic, good)),
        "heuristic_auroc_ci": _pair(auroc_interval(heuristic, good, groups, seed=seed)),
        "heuristic_ece": rounded(calibration_error(heuristic, good)),
        "heuristic_spearman": rounded(spearman(heuristic, good)),
        "coverage": {
            f"{required:g}": _coverage(judged, required, resamplings, seed, least) for required in REQUIRED
        },
        "reliability": [
            {**asdict(each), "interval": _pair(each.interval)} for each in reliability(quality, good)
        ],
        "by_task": _by(judged, lambda one: one.row.task_name or one.row.told_task.value, seed),
        "by_language": _by(judged, lambda one: one.row.told_language, seed),
        "by_generator": _by(judged, lambda one: one.row.generator, seed),
        "by_kind": _by(judged, lambda one: one.row.kind, seed),
        "vetoes": _vetoes(judged),
        "seconds_per_answer": _seconds(judged),
        "scorer": sorted({one.verdict.scorer for one in judged}),
    }


def _coverage(
    judged: Sequence[Judged], required: float, resamplings: int, seed: int, least: int
) -> dict[str, Any]:
    """A promise certified on this very set, tried by resampling, and what the shipped ones accept of it."""
    quality = [one.threshold_quality for one in judged]
    good = [one.row.good for one in judged]
    groups = [one.group for one in judged]
    turns = [one.row.turn for one in judged]
    trials = one_each(groups, turns)
    found = certify(
        [quality[place] for place in trials],
        [good[place] for place in trials],
        required=required,
        least=least,
    )
    reached = 0
    if found.threshold is not None:
        reached = sum(value >= found.threshold - 1e-9 for value in quality)
    document: dict[str, Any] = {
        "threshold": rounded(found.threshold, 6),
        "coverage": rounded(reached / len(judged)),
        "tickets": len(trials),
        "accepted": found.accepted,
        "bad": found.bad,
        "risk_bound": rounded(found.bound),
        "least_labels": least_labels(required),
        "broken_share": None,
    }
    if len(set(groups)) > 1 and resamplings:
        labels = min(len(judged) // 3, MOST_LABELS)
        tried = try_promise(
            quality,
            good,
            groups,
            required=required,
            labels=labels,
            resamplings=resamplings,
            seed=seed,
            least=least,
            turns=turns,
        )
        document |= {
            "broken_share": rounded(tried.broken),
            "broken_ci": _pair(tried.broken_interval),
            "refuted_share": rounded(tried.refuted),
            "resampled": {
                "resamplings": tried.resamplings,
                "labels": tried.labels,
                "certified_share": rounded(tried.certified),
                "coverage": rounded(tried.coverage),
                "good_share": rounded(tried.good),
            },
        }
    return {**document, "shipped": _shipped(judged, required)}


def _shipped(judged: Sequence[Judged], required: float) -> dict[str, Any] | None:
    """What certified thresholds that came with the scorer accept here; None where there are none."""
    asked = [one for one in judged if one.verdict.promise is not None]
    if not asked:
        return None
    accepted = [one for one in asked if one.verdict.certified(required)]
    hits = sum(one.row.good for one in accepted)
    share = hits / len(accepted) if accepted else None
    return {
        "coverage": rounded(len(accepted) / len(asked)),
        "accepted": len(accepted),
        "good_share": rounded(share),
        "good_ci": _pair(wilson(hits, len(accepted))) if accepted else None,
    }


def _by(judged: Sequence[Judged], name: Callable[[Judged], str | None], seed: int) -> dict[str, Any]:
    """Figures within each group, the largest first; what has no name is left out."""
    apart: dict[str, list[Judged]] = {}
    for one in judged:
        key = name(one)
        if key is not None:
            apart.setdefault(key, []).append(one)
    ordered = sorted(apart.items(), key=lambda item: (-len(item[1]), item[0]))
    return {key: _within(those, seed) for key, those in ordered}


def _within(those: Sequence[Judged], seed: int) -> dict[str, Any]:
    quality = [one.verdict.quality for one in those]
    good = [one.row.good for one in those]
    groups = [one.group for one in those]
    area = auroc(quality, good)
    interval = None
    if area is not None:
        interval = auroc_interval(quality, good, groups, resamples=GROUP_RESAMPLES, seed=seed)
    return {
        "n": len(those),
        "base_rate": rounded(float(np.mean(good))),
        "auroc": rounded(area),
        "auroc_ci": _pair(interval),
        "ece": rounded(calibration_error(quality, good)),
        "heuristic_auroc": rounded(auroc([one.heuristic for one in those], good)),
        "mean_quality": rounded(float(np.mean(quality))),
        "vetoed": sum(one.vetoed for one in those),
    }


def _vetoes(judged: Sequence[Judged]) -> dict[str, Any]:
    """Of each kind how many answers it refused, and its precision: the share of bad ones among those.

    `any` is all of them together; its recall is the share of bad answers that some veto refused.
    """
    bad = sum(not one.row.good for one in judged)
    apart: dict[str, list[Judged]] = {"any": [one for one in judged if one.vetoed]}
    for one in judged:
        for kind in dict.fromkeys(veto.kind for veto in one.verdict.vetoes):
            apart.setdefault(kind, []).append(one)
    found: dict[str, Any] = {}
    for kind, those in sorted(apart.items(), key=lambda item: (item[0] != "any", -len(item[1]), item[0])):
        hits = sum(not one.row.good for one in those)
        found[kind] = {
            "n": len(those),
            "precision": rounded(hits / len(those)) if those else None,
            "precision_ci": _pair(wilson(hits, len(those))) if those else None,
            "recall": rounded(hits / bad) if bad else None,
        }
    return found


def _seconds(judged: Sequence[Judged]) -> dict[str, float]:
    p50, p95 = np.quantile([one.seconds for one in judged], [0.5, 0.95])
    return {"p50": round(float(p50), 6), "p95": round(float(p95), 6)}


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [round(interval.low, 4), round(interval.high, 4)]
