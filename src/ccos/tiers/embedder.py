"""An embedding model as a second opinion: its likeness of answer, evidence and question, in log-odds."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol
from uuid import UUID

import structlog

from ccos.domain.draft import Outcome
from ccos.domain.errors import (
    CcosError,
    NoPrice,
    ProviderDown,
    ProviderError,
    ProviderRefused,
    ProviderTimeout,
)
from ccos.domain.money import ZERO, MicroUsd, micro_usd
from ccos.domain.prompt import Answer, Prompt, ProviderCard, Turn
from ccos.domain.tier import Task
from ccos.quality.likeness import Likeness, LikenessOdds, compared, likeness
from ccos.tiers.breaker import Breaker
from ccos.tiers.budget import Budget
from ccos.tiers.deciding import may_have_cost
from ccos.tiers.filtering import kept_inside
from ccos.tiers.ledger import Entry, Ledger
from ccos.tiers.privacy import mask_texts, texts_of
from ccos.tiers.record import attempt_of
from ccos.tiers.second_opinion import Unsure

log = structlog.get_logger(__name__)

SECONDS = 0.3
"""Longest wait for this opinion: it is worth no more than that."""
OVERTIME_SECONDS = 0.02
"""So much later a call is ended that did not end itself: it knows best how far it came, and what it cost."""
READ_SECONDS = 10.0
"""Passages that are read for the first time may take longer; the next draft that cites them has them."""
MOST_READERS = 2
MOST_KNOWN = 4_096
"""Vectors of passages that are kept: 16 MB at 1,024 numbers each."""
TOKENS_PER_TEXT = 8
"""Tokens a server may put around one text."""


Vectors = dict[str, Sequence[float]]


class Embedded(Protocol):
    @property
    def vectors(self) -> Sequence[Sequence[float]]: ...

    @property
    def tokens(self) -> int | None: ...


class Embeddings(Protocol):
    """Makes vectors of texts: one for each, in order, all of one length. Raises a ProviderError."""

    async def vectors(self, texts: Sequence[str], *, seconds: float) -> Embedded: ...


@dataclass(slots=True)
class Bill:
    """What one opinion has cost so far; `asked` when a paid server was called at all."""

    asked: bool = False
    reported: bool = False
    tokens: int = 0
    cost: MicroUsd = ZERO


class Embedder:
    """Sentences and passages of a draft as vectors, from a model of our own or a server.

    `card` says whether texts leave the machine, and then they are masked and a ticket that must stay here is
    not looked at; and whether it is paid, by `usd_per_million` tokens, each call held in `budget` like any
    other. `odds` is what was learned on labels; without it nothing is said. Vectors of passages are kept
    under a hash of their text, those of a customer's words never.
    """

    name = "likeness"

    def __init__(
        self,
        embeddings: Embeddings,
        card: ProviderCard,
        odds: LikenessOdds | None,
        *,
        budget: Budget | None = None,
        ledger: Ledger | None = None,
        usd_per_million: Decimal | None = None,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.card = card
        self._embeddings = embeddings
        self._odds = odds
        self._budget = budget
        self._ledger = ledger
        self.read = Counter[str]()
        """Calls of `embed` by the code of how they ended; "ok" for those that did well."""
        self.texts, self.seconds_reading = 0, 0.0
        self._price = usd_per_million
        self._seconds = seconds
        self._clock = clock
        self._breaker = Breaker()
        self._known: OrderedDict[bytes, Sequence[float]] = OrderedDict()
        self._reading: set[asyncio.Task[Vectors]] = set()

    async def log_odds(self, unsure: Unsure) -> float | None:
        """Its word on a reply, within 300 ms; None after any failure, which rests it like any provider."""
        odds = self._odds
        if odds is None or not odds.proven or odds.scorer != unsure.verdict.scorer:
            return None
        if self.card.leaves_machine and kept_inside(unsure.context) is not None:
            return None
        begun = self._clock()
        if not self._breaker.allows(begun):
            return None
        self._breaker = self._breaker.admit(begun)
        bill, found = Bill(), None
        failed: Exception | asyncio.CancelledError | None = None
        try:
            found = await self._within(min(self._seconds, unsure.seconds), unsure, bill)
        except (ProviderError, TimeoutError) as fault:
            failed = fault
            log.debug("embedding.failed", model=self.card.model, reason=_reason(fault))
        except asyncio.CancelledError as gone:
            failed = gone
            raise
        except Exception as fault:  # one that breaks its promise is out of order, and the draft goes on
            failed = fault
            log.error("embedding.broke", model=self.card.model, exc_info=True)
        finally:
            self._breaker = self._after(failed, begun)
            self._write_down(unsure, bill, failed, self._clock() - begun)
        return None if found is None else odds.log_odds(found.value)

    async def _within(self, seconds: float, unsure: Unsure, bill: Bill) -> Likeness | None:
        """The likeness; TimeoutError when who was asked does not keep to the time itself."""
        async with asyncio.timeout(seconds + OVERTIME_SECONDS):
            return await self.likeness(
                unsure.prompt,
                unsure.verdict.text,
                seconds=seconds,
                tenant_id=unsure.context.tenant_id,
                bill=bill,
            )

    def _after(self, failed: Exception | asyncio.CancelledError | None, begun: float) -> Breaker:
        """The breaker when a call has ended: however it did, the place that it took is free again."""
        if failed is None:
            return self._breaker.after_success(begun, now=self._clock())
        if isinstance(failed, asyncio.CancelledError) or _never_sent(failed):
            return self._breaker.after_nothing(begun)
        return self._breaker.after_failure(self._clock(), begun)

    async def likeness(
        self,
        prompt: Prompt,
        text: str,
        *,
        seconds: float,
        tenant_id: UUID | None = None,
        bill: Bill | None = None,
    ) -> Likeness | None:
        """How near the answer `text` is to its evidence and its question; None where that is no question.

        What it costs is added to `bill`. Raises a ProviderError: ProviderRefused for a text that must stay on
        this machine, NoPrice for a paid model without a price.
        """
        if self.card.leaves_machine:
            prompt, text = _masked(prompt, text)
        parts = compared(prompt, text)
        if parts is None:
            return None
        bill = Bill() if bill is None else bill
        own = list(dict.fromkeys(parts.own))
        passages = dict.fromkeys(parts.evidence)
        found = {text: self._known[key] for text in passages if (key := _key(text)) in self._known}
        fresh = [text for text in passages if text not in found]
        if self.card.paid:
            asked = list(dict.fromkeys([*own, *fresh]))
            found |= await self._vectors(asked, seconds, tenant_id, bill)
            self._keep({text: found[text] for text in fresh})
        else:
            reading = self._begin_reading(fresh) if fresh else None
            found |= await self._vectors(own, seconds, tenant_id, bill)
            found |= await asyncio.shield(reading) if reading is not None else {}
        for text in passages:
            if (key := _key(text)) in self._known:
                self._known.move_to_end(key)
        if len({len(vector) for vector in found.values()}) > 1:
            self._known.clear()  # another model answers there by now
            raise ProviderDown(cause="malformed")
        return likeness(parts, found)

    async def embed(
        self, texts: Sequence[str], *, seconds: float, tenant_id: UUID, personal: bool
    ) -> list[Sequence[float]]:
        """One vector for each text, in order, for search; nothing of it is kept here.

        `personal` texts are masked before they leave the machine. Raises a ProviderError: ProviderRefused for
        a text that must stay on it, NoPrice for a paid model without a price, and at once while it rests.
        """
        if personal and self.card.leaves_machine:
            texts = mask_texts(list(texts), None)[0]
        begun = self._clock()
        if not self._breaker.allows(begun):
            raise ProviderDown(cause="resting")
        self._breaker = self._breaker.admit(begun)
        failed: Exception | asyncio.CancelledError | None = None
        bill = Bill()
        try:
            async with asyncio.timeout(seconds + OVERTIME_SECONDS):
                found = await self._vectors(list(dict.fromkeys(texts)), seconds, tenant_id, bill)
        except (Exception, asyncio.CancelledError) as fault:
            failed = fault
            raise
        finally:
            self._breaker = self._after(failed, begun)
            self.texts += len(texts)
            self.seconds_reading += self._clock() - begun
            self._note(tenant_id, bill, failed)
        return [found[text] for text in texts]

    def _note(self, tenant_id: UUID, bill: Bill, failed: BaseException | None) -> None:
        """Counts the call; one that was paid for stands in the ledger of the day, as those of drafts do."""
        gone = isinstance(failed, asyncio.CancelledError)
        self.read["ok" if failed is None else "cancelled" if gone else _reason(failed)] += 1
        if self._ledger is None or not bill.asked:
            return
        outcome = Outcome.CANCELLED if gone else Outcome.ACCEPTED if failed is None else Outcome.FAILED
        self._ledger.note(
            Entry(
                tenant_id=tenant_id,
                source="search",
                task=Task.EMBEDDING,
                tier=self.card.tier,
                provider=self.card.name,
                model=self.card.model,
                outcome=outcome,
                tokens_in=bill.tokens,
                tokens_out=0,
                spent=bill.cost,
                estimated=bill.cost,
                reported=bill.cost if failed is None and bill.reported else None,
                premium=ZERO,
                used=failed is None,
            )
        )

    async def aclose(self) -> None:
        """Ends what is still being read."""
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    def _begin_reading(self, passages: Sequence[str]) -> asyncio.Task[Vectors]:
        """Passages come again with other tickets, so each is read once. A model on this machine may need
        longer for it than an opinion may take: it goes on for the next one.
        """
        if len(self._reading) >= MOST_READERS:
            raise ProviderDown(cause="busy")

        async def read() -> Vectors:
            found = await self._vectors(passages, READ_SECONDS, None, Bill())
            self._keep(found)
            return found

        task = asyncio.create_task(read(), name="read passages")
        self._reading.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Vectors]) -> None:
        self._reading.discard(task)
        if not task.cancelled():
            task.exception()  # who waited has heard of it; where nobody does any more, it is no news

    def _keep(self, vectors: Vectors) -> None:
        for text, vector in vectors.items():
            self._known[_key(text)] = vector
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    async def _vectors(
        self, texts: Sequence[str], seconds: float, tenant_id: UUID | None, bill: Bill
    ) -> Vectors:
        """One request, with its money held as long as it goes on. What may have been billed is charged."""
        if not self.card.paid:
            said = await self._embeddings.vectors(texts, seconds=seconds)
            return dict(zip(texts, said.vectors, strict=True))
        if self._price is None or self._budget is None:
            raise NoPrice(model=self.card.model)
        most = sum(len(text.encode("utf-8", "replace")) + TOKENS_PER_TEXT for text in texts)
        try:
            reservation = await self._budget.reserve(tenant_id, self._cost(most))
        except CcosError as fault:
            raise ProviderRefused(cause="budget.unavailable") from fault
        if reservation is None:
            raise ProviderRefused(cause="budget.exhausted")
        tokens, bill.asked = most, True
        try:
            said = await self._embeddings.vectors(texts, seconds=seconds)
            tokens = most if said.tokens is None else said.tokens
            bill.reported = said.tokens is not None
            return dict(zip(texts, said.vectors, strict=True))
        except ProviderError as fault:
            tokens = most if may_have_cost(fault) else 0
            raise
        finally:
            spent = self._cost(tokens)
            self._budget.settle(tenant_id, reservation, spent)
            bill.tokens += tokens
            bill.cost = MicroUsd(bill.cost + spent)

    def _cost(self, tokens: int) -> MicroUsd:
        return micro_usd((self._price or Decimal(0)) * tokens / 1_000_000)

    def _write_down(
        self, unsure: Unsure, bill: Bill, failed: Exception | asyncio.CancelledError | None, seconds: float
    ) -> None:
        """A call of a paid server stands beside the draft's others, and one of our own model does not."""
        if not bill.asked:
            return
        prompt = Prompt(Task.JUDGEMENT, "", ())
        if failed is not None:
            gone = isinstance(failed, asyncio.CancelledError)
            outcome = Outcome.CANCELLED if gone else Outcome.FAILED
            reason = "cancelled" if gone else _reason(failed)
            attempt = attempt_of(prompt, self.card, outcome, reason, cost=bill.cost, seconds=seconds)
            unsure.record(attempt, None, bill.cost)
            return
        said = Answer(
            "", self.card.name, self.card.model, tokens_in=bill.tokens, cost=bill.cost,
            estimated_cost=bill.cost,
        )  # fmt: skip
        attempt = attempt_of(prompt, self.card, Outcome.ACCEPTED, "accepted", answer=said, seconds=seconds)
        unsure.record(attempt, said, bill.cost)


