"""Providers are told whose work a prompt is, so that a local model can pick the tenant's adapter."""

from uuid import UUID

from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task, Tier
from ccos.domain.verdict import Verdict
from ccos.providers.openai_wire import Dialect
from ccos.providers.openai_wire.to_wire import to_wire
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.cache import AnswerCache
from ccos.tiers.request import Context
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.testing import ScriptedProvider

SHOP, BANK = UUID(int=1), UUID(int=2)
PROMPT = Prompt(Task.SOLUTION_DRAFT, "system", (Turn("user", "hello"),), temperature=0.0)


class Kind:
    def judge(self, prompt, answer, **_who):
        return Verdict(0.9, "kind", answer.text)


class Listening(ScriptedProvider):
    async def answer(self, prompt, **more):
        self.heard.append(prompt.tenant_id)
        return await super().answer(prompt, **more)


def listening(tier: Tier, answers: list[str]) -> Listening:
    provider = Listening(tier, answers, name=tier.value)
    provider.heard = []
    return provider


async def test_every_provider_hears_whose_prompt_it_is_and_never_that_of_another():
    local, rules = (
        listening(Tier.LOCAL_MINIMAX, ["one", "two", "three"]),
        listening(Tier.RULE_BASED, ["rule"]),
    )
    service = MultiTierLLMService([local, rules], Kind(), MemoryBudget(MicroUsd(10**9)), cache=AnswerCache())
    said = [
        (await service.generate_with_fallback(PROMPT, Context(tenant_id=who))).response
        for who in (SHOP, BANK, SHOP, None)
    ]
    assert local.heard == [SHOP, BANK, None] and said == ["one", "two", "one", "three"]
    assert PROMPT.tenant_id is None


def test_what_a_dialect_says_of_a_prompt_goes_into_its_body_only():
    dialect = Dialect(extra={"a": 1}, extra_of=lambda prompt: {"who": prompt.task.value})
    assert to_wire(PROMPT, "m", dialect)["who"] == "solution_draft"
    plain = to_wire(PROMPT, "m", Dialect())
    assert not {"who", "lora"} & plain.keys() and SHOP.hex not in str(plain)
