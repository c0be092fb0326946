"""Decided drafts as labelled answers, in the shape that training and evaluation read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from ccos.domain.draft import Draft, DraftState
from ccos.domain.errors import Unreadable
from ccos.domain.evidence import EvidenceKind, for_writing
from ccos.domain.labelling import Rated, rate
from ccos.domain.prompt import Grounds, Language
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from ccos.learning.nobody import of_nobody
from ccos.providers.rules.compose import compose
from ccos.store.decisions import Decision

_NOT_READ = {"updated_at", "version", "passages", "link"}
"""Of evidence, what no gate and no model reads."""

_ANSWERS = frozenset({DraftState.READY, DraftState.NEEDS_REVIEW})
_LABELS: Mapping[Rated, str] = {
    Rated.APPROVED: "approve",
    Rated.LIGHTLY_EDITED: "edit",
    Rated.REWRITTEN: "reject",
    Rated.REJECTED: "reject",
}
_JUDGED_BY = ("company", "contact", "reply_max_characters", "channel_max_characters", "banned_phrases")
"""Of a tenant's settings those that the gate reads."""
_OURS = frozenset({"id", "kind", "visibility", "role", "priority", "language", "created_at"})
"""Names of values that are the product's own words, or say when and not who."""

Text = Callable[[str], str]


def labelled(
    ticket: Ticket,
    draft: Draft,
    made: DraftState,
    decision: Decision,
    *,
    settings: TenantSettings | None = None,
    usual_of_tier: float | None = None,
    as_written: bool = False,
) -> dict[str, Any] | None:
    """One line of a labelled set; None for a draft that is no answer, or whose text cannot be searched.

    `made` is the state that work on the draft ended in, before anybody decided: one that asked the customer
    or handed over is no answer. `settings` and `usual_of_tier` are what the desk judged it by. Unless
    `as_written`, personal data is replaced by values that are nobody's, in all the line alike; what the
    company says of itself, in its knowledge base or its settings, stays.
    """
    if made not in _ANSWERS or not draft.reply or draft.tier is None or draft.scorer is None:
        return None
    house = settings or TenantSettings()
    asked = asked_then(ticket, draft.created_at)
    of_people = {
        "question": asked.customer_text,
        "answer": draft.reply,
        "reasons": [decision.reason] if decision.reason else [],
        "evidence": [each.model_dump(mode="json", exclude=_NOT_READ) for each in for_writing(draft.evidence)],
        "ticket": asked.model_dump(mode="json", exclude_defaults=True),
        "settings": house.model_dump(mode="json", include=set(_JUDGED_BY)),
        "approved": list(_approved(asked, draft, house)),
    }
    if not as_written:
        try:
            of_people = _without_people(of_people, ticket, draft, house)
        except Unreadable:
            return None
    at = decision.decided_at
    rated = rate(decision.verdict, draft.reply, decision.text).rated
    return {
        "ticket_id": draft.ticket_id,
        **{name: of_people[name] for name in ("question", "evidence", "answer")},
        "label": _LABELS[rated],
        "reasons": of_people["reasons"],
        "task": "solution_draft",
        "language": draft.triage.get("language"),
        "intent": draft.triage.get("intent"),
        "tier": draft.tier.value,
        "generator": draft.model,
        "decided_at": _utc(at).isoformat(),
        "desk": {
            **{name: of_people[name] for name in ("ticket", "settings", "approved")},
            "usual_of_tier": usual_of_tier,
            "quality": draft.quality,
            "scorer": draft.scorer,
        },
    }


def asked_then(ticket: Ticket, made_at: datetime | None) -> Ticket:
    """The ticket as the draft knew it: a message that is known to be later is no part of its question."""
    known = [
        message.model_copy(update={"at": None})
        for message in ticket.conversation_history
        if made_at is None or message.at is None or _utc(message.at) <= _utc(made_at)
    ]
    return ticket.model_copy(update={"conversation_history": tuple(known)})


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _approved(ticket: Ticket, draft: Draft, settings: TenantSettings) -> tuple[str, ...]:
    """The approved texts that a reply of the rules quotes: nobody wrote them down, and the rules say the same
    again. Under other approved answers than those of then, they say something else, and nothing is known.
    """
    if draft.tier is not Tier.RULE_BASED:
        return ()
    language: Language = "en" if draft.triage.get("language") == "en" else "ko"
    intent = draft.triage.get("intent")
    grounds = Grounds(
        ticket, for_writing(draft.evidence), language, str(intent or "other"), settings=settings
    )
    again = compose(ticket, grounds)
    return again.approved if again.text == draft.reply else ()


def _without_people(
    of_people: dict[str, Any], ticket: Ticket, draft: Draft, settings: TenantSettings
) -> dict[str, Any]:
    texts: list[str] = []

    def noted(text: str) -> str:
        texts.append(text)
        return text

    _mapped(of_people, noted)
    public = [f"{e.title}\n{e.snippet}\n{e.url or ''}" for e in draft.evidence if e.kind is EvidenceKind.KB]
    said = [each.text for each in settings.approved_answers]
    house = [*public, *said, *settings.company.values(), *settings.contact.values()]
    made: Iterator[str] = iter(of_nobody(texts, house=house, customer=ticket.customer))
    found: dict[str, Any] = _mapped(of_people, lambda _: next(made))
    return found


def _mapped(value: Any, change: Text) -> Any:
    """The value with every text in it changed, but for those that are none of people's words."""
    match value:
        case str():
            return change(value)
        case dict():
            return {name: each if name in _OURS else _mapped(each, change) for name, each in value.items()}
        case list():
            return [_mapped(each, change) for each in value]
        case _:
            return value
