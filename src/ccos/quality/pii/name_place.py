"""Where in its message a word stands and what the message is about: log-odds for a name, in round figures."""

from __future__ import annotations

import re
from bisect import bisect_left

_TOPIC = re.compile(r"이름|[성존]함|성명|[명본실개]명|명의|예금주|[수입]령인|입금자|성씨|한자|철자|동명이인")
_TOPIC_ODDS, _NEAR = 0.7, 40

_OPENING_ODDS = 1.5
_OPENING = re.compile(
    r"(?:\s|[\[(][^\])\n]{1,10}[\])]|(?:안녕하세[요용]|안녕하십니까|수고하[세십][가-힣]{1,3}|여보세요|네|예|넵|고객|문의자?)(?![가-힣])|[.,:!~^-])*\Z"
)
_SAYS = re.compile(r"입니다|이에요|예요|인데|이라고\s|라고\s|이구요|이고요|이요(?![가-힣])")

_CLOSING_ODDS = 1.5
_SENTENCE_END = re.compile(r"(?:[.!?~…^)]|[다요죠음함람림임용]|ㅠ|ㅎ|ㅋ)[\s,-]{1,6}\Z")
_TEXT_END = re.compile(r"[\s.!~^)]{0,4}\Z")
_REACH = 48

_QUOTED_ODDS = 1.0
_QUOTE, _UNQUOTE = frozenset("\"'“‘「『`"), frozenset("\"'”’」』`")

_WRITTEN_ODDS = 1.2
_WRITTEN = re.compile(
    r"\s(?:개명|바[꾸꿔뀌]|바뀐|정정|수정|고[쳐치]|표기|기재|저장|가입|예약|계약|이체|입금|송금|승계|적[어혀힌]|[찍뜨떠]|되어\s?있"
    r"|돼\s?있|나[오와]|조회|검색|불러|부르|보내|발송|배송|신청)"
)
_AS = re.compile(r"으?로\Z")


def topics(text: str) -> list[int]:
    """Where the text speaks of names."""
    return [match.start() for match in _TOPIC.finditer(text)]


def odds(text: str, start: int, end: int, behind: int, about: list[int]) -> float:
    """What its place says of the word from `start` to `end`, whose particles go on to `behind`."""
    return (
        (_topic(start, about) if about else 0.0)
        + max(
            _opening(text, start, end) if start <= _REACH else 0.0,
            _closing(text, start, end) if behind == end else 0.0,
        )
        + (_WRITTEN_ODDS if _AS.search(text, end, behind) and _WRITTEN.match(text, behind) else 0.0)
        + (_QUOTED_ODDS if text[start - 1 : start] in _QUOTE and text[end : end + 1] in _UNQUOTE else 0.0)
    )


def _topic(start: int, about: list[int]) -> float:
    at = bisect_left(about, start - _NEAR)
    return _TOPIC_ODDS if at < len(about) and about[at] < start + _NEAR else 0.0


def _opening(text: str, start: int, end: int) -> float:
    """The writer says at the beginning who it is."""
    first = _OPENING.match(text[:start]) and _SAYS.match(text, end)
    return _OPENING_ODDS if first else 0.0


def _closing(text: str, start: int, end: int) -> float:
    """A signature: the last word, alone behind a whole sentence."""
    if not _TEXT_END.match(text, end):
        return 0.0
    return _CLOSING_ODDS if _SENTENCE_END.search(text[max(0, start - 8) : start]) else 0.0
