"""Names of people, by how they are made and by what stands around them.

A word that begins with a surname is scored: odds of its syllables (`name_shape`), of what stands before and
behind it (`name_context`), and of names beside it, added up. Names of other peoples have `foreign_names`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ccos.quality.pii import foreign_names, given_names, name_context, name_place, name_spellings
from ccos.quality.pii.name_shape import LONG_SURNAMES, SURNAMES, shape, surname_of

THRESHOLD = 1.75
"""Log-odds from which a word counts as a name: set on the development sets."""
BESIDE_DATA, BESIDE_NAME, FIELD = 3.0, 2.5, 1.5
_HOPELESS = -2.5

_START = re.compile(
    r"(?:(?<![가-힣])|(?<=예금주)|(?<=수취인)|(?<=수령인)|(?<=이름은)|(?<=이름)|(?<=성함)|(?<=상담사)|(?<=고객명))"
    rf"(?=(?:[{''.join(SURNAMES)}]|{'|'.join(LONG_SURNAMES)})[가-힣])[가-힣]{{2,12}}"
)
_BETWEEN_NAMES = re.compile(r"(?:\s?[,·/&、+→]\s?|\s|\s?(?:및|그리고|또는|아니고|말고|->)\s)\Z")
_REACH = 5


@dataclass(slots=True)
class _Scored:
    start: int
    end: int
    behind: int
    odds: float


def by_context(text: str, places: Sequence[tuple[int, int]] = ()) -> Iterator[tuple[int, int]]:
    """Spans of names in folded text; linear in its length.

    `places` are other personal data: who stands right beside a telephone number is likely a person.
    """
    yield from foreign_names.spans(text)  # longer than what else begins there: 소피아 로시
    leads = name_context.leads(text)
    yield from name_spellings.spans(text, leads)
    about = name_place.topics(text)
    words = [best for match in _START.finditer(text) if (best := _best(text, match, leads, about))]
    _beside(text, words, places)
    _in_lists(text, words)
    for word in words:
        if word.odds >= THRESHOLD:
            yield word.start, word.end
    yield from given_names.spans(text)


def _best(text: str, match: re.Match[str], leads: Mapping[int, float], about: list[int]) -> _Scored | None:
    """The likeliest way to read a name at the beginning of a word, if any is worth a thought."""
    start, whole = match.start(), match.group()
    long = len(surname_of(whole)) == 2
    best: _Scored | None = None
    best_tail = None
    for length in (4, 3) if long else (3, 2):
        name = whole[:length]
        if len(name) < length or not (tail := name_context.TAIL.match(text, start + length)):
            continue
        made = shape(name)
        if made < _HOPELESS - 2:
            continue
        odds = made + name_context.within(name, tail)
        if best is None or odds > best.odds:
            best, best_tail = _Scored(start, start + length, tail.end(), odds), tail
    if best is None or best_tail is None or best.odds < _HOPELESS:
        return None
    best.odds += leads.get(start, 0.0) + name_context.unlike(text, start)
    best.odds += name_context.after(text, best_tail)
    if name_context.is_field(text, start, best.behind):
        best.odds += FIELD
    if best.end - start >= 3 or best.odds >= 0:
        best.odds += name_place.odds(text, start, best.end, best.behind, about)
    return best


def _beside(text: str, words: Sequence[_Scored], places: Sequence[tuple[int, int]]) -> None:
    ends = {at for _, end in places for at in range(end, end + _REACH)}
    starts = {at for start, _ in places for at in range(start - _REACH, start + 1)}
    for word in words:
        behind = next((at for at in range(word.start, word.start - _REACH, -1) if at in ends), None)
        ahead = next((at for at in range(word.behind, word.behind + _REACH) if at in starts), None)
        if (ahead is not None and not _letters(text[word.behind : word.behind + _REACH])) or (
            behind is not None and not _letters(text[max(0, word.start - _REACH) : word.start])
        ):
            word.odds += BESIDE_DATA


def _letters(between: str) -> bool:
    return bool(re.search("[가-힣A-Za-z]", between))


def _in_lists(text: str, words: Sequence[_Scored]) -> None:
    """A name beside a name is likelier: forward and backward once, so that a list of them stands together."""
    for order in (words, words[::-1]):
        for one, other in pairwise(order):
            if not one.odds >= THRESHOLD > other.odds > 0:
                continue
            left, right = sorted((one, other), key=lambda word: word.start)
            gap = text[left.behind : right.start]
            if len(gap) <= _REACH and _BETWEEN_NAMES.fullmatch(gap):
                other.odds += BESIDE_NAME
