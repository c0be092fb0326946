"""What a person's decision says of a draft: good as it was, good with a light edit, or not."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

LIGHT = 0.6
"""An edited draft is good when it is worth so much: at most a fifth of its characters changed."""
WORTH_NOTHING_FROM = 0.5
MOST_CHARACTERS = 8_000
"""More of a text is not compared: bounds the time to a few milliseconds."""

_GREETING = re.compile(
    r"안녕하|고객님\W*$|반갑습니다|(?:문의|연락).{0,10}(?:주셔서|주신).{0,8}감사"
    r"|(?:hello|hi|dear|good (?:morning|afternoon|evening))\b"
    r"|thank(?:s| you) for (?:writ|contact|reach|your)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"^\W*감사합니다|감사드립니다|(?:좋은|즐거운|행복한) 하루|(?:추가|다른|더).{0,12}(?:문의|궁금)"
    r"|언제든.{0,12}(?:문의|연락)|드림\W*$|(?:best|kind|warm) regards|^\W*regards|sincerely"
    r"|thank you[.! ]*$|(?:further|other|more) questions",
    re.IGNORECASE,
)
_FORMULA_CHARACTERS = 60
"""A longer sentence says something beside the greeting in it."""
_SENTENCES = re.compile(r"[^.!?\n]+(?:[.!?]+|\n|$)")
_MARK = re.compile(r"\s?\[\d{1,2}\]")


class Rated(StrEnum):
    APPROVED = "approved"
    LIGHTLY_EDITED = "lightly_edited"
    REWRITTEN = "rewritten"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Rating:
    """`worth` is in [0, 1]: 1 for an approved draft, 1 - min(1, d / .5) for an edited one, 0 for a rejected.

    d is `changed`: the edit distance in characters over the longer text's length, without greeting and
    closing; None of a rejected draft.
    """

    rated: Rated
    worth: float
    changed: float | None = None

    @property
    def good(self) -> bool:
        return self.rated in (Rated.APPROVED, Rated.LIGHTLY_EDITED)


def rate(verdict: str, reply: str, sent: str | None) -> Rating:
    """Of a decision `verdict` ("approved", "edited", "rejected") about `reply`, where `sent` went out.

    An edit of the fields alone left the reply as it was.
    """
    if verdict == "rejected":
        return Rating(Rated.REJECTED, 0.0)
    if verdict == "approved" or sent is None:
        return Rating(Rated.APPROVED, 1.0, 0.0)
    changed = changed_share(reply, sent)
    worth = 1.0 - min(1.0, changed / WORTH_NOTHING_FROM)
    return Rating(Rated.LIGHTLY_EDITED if worth >= LIGHT - 1e-9 else Rated.REWRITTEN, worth, changed)


def changed_share(reply: str, sent: str) -> float:
    """Characters that must be put in, left out or changed, as a share of the longer text."""
    before, after = core(reply)[:MOST_CHARACTERS], core(sent)[:MOST_CHARACTERS]
    longer = max(len(before), len(after))
    return edit_distance(before, after) / longer if longer else 0.0


def core(text: str) -> str:
    """What a reply says: without greeting, closing, citation marks and the way its blanks are set."""
    plain = _MARK.sub("", unicodedata.normalize("NFC", text))
    sentences = [match.group() for match in _SENTENCES.finditer(plain) if match.group().strip()]
    kept = sentences[:]
    while kept and _is_formula(_GREETING, kept[0]):
        kept.pop(0)
    while kept and _is_formula(_CLOSING, kept[-1]):
        kept.pop()
    return " ".join("".join(kept or sentences).split())


def _is_formula(formula: re.Pattern[str], sentence: str) -> bool:
    return len(sentence.strip()) <= _FORMULA_CHARACTERS and formula.search(sentence) is not None


def edit_distance(one: str, other: str) -> int:
    """Levenshtein's, by the bit vectors of Myers (1999) as Hyyrö (2003) writes them: a step a character."""
    pattern, text = (one, other) if len(one) <= len(other) else (other, one)
    if not pattern:
        return len(text)
    places: dict[str, int] = {}
    for at, character in enumerate(pattern):
        places[character] = places.get(character, 0) | 1 << at
    last, every = 1 << (len(pattern) - 1), (1 << len(pattern)) - 1
    more, less, distance = every, 0, len(pattern)
    for character in text:
        equal = places.get(character, 0)
        across = (((equal & more) + more) ^ more) | equal
        up, down = less | ~(across | more) & every, more & across
        distance += bool(up & last) - bool(down & last)
        up, down = (up << 1 | 1) & every, down << 1 & every
        equal |= less
        more, less = down | ~(equal | up) & every, up & equal
    return distance
