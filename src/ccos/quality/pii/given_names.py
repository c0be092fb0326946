"""Given names without their surname: 민수야, 지영 씨, 우리 서준이."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ccos.quality.pii.name_context import KIN
from ccos.quality.pii.name_shape import FIRST, LAST, has_batchim, nouns

_COMMON = 1.0
_FIRST = "".join(syllable for syllable, odds in FIRST.items() if odds >= _COMMON)
_LAST = "".join(syllable for syllable, odds in LAST.items() if odds >= _COMMON)
_RANKS = "대리|과장|팀장|부장|실장|매니저|선생|쌤|사원|주임|강사|코치|언니|누나|오빠|이모|삼촌"
_END = r"(?=[은는이가을를의도랑께와과만]?(?:[\s,.!?~)]|$)|한테|에게|께|입니|이에|예요|인데|이랑|하고)"
_NAMED = re.compile(
    rf"(?<![가-힣])(?P<name>[{_FIRST}][{_LAST}])(?:"
    rf"(?P<title>\s?[씨님]{_END}|\s(?:[군양]){_END})"
    rf"|(?P<rank>\s?(?:{_RANKS})님?{_END})"
    r"|(?P<child>이?)(?:한테|에게|네(?=\s)|\s?(?:엄마|아빠|어머님|아버님|할머니|할아버지|보호자|학부모))"
    r"|(?P<nick>이[가는를](?![가-힣]))"
    rf"|(?P<called>[야아])(?=[\s,!~.])|(?P<own>이?(?=[\s,.]|[가는를은을도랑한]))|)",
    re.MULTILINE,
)
_CALLED_AFTER = re.compile(r"(?:\A|[\n.!?,~ㅋㅎㅠ])\s?\Z")
_OWN_AFTER = re.compile(rf"(?:우리|울|저희|(?<![가-힣])제|(?<![가-힣])내)\s(?:{KIN}\s?)?\Z|{KIN}\s\(?\Z")
_REACH = 14
_LIKELY, _LIKELIER = 2.0, 2.5


def spans(text: str) -> Iterator[tuple[int, int]]:
    """Spans of given names that a title, a call or a family shows; linear in the text's length."""
    for match in _NAMED.finditer(text):
        name = match["name"]
        odds = FIRST[name[0]] + LAST[name[1]]
        if odds < _LIKELY or (name in nouns() and not match["called"]):
            continue
        if match["title"] or (odds >= _LIKELIER and _shown(text, match, name)):
            yield match.span("name")


def _shown(text: str, match: re.Match[str], name: str) -> bool:
    closed = has_batchim(name[-1])
    before = text[max(0, match.start() - _REACH) : match.start()]
    if match["rank"]:
        return True
    if match["nick"]:
        return closed  # 예준이가: behind a noun the particle would stand alone
    if match["child"] is not None:
        return closed or not match["child"]  # 하은이한테, 지우한테, but no 지우이한테
    if match["called"]:
        return closed == (match["called"] == "아") and bool(_CALLED_AFTER.search(before))
    if match["own"] is None or not _OWN_AFTER.search(before):
        return False
    return closed == bool(match["own"])
