"""What a person changed in a reply, piece by piece. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

MOST_PIECES = 3_000
"""Of both texts: more is compared as a whole, for the time grows with its square."""

_PIECE = re.compile(r"\d+|[a-zA-Z]+|[가-힣]+|\s+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Change:
    """A stretch of text that stayed, was taken out, or was put in."""

    kind: Literal["same", "out", "in"]
    text: str


def changes(before: str, after: str) -> Iterator[Change]:
    """From `before` to `after`; what stayed and what was put in is `after`, in order."""
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    if len(old) + len(new) > MOST_PIECES:
        yield from _whole(before, after)
        return
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield Change("same", "".join(new[c:d]))
            continue
        if b > a:
            yield Change("out", "".join(old[a:b]))
        if d > c:
            yield Change("in", "".join(new[c:d]))


def _whole(before: str, after: str) -> Iterator[Change]:
    if before == after:
        yield Change("same", after)
        return
    yield Change("out", before)
    yield Change("in", after)
