"""A cloud that is none: it answers well from the evidence, so that a drill can be held on a fresh machine."""

from __future__ import annotations

import asyncio
import json
import zlib
from decimal import Decimal

from ccos.domain.money import ZERO, MicroUsd, micro_usd
from ccos.domain.prompt import Answer, Grounds, Prompt, ProviderCard
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task, Tier
from ccos.providers.rules.extract import excerpt, facts, public_kb
from ccos.providers.rules.fields import category_for, tags_for
from ccos.providers.rules.queries import queries
from ccos.providers.rules.text import bounded, terms
from ccos.providers.rules.urgency import priority_of
from ccos.providers.tokens import likely_prompt_tokens, likely_tokens, most_prompt_tokens
from ccos.tiers.provider import Hear

NAME = "simulated"
PRICE_IN, PRICE_OUT = Decimal("2.50"), Decimal("10.00")
"""USD per million tokens that it pretends to take: about what a premium model does."""

_LEAST, _SPREAD = 0.05, 0.25
_MILLION = Decimal(1_000_000)

_OPENING = {
    "ko": "안녕하세요, 고객님. 문의해 주셔서 감사합니다.",
    "en": "Hello, and thank you for contacting us.",
}
_CLOSING = {
    "ko": "추가로 확인이 필요하신 점이 있으시면 언제든지 말씀해 주세요. 감사합니다.",
    "en": "If you have any other question, please reply to this message and we will check it for you.",
}
_HOLD = {
    "ko": "문의하신 내용은 담당자가 확인한 뒤 다시 안내해 드리겠습니다.",
    "en": "We are checking your question and will come back to you with an answer.",
}


class SimulatedCloud:
    """Stands in for a tier that is not configured. Deterministic: the same prompt takes the same time.

    `paid`: it pretends to cost what a premium model does. Nothing leaves the machine, and nobody bills.
    """

    def __init__(self, tier: Tier = Tier.CLOUD_PREMIUM, *, name: str = NAME, paid: bool = True) -> None:
        self.card = ProviderCard(
            tier=tier,
            name=name,
            model="simulated-model",
            paid=paid,
            leaves_machine=tier is Tier.CLOUD_PREMIUM,
            context_tokens=128_000,
            credential=NAME,
        )

    async def answer(self, prompt: Prompt, *, seconds: float, hear: Hear | None = None) -> Answer:
        text = compose(prompt)
        took = min(delay(prompt), seconds)
        await asyncio.sleep(took)
        if hear is not None:
            hear(text)
        tokens_in, tokens_out = likely_prompt_tokens(prompt), likely_tokens(text)
        cost = self._price(tokens_in, tokens_out)
        return Answer(
            text,
            self.card.name,
            self.card.model,
            tokens_in,
            tokens_out,
            cost=cost,
            estimated_cost=cost,
            first_token_seconds=took / 2,
            usage_reported=True,
        )

    async def alive(self, *, seconds: float) -> bool:  # noqa: ARG002
        return True

    def estimate(self, prompt: Prompt) -> MicroUsd:
        return self._price(most_prompt_tokens(prompt), prompt.max_tokens)

    def _price(self, tokens_in: int, tokens_out: int) -> MicroUsd:
        return (
            micro_usd((tokens_in * PRICE_IN + tokens_out * PRICE_OUT) / _MILLION) if self.card.paid else ZERO
        )


def delay(prompt: Prompt) -> float:
    """Seconds in [0.05, 0.3], by the prompt's words."""
    words = "\n".join(turn.text for turn in prompt.turns).encode(errors="replace")
    return _LEAST + _SPREAD * (zlib.crc32(words) % 1_000) / 999


def compose(prompt: Prompt) -> str:
    """What a good model would answer: what the evidence says, and nothing else."""
    grounds = prompt.grounds
    ticket = grounds.ticket or Ticket(description=prompt.turns[-1].text[:10_000] if prompt.turns else "")
    words = bounded(ticket.customer_text)
    match prompt.task:
        case Task.QUERY_BUILDER:
            answer: dict[str, object] = {"queries": queries(ticket) or [words[:40] or "문의"]}
        case Task.KB_SYNTHESIS:
            found = facts(terms(words), grounds.evidence, grounds.language)
            answer = {"facts": [{"text": fact.text, "n": fact.n} for fact in found]}
        case Task.TRIAGE:
            answer = {"language": grounds.language, "intent": grounds.intent}
        case _:
            reply, cited = _reply(words, grounds)
            answer = {
                "reply": reply,
                "category": category_for(grounds.intent, grounds.settings),
                "tags": tags_for(words, grounds.settings),
                "priority": priority_of(words, grounds.intent).value,
                "citations": cited,
                "kind": "answer" if cited else "hold",
            }
    return json.dumps(answer, ensure_ascii=False) if prompt.schema else str(answer.get("reply", answer))


def _reply(words: str, grounds: Grounds) -> tuple[str, list[int]]:
    """The reply, and the evidence it stands on: the sentences of the first procedure that says anything."""
    language, asked = grounds.language, terms(words)
    for item in public_kb(grounds.evidence):
        said = excerpt(asked, item, language)
        if said:
            middle = " ".join(f"{sentence} [{item.n}]" for sentence in said)
            return f"{_OPENING[language]} {middle} {_CLOSING[language]}", [item.n]
    return f"{_OPENING[language]} {_HOLD[language]} {_CLOSING[language]}", []
