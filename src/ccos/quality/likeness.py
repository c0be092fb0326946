"""How near an answer is to its evidence and its question, by the vectors of their sentences.

Words that say the same differently are near each other for an embedding model, where the gate's own features
compare how they are written. What the nearness is worth is learned on labelled answers, beside what the gate
says of them: only what the gate does not know already moves an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from ccos.domain.prompt import Prompt
from ccos.quality.features.courtesy import is_courtesy
from ccos.quality.features.coverage import points
from ccos.quality.features.sources import source
from ccos.quality.folding import plain, sentences
from ccos.quality.judging import LEAST_LABELS, MOST_LOG_ODDS

MOST_CLAIMS, MOST_PASSAGE_SENTENCES, MOST_POINTS = 16, 64, 6
MOST_CHARACTERS = 300
"""Of one sentence: an embedding model of a few layers reads 512 tokens."""
QUESTION_CHARACTERS = 4_000

_CITED = re.compile(r"\[\d{1,3}(?:\s?,\s?\d{1,3}){0,8}\]")
_SAYS = re.compile(r"\w")

Vectors = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Compared:
    """The sentences that are held against each other: what the answer claims, what the passages say, and what
    the customer asks. Each text is there once."""

    claims: tuple[str, ...]
    evidence: tuple[str, ...]
    points: tuple[str, ...]

    @property
    def own(self) -> tuple[str, ...]:
        """Texts of this one ticket; those of the passages come again with others."""
        return tuple(dict.fromkeys((*self.claims, *self.points)))


@dataclass(frozen=True, slots=True)
class Likeness:
    """Cosines in [-1, 1]: of the claims with the nearest sentence of the passages, the weakest and the mean;
    and of the asked points with the nearest claim, the mean, None where nothing is asked."""

    weakest: float
    mean: float
    covered: float | None

    @property
    def value(self) -> float:
        """One number: their mean. Equal weights lose little against fitted ones where labels are few (Dawes,
        American Psychologist 1979)."""
        known = [self.weakest, self.mean, *([] if self.covered is None else [self.covered])]
        return sum(known) / len(known)


class LikenessOdds(BaseModel):
    """What a likeness is worth in log-odds, beside the score `scorer`, as labels showed.

    `gain` is how much higher the AUROC of both together is than that of the score alone, with its 95 %
    interval; the figures are of held-out answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slope: float
    intercept: float
    scorer: str
    labels: int = Field(ge=0)
    auroc_gate: float = Field(ge=0, le=1)
    auroc_likeness: float = Field(ge=0, le=1)
    auroc_both: float = Field(ge=0, le=1)
    gain: tuple[float, float]

    @property
    def proven(self) -> bool:
        """Whether it may be heard: enough labels, and better with it than without beyond chance."""
        return self.labels >= LEAST_LABELS and self.gain[0] > 0

    def log_odds(self, likeness: float) -> float:
        """What to add to the log-odds of the score, within `MOST_LOG_ODDS`."""
        return max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, self.slope * likeness + self.intercept))


def compared(prompt: Prompt, text: str) -> Compared | None:
    """What is to be compared of an answer `text` to `prompt`; None where nothing is claimed, or there is no
    evidence.

    Greetings and thanks need no evidence, and answer nothing.
    """
    said = _sentences(_CITED.sub(" ", text))
    claims = [one for one in said if not is_courtesy(one.lower())]
    evidence = [one for e in prompt.grounds.evidence for one in _sentences(f"{e.title}\n{e.snippet}")]
    if not claims or not evidence:
        return None
    ticket = prompt.grounds.ticket
    asked = (
        "\n".join((ticket.subject, ticket.last_customer_text))
        if ticket
        else "\n".join(turn.text for turn in prompt.turns if turn.role == "user")
    )
    wanted = points(source(plain(asked[-QUESTION_CHARACTERS:]).lower()))
    return Compared(
        _first(claims, MOST_CLAIMS),
        _first(evidence, MOST_PASSAGE_SENTENCES),
        _first((point.text.strip() for point in wanted), MOST_POINTS),
    )


def likeness(parts: Compared, vectors: Vectors) -> Likeness:
    """How near the parts are; `vectors` holds one of each text, all of one length and none zero."""
    import numpy as np
    from numpy.typing import NDArray

    def unit(texts: Sequence[str]) -> NDArray[np.float64]:
        rows = np.array([vectors[text] for text in texts], dtype=float)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    claims = unit(parts.claims)
    nearest = (claims @ unit(parts.evidence).T).max(axis=1)
    covered = (unit(parts.points) @ claims.T).max(axis=1).mean() if parts.points else None
    return Likeness(float(nearest.min()), float(nearest.mean()), None if covered is None else float(covered))


def _sentences(text: str) -> Iterator[str]:
    folded = plain(text)
    return (folded[start:end] for start, end in sentences(folded) if _SAYS.search(folded, start, end))


def _first(texts: Iterator[str] | Sequence[str], most: int) -> tuple[str, ...]:
    kept = dict.fromkeys(text[:MOST_CHARACTERS] for text in texts)
    return tuple(kept)[:most]
