"""Text as the recognisers read it: one spelling per character, with the way back to the original offsets.

People and models write the same number in full-width digits, with an en dash or with an invisible joiner
inside. Matching is done on the folded text; every span that leaves this package counts in the original.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_SAME_LENGTH = str.maketrans(
    {**dict.fromkeys("‐‑‒–—―−", "-"), **dict.fromkeys("〜∼", "~"), **dict.fromkeys("‘’", "'"), "⁄": "/"}
)
_ODD = re.compile(f"[{''.join(map(chr, _SAME_LENGTH))}]")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_CLUSTER = re.compile("(?s).[\u0300-\u036f\u1160-\u11ff]*")
"""A character with what composes onto it: combining marks, and the vowels and finals of split Hangul."""

_BOUNDARY = re.compile(r"[.!?。\n](?:(?<=\n)\s*|[ \t]+|(?<=[다요죠까오][.!?])(?=[가-힣]))")
"""It begins with the stop, which belongs to the sentence, since a pattern that begins with few characters is
looked for many times as fast."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Folded:
    """`text` in NFKC with one dash and no invisible characters; `starts` and `ends` are None when equal."""

    text: str
    starts: tuple[int, ...] | None = None
    ends: tuple[int, ...] | None = None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span in the text that was folded; `start` < `end`."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def fold(text: str) -> Folded:
    """Fold `text`; linear in its length."""
    if text.isascii():
        return Folded(text)
    if unicodedata.is_normalized("NFKC", text) and not _INVISIBLE.search(text):
        return Folded(text.translate(_SAME_LENGTH) if _ODD.search(text) else text)
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for cluster in _CLUSTER.finditer(text):
        piece = _INVISIBLE.sub("", unicodedata.normalize("NFKC", cluster.group())).translate(_SAME_LENGTH)
        pieces.append(piece)
        starts.extend([cluster.start()] * len(piece))
        ends.extend([cluster.end()] * len(piece))
    return Folded("".join(pieces), tuple(starts), tuple(ends))


def plain(text: str) -> str:
    """The folded text alone, for sources whose offsets nobody needs."""
    return fold(text).text


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Spans of sentences and lines, without the blanks between them."""
    start = 0
    for boundary in _BOUNDARY.finditer(text):
        stop, end = boundary.span()
        if words := text[start : stop + 1].strip():
            start = text.index(words, start)
            yield start, start + len(words)
        start = end
    if words := text[start:].strip():
        start = text.index(words, start)
        yield start, start + len(words)


def storable(value: object) -> object:
    """The same JSON value without NUL and lone surrogates, which can be neither stored nor sent."""
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, dict):
        return {_UNSTORABLE.sub("", key): storable(item) for key, item in value.items()}
    return value
