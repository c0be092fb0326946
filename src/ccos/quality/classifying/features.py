"""A text as hashed n-grams: syllables or letters, jamo and words. Pure, and the same on every machine."""

from __future__ import annotations

import re
import unicodedata
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Hashes = NDArray[np.uint32]

MOST_CHARACTERS = 4_000
"""What is read of a text: the start and the end of a longer one, so that the time has a bound."""

_SPACE = re.compile(r"\s+")
_DIGIT = re.compile(r"\d")
_AGAIN = re.compile(r"(.)\1{2,}")
_WORD = re.compile(r"[^\W_]+")

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_SEEDS = {"chars": np.uint64(17), "jamo": np.uint64(1_000_003), "words": np.uint64(2_000_029)}
_NEAR = np.uint64(3_000_017)
_FIRST_SYLLABLE, _SYLLABLES = 0xAC00, 11_172
_INITIAL, _VOWEL, _FINAL = 0x1100, 0x1161, 0x11A7
_NOTHING = 0
"""Stands for a missing final consonant until it is taken out."""


class Spelling(BaseModel):
    """Which n-grams are read: lengths of character and jamo grams, from and to; words in a row, up to; and
    two words in either order that are at most `near` places apart.

    Jamo grams see through slips and swallowed endings in Korean (됬어요, 안되욬); 0 turns a kind off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    chars: tuple[int, int] = (1, 4)
    jamo: tuple[int, int] = (0, 0)
    words: int = Field(2, ge=0, le=2)
    near: int = Field(0, ge=0, le=10)


def normal(text: str) -> str:
    """One form, small letters, single spaces, every digit a 0, nothing more than twice in a row."""
    if len(text) > MOST_CHARACTERS:
        text = f"{text[: MOST_CHARACTERS * 3 // 4]} {text[-MOST_CHARACTERS // 4 :]}"
    plain = unicodedata.normalize("NFKC", text).lower()
    return _AGAIN.sub(r"\1\1", _DIGIT.sub("0", _SPACE.sub(" ", plain))).strip()


def grams(text: str, spelling: Spelling) -> Hashes:
    """The hashes of all n-grams of a text, repeated as often as they occur."""
    plain = normal(text)
    if not plain:
        return np.empty(0, np.uint32)
    codes = _codes(f" {plain} ")
    found: list[NDArray[np.uint64]] = []
    if spelling.chars[1]:
        found += _runs(codes, *spelling.chars, _SEEDS["chars"])
    if spelling.jamo[1]:
        found += _runs(_jamo(codes), *spelling.jamo, _SEEDS["jamo"])
    if spelling.words or spelling.near:
        words = np.array([crc32(word.encode()) for word in _WORD.findall(plain)], np.uint64)
        found += _runs(words, 1, spelling.words, _SEEDS["words"])
        found += _pairs(words, spelling.near)
    return _mixed(np.concatenate(found)) if found else np.empty(0, np.uint32)


def _codes(text: str) -> NDArray[np.uint64]:
    """Lone surrogates cannot be text of anybody: they are read as they stand."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)


def _jamo(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Syllables taken apart into initial, vowel and final; everything else stays as it is."""
    index = codes.astype(np.int64) - _FIRST_SYLLABLE
    syllable = (index >= 0) & (index < _SYLLABLES)
    safe = np.where(syllable, index, 0)
    rest, final = np.divmod(safe, 28)
    initial, vowel = np.divmod(rest, 21)
    parts = np.zeros((len(codes), 3), np.uint64)
    parts[:, 0] = np.where(syllable, _INITIAL + initial, codes.astype(np.int64))
    parts[:, 1] = np.where(syllable, _VOWEL + vowel, _NOTHING)
    parts[:, 2] = np.where(syllable & (final > 0), _FINAL + final, _NOTHING)
    flat: NDArray[np.uint64] = parts.reshape(-1)
    return np.asarray(flat[flat != _NOTHING], np.uint64)


def _runs(codes: NDArray[np.uint64], low: int, high: int, seed: np.uint64) -> list[NDArray[np.uint64]]:
    """Polynomial hashes of all runs of `low` to `high` codes; arithmetic on arrays wraps at 64 bits."""
    found: list[NDArray[np.uint64]] = []
    value = np.full(len(codes), seed, np.uint64)
    for length in range(1, high + 1):
        if length > len(codes):
            break
        value = value[: len(codes) - length + 1] * _MULTIPLIER + codes[length - 1 :] + np.uint64(1)
        if length >= low:
            found.append(value)
    return found


def _pairs(words: NDArray[np.uint64], near: int) -> list[NDArray[np.uint64]]:
    found: list[NDArray[np.uint64]] = []
    for apart in range(1, min(near, len(words) - 1) + 1):
        one, other = words[:-apart], words[apart:]
        low, high = np.minimum(one, other), np.maximum(one, other)
        found.append((low + _NEAR) * _MULTIPLIER + high)
    return found


def _mixed(values: NDArray[np.uint64]) -> Hashes:
    mixed = (values ^ (values >> np.uint64(33))) * _MIX
    return (mixed >> np.uint64(32)).astype(np.uint32)
