"""A solved ticket as a similar case: what the customer asked, and what the agents answered in public."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ccos.knowledge.formats.html import looks_like_html, to_markdown

MOST_CHARACTERS = 20_000
"""Of each side; a thread that is longer says what matters at its two ends."""
_QUOTED = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_NAME = "[이름]"
_OF_A_DESK = re.compile(
    r"팀|센터|고객|상담|안내|지원|운영|관리|담당|쇼핑|스토어|공식|봇|\b(?:team|support|service|customer|care|desk|"
    r"help|shop|store|admin|info|sales|bot|no-?reply)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """One public message. Internal notes, and what machines say, never become one."""

    by: Literal["customer", "agent"]
    text: str


def case_record(
    external_id: str,
    subject: str,
    thread: Sequence[Said],
    *,
    people: Iterable[str] = (),
    updated_at: datetime | None = None,
    tags: Sequence[str] = (),
    category: str | None = None,
    locale: str | None = None,
) -> dict[str, object] | None:
    """A record for an item, or None where the customer or the agents said nothing.

    `people` are names that the desk knows: they go here; the personal data that can be recognised goes when
    the item is stored. Without a subject the case has the beginning of the question for a title.
    """
    asked, answered = (_side(thread, by) for by in ("customer", "agent"))
    if not asked or not answered:
        return None
    hide = _hiding(people)
    title = " ".join(subject.split()) or asked.split("\n", 1)[0][:80]
    return {
        "external_id": external_id,
        "kind": "case",
        "title": hide(title),
        "body": f"{hide(asked)}\n\n{hide(answered)}",
        "updated_at": updated_at.isoformat() if updated_at else "",
        "tags": list(tags),
        "category": category or "",
        "locale": locale or "",
    }


def plain(content: str) -> str:
    """A message's words: HTML as Markdown, without lines that quote an earlier message."""
    words = to_markdown(content).text if looks_like_html(content) else content
    return re.sub(r"\n{3,}", "\n\n", _QUOTED.sub("", words)).strip()


def _side(thread: Sequence[Said], by: str) -> str:
    whole = "\n\n".join(filter(None, (plain(each.text) for each in thread if each.by == by)))
    if len(whole) <= MOST_CHARACTERS:
        return whole
    half = MOST_CHARACTERS // 2
    return f"{whole[:half]}\n\n…\n\n{whole[-half:]}"


def _hiding(people: Iterable[str]) -> Callable[[str], str]:
    names = sorted({pattern for person in people for pattern in _patterns(" ".join(person.split()))}, key=len)
    if not names:
        return lambda text: text
    known = re.compile("|".join(reversed(names)), re.IGNORECASE)
    return lambda text: known.sub(_NAME, text)


def _patterns(name: str) -> list[str]:
    """How a person of this name may be named. A desk's own name is none: its words are everybody's.

    A name in Latin letters stands alone, its parts too; one in Hangul may be followed by a particle or a
    title, and without the family name it counts only before a word that goes with a name.
    """
    if len(name) < 2 or _OF_A_DESK.search(name):
        return []
    if name.isascii():
        parts = [part for part in name.split() if len(part) > 2 and part.isalpha()]
        return [rf"(?<![A-Za-z]){re.escape(each)}(?![A-Za-z])" for each in dict.fromkeys([name, *parts])]
    found = [rf"(?<![가-힣]){re.escape(name)}"]
    if re.fullmatch("[가-힣]{3}", name):
        found.append(rf"(?<![가-힣]){name[1:]}(?=\s?(?:님|씨|입니다|이에요|예요|라고|이라고))")
    return found
