"""Turns evidence into a reply, field updates and citations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from ccos.agents import claims
from ccos.agents.citations import marked, resolve_citations
from ccos.agents.findings import THIN, Findings
from ccos.agents.ports import Generator
from ccos.agents.prompts import solution_prompt, synthesis_prompt
from ccos.domain.draft import Attempt, FieldChange
from ccos.domain.evidence import for_customers, for_writing
from ccos.domain.prompt import Grounds, Prompt
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from ccos.domain.verdict import Verdict
from ccos.tiers.request import Context, Generation

PRIORITY_RIGHT = 0.74
"""Of the sample shop's tickets whose intent was read right, the share whose priority was too (40 of 54)."""

Kind = Literal["answer", "clarify", "hold"]
Facts = tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class Resolution:
    """`reply` keeps only citation marks that resolve, and has one where a fact stands in the evidence;
    `citations` are evidence numbers, in order."""

    reply: str
    kind: Kind
    fields: tuple[FieldChange, ...]
    citations: tuple[int, ...]
    generation: Generation
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Synthesis:
    facts: Facts = ()
    attempts: tuple[Attempt, ...] = ()
    spent_micro_usd: int = 0


async def synthesise(
    ticket: Ticket, grounds: Grounds, findings: Findings, *, generator: Generator, context: Context
) -> Synthesis:
    """The facts that answer the ticket, each with its evidence number; none when evidence is thin.

    One public passage needs no synthesis: the draft reads it itself.
    """
    if findings.answerability < THIN or len(for_customers(grounds.evidence)) < 2:
        return Synthesis()
    made = await generator.generate_with_fallback(synthesis_prompt(ticket, grounds), context)
    known = {e.n for e in for_customers(grounds.evidence) if e.n not in made.unseen}
    given = (made.verdict.payload or {}).get("facts")
    facts = given if made.accepted and isinstance(given, list) else []
    return Synthesis(tuple(f for f in facts if f.get("n") in known), made.attempts, made.spent)


async def resolve(
    ticket: Ticket,
    grounds: Grounds,
    findings: Findings,
    facts: Facts,
    *,
    generator: Generator,
    context: Context,
    hint: str | None = None,
    required_quality: float | None = None,
) -> Resolution:
    """Drafts the reply. Without evidence that answers, no model is asked and nothing is told from what only
    looks related: the rules ask the customer, or hand over."""
    answered = findings.answerability >= THIN
    if not answered:
        grounds = replace(grounds, evidence=())
    prompt = solution_prompt(ticket, grounds, facts, hint)
    made = await generator.generate_with_fallback(
        prompt, context, required_quality, max_retries=3 if answered else 0
    )
    payload = made.verdict.payload or {}
    seen = [e for e in for_writing(grounds.evidence) if e.n not in made.unseen]
    reply, _ = resolve_citations(made.response, seen)
    if made.tier is not Tier.RULE_BASED:  # the rules mark what they say, and say the same when asked again
        shown = for_customers(seen)
        told = claims.cited(marked(reply, shown, grounds), shown, grounds)
        reply = told if len(told) <= grounds.settings.longest_reply(ticket.channel) else reply
    reply, cited = resolve_citations(reply, seen, payload.get("citations"))
    return Resolution(
        reply=reply,
        kind=_kind(payload.get("kind")),
        fields=field_changes(ticket, grounds, made.verdict),
        citations=cited,
        generation=made,
        prompt=prompt,
    )


def field_changes(ticket: Ticket, grounds: Grounds, verdict: Verdict) -> tuple[FieldChange, ...]:
    """What the draft proposes to change: closed vocabulary only, and nothing that is already so.

    The confidence is triage's in what the ticket is about, as it is: a calibrated probability has the times
    that triage is wrong in it already. It is halved for a category that triage did not expect. Of a priority
    it says little by itself: there it is the chance that both are right.
    """
    payload, settings = verdict.payload or {}, grounds.settings
    sure = round(grounds.intent_confidence, 3)
    changes: list[FieldChange] = []
    category = next((c for c in settings.categories if c.active and c.name == payload.get("category")), None)
    if category is not None and category.name != ticket.category:
        confidence = sure if grounds.intent in category.intents else sure / 2
        changes.append(
            FieldChange(name="category", old=ticket.category, new=category.name, confidence=confidence)
        )
    tags = payload.get("tags")
    proposed = [t for t in tags if t in settings.tags] if isinstance(tags, list) else []
    new_tags = [*ticket.tags, *(t for t in dict.fromkeys(proposed) if t not in ticket.tags)]
    if len(new_tags) > len(ticket.tags):
        changes.append(FieldChange(name="tags", old=list(ticket.tags), new=new_tags, confidence=sure))
    priority = payload.get("priority")
    current = ticket.priority.value if ticket.priority else None
    if priority in ("low", "normal", "high", "urgent") and priority != current:
        urgent = round(grounds.intent_confidence * PRIORITY_RIGHT, 3)
        changes.append(FieldChange(name="priority", old=current, new=str(priority), confidence=urgent))
    return tuple(changes)


def _kind(value: object) -> Kind:
    return value if value in ("answer", "clarify", "hold") else "answer"
