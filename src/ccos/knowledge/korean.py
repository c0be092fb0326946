"""Search terms of Korean and English text, without a dictionary.

Two families, indexed side by side because they fail differently:

- *words*: Hangul syllable bigrams inside runs, so that 환불 is found in 환불을 and 취소 in 결제취소요청;
  Latin words lightly stemmed; codes such as `ORD-2026-0012` whole and in parts.
- *jamo*: four letters in a row with the spaces taken out, so that 배송조회가안돼요 meets 배송 조회가 안 돼요
  and a mistyped 환뷸 still shares letters with 환불.
"""

from __future__ import annotations

import re
import unicodedata

MAX_TERM_CHARACTERS = 60
"""A longer run of Latin letters or digits is not a word anybody searches for; it is cut."""

GRAM = 4
"""Letters in a jamo gram: about two syllables."""

_UNSEEN = re.compile("[\0\ud800-\udfff\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
_SYLLABIC = "가-힣㐀-䶿一-鿿ぁ-ゖァ-ヺー"
_RUN = re.compile(
    rf"(?P<syllabic>[{_SYLLABIC}]+)|(?P<code>[^\W_{_SYLLABIC}]+(?:[-_./:@#+][^\W_{_SYLLABIC}]+)*)"
)
_PARTS = re.compile(r"[-_./:@#+]")
_STRETCH = re.compile(r"(?:[^\W_]|[ \t])+")

_INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
_VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
_FINALS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
_JAMO = {
    0xAC00 + (i * 21 + v) * 28 + f: initial + vowel + final
    for i, initial in enumerate(_INITIALS)
    for v, vowel in enumerate(_VOWELS)
    for f, final in enumerate(_FINALS)
}


def normalise(text: str) -> str:
    """NFKC and lower case; NUL, lone surrogates, soft hyphens and zero-width marks are dropped."""
    return unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).lower()


def words(text: str) -> list[str]:
    """Word terms in order, with repeats: syllable bigrams, folded Latin words, codes whole and in parts."""
    terms: list[str] = []
    for run in _RUN.finditer(normalise(text)):
        syllables = run["syllabic"]
        if syllables:
            terms += _grams(syllables, 2)
            continue
        code = _fold(run["code"])
        parts = _PARTS.split(code)
        if len(parts) > 1:
            terms.append(code[:MAX_TERM_CHARACTERS])
        terms += [_stem(part[:MAX_TERM_CHARACTERS]) for part in parts]
    return terms


def runs(normal: str) -> list[str]:
    """The words of a normalised text as they stand: runs of syllables, Latin words stemmed, codes whole."""
    return [
        run["syllabic"] or _stem(_fold(run["code"]))[:MAX_TERM_CHARACTERS] for run in _RUN.finditer(normal)
    ]


def jamo(text: str) -> list[str]:
    """Letter 4-grams in order, with repeats; a stretch ends at punctuation, not at a space."""
    terms: list[str] = []
    for stretch in _STRETCH.finditer(normalise(text)):
        letters = squeezed(stretch.group())
        if len(letters) > 1:
            terms += _grams(letters, GRAM)
    return terms


def squeezed(normal: str) -> str:
    """A normalised text as letters without spaces: what jamo terms are pieces of."""
    return normal.replace(" ", "").replace("\t", "").translate(_JAMO)


def _grams(letters: str, size: int) -> list[str]:
    """All pieces of that size, or the whole when it is shorter."""
    return [letters[start : start + size] for start in range(max(len(letters) - size + 1, 1))]


def _fold(word: str) -> str:
    """Accents off: café and cafe are one word."""
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _stem(word: str) -> str:
    """Plural s, -ing and -ed off English words; words with digits are left alone."""
    if len(word) < 4 or not word.isascii() or not word.isalpha():
        return word
    for ending, stem in (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            if ending == "s" and word.endswith(("ss", "us", "is")):
                return word
            return word[: -len(ending)] + stem
    return word
