"""Is it polite? Korean replies speak 합쇼체 or 해요체; 반말 throughout is refused, a mixture only noted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from ccos.domain.verdict import Veto
from ccos.quality.folding import fold, sentences
from ccos.quality.reading import Reading
from ccos.quality.vetoes.family import Family

Level = Literal["formal", "polite", "casual"]

_TAIL = r"[\s.!?~…^)\"'*ㅎㅋ]*\Z"
_FORMAL = re.compile(rf"(?:니다|니까|십시오|십시요){_TAIL}")
_SHARED = re.compile(rf"(?:세요|주세요|시죠){_TAIL}")  # usual in formal replies as well
_POLITE = re.compile(rf"[가-힣](?:요|죠){_TAIL}")
_CASUAL = re.compile(rf"(?:[가-힣]다|[해어아야지냐니라래줘봐돼됨]|거든|할게|줄게|[을ㄹ]게){_TAIL}")
_HANGUL = re.compile("[가-힣]")


def level(sentence: str) -> Level | None:
    """The speech level of one sentence; None for fragments, list items and what both polite levels share."""
    if not _HANGUL.search(sentence):
        return None
    if _FORMAL.search(sentence):
        return "formal"
    if _SHARED.search(sentence):
        return None
    if _POLITE.search(sentence):
        return "polite"
    return "casual" if _CASUAL.search(sentence) else None


def levels(text: str) -> list[Level]:
    """The speech levels of a text, sentence by sentence."""
    folded = fold(text).text
    found = (level(folded[start:end]) for start, end in sentences(folded))
    return [each for each in found if each]


def _look(reading: Reading) -> Iterator[Veto]:
    if reading.grounds.language != "ko":
        return
    text = reading.folded.text
    courteous = any(_SHARED.search(text[start:end]) for start, end in reading.sentences)
    found = levels(reading.text)
    if len(found) >= 2 and set(found) == {"casual"} and not courteous:
        yield Veto("informal", "The answer speaks to the customer without courtesy (반말).", "repair")


MANNERS = Family("manners", ("informal",), "It is polite.", _look)
