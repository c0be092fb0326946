"""Does the answer stand on the passage that the question is about?

A reply that quotes the rule of another case word for word is wrong for this one. What the customer wrote
tells which passage is meant; the answer should take up that one, its figures come from there, and cite it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ccos.quality.features.agreement import Part
from ccos.quality.features.sources import Source
from ccos.quality.features.support import Held

CITED = re.compile(r"\[(\d{1,3}(?:\s?,\s?\d{1,3}){0,8})\]")


def chosen(
    asked: Held,
    question: Source,
    answer: Source,
    found: Sequence[Part],
    held: Held,
    passages: Sequence[Source],
) -> dict[str, float]:
    """`asked` and `held` say how much of the question's and of the answer's words each passage has."""
    numbers = range(len(passages))
    fits = asked.by(question.words)[: len(passages)]
    best = max(numbers, key=fits.__getitem__, default=-1)
    off = far = whole = 0.0
    elsewhere = []
    for part in found:
        if best < 0:
            break
        shares = held.by(part.clause.words)
        most = max(numbers, key=shares.__getitem__)
        whole += part.clause.weight
        if most != best:
            off += part.clause.weight
            far += part.clause.weight * (shares[most] - shares[best]) * (fits[best] - fits[most])
        for fact in part.facts:
            having = [n for n in numbers if fact.accepts & passages[n].facts]
            if having and best not in having:
                elsewhere.append(fits[best] - max(fits[n] for n in having))
    ordered = sorted(fits)
    return {
        "off_share": off / whole if whole else 0.0,
        "off_far": far / whole if whole else 0.0,
        "facts_off": max(elsewhere, default=0.0),
        "facts_off_count": math.log1p(sum(lead > 0 for lead in elsewhere)),
        "asked_lead": ordered[-1] - ordered[-2] if len(ordered) > 1 else 0.0,
        **_taken(answer, passages[best] if best >= 0 else None),
    }


def _taken(answer: Source, best: Source | None) -> dict[str, float]:
    """How much of the passage the question is about is in the answer: its words and its figures."""
    stated = best.stated if best else ()
    return {
        "best_taken": Held(best.words, [answer]).meaning(best.words) if best else 0.0,
        "best_facts": sum(bool(fact.offers & answer.facts) for fact in stated) / max(1, len(stated)),
        "best_states": float(bool(stated)),
        "states_nothing": float(bool(stated) and not answer.stated),
    }


def cited(
    text: str, asked: Held, question: Source, found: Sequence[Part], held: Held, count: int
) -> dict[str, float]:
    """Whether citation marks name the passage the question is about, and the one that supports most."""
    marks = [int(number) for mark in CITED.findall(text) for number in mark.split(",")]
    named = {number - 1 for number in marks if 1 <= number <= count}
    if not named:
        return {
            "cites": math.log1p(len(marks)),
            "cites_best": 0.5,
            "cites_off": 0.5,
            "cites_support": 0.0,
            "cites_fit": 0.0,
        }
    fits = asked.by(question.words)[:count]
    best = max(range(count), key=fits.__getitem__)
    words = [word for part in found for word in part.clause.words]
    shares = held.by(words)[:count]
    return {
        "cites": math.log1p(len(marks)),
        "cites_best": float(best in named),
        "cites_off": len(named - {best}) / len(named),
        "cites_support": max(shares[n] for n in named) - max(shares),
        "cites_fit": max(fits[n] for n in named) - fits[best],
    }
