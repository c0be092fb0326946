"""The reply of the rule tier: an approved answer, else the KB's own sentences, else an honest hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ccos.domain.evidence import Evidence
from ccos.domain.prompt import Grounds, Language
from ccos.domain.tenant import ApprovedAnswer
from ccos.domain.ticket import Ticket
from ccos.providers.rules import phrases
from ccos.providers.rules.extract import excerpt, public_kb, relevance
from ccos.providers.rules.facts import customer_name, order_number, product
from ccos.providers.rules.queries import asks
from ccos.providers.rules.slots import fill, fillable
from ccos.providers.rules.text import bounded, fold, overlap, spaced, squash, terms

RELEVANT = 0.34
"""Least relevance at which a passage may answer a question (set on the sample tickets)."""

FURTHER_RELEVANT = 0.45
"""The same for a passage that is set beside an approved answer: a wrong one would spoil a right reply."""

_RANK_DISCOUNT = 0.1
"""What each place lower in the search result takes off: search has seen how rare a word is."""

MAX_PARTS = 2

Slots = Mapping[str, str | None]
Kind = Literal["answer", "clarify", "hold"]
Shelf = Mapping[tuple[str | None, Language], Sequence[ApprovedAnswer]]
"""Approved answers by KB item and language."""

_CLOSING = re.compile(
    r"감사합니다|감사드립니다|궁금하신|문의해\s?주|언제든|thank you|regards|let us know|any other question|"
    r"reply to this|sincerely",
    re.IGNORECASE,
)
_OPENING = re.compile(r"^(?:안녕하세요|안녕하십니까|hello|hi|dear)\b|고객센터입니다", re.IGNORECASE)
_UPSET = re.compile(
    fold(
        r"파손|깨|불량|고장|하자|오배송|잘못|분실|누락|못받|안왔|안와|안옴|아직|지연|늦|"
        r"오류|안되|불편|화나|화가|실망|짜증|불친절|최악|유출|두번|이중|중복|"
        r"broken|damaged|defect|fault|wrong|lost|missing|never|still|late|delay|error|"
        r"fail|angry|disappoint|terrible|rude|twice|leak"
    )
)
_PHOTO_NEEDED = re.compile(
    r"파손|깨|찌그러|찢|불량|오배송|잘못|다른|누락|damage|broke|crack|crush|wrong|missing|defect|fault|torn"
)
_PHOTO_GIVEN = re.compile(
    r"사진.{0,8}(?:첨부|보내|보냈|올려|올렸|동봉)|첨부|attach|photos? (?:below|here|"
    r"included|sent)|picture (?:below|here)"
)
_SENTENCE_END = re.compile(r"(?<!\d)[.!?](?: \[\d+\])?(?=\s)")
_SENTENCE_GAP = re.compile(r"(?<=[.!?。])(?<!\d\.)[ \t]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """`approved` holds the approved texts, slots filled, that it quotes."""

    text: str
    citations: tuple[int, ...]
    kind: Kind
    approved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """What is said on one question, and the evidence it stands on."""

    text: str
    n: int


@dataclass(frozen=True, slots=True)
class _Case:
    """One ticket with all that its reply may use. `questions` holds the words of each thing asked."""

    ticket: Ticket
    grounds: Grounds
    shelf: Shelf
    slots: Slots
    evidence: Sequence[Evidence]
    questions: Sequence[frozenset[str]]

    @property
    def language(self) -> Language:
        return self.grounds.language

    @property
    def greeting(self) -> str:
        return phrases.greeting(self.language, self.slots["customer_name"], self.slots["company"])


def _shelf(grounds: Grounds) -> Shelf:
    shelf: dict[tuple[str | None, Language], list[ApprovedAnswer]] = {}
    for answer in grounds.settings.approved_answers:
        shelf.setdefault((answer.kb_id, answer.language), []).append(answer)
    return shelf


def compose(ticket: Ticket, grounds: Grounds) -> Reply:
    """Write the reply for a ticket from what it may stand on.

    Every statement comes from an approved answer or a public KB passage, every slot from ticket or tenant.
    """
    shelf, slots, kb = _shelf(grounds), _slots(ticket, grounds), public_kb(grounds.evidence)
    case = _Case(ticket, grounds, shelf, slots, kb, _questions(ticket))
    return _from_approved(case) or _from_passages(case) or _hold(case)


def _slots(ticket: Ticket, grounds: Grounds) -> Slots:
    text, settings = ticket.customer_text, grounds.settings
    return {
        "customer_name": customer_name(ticket, grounds.language),
        "company": settings.company.get(grounds.language),
        "order_number": order_number(text),
        "product": product(text),
        "contact": settings.contact.get(grounds.language),
    }


def _questions(ticket: Ticket) -> list[frozenset[str]]:
    """What each question is about; the subject belongs to the first, and a lone statement is one question."""
    last = ticket.last_customer_text
    asked = [terms(ask) for ask in asks(last)] or [terms(bounded(last))]
    asked[0] = asked[0] | terms(ticket.subject)
    return [about for about in asked if about][: MAX_PARTS + 1]


# -- (a) an approved answer ----------------------------------------------------------------------------------


def _from_approved(case: _Case) -> Reply | None:
    """The approved answer of this intent whose KB item ranks best, with what answers a further question."""
    asked: frozenset[str] = frozenset().union(*case.questions)
    vague = case.grounds.intent == "other"
    for item in case.evidence:
        if vague and relevance(asked, item) < RELEVANT:
            continue  # nothing but the passage itself says that the answer fits
        if filled := _approved_on(item, asked, case):
            more = _parts(_further(case.questions, filled), case, FURTHER_RELEVANT, besides=item.id)
            more = more[: MAX_PARTS - 1]
            cited = [item.n, *(p.n for p in more)]
            reply = _within_rules(_marked(filled, item.n, more), cited, "answer", case)
            return replace(reply, approved=(filled,))
    return None


def _approved_on(item: Evidence, asked: frozenset[str], case: _Case) -> str | None:
    """The filled approved answer on a KB item: one whose slots can all be filled first, then the closest."""
    fits = [a for a in case.shelf.get((item.id, case.language), ()) if a.intent == case.grounds.intent]
    fits.sort(key=lambda a: (not fillable(a, case.slots), -overlap(asked, terms(a.text))))
    return next((filled for answer in fits if (filled := fill(answer, case.slots))), None)


def _further(questions: Sequence[frozenset[str]], said: str) -> list[frozenset[str]]:
    """Of several questions those that the approved text leaves open; it is taken to answer at least one."""
    if len(questions) < 2:
        return []
    about = terms(said)
    left = [asked for asked in questions if overlap(asked, about) < RELEVANT]
    return left if len(left) < len(questions) else left[1:]


def _marked(filled: str, n: int, more: Sequence[_Part]) -> str:
    """An approved text with its mark, and what answers further questions set before its closing."""
    opening, body, closing = _split(filled)
    if not body:
        return f"{filled} [{n}]"
    added = [f"{part.text} [{part.n}]" for part in more]
    return "\n\n".join(piece for piece in (opening, f"{body} [{n}]", *added, closing) if piece)


# -- (b) the KB's own sentences ------------------------------------------------------------------------------


def _from_passages(case: _Case) -> Reply | None:
    parts = _parts(case.questions, case, RELEVANT)[:MAX_PARTS]
    if not parts:
        return None
    body = (
        case.greeting,
        _sorry(case) + phrases.restating(case.language, case.grounds.intent),
        *(f"{part.text} [{part.n}]" for part in parts),
        phrases.closing(case.language),
    )
    return _within_rules("\n\n".join(body), [part.n for part in parts], "answer", case)


def _parts(
    questions: Iterable[frozenset[str]], case: _Case, least: float, besides: str | None = None
) -> list[_Part]:
    """For each question the passage that speaks of it most, when it speaks of it enough."""
    found: list[_Part] = []
    for asked in questions:
        fit = [relevance(asked, item) * (1 - _RANK_DISCOUNT * i) for i, item in enumerate(case.evidence)]
        for i in sorted(range(len(fit)), key=lambda i: -fit[i])[:2]:
            item = case.evidence[i]
            if fit[i] < least or any(part.n == item.n for part in found):
                break
            if item.id != besides and (said := " ".join(excerpt(asked, item, case.language))):
                found.append(_Part(said, item.n))
                break
    return found


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


# -- (c) an honest hold --------------------------------------------------------------------------------------


def _hold(case: _Case) -> Reply:
    """Say that a person checks it, and ask for what is missing; an approved hold when nothing is."""
    missing = _missing(case.ticket, case.grounds.intent, case.slots)
    if not missing:
        for approved in case.shelf.get((None, case.language), ()):
            if approved.intent == case.grounds.intent and (filled := fill(approved, case.slots)):
                return replace(_within_rules(filled, [], "hold", case), approved=(filled,))
    body = (
        case.greeting,
        _sorry(case) + phrases.holding(case.language, case.grounds.intent),
        phrases.asking(case.language, missing) if missing else "",
        case.slots["contact"] or "",
        phrases.thanks(case.language),
    )
    return _within_rules("\n\n".join(filter(None, body)), [], "clarify" if missing else "hold", case)


def _sorry(case: _Case) -> str:
    head = bounded(case.ticket.customer_text)
    upset = _UPSET.search(squash(head)) or _UPSET.search(spaced(head))
    return f"{phrases.sympathy(case.language)} " if upset else ""


def _missing(ticket: Ticket, intent: str, slots: Slots) -> tuple[str, ...]:
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


def _within_rules(text: str, citations: Sequence[int], kind: Kind, case: _Case) -> Reply:
    """The reply inside the tenant's rules: no banned phrase, not too long, whole sentences only."""
    banned = [phrase for phrase in case.grounds.settings.banned_phrases if phrase]
    if any(phrase in text for phrase in banned):
        lines = (
            " ".join(
                part for part in _SENTENCE_GAP.split(line) if not any(phrase in part for phrase in banned)
            )
            for line in text.splitlines()
        )
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    ticket = case.grounds.ticket
    most = case.grounds.settings.longest_reply(ticket.channel if ticket else None)
    text = _shortened(text or phrases.last_resort(case.language), most)
    cited = tuple(dict.fromkeys(n for n in citations if f"[{n}]" in text))
    if citations and not cited:
        kind = "hold"
    return Reply(text, cited, kind)


def _shortened(text: str, most: int) -> str:
    """The text up to its last whole sentence within `most` characters."""
    if len(text) <= most:
        return text
    ends = [end.end() for end in _SENTENCE_END.finditer(text, 0, most)]
    return text[: ends[-1] if ends else most]
