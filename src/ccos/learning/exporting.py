"""Decided drafts as labelled answers, in the shape that training and evaluation read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ccos.domain.draft import Draft, DraftState
from ccos.domain.errors import Unreadable
from ccos.domain.labelling import Rated, rate
from ccos.domain.ticket import Ticket
from ccos.quality.pii import PLACEHOLDER, mask
from ccos.store.decisions import Decision

_ANSWERS = frozenset({DraftState.READY, DraftState.NEEDS_REVIEW})
_LABELS: Mapping[Rated, str] = {
    Rated.APPROVED: "approve",
    Rated.LIGHTLY_EDITED: "edit",
    Rated.REWRITTEN: "reject",
    Rated.REJECTED: "reject",
}
_INVENTED: Mapping[str, str] = {
    "전화번호": "010-0000-{n:04d}",
    "이메일": "customer{n}@example.com",
    "이름": "김고객{n}",
    "주소": "서울시 중구 예시로 {n}",
    "카드번호": "0000-0000-0000-{n:04d}",
    "계좌번호": "000-0000-{n:06d}",
    "생년월일": "1900년 1월 {n}일",
}
"""In place of personal data: values that are nobody's, the same for the same value within one ticket."""


def labelled(
    ticket: Ticket, draft: Draft, made: DraftState, decision: Decision, *, as_written: bool = False
) -> dict[str, Any] | None:
    """One line of a labelled set; None for a draft that is no answer, or whose text cannot be searched.

    `made` is the state that work on the draft ended in, before anybody decided: one that asked the customer
    or handed over is no answer. Unless `as_written`, personal data is replaced by invented values, in ticket,
    evidence, reply and reason alike.
    """
    if made not in _ANSWERS or not draft.reply or draft.tier is None or draft.scorer is None:
        return None
    evidence = (f"{e.title}\n{e.snippet}".strip() for e in draft.evidence)
    texts = [_asked(ticket, draft.created_at).customer_text, draft.reply, decision.reason, *evidence]
    if not as_written:
        try:
            texts = list(_without_people(texts, ticket))
        except Unreadable:
            return None
    question, answer, reason, *passages = texts
    rated = rate(decision.verdict, draft.reply, decision.text).rated
    return {
        "ticket_id": draft.ticket_id,
        "question": question,
        "evidence": passages,
        "answer": answer,
        "label": _LABELS[rated],
        "reasons": [reason] if reason else [],
        "task": "solution_draft",
        "language": draft.triage.get("language"),
        "intent": draft.triage.get("intent"),
        "tier": draft.tier.value,
        "generator": draft.model,
    }


def _asked(ticket: Ticket, made_at: datetime | None) -> Ticket:
    """The ticket as the draft knew it: a message that is known to be later is no part of its question."""
    if made_at is None:
        return ticket
    known = [m for m in ticket.conversation_history if m.at is None or _utc(m.at) <= _utc(made_at)]
    return ticket.model_copy(update={"conversation_history": tuple(known)})


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _without_people(texts: list[str], ticket: Ticket) -> Iterator[str]:
    name = ticket.customer.name if ticket.customer else None
    masked, _ = mask(texts, names=[name] if name else [])
    for text in masked:
        yield PLACEHOLDER.sub(lambda m: _invented(m[1] or m[3], int(m[2] or m[4])), text)


def _invented(kind: str, n: int) -> str:
    return _INVENTED.get(kind, "000000-{n:07d}").format(n=n)
