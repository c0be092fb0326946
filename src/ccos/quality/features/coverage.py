"""Does the answer take up what was asked, point by point, and could the evidence answer it?"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ccos.quality.features.courtesy import is_courtesy
from ccos.quality.features.sources import Source
from ccos.quality.features.support import share, word_support
from ccos.quality.features.text import Word, words
from ccos.quality.folding import sentences

MOST_POINTS = 12
MISSED = 0.25
"""A point is missed when the answer takes up less of its words than this."""

_ASKING = re.compile(
    r"\?|나요|까요|ㄹ까|는지|은지|인지|궁금|알려|문의|어떻게|언제|얼마|어디|무엇|뭐|왜|방법|가능|싶|해 ?주세요|부탁|되죠|되는|안 ?되|않|"
    r"\b(?:how|when|what|where|why|which|who|can|could|do|does|is|are|want|need|please|would)\b"
)
_PARTS = re.compile(
    r"(?<=[고며데])[, ]+(?=(?:그리고|또|혹시|그런데|그럼)\b)|(?:^|\s)(?:그리고|또한|또|그리구|and also|also)\s"
)


def points(question: str) -> list[list[Word]]:
    """The words of each thing a customer asks, in lower case; all sentences where none asks."""
    parts = [
        part.strip()
        for start, end in sentences(question)
        for part in _PARTS.split(question[start:end])
        if part and part.strip()
    ]
    asked = [part for part in parts if _ASKING.search(part) and not _only_polite(part)] or parts
    found = [words(part) for part in asked[-MOST_POINTS:]]
    return [point for point in found if sum(word.weight for word in point) >= 1.0]


def _only_polite(part: str) -> bool:
    return is_courtesy(part) and not part.endswith("?") and len(part) < 30


def covered(question: str, answer: Source, evidence: Sequence[Source]) -> dict[str, float]:
    """Coverage of the asked points by the answer, and of the whole question by the evidence."""
    asked = points(question)
    shares = [share(point, word_support(point, [answer])) for point in asked]
    whole = [word for point in asked for word in point]
    return {
        "covered": math.fsum(shares) / len(shares) if shares else 0.0,
        "covered_least": min(shares, default=0.0),
        "points_missed": sum(s < MISSED for s in shares) / max(1, len(shares)),
        "points": math.log1p(len(asked)),
        "answerable": share(whole, word_support(whole, evidence)) if evidence else 0.0,
        "no_question": float(not asked),
    }
