"""Which passage each statement of a reply stands on: numbers, and the marks that point at them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.prompt import Grounds
from ccos.quality.folding import fold, plain, sentences
from ccos.quality.quantities import Quantity, quantities
from ccos.quality.vetoes.facts import FROM_CASES

ALIKE = 0.5
"""Share of a sentence's syllable pairs that a passage must have before it is the source of a figure that the
customer wrote too."""

MOST_MARKS = 3
"""Marks that one sentence gets, where its figures stand in several documents."""

_MARK = re.compile(r"(\s?)\[(\d{1,3}(?:\s?,\s?\d{1,3}){0,8})\](?!\()")
_ONE = re.compile(r"\[(\d{1,3})\]")
_LEADING = re.compile(r"(?:\[\d{1,3}\]\s*)+")
_TABLE = re.compile(r"\s*\|")


def numbered(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Numbers from 1, one for each document: several passages of it are one citation."""
    held: dict[tuple[EvidenceKind, str, int | None], Evidence] = {}
    for each in evidence:
        key = (each.kind, each.id, each.version)
        first = held.get(key)
        held[key] = each if first is None else _joined(first, each)
    return tuple(each.model_copy(update={"n": n}) for n, each in enumerate(held.values(), start=1))


def resolve_citations(
    reply: str, evidence: Sequence[Evidence], listed: object = None
) -> tuple[str, tuple[int, ...]]:
    """The reply without marks that point at nothing, and the evidence numbers it cites, in reading order.

    `[1, 2]` becomes `[1][2]`. Numbers that a model lists without marking them come behind the marked ones.
    """
    known = {e.n for e in evidence}
    cited: dict[int, None] = {}

    def keep(match: re.Match[str]) -> str:
        given = [int(n) for n in match[2].split(",")]
        real = list(dict.fromkeys(n for n in given if n in known))
        cited.update(dict.fromkeys(real))
        return match[1] + "".join(f"[{n}]" for n in real) if real else ""

    text = _MARK.sub(keep, reply)
    if isinstance(listed, list):
        cited.update(dict.fromkeys(n for n in listed if type(n) is int and n in known))
    return text, tuple(cited)


def marked(reply: str, evidence: Sequence[Evidence], grounds: Grounds) -> str:
    """The reply with a mark behind each sentence that states a figure of the evidence and has none.

    Figures are numbers, amounts, dates, periods, codes and web addresses. A mark further on in the same
    paragraph covers a sentence when it points at the figure's source. What only the customer or the company
    said needs no source, and lines of a table are left alone.
    """
    folded = fold(reply)
    text = folded.text
    claims = sorted((each for each in quantities(text) if each.accepts), key=lambda each: each.start)
    if not claims or not evidence:
        return reply
    sources = [_source(each) for each in evidence]
    own = _keys(plain(own_words(grounds)))
    added: list[tuple[int, str]] = []
    for sentence in spans(text):
        said = text[sentence.start : sentence.end]
        if sentence.marks or _TABLE.match(said):
            continue
        inside = [each for each in claims if sentence.start <= each.start < sentence.end]
        found = list(_supporting(inside, said, sources, own))
        if found and not set(found) <= sentence.covering:
            at = folded.original(sentence.start, sentence.end)[1]
            added.append((at, " " + "".join(f"[{n}]" for n in found)))
    for at, marks in reversed(added):
        reply = reply[:at] + marks + reply[at:]
    return reply


@dataclass(frozen=True, slots=True)
class _Source:
    n: int
    keys: frozenset[str]
    pairs: frozenset[str]


class Span(NamedTuple):
    """A span of the folded text, the marks in it or right behind it, and those later in its paragraph."""

    start: int
    end: int
    marks: frozenset[int]
    covering: frozenset[int]


def _joined(first: Evidence, other: Evidence) -> Evidence:
    snippets = [first.snippet] if other.snippet in first.snippet else [first.snippet, other.snippet]
    passages = tuple(dict.fromkeys((*first.passages, *other.passages)))
    return first.model_copy(
        update={
            "snippet": "\n\n".join(snippets),
            "passages": passages,
            "score": max(first.score, other.score),
        }
    )


def spans(text: str) -> list[Span]:
    """A mark behind a full stop begins the next span; it belongs to the sentence before it."""
    placed: list[tuple[int, int, set[int]]] = []
    for start, end in sentences(text):
        if lead := _LEADING.match(text, start, end):
            if placed and "\n" not in text[placed[-1][1] : start]:
                placed[-1][2].update(_numbers(lead[0]))
            start = lead.end()
        if start < end:
            placed.append((start, end, _numbers(text[start:end])))
    found: list[Span] = []
    later: frozenset[int] = frozenset()
    for at in range(len(placed) - 1, -1, -1):
        start, end, marks = placed[at]
        found.append(Span(start, end, frozenset(marks), later))
        ends = at == 0 or "\n" in text[placed[at - 1][1] : start]
        later = frozenset() if ends else later | marks
    return found[::-1]


def _numbers(text: str) -> set[int]:
    return {int(n) for n in _ONE.findall(text)}


def _supporting(
    claims: Sequence[Quantity], said: str, sources: Sequence[_Source], own: frozenset[str]
) -> Iterator[int]:
    """The sources of the claims: the one with most of them first; of two, the one nearer in its words."""
    pairs = _pairs(said)
    likeness = {each.n: len(pairs & each.pairs) / max(1, len(pairs)) for each in sources}
    left = list(claims)
    for _ in range(MOST_MARKS):
        held = {
            each.n: [
                claim
                for claim in left
                if claim.accepts & each.keys and (not claim.accepts & own or likeness[each.n] >= ALIKE)
            ]
            for each in sources
        }
        best = max(sources, key=lambda each: (len(held[each.n]), likeness[each.n], -each.n))
        if not held[best.n]:
            return
        yield best.n
        left = [claim for claim in left if claim not in held[best.n]]


def _source(evidence: Evidence) -> _Source:
    """Of a similar case only what may be true of another customer too."""
    text = plain("\n".join(part for part in (evidence.title, evidence.snippet, evidence.url) if part))
    facts = list(quantities(text))
    if evidence.kind is EvidenceKind.CASE:
        facts = [fact for fact in facts if fact.kind in FROM_CASES]
    return _Source(evidence.n, frozenset(key for fact in facts for key in fact.offers), _pairs(text))


def own_words(grounds: Grounds) -> str:
    settings = grounds.settings
    said = grounds.ticket.whole_text if grounds.ticket else ""
    return "\n".join((said, *settings.company.values(), *settings.contact.values()))


def _keys(text: str) -> frozenset[str]:
    return frozenset(key for fact in quantities(text) for key in fact.offers)


def _pairs(text: str) -> frozenset[str]:
    flat = "".join(character for character in text.casefold() if character.isalnum())
    return frozenset(flat[at : at + 2] for at in range(len(flat) - 1))
