"""Tier 3: answers without a model, without a network, and without failing."""

from __future__ import annotations

import json

import structlog

from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.prompt import Answer, Grounds, Prompt, ProviderCard
from ccos.domain.ticket import MAX_TEXT_CHARACTERS, Ticket
from ccos.domain.tier import Task, Tier
from ccos.providers.rules import phrases
from ccos.providers.rules.compose import Reply, compose
from ccos.providers.rules.extract import facts
from ccos.providers.rules.fields import category_for, tags_for
from ccos.providers.rules.queries import queries
from ccos.providers.rules.text import bounded, terms
from ccos.providers.rules.urgency import priority_of
from ccos.providers.voice import Hear

log = structlog.get_logger(__name__)


class RuleBased:
    """The guaranteed end of every plan: approved answers and templates, filled from ticket and evidence.

    `answer` never raises and does no I/O; whatever `seconds` is, it is done in about a millisecond.
    """

    card = ProviderCard(tier=Tier.RULE_BASED, name="rules", model="rules-1", context_tokens=1_000_000)

    async def answer(
        self,
        prompt: Prompt,
        *,
        seconds: float,  # noqa: ARG002 (it never waits)
        hear: Hear | None = None,  # noqa: ARG002 (its words are there all at once)
    ) -> Answer:
        try:
            text, approved = self._write(prompt)
        except Exception as fault:  # the promise of this tier: a fault of ours must still end in a draft
            log.error("rules.fault", task=prompt.task, error=type(fault).__name__)
            text, approved = _last_resort(prompt), ()
        return Answer(text=text, provider=self.card.name, model=self.card.model, approved=approved)

    async def alive(self, *, seconds: float) -> bool:  # noqa: ARG002 (it never waits)
        return True

    def estimate(self, prompt: Prompt) -> MicroUsd:  # noqa: ARG002 (always free)
        return ZERO

    def _write(self, prompt: Prompt) -> tuple[str, tuple[str, ...]]:
        """The answer, and the approved texts it quotes."""
        grounds = prompt.grounds
        ticket = grounds.ticket or _ticket_of(prompt)
        match prompt.task:
            case Task.QUERY_BUILDER:
                found = queries(ticket) or [phrases.TOPIC[grounds.language].get(grounds.intent, "문의")]
                return (_json({"queries": found}) if prompt.schema else "\n".join(found)), ()
            case Task.KB_SYNTHESIS:
                chosen = facts(terms(bounded(ticket.customer_text)), grounds.evidence, grounds.language)
                if prompt.schema:
                    return _json({"facts": [{"text": fact.text, "n": fact.n} for fact in chosen]}), ()
                return "\n".join(f"- {fact.text} [{fact.n}]" for fact in chosen), ()
            case Task.TRIAGE:
                return _json(_triage(ticket, grounds)), ()
            case Task.SOLUTION_DRAFT:
                reply = compose(ticket, grounds)
                return (
                    _json(_draft(reply, ticket, grounds)) if prompt.schema else reply.text
                ), reply.approved
            case Task.CHAT | Task.JUDGEMENT | Task.EMBEDDING:  # no rule does that: it says so
                said = phrases.NO_ASSISTANT[grounds.language]
                return said, (said,)


def _draft(reply: Reply, ticket: Ticket, grounds: Grounds) -> dict[str, object]:
    text = ticket.customer_text
    return {
        "reply": reply.text,
        "category": category_for(grounds.intent, grounds.settings),
        "tags": tags_for(text, grounds.settings),
        "priority": priority_of(text, grounds.intent).value,
        "citations": list(reply.citations),
        "kind": reply.kind,
    }


def _triage(ticket: Ticket, grounds: Grounds) -> dict[str, object]:
    return {
        "language": grounds.language,
        "intent": grounds.intent,
        "sentiment": "neutral",
        "priority": priority_of(ticket.customer_text, grounds.intent).value,
    }


def _ticket_of(prompt: Prompt) -> Ticket:
    """A prompt without a ticket asks with its last user turn."""
    said = next((turn.text for turn in reversed(prompt.turns) if turn.role == "user"), "")
    return Ticket(description=said[:MAX_TEXT_CHARACTERS])


def _last_resort(prompt: Prompt) -> str:
    """An answer of the right shape that says nothing untrue."""
    hold = phrases.last_resort(prompt.grounds.language)
    shapes: dict[Task, dict[str, object]] = {
        Task.QUERY_BUILDER: {"queries": ["문의"]},
        Task.KB_SYNTHESIS: {"facts": []},
        Task.TRIAGE: {
            "language": prompt.grounds.language,
            "intent": "other",
            "sentiment": "neutral",
            "priority": "normal",
        },
        Task.SOLUTION_DRAFT: {
            "reply": hold,
            "category": "",
            "tags": [],
            "priority": "normal",
            "citations": [],
            "kind": "hold",
        },
    }
    return _json(shapes[prompt.task]) if prompt.schema and prompt.task in shapes else hold


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
