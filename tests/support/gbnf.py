"""A small reading of GBNF: enough to say whether a grammar takes a text, and to write texts it takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\[(?:\\.|[^\]\\])*\]|\{\d+(?:,\d*)?\}|::=|[a-zA-Z0-9-]+|[|()?*+]|\n')
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_WIDTHS = {"x": 2, "u": 4, "U": 8}


@dataclass(frozen=True)
class Literal:
    text: str


@dataclass(frozen=True)
class Class:
    ranges: tuple[tuple[int, int], ...]

    def takes(self, character: str) -> bool:
        return any(low <= ord(character) <= high for low, high in self.ranges)


@dataclass(frozen=True)
class Name:
    name: str


@dataclass(frozen=True)
class Sequence:
    parts: tuple[Any, ...]


@dataclass(frozen=True)
class Choice:
    options: tuple[Any, ...]


@dataclass(frozen=True)
class Repeat:
    part: Any
    least: int
    most: int


class Grammar:
    """A parsed grammar. Raises AssertionError for a text it cannot read: the tests want to know."""

    def __init__(self, text: str) -> None:
        self.rules: dict[str, Any] = {}
        for line in text.rstrip("\n").split("\n"):
            name, body = line.split(" ::= ", 1)
            assert name not in self.rules, f"two rules named {name}"
            tokens = _TOKEN.findall(body)
            assert "".join(tokens).replace(" ", "") == body.replace(" ", ""), f"unreadable: {body}"
            expression, rest = _choice(tokens)
            assert not rest, f"left over: {rest}"
            self.rules[name] = expression

    def takes(self, text: str) -> bool:
        return len(text) in self._ends(self.rules["root"], text, 0)

    def write(self, pick: Callable[[int], int], *, most: int = 6) -> str:
        """A text it takes; `pick(n)` chooses from 0 to n - 1. Free repetitions stay near their least."""
        return self._write(self.rules["root"], pick, most)

    def _ends(self, part: Any, text: str, at: int) -> set[int]:
        match part:
            case Literal(words):
                return {at + len(words)} if text.startswith(words, at) else set()
            case Class():
                return {at + 1} if at < len(text) and part.takes(text[at]) else set()
            case Name(name):
                return self._ends(self.rules[name], text, at)
            case Sequence(parts):
                ends = {at}
                for one in parts:
                    ends = {end for start in ends for end in self._ends(one, text, start)}
                return ends
            case Choice(options):
                return {end for one in options for end in self._ends(one, text, at)}
            case Repeat(one, least, most):
                ends, found = {at}, {at} if least == 0 else set()
                for count in range(1, most + 1):
                    ends = {end for start in ends for end in self._ends(one, text, start)}
                    if not ends:
                        break
                    if count >= least:
                        found |= ends
                return found
        raise AssertionError(part)

    def _write(self, part: Any, pick: Callable[[int], int], most: int) -> str:
        match part:
            case Literal(words):
                return words
            case Class(ranges):
                low, high = ranges[pick(len(ranges))]
                return chr(low + pick(high - low + 1))
            case Name(name):
                return self._write(self.rules[name], pick, most)
            case Sequence(parts):
                return "".join(self._write(one, pick, most) for one in parts)
            case Choice(options):
                return self._write(options[pick(len(options))], pick, most)
            case Repeat(one, least, limit):
                count = least + pick(min(limit - least, most) + 1)
                return "".join(self._write(one, pick, most) for _ in range(count))
        raise AssertionError(part)


def _choice(tokens: list[str]) -> tuple[Any, list[str]]:
    options = []
    while True:
        parts: list[Any] = []
        while tokens and tokens[0] not in ("|", ")"):
            part, tokens = _item(tokens)
            parts.append(part)
        options.append(parts[0] if len(parts) == 1 else Sequence(tuple(parts)))
        if not tokens or tokens[0] != "|":
            return (options[0] if len(options) == 1 else Choice(tuple(options))), tokens
        tokens = tokens[1:]


def _item(tokens: list[str]) -> tuple[Any, list[str]]:
    head, tokens = tokens[0], tokens[1:]
    if head == "(":
        part, tokens = _choice(tokens)
        assert tokens and tokens[0] == ")", "unclosed bracket"
        tokens = tokens[1:]
    elif head.startswith('"'):
        part = Literal("".join(chr(code) for code in _codes(head[1:-1])))
    elif head.startswith("["):
        part = Class(_ranges(head[1:-1]))
    else:
        assert re.fullmatch(r"[a-zA-Z0-9-]+", head), f"unexpected {head}"
        part = Name(head)
    while tokens and tokens[0][0] in "?*+{":
        part, tokens = Repeat(part, *_bounds(tokens[0])), tokens[1:]
    return part, tokens


def _bounds(mark: str) -> tuple[int, int]:
    if mark in "?*+":
        return {"?": (0, 1), "*": (0, 10_000), "+": (1, 10_000)}[mark]
    low, comma, high = mark[1:-1].partition(",")
    return int(low), int(high) if high else (10_000 if comma else int(low))


def _codes(body: str) -> list[int]:
    codes, at = [], 0
    while at < len(body):
        if body[at] != "\\":
            codes.append(ord(body[at]))
            at += 1
            continue
        kind = body[at + 1]
        width = _WIDTHS.get(kind, 0)
        codes.append(int(body[at + 2 : at + 2 + width], 16) if width else ord(_ESCAPES.get(kind, kind)))
        at += 2 + width
    return codes


def _ranges(body: str) -> tuple[tuple[int, int], ...]:
    """The ranges of a class. A bare `-` stands between two ends; an escaped one is not used here."""
    pieces = re.findall(r"(\\U.{8}|\\u.{4}|\\x.{2}|\\.|[^\\])(?:-(\\U.{8}|\\u.{4}|\\x.{2}|\\.|[^\\]))?", body)
    return tuple((_codes(low)[0], _codes(high or low)[0]) for low, high in pieces)
