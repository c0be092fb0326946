"""A byte-level BPE of our own, as llama.cpp reads it (`tokenizer.ggml.model` gpt2, `pre` gpt-2).

Byte pairs are merged as Sennrich et al. (2016) do it, over bytes as in GPT-2 (Radford et al., 2019): every
text can be read, and nothing is unknown.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from heapq import heapify, heappop, heappush
from itertools import pairwise

from ccos.domain.errors import BadInput

LEAST_TOKENS = 256

_PIECES = re.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?(?:(?![\d²³¹¼½¾])[^\W\d_])+| ?[\d²³¹¼½¾]+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+"
)
"""GPT-2's pieces, letters and digits told apart without the third-party `regex`."""


def byte_names() -> dict[int, str]:
    """The visible stand-in for each byte that byte-level vocabularies use: itself, or one above 255."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    names = {byte: chr(byte) for byte in visible}
    for byte in range(256):
        names.setdefault(byte, chr(256 + len(names) - len(visible)))
    return names


_NAMES = byte_names()


class Tokenizer:
    """Text to token numbers and back; `control` tokens stand behind the others, and no text makes them."""

    def __init__(self, merges: Sequence[tuple[str, str]], control: Sequence[str]) -> None:
        self.merges, self.control = tuple(merges), tuple(control)
        ordinary = dict.fromkeys(_NAMES.values())
        ordinary.update(dict.fromkeys(left + right for left, right in merges))
        self.tokens = (*ordinary, *control)
        self._numbers = {token: number for number, token in enumerate(self.tokens)}
        self._ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self._bytes = {name: byte for byte, name in _NAMES.items()}
        self._split = re.compile("(" + "|".join(map(re.escape, control)) + ")") if control else None
        self._piece = lru_cache(maxsize=50_000)(self._numbers_of)

    def encode(self, text: str, *, control: bool = False) -> list[int]:
        """The numbers of a text; with `control`, control tokens written in it count as such."""
        if control and self._split:
            found: list[int] = []
            for part in self._split.split(text):
                found += [self._numbers[part]] if part in self.control else self.encode(part)
            return found
        return [number for piece in _PIECES.findall(text) for number in self._piece(piece)]

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of some tokens; bytes that make no character are replaced, control tokens left out."""
        plain = "".join(self.tokens[n] for n in numbers if self.tokens[n] not in self.control)
        return bytes(self._bytes[name] for name in plain).decode(errors="replace")

    def number(self, token: str) -> int:
        return self._numbers[token]

    def _numbers_of(self, piece: str) -> tuple[int, ...]:
        parts = [_NAMES[byte] for byte in piece.encode()]
        while len(parts) > 1:
            pairs = list(pairwise(parts))
            best = min(pairs, key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            parts = _merged(parts, best)
        return tuple(self._numbers[part] for part in parts)


def learn(texts: Iterable[str], size: int, control: Sequence[str]) -> Tokenizer:
    """A tokenizer of `size` tokens, control tokens counted, from the commonest pairs. Raises BadInput.

    Ties go to the pair that sorts first, so the same texts give the same tokens.
    """
    if size < LEAST_TOKENS + len(control):
        raise BadInput(f"A vocabulary needs at least {LEAST_TOKENS + len(control)} tokens.")
    counts = Counter(piece for text in texts for piece in _PIECES.findall(text))
    words = [[_NAMES[byte] for byte in piece.encode()] for piece in counts]
    often = list(counts.values())
    pairs: Counter[tuple[str, str]] = Counter()
    inside: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for at, word in enumerate(words):
        for pair in pairwise(word):
            pairs[pair] += often[at]
            inside[pair].add(at)
    merges: list[tuple[str, str]] = []
    queue = [(-count, pair) for pair, count in pairs.items()]
    heapify(queue)
    while queue and LEAST_TOKENS + len(merges) + len(control) < size:
        count, best = heappop(queue)
        if -count != pairs[best]:  # it has changed since; what it is now stands in the queue, too
            continue
        if pairs[best] < 2:
            break
        merges.append(best)
        changed: set[tuple[str, str]] = set()
        for at in inside.pop(best):
            word = words[at]
            for pair in pairwise(word):
                pairs[pair] -= often[at]
                changed.add(pair)
            words[at] = _merged(word, best)
            for pair in pairwise(words[at]):
                pairs[pair] += often[at]
                inside[pair].add(at)
                changed.add(pair)
        for pair in changed:
            if pairs[pair] > 0:
                heappush(queue, (-pairs[pair], pair))
    return Tokenizer(merges, control)


def _merged(parts: Sequence[str], pair: tuple[str, str]) -> list[str]:
    out: list[str] = []
    at = 0
    while at < len(parts):
        if at + 1 < len(parts) and (parts[at], parts[at + 1]) == pair:
            out.append(parts[at] + parts[at + 1])
            at += 2
        else:
            out.append(parts[at])
            at += 1
    return out
