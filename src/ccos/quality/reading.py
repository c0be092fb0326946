"""An answer beside what it may stand on: worked out once, and only when a veto asks."""

from __future__ import annotations

from functools import cached_property, lru_cache

from ccos.domain.evidence import Evidence, EvidenceKind, Visibility
from ccos.domain.prompt import Answer, Grounds, Prompt
from ccos.domain.tier import Tier
from ccos.quality.folding import Folded, fold, plain, sentences
from ccos.quality.pii import PiiSpan, find
from ccos.quality.quantities import Quantity, quantities

SOURCE_CHARACTERS = 200_000
"""How much of a source is read, newest first: bounds the time of one judgement."""


class Reading:
    """The words a customer would read, with the sources they must agree with.

    `text` is what spans count in; the families read `folded`. `tier` is whose answer it is, where that is
    known.
    """

    def __init__(self, text: str, prompt: Prompt, answer: Answer, tier: Tier | None = None) -> None:
        self.text = text
        self.prompt = prompt
        self.answer = answer
        self.tier = tier

    @property
    def grounds(self) -> Grounds:
        return self.prompt.grounds

    @cached_property
    def folded(self) -> Folded:
        return fold(self.text)

    @cached_property
    def sentences(self) -> tuple[tuple[int, int], ...]:
        """Spans of sentences in the folded text."""
        return tuple(sentences(self.folded.text))

    @cached_property
    def stated(self) -> tuple[Quantity, ...]:
        """Numbers, dates, amounts and the like in the folded text."""
        return tuple(quantities(self.folded.text))

    @cached_property
    def pii(self) -> tuple[PiiSpan, ...]:
        """Personal data in the answer, in offsets of `text`."""
        return tuple(find(self.text))

    @cached_property
    def ticket_text(self) -> str:
        """All the customer and the desk said; the prompt's own turns where there is no ticket."""
        ticket = self.grounds.ticket
        if ticket is None:
            return _newest([turn.text for turn in self.prompt.turns if turn.role == "user"])
        customer = ticket.customer
        facts = [ticket.id, ticket.external_id, ticket.category, *ticket.tags, ticket.subject]
        if customer:
            facts += [customer.name, customer.email, customer.phone]
        if ticket.created_at:
            facts.append(ticket.created_at.date().isoformat())
        said = [ticket.description, *(message.text for message in ticket.conversation_history)]
        return _newest([part for part in (*facts, *said) if part])

    @cached_property
    def kb_passages(self) -> tuple[str, ...]:
        return tuple([_folded(_passage(e)) for e in self.grounds.evidence if e.kind is EvidenceKind.KB])

    @cached_property
    def public_kb_passages(self) -> tuple[str, ...]:
        return tuple([_folded(_passage(e)) for e in self.grounds.evidence if _may_be_shown(e)])

    @cached_property
    def internal_passages(self) -> tuple[str, ...]:
        internal = [e for e in self.grounds.evidence if e.visibility is Visibility.INTERNAL]
        return tuple([_folded(_passage(e)) for e in internal if e.kind is EvidenceKind.KB])

    @cached_property
    def kb_text(self) -> str:
        return "\n".join(self.kb_passages)

    @cached_property
    def public_kb_text(self) -> str:
        return _newest([_passage(e) for e in self.grounds.evidence if _may_be_shown(e)])

    @cached_property
    def case_text(self) -> str:
        return _newest([_passage(e) for e in self.grounds.evidence if e.kind is EvidenceKind.CASE])

    @cached_property
    def case_stated(self) -> tuple[Quantity, ...]:
        """Numbers, dates, amounts and the like in the similar cases."""
        return tuple(quantities(self.case_text))

    @cached_property
    def house_text(self) -> str:
        """What the company says of itself, what its people approved, and what was really done."""
        settings = self.grounds.settings
        known = (*settings.company.values(), *settings.contact.values(), *self.grounds.recorded_actions)
        return _newest([*known, *self.answer.approved])

    @cached_property
    def known_text(self) -> str:
        """Every source together in lower case, to ask whether a word was brought up by anybody."""
        parts = (self.ticket_text, self.kb_text, self.case_text, self.house_text)
        return "\n".join(parts).casefold()

    @cached_property
    def showable_text(self) -> str:
        """What may be copied word for word: all but internal evidence and similar cases."""
        return "\n".join((self.ticket_text, self.public_kb_text, self.house_text))


def _may_be_shown(evidence: Evidence) -> bool:
    return evidence.kind is EvidenceKind.KB and evidence.visibility is Visibility.PUBLIC


def _passage(evidence: Evidence) -> str:
    return "\n".join(part for part in (evidence.title, evidence.snippet, evidence.url) if part)


@lru_cache(maxsize=512)
def _folded(passage: str) -> str:
    """A passage of the knowledge base: it comes again with other tickets, whose texts are kept nowhere."""
    return _newest([passage])


def _newest(parts: list[str]) -> str:
    kept: list[str] = []
    room = SOURCE_CHARACTERS
    for part in reversed(parts):
        if room <= 0:
            break
        kept.append(part[:room])
        room -= len(part)
    return plain("\n".join(reversed(kept)))
