"""What a knowledge gap says: a ticket's question without its people, and an article drafted from replies."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from ccos.domain.gap import SLOT, Proposal, Sent, Source
from ccos.domain.prompt import Language
from ccos.domain.ticket import Ticket
from ccos.knowledge.filler import informative
from ccos.providers.rules.queries import asks, queries
from ccos.providers.rules.text import sentences
from ccos.quality.pii import LABELS, find

TITLE_CHARACTERS, TEXT_CHARACTERS = 120, 600
MOST_FACTS = 12
_TELLING = 12
"""Informative terms above which a longer question says no more."""

Fact = tuple[str, int]
"""A sentence, and the number of the reply that said it."""

_NUMBER = re.compile(r"(?<![\w.,])#?\d(?:[ -]?\d){6,}(?![\w,])")
_CODE = re.compile(r"\b[A-Z]{2,}[-_]?\d[\dA-Z-]{5,}\b")
_LONE_LETTERS = re.compile("[ㄱ-ㅎㅏ-ㅣ]+")
_SPACE = re.compile(r"\s+")
_MANNERS = re.compile(
    r"안녕하|감사(?:합니다|드립니다)|(?:문의해|기다려|이용해) ?주셔|(?:좋은|행복한) 하루|죄송|불편을|양해"
    r"|담당자가 .{0,20}확인|확인되는 ?대로|드림$|올림$"
    r"|^(?:hello|hi|dear)\b|thank(?:s| you)|sorry|apologi[sz]e|regards|sincerely|look into|get back to you"
    r"|have a (?:nice|great|good)|let us know",
    re.IGNORECASE,
)
_MARK = re.compile(r"\s?\[\d{1,2}\]")
_SOURCE = re.compile(r"\[\d{1,2}\] \d{4}-\d\d-\d\d, ")
_WORDS = {
    "ko": (
        "질문",
        "상담사가 지금까지 안내한 내용",
        "아직 없는 내용",
        "조건, 기간, 금액, 예외가 맞는지 확인하고, 한 고객에게만 맞는 말은 지워 주세요.",
        "이 질문에 보낸 답변이 아직 없습니다.",
        ("그대로 보냄", "고쳐서 보냄"),
        "이미 있는 비슷한 글",
    ),
    "en": (
        "Question",
        "What agents have answered so far",
        "What is missing",
        "Check conditions, periods, amounts and exceptions, and take out what holds for one customer only.",
        "Nobody has sent an answer to this question yet.",
        ("sent as it was", "sent edited"),
        "Already there, and close",
    ),
}


def asked(ticket: Ticket) -> tuple[str, str] | None:
    """What to compare and what to show of a ticket; None when it asks nothing. Raises Unreadable."""
    found = queries(ticket)
    text = private(found[0], ticket)[:TEXT_CHARACTERS] if found else ""
    if not informative(_LONE_LETTERS.sub(" ", text)):
        return None
    return text, _title(ticket, text)


def private(text: str, ticket: Ticket) -> str:
    """The text with a word in place of personal data, the customer's own too, and of order numbers.

    Raises Unreadable.
    """
    customer = ticket.customer
    known = (customer.name, customer.email, customer.phone) if customer else ()
    pieces, at = [], 0
    for span in find(text, names=[each for each in known if each]):
        pieces += [text[at : span.start], f"[{LABELS[span.kind]}]"]
        at = span.end
    return _CODE.sub("[번호]", _NUMBER.sub("[번호]", "".join([*pieces, text[at:]])))


def facts_of(replies: Sequence[Sent]) -> list[Fact]:
    """The sentences of the replies that say something, each once, without manners and citation marks."""
    found: list[tuple[Fact, set[str]]] = []
    for n, reply in enumerate(replies, start=1):
        for sentence in sentences(_MARK.sub("", reply.text)):
            line = _SPACE.sub(" ", sentence).strip(" -*·")
            about = informative(line)
            if len(about) < 3 or _MANNERS.search(line):
                continue
            if any(len(about & seen) >= 0.7 * min(len(about), len(seen)) for _, seen in found):
                continue
            found.append(((line, n), about))
    return [fact for fact, _ in found[:MOST_FACTS]]


def proposal(
    label: str,
    examples: Sequence[str],
    replies: Sequence[Sent],
    facts: Sequence[Fact],
    *,
    near: Sequence[tuple[str, str]] = (),
    made_by: str,
    now: datetime,
) -> Proposal:
    """The article: the question, what is known with the replies it comes from, and an honest empty place.

    `near` are articles by id and title that are there already: one of them may want other words instead.
    """
    language = language_of(label)
    question, known, missing, check, nobody, how, there = _WORDS[language]
    lines = [
        f"# {label}",
        "",
        f"## {question}",
        "",
        *(f"- {each}" for each in examples),
        "",
        f"## {known}",
        "",
    ]
    if facts:
        lines += [*(f"- {text} [{n}]" for text, n in facts), ""]
        cited = {n for _, n in facts}
        lines += [
            f"[{n}] {reply.at:%Y-%m-%d}, {how[reply.verdict == 'edited']}"
            for n, reply in enumerate(replies, start=1)
            if n in cited
        ]
    else:
        lines.append(nobody)
    lines += ["", f"## {missing}", "", SLOT[language], "", f"> {check}", ""]
    lines += [f"> {there}: {' '.join(title.split())} ({item})" for item, title in near]
    return Proposal(
        title=label,
        body="\n".join(lines),
        answer="\n".join(f"- {text}" for text, _ in facts) or None,
        sources=tuple(
            Source(n, str(reply.ticket_id), str(reply.draft_id), reply.verdict, reply.at)
            for n, reply in enumerate(replies, start=1)
        ),
        made_by=made_by,
        made_at=now,
    )


def cleaned(text: str) -> str:
    """An article as a person edited it, without what only helped to edit: marks, sources and the advice."""
    advice = tuple(f"> {words[n]}" for words in _WORDS.values() for n in (3, 6))
    kept = [_MARK.sub("", line) for line in text.splitlines() if not _SOURCE.match(line)]
    return "\n".join(line for line in kept if not line.strip().startswith(advice)).strip()


def language_of(text: str) -> Language:
    return "ko" if re.search("[가-힣]", text) else "en"


def _title(ticket: Ticket, text: str) -> str:
    """What is asked in the customer's words: the question that says the most, below the subject's heading.

    A question alone may lean on the subject ("may I have it by mail?"): then both stand.
    """
    message = ticket.last_customer_text if ticket.conversation_history else ticket.description
    subject = _line(ticket.subject, ticket)
    told = [_line(part, ticket) for part in asks(message)]
    best = max(told, key=lambda line: min(len(informative(line)), _TELLING), default="")
    if len(informative(best)) < 2:
        return _short(subject if informative(subject) else _SPACE.sub(" ", text))
    about, own = informative(best), informative(subject)
    if not own or len(about & own) >= len(own) / 2:
        return _short(best)
    return _short(f"{subject}: {best}")


def _line(text: str, ticket: Ticket) -> str:
    return _SPACE.sub(" ", private(text, ticket)).strip(" -*·.,;")


def _short(line: str) -> str:
    if len(line) <= TITLE_CHARACTERS:
        return line
    cut = line[: TITLE_CHARACTERS - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut[60:] else cut).rstrip() + "…"
