"""What a passage says about a question: its own sentences, picked by word overlap, in their order."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from ccos.domain.evidence import Evidence, EvidenceKind, for_customers
from ccos.domain.prompt import Language
from ccos.providers.rules.text import HEAD_CHARACTERS, is_in, overlap, plain_lines, sentences, terms

MAX_FACTS = 6
MAX_SENTENCE_CHARACTERS = 300
_TITLE_WEIGHT = 0.35
_HEADING_WEIGHT = 0.5
_NEARLY = 0.7

_HEADING = re.compile(
    r"^ {0,3}#{1,6}[ \t]+(.*)$|^[ \t]*(?:[-*+]|\d{1,2}[.)])[ \t]+\*\*(.+?)\*\*[:：]?", re.MULTILINE
)
_UNFIT = re.compile(r"[{}<>]|\[\d+\]|^\W*$")
# Sentences that point at a table or list which the reply does not show.
_LEANS = re.compile(
    r"(?:위|아래|다음)\s?(?:의\s)?(?:표|금액|기간|그림|목록|내용|순서|조건|경우)|다음과 같|아래와 같|:$"
    r"|^(?:이|그)\s?(?:때|경우|단계|뒤|중|가운데)|이 단계|이 표|이 방법"
    r"|\b(?:table|list|steps?) (?:below|above)\b|\b(?:as follows|see below|the above)\b"
)
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Unit:
    """One sentence or table row of a passage, with the words of the heading above it."""

    text: str
    about: frozenset[str]
    heading: frozenset[str]
    section: int


@dataclass(frozen=True, slots=True)
class Fact:
    text: str
    n: int
    score: float


def public_kb(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Evidence whose words a customer may read: public KB passages, in their order."""
    return [e for e in for_customers(evidence) if e.kind is EvidenceKind.KB]


@lru_cache(maxsize=1_024)
def units(passage: str) -> tuple[Unit, ...]:
    """The sentences of a passage as plain text, in order."""
    return tuple(
        Unit(sentence, terms(sentence), heading, number)
        for number, (title, body) in enumerate(
            _sections(_FRONT_MATTER.sub("", passage[: 2 * HEAD_CHARACTERS]))
        )
        for heading in (terms(title),)
        for line in plain_lines(body)
        for sentence in sentences(line)
        if len(sentence) <= MAX_SENTENCE_CHARACTERS and not _UNFIT.search(sentence)
    )


def _sections(markdown: str) -> Iterator[tuple[str, str]]:
    """Each heading, or list item that opens with a bold phrase, with the text under it.

    A bold phrase stands below the heading before it, so its title holds both.
    """
    first, *rest = _HEADING.split(markdown)
    yield "", first
    above = ""
    for title, bold, body in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        above = above if title is None else title
        yield f"{above} {bold or ''}", body


@lru_cache(maxsize=1_024)
def subject_of(title: str, passage: str) -> tuple[frozenset[str], frozenset[str]]:
    """The words of the title, and those of title and passage together."""
    head = terms(title)
    return head, head | terms(passage[: 2 * HEAD_CHARACTERS])


def relevance(asked: frozenset[str], evidence: Evidence) -> float:
    """How much of what is asked a passage speaks of, in [0, 1]; what its title names counts more."""
    title, whole = subject_of(evidence.title, evidence.snippet)
    named = len(asked & title) / len(title) if title else 0.0
    return (1 - _TITLE_WEIGHT) * overlap(asked, whole) + _TITLE_WEIGHT * min(1.0, 2 * named)


def facts(asked: frozenset[str], evidence: Sequence[Evidence], language: Language) -> list[Fact]:
    """Up to six sentences of public KB passages that bear on what is asked, in the order of the evidence."""
    found = [
        Fact(unit.text, item.n, score)
        for item in public_kb(evidence)
        for unit in units(item.snippet)
        if is_in(language, unit.text) and (score := _bearing(asked, unit)) > 0.08
    ]
    best = sorted(found, key=lambda fact: -fact.score)[:MAX_FACTS]
    chosen: list[Fact] = []
    for fact in found:
        if fact in best and fact.text not in {other.text for other in chosen}:
            chosen.append(fact)
    return chosen


