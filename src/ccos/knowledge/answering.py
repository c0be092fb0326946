"""How well evidence covers a question, before any model has read it."""

from __future__ import annotations

from collections.abc import Sequence

from ccos.domain.evidence import Evidence
from ccos.knowledge import korean
from ccos.knowledge.filler import informative


def answerability(queries: Sequence[str], evidence: Sequence[Evidence]) -> float:
    """In [0, 1]: how much of one query the best single piece of evidence says, over all queries.

    The mean of two shares: of the query's informative word terms, and of its jamo grams, which forgive a
    typo. It tells foreign questions from answered ones; whether a passage on the right subject really
    answers is for the gate to judge.
    """
    held = [
        (frozenset(korean.words(text)), frozenset(korean.jamo(text)))
        for text in (f"{each.title}\n{each.snippet}" for each in evidence)
    ]
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
