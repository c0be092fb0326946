"""A second opinion on an answer whose quality is unsure: which model is asked, and what its word changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from uuid import UUID

from ccos.domain.prompt import Answer, Prompt
from ccos.domain.tier import Task, Tier
from ccos.domain.verdict import Verdict
from ccos.quality.form_check import OUR_OWN
from ccos.quality.judging import Rates, judge_prompt, log_odds, same_family, says_good, updated, worth_asking
from ccos.quality.promises import Promises
from ccos.quality.shape import parse_object
from ccos.tiers.provider import Provider

SECONDS = 8.0
"""Longest wait for an opinion: it must leave time for another tier."""
LEAST_SECONDS = 1.0

PART = "second_opinion"


class SecondOpinion:
    """Models that proved themselves against people's labels, by name (`rates`).

    With `promises`, what is promised of an answer follows its quality as the certificates allow.
    """

    def __init__(self, rates: Mapping[str, Rates], promises: Promises | None = None) -> None:
        self._rates = {model: each for model, each in rates.items() if each.proven}
        self._promises = promises

    def wanted(self, prompt: Prompt, verdict: Verdict, tier: Tier) -> bool:
        """Whether an opinion could change what becomes of a reply for a customer."""
        return (
            bool(self._rates)
            and prompt.task is Task.SOLUTION_DRAFT
            and prompt.task not in OUR_OWN
            and tier is not Tier.RULE_BASED
            and not verdict.vetoes
            and worth_asking(verdict.quality)
        )

    def judge(self, author: Answer, providers: Iterable[Provider]) -> Provider | None:
        """The provider that was right most often, of another family than the author."""
        fit = [
            (rates.true_positive + rates.true_negative, provider)
            for provider in providers
            if (rates := self._rates_of(provider.card.model)) is not None
            and not same_family(provider.card.model, author.model)
        ]
        return max(fit, key=lambda pair: pair[0])[1] if fit else None

    def question(self, prompt: Prompt, text: str) -> Prompt:
        return judge_prompt(prompt, text)

    def heard(
        self,
        prompt: Prompt,
        verdict: Verdict,
        judge: Provider,
        said: Answer,
        tenant_id: UUID | None = None,
        tier: Tier | None = None,
    ) -> Verdict:
        """The verdict with the judge's opinion in it; unchanged where that is of no use."""
        payload = parse_object(said.text)
        rates = self._rates_of(judge.card.model)
        good = says_good(payload, prompt) if isinstance(payload, dict) else None
        if good is None or rates is None:
            return verdict
        more = log_odds(good, rates)
        quality = updated(verdict.quality, more)
        promise = verdict.promise
        if self._promises is not None and promise is not None:
            promise = self._promises.promise_after(
                tenant_id,
                prompt.task,
                tier,
                scorer=verdict.scorer,
                quality=quality,
                before=verdict.quality,
            )
        scores = ((PART, more), *verdict.scores)
        return replace(verdict, quality=quality, scores=scores, promise=promise)

    def _rates_of(self, model: str) -> Rates | None:
        """A dated edition of a model's name counts as the name."""
        known = (name for name in self._rates if model == name or name.startswith(f"{model}-"))
        return next((self._rates[name] for name in known), None)
