"""Cuts an item's Markdown into passages that can be found and cited on their own.

A passage follows the headings, holds about 200-400 tokens, and never cuts through numbered steps, a table or
a code block unless one of these alone is longer than `LONGEST` tokens.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ccos.domain.knowledge import Passage

ENOUGH, MOST, LONGEST = 200, 400, 1_200
"""Tokens: a heading ends a passage from here on; blocks are gathered up to here; even steps are cut here."""

_HEADINGS_HELD = 8
_SYLLABLES = re.compile("[가-힣㐀-䶿一-鿿ぁ-ヺ]")
_HEADING = re.compile(r"(#{1,6})[ \t]+(\S.*)")
_FENCE = re.compile(r"\s*(```|~~~)")
_BULLET = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)]|[①-⑳]|[가나다라마바사아자차카타파하][.)])[ \t]+")
_SENTENCE_END = re.compile(r"(?<=[.!?。…])\s+|\n")


def estimate_tokens(text: str) -> int:
    """About what a modern multilingual tokeniser makes of it: 0.7 a syllable, 0.25 any other character."""
    syllables = len(_SYLLABLES.findall(text))
    return math.ceil(0.7 * syllables + (len(text) - syllables) / 4)


@dataclass(frozen=True, slots=True)
class _Block:
    path: tuple[str, ...]
    text: str
    heading: bool = False


def passages(title: str, body: str) -> tuple[Passage, ...]:
    """The passages of a document in order; an empty body gives one passage that holds the title."""
    found: list[Passage] = []
    held: list[_Block] = []

    def close() -> None:
        if any(not block.heading for block in held):
            path = next(block.path for block in held if not block.heading)
            text = "\n\n".join(block.text for block in held if not _repeats(block, path))
            found.append(Passage(" > ".join(path), text.strip()))
        held.clear()

    for block in _blocks(title, body):
        size = sum(estimate_tokens(b.text) for b in held)
        if held and not _only_headings(held):
            full = size + estimate_tokens(block.text) > MOST
            if full or (block.heading and size >= ENOUGH):
                trailing = _trailing_headings(held)
                close()
                held.extend(trailing)
        elif len(held) > _HEADINGS_HELD:
            del held[0]
        held.append(block)
    close()
    return tuple(found) or (Passage("", title.strip()),)


def first_line(body: str) -> str:
    """A title for a text that has none: its first line without Markdown's marks, at most 80 characters."""
    for line in body.split("\n"):
        plain = re.sub(r"^(?:[\s#>*\-+|`]+|\d+[.)]\s)|[*`|]+", "", line).strip()
        if plain:
            return plain if len(plain) <= 80 else plain[:79].rstrip() + "…"
    return ""


def _repeats(block: _Block, path: tuple[str, ...]) -> bool:
    """A heading that the passage's own path already says."""
    return block.heading and block.path == path[: len(block.path)]


def _only_headings(blocks: list[_Block]) -> bool:
    return all(block.heading for block in blocks)


def _trailing_headings(blocks: list[_Block]) -> list[_Block]:
    """Takes headings off the end: they belong to what follows."""
    taken: list[_Block] = []
    while blocks and blocks[-1].heading:
        taken.insert(0, blocks.pop())
    return taken


def _blocks(title: str, body: str) -> Iterator[_Block]:
    stack: list[tuple[int, str]] = []
    for text in _paragraphs(body.replace("\r\n", "\n").replace("\r", "\n").split("\n")):
        heading = _HEADING.match(text)
        if heading:
            level, name = len(heading[1]), heading[2].rstrip(" \t#")
            if name.strip() == title.strip() and not stack:
                continue
            stack = [(deep, other) for deep, other in stack if deep < level] + [(level, name)]
            yield _Block(tuple(name for _, name in stack), text, heading=True)
            continue
        path = tuple(name for _, name in stack)
        for piece in _bounded(text):
            yield _Block(path, piece)


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Groups lines: a heading, a fenced block, a table, a list with its nested lines, or a paragraph."""
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
            continue
        end = at + 1
        if _HEADING.match(line):
            pass
        elif fence := _FENCE.match(line):
            while end < len(lines) and not lines[end].lstrip().startswith(fence[1]):
                end += 1
            end = min(end + 1, len(lines))
        elif _BULLET.match(line):
            end = _list_end(lines, end)
        else:
            table = line.lstrip().startswith("|")
            while end < len(lines) and _continues(lines[end], table):
                end += 1
        yield "\n".join(lines[at:end]).strip("\n")
        at = end


def _continues(line: str, table: bool) -> bool:
    if not line.strip() or _HEADING.match(line) or _FENCE.match(line):
        return False
    return line.lstrip().startswith("|") == table and (table or not _BULLET.match(line))


def _list_end(lines: list[str], at: int) -> int:
    """Past the list: a blank line stays inside when more bullets or indented lines follow it."""
    while at < len(lines):
        line = lines[at]
        if line.strip():
            if _HEADING.match(line):
                return at
            at += 1
            continue
        after = next((i for i in range(at, len(lines)) if lines[i].strip()), len(lines))
        if after == len(lines) or not (_BULLET.match(lines[after]) or lines[after][0] in " \t"):
            return at
        at = after
    return at


def _bounded(text: str) -> Iterator[str]:
    """The text itself, or pieces of it when it is too long to be one passage."""
    whole = bool(_BULLET.match(text) or _FENCE.match(text) or text.lstrip().startswith("|"))
    most = LONGEST if whole else MOST
    if estimate_tokens(text) <= most:
        yield text
        return
    lines = text.split("\n")
    table = text.lstrip().startswith("|") and len(lines) > 2
    head = "\n".join(lines[:2]) + "\n" if table else ""
    units = lines[2:] if table else lines if whole else _SENTENCE_END.split(text)
    glue = "\n" if whole else " "
    piece: list[str] = []
    size = 0
    for unit in (part for long in units for part in _pieces(long, most)):
        tokens = estimate_tokens(unit)
        if piece and size + tokens > MOST:
            yield head + glue.join(piece)
            piece, size = [], 0
        piece.append(unit)
        size += tokens
    if piece:
        yield head + glue.join(piece)


def _pieces(text: str, most: int) -> Iterator[str]:
    """Cuts a line without any sentence end by characters: at worst one character is one token."""
    if estimate_tokens(text) <= most:
        yield text
        return
    for start in range(0, len(text), most):
        yield text[start : start + most]
