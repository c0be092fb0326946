"""Finding Korean and general personal data in free text.

Word boundaries fail before particles (`010-1234-5678입니다`), so digits look at their neighbours instead.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from ccos.domain.errors import Unreadable
from ccos.domain.ticket import PiiClass
from ccos.quality.folding import fold
from ccos.quality.pii.checksums import luhn
from ccos.quality.pii.contacts import ADDRESSES, EMAILS, PHONES
from ccos.quality.pii.names import by_context
from ccos.quality.pii.numbers import PAPERS, PEOPLE, THINGS, is_person
from ccos.quality.pii.spans import (
    LOCAL_ONLY,
    NOT_DIGIT,
    Candidate,
    Kind,
    PiiSpan,
    Recogniser,
    recogniser,
)
from ccos.quality.pii.spelling import in_digits

SECONDS_PER_MILLION = 30.0
LONGEST_SECONDS = 2.0
"""A text may take the longer of the two. Many times what the slowest text was seen to take: whoever needs
more has met a text that nobody thought of, and is stopped."""
MOST_NAMES = 20
"""So many names found by context are looked for in the rest of the text: time stays linear."""

Found = tuple[Kind, str, int, int]

_SPACED = r"(?<!\d)(?<!\d[ .-])\d(?:[ .·-]{1,3}\d){9,15}(?!\d|[ .-]\d)"


def _spaced(test: Callable[[str], bool]) -> Callable[[Candidate], bool]:
    return lambda found: test(found.digits)


def _is_mobile(digits: str) -> bool:
    return re.fullmatch(r"01[016-9]\d{7,8}", digits) is not None


def _is_card(digits: str) -> bool:
    return len(digits) == 16 and digits[0] in "234569" and luhn(digits)


def _person(markers: str) -> Callable[[Candidate], bool]:
    return lambda found: len(found.digits) == 13 and found.digits[6] in markers and is_person(found)


_ONE_BY_ONE = (
    recogniser("resident", _SPACED, _person("012349")),
    recogniser("foreigner", _SPACED, _person("5678")),
    recogniser("card", _SPACED, _spaced(_is_card)),
    recogniser("phone", _SPACED, _spaced(_is_mobile)),
)
_RECOGNISERS: tuple[Recogniser, ...] = (
    *PEOPLE,
    *_ONE_BY_ONE[:2],
    *EMAILS,
    *PAPERS,
    *PHONES,
    *_ONE_BY_ONE[2:],
    *THINGS,
    *ADDRESSES,
)
"""In order of priority: a later recogniser takes nothing from an earlier one."""

_BLANKS = re.compile(r"\s")
_DENSE = re.compile(r"\d(?:\D{0,6}\d){6,}")
_MARGIN = 8
_BESIDE_NAMES = frozenset(
    {"phone", "account", "email", "address", "resident", "foreigner", "passport", "license", "birth"}
)


def find(text: str, *, names: Sequence[str] = ()) -> list[PiiSpan]:
    """All personal data in `text`, in order; time linear in its length.

    `names` are the customer's own, two characters or longer; others are found by what stands around them.
    Raises Unreadable when it takes longer than any text should.
    """
    folded = fold(text)
    taken = bytearray(len(folded.text))  # one mark a character: matches of one pattern never overlap
    found = []
    for kind, value, start, end in _matches(folded.text, names):
        if taken.find(1, start, end) < 0:
            taken[start:end] = b"\1" * (end - start)
            found.append(PiiSpan(kind, *folded.original(start, end), value))
    return sorted(found, key=lambda span: span.start)


def classify(text: str) -> PiiClass:
    """What may happen to the text: sent on, sent on masked, or kept on this machine. Raises Unreadable."""
    kinds = {span.kind for span in find(text)}
    if kinds & LOCAL_ONLY:
        return "local_only"
    return "maskable" if kinds else "none"


def _matches(text: str, names: Sequence[str]) -> Iterator[Found]:
    """Whatever looks like personal data in folded text, what counts more first; some of it overlaps."""
    until = time.monotonic() + max(LONGEST_SECONDS, SECONDS_PER_MILLION * len(text) / 1_000_000)
    digits = in_digits(text)
    lowered = digits.lower()
    regions = [(max(0, m.start() - _MARGIN), m.end() + _MARGIN) for m in _DENSE.finditer(digits)]
    places: list[tuple[int, int]] = []
    whole = ((0, len(digits)),)
    for one in _RECOGNISERS:
        if time.monotonic() > until:
            raise Unreadable
        if not one.may_find(lowered):
            continue
        for at in whole if one.hints or one.needs else regions:
            for match in one.pattern.finditer(digits, *at):
                candidate = Candidate(digits, match, one.group)
                if one.test is None or one.test(candidate):
                    start, end = match.span(one.group)
                    if one.kind in _BESIDE_NAMES:
                        places.append((start, end))
                    yield one.kind, _comparable(one.kind, candidate), start, end
    yield from _names(text, names, places)


def _names(text: str, names: Sequence[str], places: Sequence[tuple[int, int]]) -> Iterator[Found]:
    for given in names:
        if len(name := fold(given).text.strip()) >= 2:
            yield from _written(text, name, re.IGNORECASE)
    seen: dict[str, None] = {}
    for start, end in by_context(text, places):
        seen[text[start:end]] = None
        yield "name", text[start:end].casefold(), start, end
    for name in islice((name for name in seen if len(name) >= 3), MOST_NAMES):
        yield from _written(text, name)


def _written(text: str, name: str, flags: re.RegexFlag = re.NOFLAG) -> Iterator[Found]:
    """Wherever the name stands; one in Latin letters as a word of its own."""
    latin = name.isascii()
    pattern = rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])" if latin else re.escape(name)
    for match in re.finditer(pattern, text, flags):
        yield "name", name.casefold(), match.start(), match.end()


def _comparable(kind: Kind, found: Candidate) -> str:
    if kind in ("email", "address", "passport", "customs", "ci", "plate", "license"):
        return _BLANKS.sub("", found.shown).casefold()
    digits = NOT_DIGIT.sub("", found.shown)
    if kind == "phone":
        local = re.sub(r"\A(?:00\d?)?82", "", digits) if re.match(r"(?:00\d?)?82", digits) else ""
        return "0" + local.lstrip("0") if local else digits
    return digits
