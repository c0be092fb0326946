"""Is it polite, and on one level? Korean replies speak 합쇼체 or 해요체, never both and never 반말."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from ccos.domain.verdict import Veto
from ccos.quality.folding import fold, sentences
from ccos.quality.reading import Reading
from ccos.quality.vetoes.family import Family

Level = Literal["formal", "polite", "casual"]


def _with_final(final: int) -> str:
    """A class of all syllables with this final consonant: 8 is ㄹ, 17 is ㅂ."""
    return "[" + "".join(chr(0xAC00 + 28 * n + final) for n in range(399)) + "]"


_L, _B = _with_final(8), _with_final(17)
_AFTER = " \t\n\r.!?~…^)\"'*ㅎㅋ"
_TAIL = r"[\s.!?~…^)\"'*ㅎㅋ]*\Z"
_LONGEST_ENDING = 10
"""Characters within which every ending fits."""

_FORMAL = re.compile(rf"(?:{_B}니다|{_B}니까|십시오|십시요){_TAIL}")
_SHARED = re.compile(rf"(?:세요|주세요|시죠){_TAIL}")  # usual in formal replies as well
_POLITE = re.compile(rf"[가-힣](?<![소필중주개수])(?:요|죠){_TAIL}")
_SPOKEN = (
    rf"(?:[해어아야지냐니라래려져켜줘봐돼]|거든|{_L}게|{_L}까|[겠했었았있없하]네|구나|지\s?마"
    r"|[쉬마러려거까추]워)"
)
_CASUAL = re.compile(rf"(?:[가-힣]다|됨|{_SPOKEN}){_TAIL}")
_HANGUL = re.compile("[가-힣]")
_EITHER = re.compile(
    rf"(?:까요|시겠어요|나요|가요|네요|군요|거든요|[은는인한운던텐]데요|감사해요|고마워요"
    rf"|[은는인신른픈쁜운던]지요|겠지요|{_L}지요|고요){_TAIL}"
)
"""Questions and softeners that formal replies use as well: they alone mix nothing."""
_PLAIN_SPEECH = re.compile(rf"{_SPOKEN}{_TAIL}")
_GREETING = re.compile(r"안녕하(?:세요|십니까)")
_COURTEOUS = re.compile(
    rf"{_B}니다|{_B}니까|십시오|세요|시죠|부탁드|감사|드림|올림"
    r"|[가-힣](?<![소필중주개수])(?:요|죠)(?=[\s.!?~…^)\"',]|\Z)"
)
_FORMULA = re.compile(r"\s*(?:안녕하십니까|(?:대단히\s|정말\s|늘\s)?감사(?:합니다|드립니다|해요)|고맙습니다)")
_LIST_ITEM = re.compile(r"\s*(?:[-*•·▪>]|\d{1,2}[.)]|[가-하][.)]|[①-⑳])\s?")

MISSING_SYLLABLES = 24
"""Hangul from which on a text without one courteous ending has left the courtesy out."""
FEW_SENTENCES = 4
"""Up to so many sentences one on the other level is heard; in a longer text it takes two."""


def level(sentence: str) -> Level | None:
    """The speech level of one sentence; None for fragments, list items and what both polite levels share."""
    if not _HANGUL.search(sentence):
        return None
    ending = _ending(sentence)
    if _FORMAL.search(ending):
        return "formal"
    if _SHARED.search(ending):
        return None
    if _POLITE.search(ending):
        return "polite"
    return "casual" if _CASUAL.search(ending) else None


def _ending(sentence: str) -> str:
    """The last syllables, without what may follow them: searching these alone is quick."""
    return sentence.rstrip(_AFTER)[-_LONGEST_ENDING:]


def levels(text: str) -> list[Level]:
    """The speech levels of a text, sentence by sentence."""
    return [each for each, _ in _spoken(fold(text).text)]


def _spoken(text: str) -> list[tuple[Level, tuple[int, int]]]:
    """The sentences of a folded text that are on a level."""
    found = ((level(text[start:end]), (start, end)) for start, end in sentences(text))
    return [(each, place) for each, place in found if each]


def mixed(text: str) -> tuple[int, int] | None:
    """The first sentence, in offsets of the folded `text`, on the level that is the rarer one, or 반말."""
    return _mixed(text, _spoken(text))


def _mixed(text: str, spoken: list[tuple[Level, tuple[int, int]]]) -> tuple[int, int] | None:
    told: list[tuple[Level, tuple[int, int]]] = []
    for one, place in spoken:
        sentence = text[slice(*place)]
        if one == "casual" or not (_FORMULA.match(sentence) or _EITHER.search(_ending(sentence))):
            told.append((one, place))
    formal, polite = ([place for one, place in told if one == kind] for kind in ("formal", "polite"))
    slips = [
        place
        for one, place in told
        if one == "casual" and _slips(text[slice(*place)], formal) and not _listed(text, place)
    ]
    if slips and (formal or polite):
        return slips[0]
    rarer = min(formal, polite, key=len)
    heard = len(rarer) >= 2 or (rarer and len(formal) + len(polite) <= FEW_SENTENCES)
    return rarer[0] if heard else None


def _slips(sentence: str, formal: list[tuple[int, int]]) -> bool:
    """반말, or 한다체 between formal sentences; in quotation marks it is what a screen says."""
    return bool(_PLAIN_SPEECH.search(_ending(sentence))) or (len(formal) >= 2 and sentence.endswith("다."))


def _listed(text: str, place: tuple[int, int]) -> bool:
    """Whether the sentence is an item of a list, its number before it or in it: such need no courtesy."""
    line = text.rfind("\n", 0, place[0]) + 1
    return bool(_LIST_ITEM.match(text, line, place[1]))


def _look(reading: Reading) -> Iterator[Veto]:
    if reading.grounds.language != "ko":
        return
    text = reading.folded.text
    found = _spoken(text)
    courteous = _COURTEOUS.search(_GREETING.sub("", text))  # a greeting alone is no courtesy
    if not courteous and (_is_casual(found) or _says_much(reading)):
        yield Veto("informal", "The answer speaks to the customer without courtesy (반말).", "repair")
    elif place := _mixed(text, found):
        sentence = "The answer changes its speech level (합쇼체, 해요체, 반말) from sentence to sentence."
        yield Veto("mixed_speech", sentence, "repair", reading.folded.original(*place))


def _is_casual(found: list[tuple[Level, tuple[int, int]]]) -> bool:
    return len(found) >= 2 and {each for each, _ in found} == {"casual"}


def _says_much(reading: Reading) -> bool:
    """Whether there are sentences outside lists, long enough to expect a courteous ending."""
    text = reading.folded.text
    said = [place for place in reading.sentences if not _listed(text, place)]
    syllables = sum(len(_HANGUL.findall(text[slice(*place)])) for place in said)
    return len(said) >= 2 and syllables >= MISSING_SYLLABLES


MANNERS = Family("manners", ("informal", "mixed_speech"), "It is polite, on one speech level.", _look)
