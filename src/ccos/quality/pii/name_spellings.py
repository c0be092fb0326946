"""Korean names that are not written in one piece: hidden in part (홍*동, 김OO) or with blanks (홍 길 동)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ccos.quality.pii import name_context
from ccos.quality.pii.name_shape import LONG_SURNAMES, SURNAMES, made, nouns

_LONG = "|".join(LONG_SURNAMES)
_SURNAME = rf"(?:{_LONG}|[{''.join(SURNAMES)}])"
_IEUNG = "\u3147\u110b"  # as typed, and as folding writes it
_MARK = r"[*○●◯〇⃝×]"
_HIDDEN = re.compile(
    rf"(?<![가-힣A-Za-z0-9*])(?P<name>{_SURNAME}(?:{_MARK}[가-힣]|{_MARK}{{2}}(?![가-힣]{{2}})|[가-힣]{_MARK}"
    rf"|[OoXx{_IEUNG}0][가-힣]|([OoXx{_IEUNG}])\2))(?![*A-Za-z0-9○])"
)
_SHORT = re.compile(rf"(?<![가-힣A-Za-z0-9*])(?P<name>{_SURNAME}{_MARK})(?=[님씨\s,./)]|$)")
_COUNTED = re.compile(r"0[원개명건회점일번분시대장인만천백]")

_SPACED = re.compile(
    rf"(?<![가-힣])(?P<name>(?P<surname>{_SURNAME})(?:\s(?P<one>[가-힣])\s(?P<two>[가-힣])(?=[\s,.)/:은는이가을를의도과와님씨입]|$)|\s(?P<given>[가-힣]{{2}}))"
    rf"|(?P<long>{_LONG})\s(?P<last>[가-힣]))"
)
_PARTICLE_LIKE = frozenset("이전한안정제나차방도조주고원반마우여선문길양성노하지은현어음가단두시라")
_COUNTING = frozenset("두세네한것수때번개건중더안못잘다좀왜또및각곳꼭막곧")
_EVIDENCE, _CLEAR, _FROM, _FROM_WORDLIKE = 2.5, 4.0, 1.0, 2.5


def spans(text: str, leads: Mapping[int, float]) -> Iterator[tuple[int, int]]:
    """Spans of such names; a spaced one needs a label, a title or the like. Linear in the text's length."""
    for match in _HIDDEN.finditer(text):
        if name_context.TAIL.match(text, match.end()) and not _COUNTED.search(match["name"]):
            yield match.span("name")
    for match in _SHORT.finditer(text):
        tail = name_context.TAIL.match(text, match.end())
        if leads.get(match.start(), 0.0) >= _CLEAR or (tail and tail.lastgroup == "title"):
            yield match.span("name")
    for match in _SPACED.finditer(text):
        if _is_name(text, match, leads):
            yield match.span("name")


def _is_name(text: str, match: re.Match[str], leads: Mapping[int, float]) -> bool:
    tail = name_context.TAIL.match(text, match.end())
    given = match["given"] or match["last"] or match["one"] + match["two"]
    surname = match["surname"] or match["long"]
    if tail is None or _COUNTING & set(given) or match["given"] in nouns():
        return False
    lead = leads.get(match.start(), 0.0)
    wordlike = lead < _CLEAR and surname in _PARTICLE_LIKE
    if made(surname + given) < (_FROM_WORDLIKE if wordlike else _FROM):
        return False
    shown = tail.lastgroup in ("title", "glued", "person") and tail.end() > match.end()
    odds = lead + name_context.after(text, tail) + (_EVIDENCE if shown else 0.0)
    return odds >= (_EVIDENCE + 0.5 if wordlike and match["given"] else _EVIDENCE)
