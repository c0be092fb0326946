"""Reading Korean and English text by rule: folding, sentences, plain text, overlap. Pure and bounded."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache

from ccos.domain.prompt import Language

HEAD_CHARACTERS, TAIL_CHARACTERS = 4_000, 1_500

_HANGUL_FIRST, _HANGUL_LAST = 0xAC00, 0xD7A3
_VOWELS, _FINALS = 21, 28
# Vowels that people mix up when typing, by index in the Unicode syllable block: ㅐㅔㅒㅖ sound alike, so do
# ㅙㅚㅞ, and a slipped shift key or finger makes ㅑㅕㅛㅠ of ㅏㅓㅗㅜ.
_VOWEL_FOLD = {1: 5, 3: 5, 7: 5, 2: 0, 6: 4, 12: 8, 17: 13, 10: 11, 15: 11}
# Finals: ㄲ->ㄱ, ㄶ->ㄴ, ㅀ->ㄹ, ㅄ->ㅂ, ㅆ->ㅅ.
_FINAL_FOLD = {2: 1, 6: 4, 15: 8, 18: 17, 20: 19}

_SPACE = re.compile(r"\s+")
_NOT_WORD = re.compile(r"[^0-9a-z가-힣ㄱ-ㅣ]+")
_HANGUL = re.compile(r"[가-힣]")
_LATIN = re.compile(r"[A-Za-z]")


def bounded(text: str) -> str:
    """The text, or the first and last part of a very long one: what a customer asks stands there."""
    if len(text) <= HEAD_CHARACTERS + TAIL_CHARACTERS:
        return text
    return f"{text[:HEAD_CHARACTERS]}\n{text[-TAIL_CHARACTERS:]}"


@cache
def _fold_table() -> dict[int, int]:
    table: dict[int, int] = {}
    for code in range(_HANGUL_FIRST, _HANGUL_LAST + 1):
        rest, final = divmod(code - _HANGUL_FIRST, _FINALS)
        initial, vowel = divmod(rest, _VOWELS)
        vowel, folded_final = _VOWEL_FOLD.get(vowel, vowel), _FINAL_FOLD.get(final, final)
        folded = _HANGUL_FIRST + (initial * _VOWELS + vowel) * _FINALS + folded_final
        if folded != code:
            table[code] = folded
    return table


def fold(text: str) -> str:
    """Common Korean slips made one: 안되요 and 안돼요, 베송 and 배송, 환뷸 and 환불 read the same."""
    return text.translate(_fold_table())


def squash(text: str) -> str:
    """Lower-case, folded, no spaces or punctuation: for finding Korean cues however they are spaced."""
    return fold(_NOT_WORD.sub("", unicodedata.normalize("NFKC", text).lower()))


def spaced(text: str) -> str:
    """Lower-case with single spaces and straight apostrophes: for finding English cues."""
    plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    return _SPACE.sub(" ", plain).strip()


def hangul_share(text: str) -> float:
    """Share of Hangul among the letters, a syllable counted as two Latin letters; 0.5 without letters."""
    korean, latin = 2 * len(_HANGUL.findall(text)), len(_LATIN.findall(text))
    return korean / (korean + latin) if korean + latin else 0.5


def is_in(language: Language, sentence: str) -> bool:
    """Whether a sentence can stand in a reply of this language; technical names may stay as they are."""
    if language == "en":
        return not _HANGUL.search(sentence) and bool(_LATIN.search(sentence))
    return bool(_HANGUL.search(sentence)) and hangul_share(sentence) >= 0.4


# -- sentences ---------------------------------------------------------------------------------------------

# Not after a digit (dates such as 2026. 3. 5., list numbers) nor inside the usual abbreviations.
_STOP = re.compile(r"(?<=[.!?。…])(?<!\d\.)(?<!e\.g\.)(?<!i\.e\.)(?<!No\.)(?<![ap]\.m\.)\s+|\n+")
_KOREAN_STOP = re.compile(
    r"(?<=니다|니까|세요|셔요|어요|아요|해요|돼요|되요|네요|나요|까요|가요|데요|든요|"
    r"예요|에요|려요|져요|와요|여요)\s+"
)


def sentences(text: str) -> list[str]:
    """Whole sentences: cut at stops and lines, and after Korean polite endings written without a stop."""
    found: list[str] = []
    for piece in _STOP.split(text):
        found.extend(part for raw in _KOREAN_STOP.split(piece) if (part := raw.strip()))
    return found


_FENCE = re.compile(r"^\s*(```|~~~)")
_HEADING = re.compile(r"^\s{0,3}#{1,6}\s")
_BULLET = re.compile(r"^\s*(?:[-*+•·▶■□○●※]|\(?\d{1,2}[.)]|[①-⑳])\s+")
_RULE_OR_TABLE_LINE = re.compile(r"^\s*(?:[-*_=]\s*){3,}$|^\s*\|?[\s:|-]+\|[\s:|-]*$")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_TAG = re.compile(r"<[^<>]{0,200}>")
_MARKS = re.compile(r"\*\*|__|~~|`|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)")


def plain_lines(markdown: str) -> Iterator[str]:
    """The lines of a passage as plain text: no headings, code blocks, markup or many-column tables."""
    in_code = False
    for raw in markdown.splitlines():
        if _FENCE.match(raw):
            in_code = not in_code
            continue
        if in_code or _HEADING.match(raw) or _RULE_OR_TABLE_LINE.match(raw):
            continue
        line = _LINK.sub(r"\1", _IMAGE.sub("", raw)).lstrip("> ")
        line = _BULLET.sub("", line)
        if line.lstrip().startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if len(cells) != 2:
                continue
            line = ": ".join(cells)
        line = _SPACE.sub(" ", _MARKS.sub("", html.unescape(_TAG.sub("", line)))).strip()
        if line:
            yield line


# -- overlap -----------------------------------------------------------------------------------------------

_EN_WORD = re.compile(r"[a-z][a-z0-9'-]+|\d+[a-z]*")
_KO_RUN = re.compile(r"[가-힣]{2,}")
_EN_STOP = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "could",
        "do",
        "does",
        "did",
        "for",
        "from",
        "had",
        "has",
        "have",
        "hello",
        "hi",
        "how",
        "i",
        "i'd",
        "i'm",
        "i've",
        "if",
        "in",
        "is",
        "it",
        "its",
        "me",
        "my",
        "no",
        "not",
        "of",
        "on",
        "or",
        "our",
        "please",
        "so",
        "thank",
        "thanks",
        "that",
        "the",
        "their",
        "then",
        "there",
        "they",
        "this",
        "to",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "will",
        "with",
        "would",
        "you",
        "your",
        "about",
        "get",
        "got",
        "just",
        "any",
        "still",
    ]
)
_KO_STOP = fold(
    "안녕 녕하 하세 세요 니다 습니 합니 입니 주세 문의 드립 드려 려요 어요 아요 해요 는데 데요 인데 하는 했는"
    " 에서 으로 하고 고객 객님 나요 가요 까요 있는 있나 있을 니까 은데 부탁 탁드 "
    "감사 사합 알려 려주 제가 저는"
    " 싶어 싶습 고싶 그리 리고 혹시 수있 되나 하나 되는 해서 어서 려고 지만 하면 "
    "면서 이요 은요 입니 했습 었습"
    " 됩니 있습 없습 습니 다고 라고 이고 에는 에도 까지 부터 대해 관련 요청 가능 능한 한가 궁금 금합 니당"
)
_KO_STOP_SET = frozenset(_KO_STOP.split())


def terms(text: str) -> frozenset[str]:
    """What a text is about: Hangul syllable bigrams without function words, English stems, codes."""
    lowered = unicodedata.normalize("NFKC", text).lower()
    korean = {
        bigram
        for run in _KO_RUN.findall(fold(lowered))
        for bigram in (run[i : i + 2] for i in range(len(run) - 1))
        if bigram not in _KO_STOP_SET
    }
    english = {_stem(word) for word in _EN_WORD.findall(lowered) if word not in _EN_STOP}
    return frozenset(korean | english)


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def overlap(asked: frozenset[str], passage: frozenset[str]) -> float:
    """Share of what is asked that the passage speaks of, in [0, 1]."""
    return len(asked & passage) / len(asked) if asked else 0.0


def unique(items: Iterable[str]) -> list[str]:
    """The items in order, each once."""
    return list(dict.fromkeys(items))
