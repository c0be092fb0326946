"""The reply of the rule tier: an approved answer, else the KB's own sentences, else an honest hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ccos.domain.evidence import Evidence
from ccos.domain.prompt import Grounds, Language
from ccos.domain.ticket import Ticket
from ccos.providers.rules import phrases
from ccos.providers.rules.extract import excerpt, public_kb, relevance
from ccos.providers.rules.facts import customer_name, order_number, product
from ccos.providers.rules.queries import asks
from ccos.providers.rules.slots import ApprovedAnswer, fill
from ccos.providers.rules.text import bounded, overlap, spaced, squash, terms

RELEVANT = 0.34
"""Least relevance at which a passage may answer a question (set on the sample tickets)."""

MAX_PARTS = 2

Kind = Literal["answer", "clarify", "hold"]
Shelf = Mapping[tuple[str, Language], Sequence[ApprovedAnswer]]

_CLOSING = re.compile(
    r"감사합니다|감사드립니다|궁금하신|문의해\s?주|언제든|thank you|regards|let us know|any other question|"
    r"reply to this|sincerely",
    re.IGNORECASE,
)
_OPENING = re.compile(r"^(?:안녕하세요|안녕하십니까|hello|hi|dear)\b|고객센터입니다", re.IGNORECASE)
_UPSET = re.compile(
    r"파손|깨|불량|고장|하자|오배송|잘못|분실|누락|못받|안왔|안와|안옴|아직|지연|늦|"
    r"오류|안되|불편|화나|화가|실망|짜증|불친절|최악|유출|두번|이중|중복|"
    r"broken|damaged|defect|fault|wrong|lost|missing|never|still|late|delay|error|"
    r"fail|angry|disappoint|terrible|rude|twice|leak"
)
_PHOTO_NEEDED = re.compile(
    r"파손|깨|찌그러|찢|불량|오배송|잘못|다른|누락|damage|broke|crack|crush|wrong|missing|defect|fault|torn"
)
_PHOTO_GIVEN = re.compile(
    r"사진.{0,8}(?:첨부|보내|보냈|올려|올렸|동봉)|첨부|attach|photos? (?:below|here|"
    r"included|sent)|picture (?:below|here)"
)
_SENTENCE_GAP = re.compile(r"(?<=[.!?。])(?<!\d\.)[ \t]+")


@dataclass(frozen=True, slots=True)
class Reply:
    text: str
    citations: tuple[int, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class _Part:
    """What is said on one question, and the evidence it stands on."""

    text: str
    n: int


def compose(ticket: Ticket, grounds: Grounds, shelf: Shelf) -> Reply:
    """Write the reply for a ticket from what it may stand on; `shelf` holds the approved answers.

    Every statement comes from an approved answer or a public KB passage, every slot from ticket or tenant.
    """
    language = grounds.language
    text = ticket.customer_text
    slots = {
        "customer_name": customer_name(ticket, language),
        "company": grounds.settings.company.get(language),
        "order_number": order_number(text),
        "product": product(text),
        "contact": grounds.settings.contact.get(language),
    }
    evidence = public_kb(grounds.evidence)
    questions = _questions(ticket)
    whole = _approved(grounds, shelf, slots, evidence, questions)
    if whole:
        answer, filled, item = whole
        more = _parts(
            [q for q in questions if overlap(q, terms(filled)) < RELEVANT],
            grounds,
            shelf,
            slots,
            [e for e in evidence if e.id != answer.kb_id],
        )[: MAX_PARTS - 1]
        return _with_body(_insert(filled, item.n, more), (item.n, *(p.n for p in more)), "answer", grounds)
    if parts := _parts(questions, grounds, shelf, slots, evidence)[:MAX_PARTS]:
        body = (
            phrases.greeting(language, slots["customer_name"], slots["company"]),
            _lead(language, grounds.intent, text),
            *(f"{part.text} [{part.n}]" for part in parts),
            phrases.closing(language),
        )
        return _with_body("\n\n".join(body), tuple(p.n for p in parts), "answer", grounds)
    return _hold(ticket, grounds, slots)


def _questions(ticket: Ticket) -> list[frozenset[str]]:
    """What each question is about; the subject belongs to the first, and a lone statement is one question."""
    subject = terms(ticket.subject)
    asked = [terms(ask) for ask in asks(ticket.last_customer_text)] or [
        terms(bounded(ticket.last_customer_text))
    ]
    asked[0] = asked[0] | subject
    return [about for about in asked if about][: MAX_PARTS + 1]


def _approved(
    grounds: Grounds,
    shelf: Shelf,
    slots: Mapping[str, str | None],
    evidence: Sequence[Evidence],
    questions: Sequence[frozenset[str]],
) -> tuple[ApprovedAnswer, str, Evidence] | None:
    """The approved answer of this intent whose KB item ranks best among the evidence."""
    asked = frozenset().union(*questions)
    for item in evidence:
        fits = [
            answer for answer in shelf.get((item.id, grounds.language), ()) if answer.intent == grounds.intent
        ]
        for answer in sorted(fits, key=lambda answer: -overlap(asked, terms(answer.text))):
            if filled := fill(answer, slots):
                return answer, filled, item
    return None


def _parts(
    questions: Iterable[frozenset[str]],
    grounds: Grounds,
    shelf: Shelf,
    slots: Mapping[str, str | None],
    evidence: Sequence[Evidence],
) -> list[_Part]:
    """For each question the passage that speaks of it most, when it speaks of it enough."""
    found: list[_Part] = []
    for asked in questions:
        ranked = sorted(((relevance(asked, item), -i) for i, item in enumerate(evidence)), reverse=True)
        for score, position in ranked[:2]:
            item = evidence[-position]
            if score < RELEVANT or any(part.n == item.n for part in found):
                break
            said = _body_of_approved(item, grounds, shelf, slots) or _said(asked, item, grounds.language)
            if said:
                found.append(_Part(said, item.n))
                break
    return found


def _said(asked: frozenset[str], item: Evidence, language: Language) -> str:
    return " ".join(excerpt(asked, item, language))


def _body_of_approved(item: Evidence, grounds: Grounds, shelf: Shelf, slots: Mapping[str, str | None]) -> str:
    """The statements of an approved answer on this KB item, without its greeting and closing."""
    for answer in shelf.get((item.id, grounds.language), ()):
        if answer.intent == grounds.intent and (filled := fill(answer, slots)):
            opening, body, _ = _split(filled)
            return body or opening
    return ""


def _split(text: str) -> tuple[str, str, str]:
    """Opening, statements and closing of an approved text, by its lines' first and last sentences."""
    pieces = [
        (line_no, part)
        for line_no, line in enumerate(text.splitlines())
        for part in _SENTENCE_GAP.split(line)
    ]
    start, end = 0, len(pieces)
    while start < end and (not pieces[start][1].strip() or _OPENING.search(pieces[start][1])):
        start += 1
    while end > start and (not pieces[end - 1][1].strip() or _CLOSING.search(pieces[end - 1][1])):
        end -= 1
    return _joined(pieces[:start]), _joined(pieces[start:end]), _joined(pieces[end:])


