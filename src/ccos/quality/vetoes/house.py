"""Does it keep the company's own rules: banned phrases, length, citations that exist?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ccos.domain.verdict import Veto
from ccos.quality.folding import plain
from ccos.quality.reading import Reading
from ccos.quality.vetoes.family import Family

_CITATION = re.compile(r"\[(\d{1,3}(?:\s?,\s?\d{1,3}){0,8})\](?!\()")


def _rules(reading: Reading) -> Iterator[Veto]:
    yield from _banned(reading)
    ticket = reading.grounds.ticket
    limit = reading.grounds.settings.longest_reply(ticket.channel if ticket else None)
    if len(reading.text) > limit:
        sentence = f"The answer has {len(reading.text)} characters; {limit} are allowed."
        yield Veto("too_long", sentence, "repair", (limit, len(reading.text)))


def _banned(reading: Reading) -> Iterator[Veto]:
    text = reading.folded.text
    for phrase in reading.grounds.settings.banned_phrases:
        if match := _phrase(phrase, text):
            sentence = f"The answer uses {phrase.strip()[:60]!r}, which the company does not say."
            yield Veto("banned", sentence, "repair", reading.folded.original(*match.span()))


def _phrase(phrase: str, text: str) -> re.Match[str] | None:
    """The phrase with any blanks between its words; a Latin word counts only when it stands alone."""
    words = plain(phrase).split()
    if not words:
        return None
    pattern = r"\s+".join(re.escape(word) for word in words)
    before = r"(?<![A-Za-z0-9])" if words[0][0].isascii() and words[0][0].isalnum() else ""
    after = r"(?![A-Za-z0-9])" if words[-1][-1].isascii() and words[-1][-1].isalnum() else ""
    return re.search(before + pattern + after, text, re.IGNORECASE)


def _citations(reading: Reading) -> Iterator[Veto]:
    known = {evidence.n for evidence in reading.grounds.evidence}
    for match in _CITATION.finditer(reading.folded.text):
        missing = [n for n in match[1].split(",") if int(n) not in known]
        if missing:
            sentence = f"The answer cites passage {missing[0].strip()}, and there is no such passage."
            yield Veto("citation", sentence, "repair", reading.folded.original(*match.span()))


HOUSE = Family("house rules", ("banned", "too_long"), "It keeps the company's rules.", _rules)
BANNED = Family("house rules", ("banned",), "It keeps the company's rules.", _banned)
CITATIONS = Family("citations", ("citation",), "Every citation points at a passage.", _citations)