def excerpt(asked: frozenset[str], item: Evidence, language: Language, most: int = 4) -> list[str]:
    """Up to four polite sentences of the section of a passage that bears most on what is asked.

    They stand in a row there, because a sentence picked out alone loses what its pronouns stand for. A
    section of one sentence is joined by the next best one when that bears nearly as much. A word counts less
    the more sections of the passage have it.
    """
    sections = _by_section(units(item.snippet))
    spread = Counter(term for section in sections for term in _about(section) & asked)
    rows = [
        (row, sum((1 + _HEADING_WEIGHT * (term in section[0].heading)) / spread[term] for term in shared))
        for section in sections
        if (shared := _about(section) & asked) and (row := _row(asked, section, language, most))
    ]
    if not rows:
        return []
    order = sorted(range(len(rows)), key=lambda i: -rows[i][1])
    chosen = order[:1]
    if len(rows[order[0]][0]) < 2 and len(order) > 1 and rows[order[1]][1] >= _NEARLY * rows[order[0]][1]:
        chosen = order[:2]
    return [sentence for i in sorted(chosen) for sentence in rows[i][0]][:most]


def _row(asked: frozenset[str], section: Sequence[Unit], language: Language, most: int) -> list[str]:
    """The sentences of one section; of a long one those from the most telling one on."""
    fit = [
        (polite, _bearing(asked, unit))
        for unit in section
        if is_in(language, unit.text)
        and not _LEANS.search(unit.text)
        and (polite := in_reply_style(unit.text, language))
    ]
    top = max(range(len(fit)), key=lambda i: fit[i][1], default=0)
    start = 0 if len(fit) <= most else min(top, len(fit) - 2)
    return [sentence for sentence, _ in fit[start : start + most]]


def _about(section: Sequence[Unit]) -> frozenset[str]:
    return section[0].heading.union(*(unit.about for unit in section))


def _by_section(found: Sequence[Unit]) -> list[list[Unit]]:
    return [list(group) for _, group in groupby(found, key=lambda unit: unit.section)]


def _bearing(asked: frozenset[str], unit: Unit) -> float:
    own = overlap(asked, unit.about)
    return own + _HEADING_WEIGHT * overlap(asked, unit.heading) if unit.about else 0.0


# -- one politeness level ------------------------------------------------------------------------------------

_POLITE = re.compile(r"(?:니다|니까|십시오|시오|주세요|바랍니다)\s*[.!?]?\)?$")
_SOFT = (
    ("가능해요", "가능합니다"),
    ("해요", "합니다"),
    ("돼요", "됩니다"),
    ("되요", "됩니다"),
    ("있어요", "있습니다"),
    ("없어요", "없습니다"),
    ("이에요", "입니다"),
    ("예요", "입니다"),
    ("드려요", "드립니다"),
)
_PLAIN = re.compile(r"([가-힣])다[.]?$")
_ENGLISH_SENTENCE = re.compile(r"^[A-Z0-9\"'(].*[.!]$", re.DOTALL)
_FIRST_HANGUL, _FINALS, _N, _B, _L = 0xAC00, 28, 4, 17, 8


def in_reply_style(sentence: str, language: Language) -> str | None:
    """The sentence as a reply may say it: a whole English one, or a Korean one in the formal polite style.

    Plain and informal polite endings become formal ones (한다, 해요 -> 합니다); a fragment gives None.
    """
    if language == "en":
        return sentence if _ENGLISH_SENTENCE.match(sentence) else None
    if sentence.endswith("?"):
        return None
    if _POLITE.search(sentence):
        return sentence if sentence[-1] in ".!?)" else f"{sentence}."
    bare = sentence.rstrip(". ")
    for soft, formal in _SOFT:
        if bare.endswith(soft):
            return f"{bare.removesuffix(soft)}{formal}."
    if match := _PLAIN.search(sentence):
        return f"{bare[:-2]}{_formal(match.group(1), bare[:-2])}."
    return None


def _formal(stem: str, before: str) -> str:
    """The syllable before a plain 다 with the formal ending: 한 -> 합니다, 는 -> 습니다, 있 -> 있습니다."""
    final = (ord(stem) - _FIRST_HANGUL) % _FINALS
    if stem == "는" and before:
        return "습니다"
    if final in (_N, _L):
        return chr(ord(stem) - final + _B) + "니다"
    return f"{stem}습니다" if final else f"{chr(ord(stem) + _B)}니다"
