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
    """Where `text` first repeats `least` characters of `source` or more, whatever the blanks and the case."""
    flat, places = _flat(text)
    flat_source, _ = _flat(source)
    stretches = {flat_source[at : at + least] for at in range(len(flat_source) - least + 1)}
    starts = range(len(flat) - least + 1)
    first = next((at for at in starts if flat[at : at + least] in stretches), None)
    if first is None:
        return None
    last = next(
        (at for at in range(first, len(starts)) if flat[at : at + least] not in stretches), len(starts)
    )
    return places[first], places[last + least - 2] + 1


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
