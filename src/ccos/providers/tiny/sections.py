"""Evidence as numbered sections, each with the name by which the tiny model points at it. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ccos.domain.evidence import Evidence
from ccos.domain.prompt import Language
from ccos.providers.rules.extract import in_reply_style, public_kb
from ccos.providers.rules.text import is_in, plain_lines, sentences

TITLE_CHARACTERS, HEADING_CHARACTERS = 40, 32
MOST_LINES = 6
"""Of one section so many sentences and rows are told."""

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
_RULE = re.compile(r"^\s*\|?[\s:|-]*-[\s:|-]*\|?\s*$")
_ITEM = re.compile(r"^\s*(?:[-*+•]|\(?\d{1,2}[.)])\s+")
_LEANS = re.compile(
    r"(?:위|아래|다음)\s?(?:의\s)?(?:표|금액|그림|목록|순서)|\b(?:table|list) (?:below|above)\b|:$"
)
_UNFIT = re.compile(r"[{}<>]{2}|\[\d+\]|…$|^\W*$")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of evidence number `n`; `lines` are what a reply may say of it, word for word but for style."""

    n: int
    name: str
    lines: tuple[str, ...]


def name_of(title: str, heading: str) -> str:
    """How the model names a section: title and heading, plain and short."""
    head, tail = _plain(title, TITLE_CHARACTERS), _plain(heading, HEADING_CHARACTERS)
    return f"{head} > {tail}" if tail and tail != head else head


def sections(evidence: Sequence[Evidence], language: Language) -> list[Section]:
    """The sections of public KB passages that say something in this language; of one name the first."""
    found: dict[str, Section] = {}
    for item in public_kb(evidence):
        for heading, body in parts(item.snippet):
            name = name_of(item.title, heading)
            lines = tuple(_told(body, language))[:MOST_LINES]
            if name and lines and name not in found:
                found[name] = Section(item.n, name, lines)
    return list(found.values())


def parts(markdown: str) -> Iterator[tuple[str, str]]:
    """Each heading with the text below it; what stands before the first has none."""
    first, *rest = _HEADING.split(markdown)
    if first.strip():
        yield "", first
    yield from zip(rest[::2], rest[1::2], strict=True)


def _told(body: str, language: Language) -> Iterator[str]:
    """Prose in reply style, and rows and steps as list items."""
    raw = body.splitlines()
    for at, line in enumerate(raw):
        if _RULE.match(line) or (at + 1 < len(raw) and "|" in line and _RULE.match(raw[at + 1])):
            continue  # a rule, or the header row above it
        if line.lstrip().startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            told = " ".join(plain_lines(f"{cells[0]}: {', '.join(cell for cell in cells[1:] if cell)}"))
            if len(cells) > 1 and _fits(told, language):
                yield f"- {told}"
            continue
        for plain in plain_lines(line):
            for sentence in sentences(plain):
                polite = in_reply_style(sentence, language)
                if polite and _fits(polite, language):
                    yield f"- {polite}" if _ITEM.match(line) and sentence == plain else polite


def _fits(sentence: str, language: Language) -> bool:
    return is_in(language, sentence) and not _LEANS.search(sentence) and not _UNFIT.search(sentence)


def _plain(text: str, most: int) -> str:
    kept = unicodedata.normalize("NFC", text).lower()
    kept = _SPACE.sub(" ", re.sub(r"[{}>\"'\\`*_|\[\]]|[^\w\s.,·~%-]", " ", kept)).strip(" .,-")
    return kept if len(kept) <= most else kept[:most].rsplit(" ", 1)[0].rstrip(" ,·-")
