"""Clauses of a sentence: where one thing is said, of which a number, a condition or a denial is part."""

from __future__ import annotations

import re
from collections.abc import Iterator

_ENDINGS = (
    "하고|되고|이고|하며|되며|이며|으며|시고|않고|없고|있고|지고|리고|려고|하면|되면|시면|으면|라면|이면|다면|지만|는데|은데|으니"
    "|하니|시니|므로|어서|아서|해서|셔서|워서|거나|든지|하여|도록|경우|때는",
    "뒤에는|때에는",
    "경우에는",
)
"""By their length, since one looks back from the blank: that is a short look at few places."""

_BREAK = re.compile(
    r"[,;)\s](?:(?<=[,;)])\s|(?<=\s)(?:[-–]\s|(?=(?:but|and|if|unless|because|while|although|however|so)\s)"
    + "".join(rf"|(?<=[가-힣](?:{endings})\s)" for endings in _ENDINGS)
    + "))"
)
LEAST = 8
"""Characters below which a piece is no clause of its own."""


def clauses(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans of the clauses of the sentence at `start`..`end`; short pieces go with the one before."""
    at = start
    for found in _BREAK.finditer(text, start, end):
        cut = found.end()
        if cut - at >= LEAST and end - cut >= LEAST:
            yield at, cut
            at = cut
    yield at, end
