"""The plain score that needs no training: a labelled baseline, not a measurement of quality."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ccos.domain.verdict import Veto
from ccos.quality.reading import Reading

DOMAIN_WORDS = (
    "고객",
    "지원",
    "문의",
    "도움",
    "문제",
    "해결",
    "customer",
    "support",
    "help",
    "problem",
    "solve",
    "question",
)
ACTION_WORDS = (
    "확인",
    "시도",
    "연락",
    "문의",
    "지원",
    "신청",
    "check",
    "retry",
    "try",
    "contact",
    "visit",
    "click",
)

_HANGUL = re.compile("[가-힣]")
_STOP = re.compile(r"[.!?。]")


class HeuristicBaseline:
    """Points for form: length 50-1000 .2, Hangul .2, domain word .3, punctuation .1, action word .2.

    It reads neither the question nor the evidence and has no signal: on human-labelled replies its AUROC
    was 0.39 to 0.50, where 0.5 is a coin. It is kept so that a learned scorer has something to be compared
    with, and for the start, before there are labels. Its name travels with every score it gives.
    Tenths are whole numbers, since 0.2 + 0.2 + 0.3 + 0.1 is less than 0.8 in floats.
    """

    name = "heuristic-baseline"

    def score(
        self,
        reading: Reading,
        vetoes: Sequence[Veto] = (),  # noqa: ARG002
    ) -> tuple[float, tuple[tuple[str, float], ...]]:
        """The points of the text in [0, 1] and their parts; nothing but the text is looked at."""
        text = reading.text
        folded = text.casefold()
        tenths = (
            ("length", 2 if 50 <= len(text) <= 1000 else 0),
            ("hangul", 2 if _HANGUL.search(text) else 0),
            ("domain_word", 3 if any(word in folded for word in DOMAIN_WORDS) else 0),
            ("punctuation", 1 if _STOP.search(text) else 0),
            ("action_word", 2 if any(word in folded for word in ACTION_WORDS) else 0),
        )
        return sum(points for _, points in tenths) / 10, tuple((name, points / 10) for name, points in tenths)
