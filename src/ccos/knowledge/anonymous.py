"""Solved cases without the people in them: what is stored can be found for any other customer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote

from ccos.domain.errors import BadKnowledge
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import BETWEEN, Item
from ccos.quality.pii import LABELS, find, together_without_people

_TELLING = frozenset({"name", "email", "phone"})
"""What makes an id somebody's; a long number that happens to look like another kind is a number."""

_WORD = re.compile("|".join(re.escape(f"[{label}]") for label in LABELS.values()))
_NO_WORD = re.compile(r"[^\w@.]+|_")
_SHORTEST = 3
"""Letters of what is looked for in the other parts; a given name of two is too often a word."""

_ENCODED = 3
"""How many times an address may be percent-encoded."""


def anonymous(item: Item) -> Item:
    """A case with a word like [이름] in place of personal data; a procedure as it is: its data is our own.

    What one part shows to be somebody's is found in all: in the title, the tags, the link. A link or a tag
    that holds personal data is left out. Raises BadKnowledge for a case that could not be searched, or whose
    id is personal data: it is not stored.
    """
    if item.kind is not EvidenceKind.CASE:
        return item
    try:
        return _freed(item)
    except BadKnowledge:
        raise
    except Exception as fault:
        raise BadKnowledge("The case could not be searched for personal data and is not stored.") from fault


def _freed(item: Item) -> Item:
    ways, own = _spellings(item.url or ""), _spellings(item.external_id)
    parts = [item.title, item.body, item.category or "", *item.tags, *ways]
    freed = together_without_people(parts)
    known = _values(parts, freed)
    title, body, category, *rest = (_without(known, part) for part in freed)
    tags, links = rest[: len(item.tags)], rest[len(item.tags) :]
    held = _forms(known)
    if any(span.kind in _TELLING for way in own for span in find(way)) or _holds(own, held):
        raise BadKnowledge("The id of the case is personal data; give it another one.")
    return replace(
        item,
        title=title,
        body=body,
        category=_levels_before_people(category),
        tags=tuple(dict.fromkeys(tag for tag in tags if not _WORD.search(tag) and not _holds([tag], held))),
        url=item.url if links == ways and not _holds(ways, held) else None,
    )


def _levels_before_people(category: str) -> str | None:
    levels = category.split(BETWEEN)
    known = next((n for n, level in enumerate(levels) if _WORD.search(level)), len(levels))
    return BETWEEN.join(levels[:known]) or None


def _spellings(address: str) -> list[str]:
    """An address or an id as it is, decoded, and as words: kim-bora is Kim Bora."""
    found = [address]
    for _ in range(_ENCODED):
        found.append(unquote(found[-1]))
    return list(dict.fromkeys([*found, _NO_WORD.sub(" ", found[-1])]))


def _values(parts: Sequence[str], freed: Sequence[str]) -> dict[str, str]:
    """What was taken out of the parts, the longest first, with the word in its place.

    A number is often known for somebody's by the words around it alone, and those are in one part only.
    """
    found = {
        part[span.start : span.end]: f"[{LABELS[span.kind]}]"
        for part, rest in zip(parts, freed, strict=True)
        if part != rest
        for span in find(part)
        if len(_squeezed(part[span.start : span.end])) >= _SHORTEST
    }
    return dict(sorted(found.items(), key=lambda each: -len(each[0])))


def _without(values: Mapping[str, str], part: str) -> str:
    for value, word in values.items():
        part = part.replace(value, word)
    return part


def _forms(values: Iterable[str]) -> frozenset[str]:
    """The values, also last name first, without what is between their letters and in lower case."""
    every = {form for value in values for form in (value, " ".join(reversed(value.split())))}
    return frozenset(_squeezed(form) for form in every)


def _holds(texts: Sequence[str], forms: frozenset[str]) -> bool:
    """Whether one of the forms is written in the texts, whatever is between its letters."""
    squeezed = [_squeezed(text) for text in texts]
    return any(form in text for form in forms for text in squeezed)


def _squeezed(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
