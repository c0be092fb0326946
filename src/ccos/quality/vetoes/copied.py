"""Does it quote what customers must not read: internal evidence, or our own instructions?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from ccos.domain.evidence import Visibility
from ccos.domain.verdict import Veto
from ccos.quality.folding import plain
from ccos.quality.reading import SOURCE_CHARACTERS, Reading
from ccos.quality.vetoes.family import Family

INTERNAL_CHARACTERS = 20
TITLE_CHARACTERS = 8
"""Without blanks. A shorter title is a common word."""
INSTRUCTION_CHARACTERS = 40


def copied_span(text: str, source: str, least: int) -> tuple[int, int] | None:
    """Where `text` first repeats `least` characters of `source` or more, whatever the blanks and the case."""
    flat = _flat(text)
    if not _may_share(flat, source, least):
        return None
    flat_source = _flat(source)
    stretches = {flat_source[at : at + least] for at in range(len(flat_source) - least + 1)}
    starts = range(len(flat) - least + 1)
    first = next((at for at in starts if flat[at : at + least] in stretches), None)
    if first is None:
        return None
    last = next(
        (at for at in range(first, len(starts)) if flat[at : at + least] not in stretches), len(starts)
    )
    places = [place for place, character in enumerate(text) if not character.isspace()]
    return places[first], places[last + least - 2] + 1


def _may_share(text: str, source: str, least: int) -> bool:
    """False for most texts, and cheap: each stretch of `least` characters holds one of these blocks."""
    size = least - least // 2 + 1
    return not _blocks(source, least).isdisjoint([text[at : at + size] for at in range(len(text) - size + 1)])


@lru_cache(maxsize=128)
def _blocks(source: str, least: int) -> frozenset[str]:
    """Of what is compared again and again: instructions, and passages of the knowledge base."""
    flat, step = _flat(source), least // 2
    size = least - step + 1
    return frozenset([flat[at : at + size] for at in range(0, len(flat) - size + 1, step)])


def _flat(text: str) -> str:
    """Without blanks and in lower case, unless that would move the characters."""
    kept = "".join(text.split())
    lowered = kept.lower()
    return lowered if len(lowered) == len(kept) else kept


def _look(reading: Reading) -> Iterator[Veto]:
    internal = [e.snippet for e in reading.grounds.evidence if e.visibility is Visibility.INTERNAL]
    sources = [(snippet, INTERNAL_CHARACTERS, "internal") for snippet in internal]
    sources += [(name, len(_flat(plain(name))), "internal") for name in _internal_names(reading)]
    sources.append((reading.prompt.system, INSTRUCTION_CHARACTERS, "leak"))
    for source, least, kind in sources:
        span = copied_span(reading.folded.text, plain(source[:SOURCE_CHARACTERS]), least)
        if span is None or copied_span(reading.folded.text[slice(*span)], reading.showable_text, least):
            continue
        what = "an internal passage" if kind == "internal" else "our own instructions"
        yield Veto(kind, f"The answer quotes {what}.", "repair", reading.folded.original(*span))


def _internal_names(reading: Reading) -> Iterator[str]:
    """Titles and addresses of internal items, which are quoted when they are there as a whole."""
    for each in reading.grounds.evidence:
        if each.visibility is Visibility.INTERNAL:
            address = (each.url or "").partition("://")[2].rstrip("/")
            yield from (name for name in (each.title, address) if len(_flat(plain(name))) >= TITLE_CHARACTERS)


COPIED = Family("quotes", ("internal", "leak"), "It quotes nothing that is for agents only.", _look)
