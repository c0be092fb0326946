"""Whether evidence answers a question, before any model has read it: signs in words, with learned weights.

What tells most is a thing the customer names that neither the passages found nor the tenant's whole index
nor the talk of any desk has a word for. It tells a foreign question from an answered one; a fact that is
missing from an article on the right subject often escapes it, and is for the gate to find.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files

from pydantic import BaseModel, ConfigDict, Field

from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.knowledge import korean
from ccos.knowledge.asked import Asked, terms_of
from ccos.knowledge.filler import informative
from ccos.quality.features.sources import Source, source
from ccos.quality.features.support import Held
from ccos.quality.folding import plain
from ccos.quality.model import Head

BAR = 0.5
"""The score from which a question counts as answered: training sets it there."""

SIGNS = ("covered", "strange", "taken_up", "case", "outside", "questions", "unit_missing")

_HOW_MANY = re.compile(r"몇\s?([가-힣a-z]+)")
_TIME = re.compile(r"일|시간|시|분|주|개월|달|년|날|영업")
_TIMES = r"일|시간|시|분|주|개월|달|년|영업일"
_STATING = 2
"""Passages that are looked through for a figure of the unit that is asked for."""


class AnswerModel(BaseModel):
    """`head` weighs `SIGNS`; `usual` are stems that customers of any desk name. `about` says how it came."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    head: Head
    usual: frozenset[str]
    about: Mapping[str, object] = Field(default_factory=dict)


@cache
def shipped() -> AnswerModel:
    """The model that comes with the product, trained on the sample tenant's questions."""
    text = files("ccos.knowledge").joinpath("answering.json").read_text(encoding="utf-8")
    return AnswerModel.model_validate_json(text)


def answerability(
    asked: Asked, evidence: Sequence[Evidence], indexed: Container[str], model: AnswerModel | None = None
) -> float:
    """In [0, 1]: how sure it is that the evidence answers; from `BAR` on it counts as answered.

    `evidence` holds procedures and, where there are any, similar cases. `indexed` are those of `asked.terms`
    that the tenant's index has. 0 without words or without procedures.
    """
    if not informative(asked.text) or not any(each.kind is EvidenceKind.KB for each in evidence):
        return 0.0
    model = model or shipped()
    found = signs(asked, evidence, indexed, model.usual)
    return model.head.quality(model.head.parts(found))


def signs(
    asked: Asked, evidence: Sequence[Evidence], indexed: Container[str], usual: Container[str]
) -> dict[str, float]:
    """What speaks for an answer and against it, by the names in `SIGNS`; where no case is found, there is no
    `case`, which then says nothing: a desk may keep none."""
    procedures = [_procedure(_text(each)) for each in evidence if each.kind is EvidenceKind.KB]
    cases = [source(plain(_text(each)).lower()) for each in evidence if each.kind is EvidenceKind.CASE]
    words = [word for of_one in asked.words for word in of_one]
    held, in_cases = Held(words, procedures), Held(words, cases)
    meant = [held.meaning([noun]) for noun in asked.nouns]
    strange = sum(
        noun.stem not in usual
        and noun.concept is None
        and not any(term in indexed for term in terms_of(noun))
        for noun in asked.nouns
    )
    covered = coverage([asked.text], [each for each in evidence if each.kind is EvidenceKind.KB])
    found = {
        "covered": covered,
        "strange": math.log1p(strange),
        "taken_up": sum(meant) / len(meant) if meant else covered,
        "outside": math.log1p(
            sum(not all(term in indexed for term in korean.words(cue)) for cue in asked.outside)
        ),
        "questions": math.log1p(len(asked.questions)),
        "unit_missing": float(_units_missing(asked.questions, procedures[:_STATING])),
    }
    if cases:
        found["case"] = max((share for of_one in asked.words for share in in_cases.by(of_one)), default=0.0)
    return found


def coverage(queries: Sequence[str], evidence: Sequence[Evidence]) -> float:
    """In [0, 1]: how much of one query the best single piece of evidence says, over all queries.

    The mean of two shares: of the query's informative word terms, and of its jamo grams, which forgive a
    typo. For procedures: their terms are remembered.
    """
    held = [_terms(_text(each)) for each in evidence]
    asked = [(informative(query), frozenset(korean.jamo(query))) for query in queries]
    return max(
        (
            (len(words & own_words) / len(words) + len(grams & own_grams) / len(grams)) / 2
            for words, grams in asked
            if words and grams
            for own_words, own_grams in held
        ),
        default=0.0,
    )


def _text(evidence: Evidence) -> str:
    return f"{evidence.title}\n{evidence.snippet}"


@lru_cache(maxsize=256)
def _procedure(text: str) -> Source:
    """Passages of procedures are found again and again; similar cases are remembered nowhere."""
    return source(plain(text).lower())


@lru_cache(maxsize=256)
def _terms(text: str) -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(korean.words(text)), frozenset(korean.jamo(text))


def _units_missing(questions: Sequence[str], passages: Sequence[Source]) -> int:
    """How often a number of something is asked for that no passage gives a number of: 몇 루멘, 몇 미리."""
    units = [found[1] for question in questions for found in _HOW_MANY.finditer(question)]
    return sum(not any(_states(unit, passage.text) for passage in passages) for unit in units)


def _states(unit: str, text: str) -> bool:
    wanted = _TIMES if _TIME.match(unit) else re.escape(unit[0])
    return re.search(rf"\d\s*(?:{wanted})", text) is not None
