"""Second opinions on an answer whose quality is unsure: who may be asked, and what their words change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ccos.domain.draft import Attempt
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Answer, Prompt
from ccos.domain.tier import Task, Tier
from ccos.domain.verdict import Promise, Verdict
from ccos.quality.form_check import OUR_OWN
from ccos.quality.judging import MOST_LOG_ODDS, updated, worth_asking
from ccos.quality.priors import without_prior
from ccos.quality.promises import Promises
from ccos.tiers.provider import Provider
from ccos.tiers.request import Context

SECONDS = 8.0
"""Longest wait for all opinions: it must leave time for another tier."""


@dataclass(frozen=True, slots=True)
class Unsure:
    """A reply the gate is unsure of, and what holds for asking about it.

    `providers` are those the run may call, and `ask` puts a prompt to one of them like any other call, for at
    most so many seconds; None when there was no answer. `record` writes down what was asked of anybody else,
    without an answer where there was none.
    `seconds` is the time there is.
    """

    prompt: Prompt
    verdict: Verdict
    author: Answer
    tier: Tier
    context: Context
    providers: Sequence[Provider]
    ask: Callable[[Provider, Prompt, float], Awaitable[Answer | None]]
    record: Callable[[Attempt, Answer | None, MicroUsd], None]
    seconds: float


class Adviser(Protocol):
    """Somebody whose word on an answer was held against people's labels."""

    @property
    def name(self) -> str: ...

    async def log_odds(self, unsure: Unsure) -> float | None:
        """What to add to the log-odds that the reply is good, after all that the gate knows.

        None for no opinion: it has not proven itself, is not there, or may not see the text. It is done
        within `unsure.seconds`, and an outage of it raises nothing.
        """
        ...


class SecondOpinion:
    """Asks advisers in turn, the cheapest first, as long as the quality is unsure.

    Their words add up, but they read the same text, so together they move an answer no further than one of
    them may. With `promises`, what is promised of an answer follows its quality as the certificates allow.
    """

    def __init__(
        self,
        advisers: Sequence[Adviser],
        promises: Promises | None = None,
        *,
        seconds: float = SECONDS,
    ) -> None:
        self._advisers = tuple(advisers)
        self._promises = promises
        self.seconds = seconds

    def wanted(self, prompt: Prompt, verdict: Verdict, tier: Tier) -> bool:
        """Whether an opinion could change what becomes of a reply for a customer."""
        return bool(self._advisers) and tier is not Tier.RULE_BASED and is_unsure(prompt, verdict)

    async def heard(self, unsure: Unsure, *, now: Callable[[], float]) -> Verdict:
        """The verdict with what was said in it; unchanged where nobody said anything of use."""
        before, until = unsure.verdict, now() + unsure.seconds
        said: list[tuple[str, float]] = []
        quality = before.quality
        for adviser in self._advisers:
            if not worth_asking(quality) or (left := until - now()) <= 0:
                break
            more = await adviser.log_odds(replace(unsure, seconds=left))
            if more is not None:
                said.append((adviser.name, more))
                quality = updated(before.quality, _together(said))
        if not said:
            return before
        return replace(
            before,
            quality=quality,
            scores=(*said, *before.scores),
            promise=self._promise(unsure, quality),
        )

    def _promise(self, unsure: Unsure, quality: float) -> Promise | None:
        before = unsure.verdict
        if self._promises is None or before.promise is None:
            return before.promise
        return self._promises.promise_after(
            unsure.context.tenant_id,
            unsure.prompt.task,
            unsure.tier,
            scorer=before.scorer,
            quality=quality,
            before=without_prior(before.quality, before.scores),
            model=unsure.author.model,
        )


def is_unsure(prompt: Prompt, verdict: Verdict) -> bool:
    """Whether the gate leaves open if a reply for a customer is good."""
    ours = prompt.task is Task.SOLUTION_DRAFT and prompt.task not in OUR_OWN
    return ours and not verdict.vetoes and worth_asking(verdict.quality)


def _together(said: Sequence[tuple[str, float]]) -> float:
    return max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, sum(more for _, more in said)))
