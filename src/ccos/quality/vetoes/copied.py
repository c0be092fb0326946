"""Does it quote what customers must not read: internal evidence, or our own instructions?"""

from __future__ import annotations

from collections.abc import Iterator

from ccos.domain.evidence import Visibility
from ccos.domain.verdict import Veto
from ccos.quality.folding import plain
from ccos.quality.reading import SOURCE_CHARACTERS, Reading
from ccos.quality.vetoes.family import Family

INTERNAL_CHARACTERS = 20
INSTRUCTION_CHARACTERS = 40


def copied_span(text: str, source: str, least: int) -> tuple[int, int] | None:
    """Where `text` first repeats at least `least` characters of `source`, whatever the blanks and the case.

    Every such stretch holds a whole block of `source` that starts at a multiple of half its length, so
    only those blocks are looked for.
    """
    flat, places = _flat(text)
    flat_source, _ = _flat(source)
    step = least // 2
    size = least - step + 1
    first: tuple[int, int] | None = None
    for at in range(0, len(flat_source) - size + 1, step):
        block = flat_source[at : at + size]
        found = flat.find(block)
        while found >= 0:
            start, end = _grown(flat, flat_source, found, at, size)
            if end - start >= least and (first is None or start < first[0]):
                first = start, end
            found = flat.find(block, found + 1) if first is None else -1
    return None if first is None else (places[first[0]], places[first[1] - 1] + 1)


def _grown(text: str, source: str, start: int, at: int, size: int) -> tuple[int, int]:
    left = 0
    while start > left and at > left and text[start - left - 1] == source[at - left - 1]:
        left += 1
    end = start + size
    right = at + size
    while end < len(text) and right < len(source) and text[end] == source[right]:
        end += 1
        right += 1
    return start - left, end


def _flat(text: str) -> tuple[str, list[int]]:
    """Lower case without blanks, and where each character stood."""
    kept = [(character, place) for place, character in enumerate(text) if not character.isspace()]
    lowered = "".join(c.lower() if len(c.lower()) == 1 else c for c, _ in kept)
    return lowered, [place for _, place in kept]


def _look(reading: Reading) -> Iterator[Veto]:
    internal = [e.snippet for e in reading.grounds.evidence if e.visibility is Visibility.INTERNAL]
    sources = [(snippet, INTERNAL_CHARACTERS, "internal") for snippet in internal]
    sources.append((reading.prompt.system, INSTRUCTION_CHARACTERS, "leak"))
    for source, least, kind in sources:
        span = copied_span(reading.folded.text, plain(source[:SOURCE_CHARACTERS]), least)
        if span is None or copied_span(reading.folded.text[slice(*span)], reading.showable_text, least):
            continue
        what = "an internal passage" if kind == "internal" else "our own instructions"
        yield Veto(kind, f"The answer quotes {what}.", "repair", reading.folded.original(*span))


COPIED = Family("quotes", ("internal", "leak"), "It quotes nothing that is for agents only.", _look)
