"""Words of Korean and English text as features compare them, without a dictionary.

Korean words carry their particles and endings with them, so that 환불은, 환불을 and 환불이 are one word here:
endings come off by a closed list. What is left is compared whole, by pairs of syllables, and by the letters
(jamo) it begins with, since stems change their last letter: 가다, 갔다 and 간다 share ㄱㅏ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ccos.quality.features.concepts import concept

_RUN = re.compile(r"[가-힣]+|[a-z][a-z']*|\d+(?:[.,:/-]\d+)*")
MOST_LETTERS = 24
"""A longer run of letters is cut: no word is that long."""


MOST_WORDS = 20_000


class Word(NamedTuple):
    """One word: as it is written, without its ending, what it is made of, and its stem `spelt` in letters.

    `weight` is how much it says: function words say little, long words more than short ones.
    """

    written: str
    stem: str
    pieces: tuple[str, ...]
    weight: float
    spelt: str
    concept: str | None = None


of_passages: dict[str, Word] = {}
"""Words of the knowledge base, `MOST_WORDS` at most; those of tickets and answers are kept nowhere."""


def words(text: str, known: dict[str, Word] | None = None) -> list[Word]:
    """The words of folded text in order; `text` must be in lower case.

    Words are taken from `known` where they are there, by how they are written, and put there where not.
    """
    lexicon = {} if known is None else known
    found = []
    for written in _RUN.findall(text):
        word = lexicon.get(written)
        if word is None:
            word = lexicon[written] = of_passages.get(written) or _word(written[:MOST_LETTERS])
        found.append(word)
    return found


def _word(written: str) -> Word:
    if written[0] >= "가":
        return _korean(written)
    if "a" <= written[0] <= "z":
        return _english(written)
    number = written.replace(",", "")
    return Word(written, number, (number,), 1.5, number)


def _korean(written: str) -> Word:
    stem = stem_of(written)
    size = len(stem)
    if stem in _KOREAN_FUNCTION or written in _KOREAN_FUNCTION:
        return Word(written, stem, (stem,), 0.15, letters(stem))
    pieces = tuple([stem[at : at + 2] for at in range(size - 1)]) if size > 1 else (stem,)
    return Word(written, stem, pieces, (0.5, 1.0, 1.3)[min(size, 3) - 1], letters(stem), concept(written))


def _english(written: str) -> Word:
    if written in _ENGLISH_FUNCTION or len(written) < 2:
        return Word(written, written, (written,), 0.1, written)
    stem = _english_stem(written)
    return Word(written, stem, (stem,), 1.0 if len(stem) < 6 else 1.3, stem)


def stem_of(word: str) -> str:
    """A Korean word without particles and verb endings; at least one syllable stays, two before a particle
    of one syllable."""
    for _ in range(3):
        size = len(word)
        for length in _LENGTHS.get(word[-1], ()):
            if (
                length < size
                and word[-length:] in _ENDINGS
                and (length > 1 or size > 2 or word[-1] in _ALWAYS)
            ):
                word = word[:-length]
                break
        else:
            return word
    return word


def _english_stem(word: str) -> str:
    word = word.removesuffix("'s").replace("'", "")
    for ending, put in (("ies", "y"), ("ing", ""), ("ed", ""), ("ly", ""), ("es", ""), ("s", ""), ("e", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)] + put
    return word


def letters(stem: str) -> str:
    """A Korean word in letters (jamo); anything else stays as it is."""
    return stem.translate(_JAMO)


def shared_start(one: str, other: str) -> int:
    """How many letters two words begin with in common."""
    most = min(len(one), len(other))
    for at in range(most):
        if one[at] != other[at]:
            return at
    return most


def chains(stems: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    """Every `size` words in a row."""
    listed = list(stems)
    return zip(*(listed[at:] for at in range(size)), strict=False)


_LETTERS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_JAMO = {
    0xAC00 + place: _LETTERS[place // 588] + _LETTERS[19 + place % 588 // 28] + _FINALS[place % 28]
    for place in range(11_172)
}
_PARTICLES = """
    은 는 이 가 을 를 에 의 도 만 로 와 과 나 랑 께 야 에서 에게 한테 으로 까지 부터 보다 처럼 이나
    이라 라고 이라고 하고 마다 조차 밖에 께서 에서는 에서도 에게는 으로는 으로도 에는 에도 이며 이고
    인데 들 들이 들은 들을 들의 들에게
"""
_VERBAL = """
    다 요 고 며 면 서 지 게 은 는 을 던 니 죠 네 기 함 음 됨 한다 하다 했다 하는 하고 하며 하면 하여
    해서 해 한 할 하게 하지 하기 합니다 했습니다 하였습니다 하세요 하십시오 해요 했어요 하신 하실
    하시면 하시는 하시고 되다 된다 됐다 되는 되고 되며 되면 되어 돼서 된 될 됩니다 됐습니다 되었습니다
    되었다 돼요 되지 되기 습니다 습니까 ㅂ니다 입니다 입니까 이다 이었다 였다 이에요 예요 이었습니다
    였습니다 있다 있는 있고 있습니다 있어요 있었다 있으며 았다 었다 았습니다 었습니다 았어요 었어요
    어요 아요 어서 아서 으면 으며 으니 으세요 세요 십시오 시면 시는 실 신 으신 으실 으시면 셨습니다
    시고 시기 주세요 주시면 주시기 드립니다 드렸습니다 드리겠습니다 겠습니다 겠다 겠어요 려면 으려면
    려고 으려고 지만 는데 은데 ㄴ데 면서 으면서 도록 거나 더니 므로 으므로 었던 았던 했던 였던 스럽다
    적인 적으로 시켰다 시킨다 시키는 시켜 당했다 당한 받았다
"""
_ENDINGS = frozenset(f"{_PARTICLES} {_VERBAL}".split())
_LENGTHS = {
    last: sorted({len(ending) for ending in _ENDINGS if ending[-1] == last}, reverse=True)
    for last in {ending[-1] for ending in _ENDINGS}
}
"""How long the endings with a last syllable are, the longest first: most words end otherwise."""
_ALWAYS = frozenset("은는을를의에")
_KOREAN_WORDS = """
    것 수 때 등 및 그 이 저 그리고 그러나 하지만 또는 또 더 위해 위하 대해 대하 대한 관해 통해 통하
    따라 따르 있 하 되 그것 이것 저것 그녀 그들 우리 저희 나 내 제 너 당신 고객 고객님 님 분 거 게 건
    점 중 후 전 경우 같 좀 잘 매우 정말 바로 해당 아래 위 주 드리 계시 계 안녕하 감사 감사하 여기 거기
    저기 이런 그런 어떤 무엇 뭐 있습니다 있는 있다 있었다 합니다 했다 하는 한 한다 됩니다 입니다 주세요
    주시 부탁 다시 먼저 모두 다
"""
_ENGLISH_WORDS = """
    a an the and or but if of to in on at by for with from as is are was were be been being am do does
    did have has had having will would can could should may might must shall it its it's this that
    these those there here he she they them his her their we us our you your i me my mine so than then
    too very just also not no nor up down out over into about after before when while where which who
    whom what why how all any some more most such only own same other both each few i'm you're they're
    we're he's she's that's there's don't doesn't didn't isn't aren't wasn't can't won't i've you've
    we've i'd you'd i'll yes oh well really one because through during again once
"""
_KOREAN_FUNCTION = frozenset(_KOREAN_WORDS.split())
_ENGLISH_FUNCTION = frozenset(_ENGLISH_WORDS.split())