def _joined(pieces: Sequence[tuple[int, str]]) -> str:
    lines: dict[int, list[str]] = {}
    for line_no, part in pieces:
        lines.setdefault(line_no, []).append(part)
    return "\n".join(" ".join(parts) for parts in lines.values()).strip()


def _insert(filled: str, n: int, more: Sequence[_Part]) -> str:
    """An approved text with its mark, and what answers further questions set before its closing."""
    opening, body, closing = _split(filled)
    if not body:
        return f"{filled} [{n}]"
    added = [f"{part.text} [{part.n}]" for part in more]
    return "\n\n".join(piece for piece in (opening, f"{body} [{n}]", *added, closing) if piece)


def _lead(language: Language, intent: str, text: str) -> str:
    sorry = f"{phrases.sympathy(language)} " if _upset(text) else ""
    return sorry + phrases.restating(language, intent)


def _upset(text: str) -> bool:
    head = bounded(text)
    return bool(_UPSET.search(squash(head)) or _UPSET.search(spaced(head)))


def _hold(ticket: Ticket, grounds: Grounds, slots: Mapping[str, str | None]) -> Reply:
    language = grounds.language
    missing = _missing(ticket, grounds.intent, slots)
    body = [
        phrases.greeting(language, slots["customer_name"], slots["company"]),
        (f"{phrases.sympathy(language)} " if _upset(ticket.customer_text) else "")
        + phrases.holding(language, grounds.intent),
        phrases.asking(language, missing) if missing else "",
        slots["contact"] or "",
        phrases.thanks(language),
    ]
    return _with_body("\n\n".join(filter(None, body)), (), "clarify" if missing else "hold", grounds)


def _missing(ticket: Ticket, intent: str, slots: Mapping[str, str | None]) -> tuple[str, ...]:
    """The facts a person would need to look the case up and the ticket does not give."""
    text = bounded(ticket.customer_text)
    flat = spaced(text)
    if len(terms(text)) < 2 and intent == "other":
        return ("content",)
    given = {
        "order": bool(slots["order_number"]),
        "product": bool(slots["product"] or slots["order_number"]),
        "photo": bool(_PHOTO_GIVEN.search(flat))
        or (not _PHOTO_NEEDED.search(flat) and intent == "delivery_problem"),
    }
    return tuple(fact for fact in phrases.NEEDED.get(intent, ()) if not given.get(fact, False))


def _with_body(text: str, citations: Sequence[int], kind: Kind, grounds: Grounds) -> Reply:
    """The reply inside the tenant's rules: no banned phrase, not too long, whole sentences only."""
    banned = [phrase for phrase in grounds.settings.banned_phrases if phrase]
    if any(phrase in text for phrase in banned):
        lines = (
            " ".join(
                part for part in _SENTENCE_GAP.split(line) if not any(phrase in part for phrase in banned)
            )
            for line in text.splitlines()
        )
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    most = grounds.settings.reply_max_characters
    while len(text) > most:
        shorter = re.split(r"(?<=[.!?\]])\s+(?=\S+)", text)[:-1]
        text = text[: max(text.rfind(shorter[-1]) + len(shorter[-1]), 0)] if shorter else ""
    cited = tuple(dict.fromkeys(n for n in citations if f"[{n}]" in text))
    if citations and not cited:
        kind = "hold"
    return Reply(text or phrases.last_resort(grounds.language), cited, kind)
