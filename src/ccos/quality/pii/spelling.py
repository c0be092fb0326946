"""Numbers that are not written in digits, read as digits: one character for one, so that offsets stay."""

from __future__ import annotations

import re

_NUMERAL = "공영빵일이삼사오육륙칠팔구"
_AS_DIGITS = str.maketrans(_NUMERAL, "0001234566789")
_ONE = rf"[{_NUMERAL}\d]"
_SAID = rf"\s?(?:에|다시|하이픈|대시|빼기)\s?(?={_ONE})"
_GLUE = rf"(?:{_SAID}|[\s.,·-]{{1,3}})?"
_SPOKEN = re.compile(rf"{_ONE}{_GLUE}(?:{_ONE}{_GLUE}){{8,39}}")
_BETWEEN = re.compile(rf"(?<=[{_NUMERAL}\d]){_SAID}")
_GOES_ON = re.compile("[고에라며니야던어랑가는다란]")
"""Behind 이 they make it the end of a word: 육칠팔이고, 육칠팔이에요."""
FEWEST = 4
_HAS_NUMERAL = re.compile(f"[{_NUMERAL}]")

_LETTERS = re.compile(r"[0Oo](?<![A-Za-z0-9].)[1lI][0Oo16-9](?:[-.\s]{0,3}[0-9OolI]){7,8}(?![A-Za-z0-9])")
_PERSON = re.compile(r"(?<![A-Za-z0-9])[0-9OolI]{6}[-~.\s]{0,3}[0-9OolI]{7}(?![A-Za-z0-9])")
_FEWEST_DIGITS = 7
_LOOKALIKE = re.compile("[OolI]")
_AS_NUMBERS = str.maketrans("OolI", "0011")
_FOREIGN = re.compile(r"(?![0-9])\d")


def in_digits(text: str) -> str:
    """The text with spoken digits (공일공 일이삼사 ...), digits of other scripts and O for 0 as plain digits.

    Only runs of nine numerals and more, four of them spoken, are read so: elsewhere 이, 일 or 사 are words.
    The length stays.
    """
    if not text.isascii():
        if _FOREIGN.search(text):
            text = _FOREIGN.sub(lambda match: str(int(match.group())), text)
        if _HAS_NUMERAL.search(text):
            text = _SPOKEN.sub(_said, text)
    if _LOOKALIKE.search(text):
        text = _LETTERS.sub(lambda match: match.group().translate(_AS_NUMBERS), text)
        text = _PERSON.sub(_typed, text)
    return text


def _typed(match: re.Match[str]) -> str:
    """9OO1O1-l234567: two groups as long as a resident number's, and most of it digits."""
    run = match.group()
    enough = sum(map(str.isdigit, run)) >= _FEWEST_DIGITS
    return run.translate(_AS_NUMBERS) if enough else run


def _said(match: re.Match[str]) -> str:
    run = match.group()
    if len(_HAS_NUMERAL.findall(run)) < FEWEST:
        return run
    kept = -1 if run.endswith("이") and _GOES_ON.match(match.string, match.end()) else len(run)
    spoken = _BETWEEN.sub(lambda glue: "-" * len(glue.group()), run[:kept]).translate(_AS_DIGITS)
    return spoken + run[kept:]
