"""Is it in the customer's language? Names of things stay as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ccos.domain.verdict import Veto
from ccos.quality.reading import Reading
from ccos.quality.vetoes.family import Family

_HANGUL = re.compile("[가-힣]+")
_LATIN = re.compile(r"(?<![\w@./:-])[A-Za-z][A-Za-z']*(?![\w@/]|[.:]\w)")
_FOREIGN = re.compile("[\u0400-\u04ff\u0590-\u06ff\u0900-\u0e7f\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff]{2,}")
_FUNCTION_WORDS = frozenset(
    """the a an is are was be to of in for and or you your we our i it this that please with have has will
    can not do if any""".split()  # noqa: SIM905
)
_NAMES = {"ko": "Korean", "en": "English"}
MINIMUM = 12
"""Foreign letters below which a text is too short to tell: "OK" is an answer in any language."""


def _look(reading: Reading) -> Iterator[Veto]:
    text, language = reading.folded.text, reading.grounds.language
    if stray := next(
        (m for m in _FOREIGN.finditer(text) if m.group().casefold() not in reading.known_text), None
    ):
        span = reading.folded.original(*stray.span())
        yield Veto(
            "language",
            f"The answer mixes in another script: it must be in {_NAMES[language]}.",
            "repair",
            span,
        )
        return
    hangul, latin = _HANGUL.findall(text), _LATIN.findall(text)
    if language == "ko":  # capitals are names, menus and keys
        prose = [w for w in latin if w[0].islower() and w.casefold() not in reading.known_text]
        if _outweighs(prose, hangul):
            yield _wrong(reading, None)
        elif sentence := next(_english_sentences(reading), None):
            yield _wrong(reading, sentence)
    elif _outweighs([word for word in hangul if word not in reading.known_text], latin):
        yield _wrong(reading, None)


def _english_sentences(reading: Reading) -> Iterator[tuple[int, int]]:
    """Whole English sentences of a Korean reply that nobody wrote before."""
    for start, end in reading.sentences:
        sentence = reading.folded.text[start:end]
        if _HANGUL.search(sentence):
            continue
        words = [word.casefold() for word in _LATIN.findall(sentence)]
        if len(words) < 6 or len(_FUNCTION_WORDS.intersection(words)) < 2:
            continue
        if sentence.strip(" .!?\"'").casefold() not in reading.known_text:
            yield start, end


def _outweighs(foreign: list[str], own: list[str]) -> bool:
    """Whether foreign letters are more than two thirds; one Hangul syllable says as much as two letters."""
    strange = _weight(foreign)
    return strange >= MINIMUM and strange > 2 * _weight(own)


def _weight(words: list[str]) -> int:
    return sum([len(word) * (1 if word.isascii() else 2) for word in words])


def _wrong(reading: Reading, span: tuple[int, int] | None) -> Veto:
    sentence = f"The answer must be in {_NAMES[reading.grounds.language]}, the customer's language."
    return Veto("language", sentence, "repair", reading.folded.original(*span) if span else None)


LANGUAGE = Family("language", ("language",), "It is in the customer's language.", _look)
