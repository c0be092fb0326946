"""How people really type: typos, lost blanks, dialect, half-words. Pure but for the dice it is given."""

from __future__ import annotations

import re
from random import Random

_VOWEL_SLIPS = {1: 5, 5: 1, 3: 7, 7: 3, 11: 10, 10: 15, 15: 11, 4: 8, 8: 4}
"""Vowels that are mixed up, by their number in a syllable: ㅐㅔ, ㅒㅖ, ㅚㅙㅞ, ㅓㅗ."""
_FINAL_SLIPS = {20: 19, 4: 6, 6: 4, 21: 4, 1: 0, 8: 0}
_FIRST, _LAST, _FINALS, _VOWELS = 0xAC00, 0xD7A3, 28, 21

_SPOKEN = (
    ("안 돼요", "안되요"),
    ("안 돼요", "안돼여"),
    ("안 되", "안돼"),
    ("어떻게", "어케"),
    ("어떻게", "어떡해"),
    ("비밀번호", "비번"),
    ("현금영수증", "현영"),
    ("고객센터", "고센"),
    ("언제", "은제"),
    ("해요", "하나요"),
    ("해요", "함"),
    ("하나요", "하나여"),
    ("나요", "나여"),
    ("나요", "남"),
    ("인가요", "인가용"),
    ("주세요", "주세여"),
    ("주세요", "줘요"),
    ("주세요", "주십시오"),
    ("싶어요", "싶은데요"),
    ("싶어요", "싶습니다"),
    ("해요", "합니까"),
    ("돼요", "됩니까"),
    ("되나요", "될까요"),
    ("되나요", "가능한가요"),
    ("있나요", "있을까요"),
    ("얼마예요", "얼만가요"),
    ("왔어요", "왔네요"),
    ("왔어요", "왔음"),
    ("했어요", "했는데요"),
    ("반품", "반송"),
    ("배송", "베송"),
    ("포인트", "적립금"),
    ("포인트", "마일리지"),
    ("상품", "물건"),
    ("상품", "제품"),
    ("깨져", "박살나"),
    ("취소", "캔슬"),
)
_DIALECT = (
    ("하나요", "합니꺼"),
    ("인가요", "인교"),
    ("해요", "해예"),
    ("어요", "어유"),
    ("어요", "심더"),
    ("나요", "남유"),
    ("는데", "는디"),
    ("왜", "와"),
    ("안 와요", "안 온당께요"),
    ("주세요", "주이소"),
)
_ENGLISH = (
    ("you", "u"),
    ("please", "pls"),
    ("want to", "wanna"),
    ("cannot", "cant"),
    ("does not", "doesnt"),
    ("received", "recieved"),
    ("address", "adress"),
    ("delivery", "delivry"),
    ("return", "retrun"),
    ("package", "parcel"),
    ("parcel", "package"),
    ("how do i", "how can i"),
    ("where is", "wheres"),
    ("my order", "the order"),
)


def spoiled(text: str, dice: Random, *, korean: bool) -> str:
    """The text as somebody in a hurry writes it; often it stays as it is."""
    text = _spoken(text, dice, korean=korean)
    if dice.random() < 0.35:
        text = _typed(text, dice, korean=korean)
    if korean and dice.random() < 0.3:
        text = _respaced(text, dice)
    if dice.random() < 0.06:
        text = _halved(text, dice)
    if dice.random() < 0.1:
        text = _thinned(text, dice)
    return text


def _spoken(text: str, dice: Random, *, korean: bool) -> str:
    table = _SPOKEN if korean else _ENGLISH
    for said, other in dice.sample(table, len(table)):
        if said in text and dice.random() < 0.3:
            text = text.replace(said, other, 1)
    if korean and dice.random() < 0.05:
        for said, other in _DIALECT:
            text = text.replace(said, other, 1)
    return text


def _typed(text: str, dice: Random, *, korean: bool) -> str:
    letters = list(text)
    for _ in range(1 + len(letters) // 30):
        if not letters:
            break
        at = dice.randrange(len(letters))
        if korean and len(letters[at]) == 1 and _FIRST <= ord(letters[at]) <= _LAST:
            letters[at] = _slipped(letters[at], dice)
        elif letters[at].isalpha():
            letters[at] = dice.choice(("", letters[at] * 2, letters[at]))
    return "".join(letters)


def _slipped(syllable: str, dice: Random) -> str:
    rest, final = divmod(ord(syllable) - _FIRST, _FINALS)
    initial, vowel = divmod(rest, _VOWELS)
    if dice.random() < 0.5:
        vowel = _VOWEL_SLIPS.get(vowel, vowel)
    else:
        final = _FINAL_SLIPS.get(final, final)
    return chr(_FIRST + (initial * _VOWELS + vowel) * _FINALS + final)


def _respaced(text: str, dice: Random) -> str:
    if dice.random() < 0.4:
        return text.replace(" ", "")
    return re.sub(" ", lambda _: "" if dice.random() < 0.4 else " ", text)


def _halved(text: str, dice: Random) -> str:
    words = text.split(" ")
    at = dice.randrange(len(words))
    words[at] = words[at][: max(1, len(words[at]) - dice.randint(1, 2))]
    return " ".join(words)


def _thinned(text: str, dice: Random) -> str:
    """One word is left out, or two change places."""
    words = text.split(" ")
    if len(words) < 3:
        return text
    at = dice.randrange(len(words) - 1)
    if dice.random() < 0.5:
        del words[at]
    else:
        words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)