def _masked(prompt: Prompt, text: str) -> tuple[Prompt, str]:
    """The prompt's question and evidence, and the answer, without personal data.

    Masked whole, before anything is cut into sentences: what a number is, the words around it say.
    """
    grounds = prompt.grounds
    ticket, evidence = grounds.ticket, grounds.evidence
    passages = [f"{each.title}\n{each.snippet}" for each in evidence]
    turns = [turn.text for turn in prompt.turns]
    asked = texts_of(ticket) if ticket else []
    found, _ = mask_texts([text, *passages, *turns, *asked], ticket)
    said, rest = found[0], iter(found[1:])
    plain = tuple(each.model_copy(update={"title": "", "snippet": next(rest)}) for each in evidence)
    spoken = tuple(Turn(turn.role, next(rest)) for turn in prompt.turns)
    if ticket is not None:
        subject, description, *messages = rest
        history = zip(ticket.conversation_history, messages, strict=True)
        told = tuple(message.model_copy(update={"text": words}) for message, words in history)
        ticket = ticket.model_copy(
            update={"subject": subject, "description": description, "conversation_history": told}
        )
    return replace(prompt, turns=spoken, grounds=replace(grounds, ticket=ticket, evidence=plain)), said


def _reason(fault: BaseException) -> str:
    """Its stable code."""
    if isinstance(fault, CcosError):
        return fault.code
    return (ProviderTimeout if isinstance(fault, TimeoutError) else ProviderDown).code


def _never_sent(fault: Exception) -> bool:
    """Whether the text, or the money for it, kept the call here: that says nothing of the model."""
    return isinstance(fault, NoPrice) or (
        isinstance(fault, ProviderRefused) and fault.facts.get("status") is None
    )


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
