"""Why a quality is what it is: the parts of a score, gathered into a few that a person knows."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ccos.quality.priors import PRIOR

LEAST = 0.05
"""Log-odds below which a part is not worth a word."""

_FAMILIES = (
    ("tier", rf"{PRIOR}"),
    ("second_opinion", r"second_opinion|judge|likeness|embedding.*"),
    ("vetoes", r"veto_.*"),
    ("passage", r"cites.*|facts_off.*|best_.*|asked_lead|off_.*|used|facts_known|states_nothing"),
    (
        "agreement",
        r"(?:cue|new|lost|turn|stance|clause)_.*|stance.*|contra.*|flip.*|fresh_.*|jumps|misplaced.*|numbers_.*"
        r"|opposite.*|against.*|excepts|of_itself|turns|weakest_word|claims|facts|meant.*"
        r"|turned.*|widens.*",
    ),
    ("steps", r"step.*|unnamed_means"),
    ("coverage", r"covered.*|points.*|answerable|kinds_met|kinds_left|money_left|taken_up.*"),
    ("support", r"support.*|pairs|triples|shingles|longest_copy.*"),
    ("promises", r"promise.*|gives"),
    (
        "manners",
        r"casual|formal|greets|closes|regrets|rude|exclaims|courtesy_share|hedges|refuses|asks_back"
        r"|reproach|forbids|rhetorical|remark|cold",
    ),
    ("form", r"length.*|long|short|repeats|no_claim|no_question|no_evidence"),
    ("search", r"passages|score_.*|no_scores"),
    ("certainty", r"logprob.*|no_logprobs"),
)
_COMPILED = tuple((name, re.compile(rf"(?:{pattern})\Z")) for name, pattern in _FAMILIES)

FAMILIES = (*(name for name, _ in _FAMILIES), "other")


def family(part: str) -> str:
    """The family of a part of a score, "other" for one nobody has placed."""
    return next((name for name, pattern in _COMPILED if pattern.match(part)), "other")


def because(scores: Sequence[tuple[str, float]], most: int = 6) -> tuple[tuple[str, float], ...]:
    """What each family adds to the log-odds of the quality, the weightiest first; those that hardly count are
    left out.
    """
    sums: dict[str, float] = {}
    for name, value in scores:
        key = family(name)
        sums[key] = sums.get(key, 0.0) + value
    weighty = [(name, round(value, 3)) for name, value in sums.items() if abs(value) >= LEAST]
    return tuple(sorted(weighty, key=lambda part: -abs(part[1]))[:most])
