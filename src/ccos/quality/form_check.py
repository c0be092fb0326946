"""The score of answers that only our own code reads: is their form of use?"""

from __future__ import annotations

import re

from ccos.domain.prompt import Prompt
from ccos.domain.tier import Task
from ccos.quality.folding import plain
from ccos.quality.reading import Reading

_HANGUL_RUN = re.compile("[가-힣]+")
_WORD = re.compile(r"[a-z0-9]{2,}")

NAME = "form-check"


def form_score(prompt: Prompt, reading: Reading, payload: dict[str, object] | None) -> float:
    """In [0, 1]: for a query builder the share of its queries that share content with the ticket.

    A query shares content when it has a pair of Hangul syllables or a word of the ticket. Triage answers
    that fit their schema have nothing more to be measured.
    """
    if prompt.task is not Task.QUERY_BUILDER:
        return 1.0
    written = reading.text.splitlines() if payload is None else strings(payload.get("queries", payload))
    queries = [query for query in written if query.strip()]
    if not queries:
        return 0.0
    known = _content(reading.ticket_text)
    return sum(not known.isdisjoint(_content(plain(query))) for query in queries) / len(queries)


def strings(value: object) -> list[str]:
    """Every string inside a JSON value, in order."""
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in strings(item)]
        case dict():
            return [text for item in value.values() for text in strings(item)]
    return []


def _content(text: str) -> set[str]:
    pairs = {run[n : n + 2] for run in _HANGUL_RUN.findall(text) for n in range(max(1, len(run) - 1))}
    return pairs | set(_WORD.findall(text.casefold()))
