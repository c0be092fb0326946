"""Tier 2 from the box: asks the tiny model for placeholders, and gives what the task's schema wants."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from ccos.domain.errors import ProviderRefused
from ccos.domain.money import ZERO, MicroUsd
from ccos.domain.prompt import Answer, Prompt, ProviderCard, Turn
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task
from ccos.providers.rules.fields import category_for, tags_for
from ccos.providers.rules.queries import queries
from ccos.providers.rules.urgency import priority_of
from ccos.providers.tiny import speech
from ccos.providers.tiny.compact import asked
from ccos.providers.tiny.filling import reply_of
from ccos.providers.tiny.sections import sections
from ccos.providers.tiny.speech import HOLD, Misspoken, Spoken
from ccos.providers.voice import Hear

_MOST_TOKENS: Mapping[Spoken, int] = {Spoken.QUERY: 80, Spoken.DRAFT: 120, Spoken.TRIAGE: 12}
SURE: Mapping[Spoken, float] = {Spoken.QUERY: 0.6, Spoken.DRAFT: 0.05, Spoken.TRIAGE: 0.0}
"""Least probability of an answer that is used, set on held-out questions and not on the exam."""


class Model(Protocol):
    """What runs the file: answers in the model's own words, or raises a ProviderError."""

    @property
    def card(self) -> ProviderCard: ...

    @property
    def ready(self) -> bool: ...

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer: ...

    async def alive(self, *, seconds: float) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Heard:
    """What the model wrote, and how sure it was of it: the probability of the whole answer, in [0, 1]."""

    words: str
    sure: float
    answer: Answer


def grammar_of(schema: Mapping[str, Any]) -> str:
    """The GBNF that a `TinyDrafter` puts into a prompt: its grammars are no JSON schemas."""
    return str(schema["gbnf"])


class TinyDrafter:
    """Query building, drafts and triage by a small model; ProviderRefused for everything else.

    It writes nothing but placeholders and search words: a grammar allows only placeholders that can be
    filled, they are checked again, and code fills them from ticket and evidence. Less `sure` than asked,
    it searches with the customer's own words alone, and refuses any other task: the next tier answers.
    """

    def __init__(self, model: Model, *, sure: Mapping[Spoken, float] = SURE) -> None:
        self._model, self._sure = model, {**SURE, **sure}

    def __repr__(self) -> str:
        return f"TinyDrafter({self._model!r})"

    @property
    def card(self) -> ProviderCard:
        return self._model.card

    @property
    def ready(self) -> bool:
        return self._model.ready

    @property
    def trouble(self) -> str:
        return str(getattr(self._model, "trouble", ""))

    @property
    def insight(self) -> object:
        return getattr(self._model, "insight", None)

    async def alive(self, *, seconds: float) -> bool:
        return await self._model.alive(seconds=seconds)

    def estimate(self, prompt: Prompt) -> MicroUsd:  # noqa: ARG002  the same for every prompt
        """Nothing: machine time is not billed by the token."""
        return ZERO

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer:
        """What the task wants, within `seconds`; words are heard all at once, when they are complete."""
        ticket = prompt.grounds.ticket
        if ticket is None or not asked(ticket):
            raise self._refused("no_ticket")
        match prompt.task:
            case Task.QUERY_BUILDER:
                made = await self._query(prompt, ticket, seconds)
            case Task.SOLUTION_DRAFT:
                made = await self._draft(prompt, ticket, seconds)
            case Task.TRIAGE:
                made = await self._triage(prompt, ticket, seconds)
            case _:
                raise self._refused("task")
        if hear is not None and prompt.schema is None:
            hear(made.text)
        return made

    async def _query(self, prompt: Prompt, ticket: Ticket, seconds: float) -> Answer:
        heard = await self._say(prompt, Spoken.QUERY, ticket, speech.query_grammar(), seconds)
        words = speech.read_queries(heard.words) if heard.sure >= self._sure[Spoken.QUERY] else []
        own = queries(ticket)
        if not (words or own):
            raise self._refused("unsure")
        found = list(dict.fromkeys([*words[:1], *own[:1], *words[1:], *own[1:]]))[: speech.MOST_QUERIES]
        text = _json({"queries": found}) if prompt.schema else "\n".join(found)
        return replace(heard.answer, text=text, logprobs=())

    async def _draft(self, prompt: Prompt, ticket: Ticket, seconds: float) -> Answer:
        grounds = prompt.grounds
        known = {section.name: section for section in sections(grounds.evidence, grounds.language)}
        heard = await self._say(prompt, Spoken.DRAFT, ticket, speech.draft_grammar(list(known)), seconds)
        try:
            drafted = speech.read_draft(heard.words, list(known))
        except Misspoken as fault:
            raise self._refused("placeholder", f"The model's draft cannot be filled: {fault}.") from fault
        reply = reply_of(drafted, known, ticket, grounds)
        if not reply:
            raise self._refused("empty")
        text = ticket.customer_text
        payload = {
            "reply": reply,
            "category": category_for(grounds.intent, grounds.settings),
            "tags": tags_for(text, grounds.settings),
            "priority": priority_of(text, grounds.intent).value,
            "citations": [n for n in _numbers(drafted.sections, known) if f"[{n}]" in reply],
            "kind": "hold" if drafted.move is HOLD else "answer",
        }
        return replace(heard.answer, text=_json(payload) if prompt.schema else reply, logprobs=())

    async def _triage(self, prompt: Prompt, ticket: Ticket, seconds: float) -> Answer:
        intents, sentiments = (_options(prompt.schema, name) for name in ("intent", "sentiment"))
        if not intents or not sentiments:
            raise self._refused("task")
        grammar = speech.triage_grammar(intents, sentiments)
        heard = await self._say(prompt, Spoken.TRIAGE, ticket, grammar, seconds)
        intent, _, sentiment = heard.words.strip().partition(" ")
        if intent not in intents or sentiment not in sentiments:
            raise self._refused("placeholder")
        return replace(heard.answer, text=_json({"intent": intent, "sentiment": sentiment}), logprobs=())

    async def _say(
        self, prompt: Prompt, spoken: Spoken, ticket: Ticket, grammar: str, seconds: float
    ) -> _Heard:
        compact = replace(
            prompt,
            system=spoken.value,
            turns=(Turn("user", asked(ticket)),),
            schema={"gbnf": grammar},
            max_tokens=_MOST_TOKENS[spoken],
            temperature=0.0,
        )
        answer = await self._model.answer(compact, seconds=seconds)
        whole = answer.finish_reason == "stop"
        sure = math.exp(sum(answer.logprobs)) if whole else 0.0
        if spoken is Spoken.QUERY:
            return _Heard(answer.text, sure, answer)
        if not whole:
            raise self._refused("placeholder")
        if sure < self._sure[spoken]:
            raise self._refused("unsure", "The model in the box does not know such a question.")
        return _Heard(answer.text, sure, answer)

    def _refused(self, cause: str, sentence: str | None = None) -> ProviderRefused:
        card = self._model.card
        said = sentence or "The model in the box does not do this."
        return ProviderRefused(said, provider=card.name, model=card.model, cause=cause)


def _numbers(names: Sequence[str], known: Mapping[str, Any]) -> list[int]:
    return list(dict.fromkeys(known[name].n for name in names))


def _options(schema: Mapping[str, Any] | None, name: str) -> list[str]:
    """The values a schema allows for a property."""
    found = ((schema or {}).get("properties") or {}).get(name) or {}
    return [value for value in found.get("enum", ()) if isinstance(value, str)]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
