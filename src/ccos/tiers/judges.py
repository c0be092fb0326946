"""A large model as a second opinion: who is asked, and what its verdict is worth."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ccos.domain.prompt import Answer
from ccos.quality.judging import Rates, judge_prompt, log_odds, same_family, says_good
from ccos.quality.shape import parse_object
from ccos.tiers.provider import Provider
from ccos.tiers.second_opinion import Unsure

_DATE = r"[-@]\d{4,8}(-\d+)*"
LEAST_SECONDS = 1.0
"""With less time a judge is not begun with."""


class Judges:
    """Models that proved themselves against people's labels, by name (`rates`).

    Each call is one like any other: guarded, paid for, written down.
    """

    name = "second_opinion"

    def __init__(self, rates: Mapping[str, Rates]) -> None:
        self._rates = {model: each for model, each in rates.items() if each.proven}

    async def log_odds(self, unsure: Unsure) -> float | None:
        judge = self._judge(unsure.author, unsure.providers)
        if judge is None or unsure.seconds < LEAST_SECONDS:
            return None
        said = await unsure.ask(judge, judge_prompt(unsure.prompt, unsure.verdict.text), unsure.seconds)
        rates = self._rates_of(judge.card.model)
        payload = parse_object(said.text) if said is not None else None
        good = says_good(payload, unsure.prompt) if isinstance(payload, dict) else None
        return None if good is None or rates is None else log_odds(good, rates)

    def _judge(self, author: Answer, providers: Iterable[Provider]) -> Provider | None:
        """The provider that was right most often, of another family than the author."""
        fit = [
            (rates.true_positive + rates.true_negative, provider)
            for provider in providers
            if (rates := self._rates_of(provider.card.model)) is not None
            and not same_family(provider.card.model, author.model)
        ]
        return max(fit, key=lambda pair: pair[0])[1] if fit else None

    def _rates_of(self, model: str) -> Rates | None:
        """A dated edition of a model's name counts as the name; a smaller or newer model is another one."""
        if model in self._rates:
            return self._rates[model]
        dated = re.compile(re.escape(model) + _DATE)
        return next((rates for name, rates in self._rates.items() if dated.fullmatch(name)), None)
