"""A trial judges an answer as the product does: by the evidence that the model was sent."""

import json
from dataclasses import replace
from types import SimpleNamespace
from uuid import uuid4

import pytest

from ccos import sample
from ccos.agents.languages import language_of
from ccos.cli.tier_trial import Trial, Watching
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.money import MicroUsd
from ccos.domain.tenant import Tenant
from ccos.domain.tier import Tier
from ccos.providers.rules import RuleBased
from ccos.quality.gate import Gate
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.testing import ScriptedProvider


class Shortened(ScriptedProvider):
    """Says that it left those passages out of what it read."""

    unseen: tuple[int, ...] = ()

    async def answer(self, prompt, *, seconds, hear=None):
        return replace(await super().answer(prompt, seconds=seconds, hear=hear), unseen=self.unseen)


def passage(n: int, name: str) -> Evidence:
    return Evidence(
        n=n, kind=EvidenceKind.KB, id=name, title=name, snippet="환불은 7일 안에 됩니다.", score=1.0
    )


@pytest.mark.parametrize(("unseen", "counts"), [((), 1.0), ((2,), 1.0), ((1,), 0.0)])
async def test_a_passage_the_model_was_not_sent_is_not_cited(unseen, counts):
    tier = Tier.LOCAL_MINIMAX
    tickets = {ticket.external_id: ticket for ticket in sample.tickets()}
    gold = next(one for one in sample.gold() if one.answerable)
    gold_language, _ = language_of(tickets[gold.external_id])
    reply = {"reply": "환불은 7일 안에 됩니다 [1].", "kind": "answer", "citations": [1]}
    provider = Shortened(tier, [json.dumps(reply, ensure_ascii=False)])
    provider.unseen = unseen

    async def search(tenant_id, queries, *, pool, limit, now, language):
        assert language == gold_language
        return [passage(1, gold.kb_ids[0]), passage(2, "other")] if pool == "kb" else []

    gate = Watching(Gate())
    service = MultiTierLLMService(
        [provider, RuleBased()], gate, MemoryBudget(MicroUsd(1)), thresholds={tier: 0.99}
    )
    shop = Tenant(id=uuid4(), slug="t", name="T", settings=sample.settings())
    trial = Trial((), {tier: service}, gate, shop, SimpleNamespace(search=search), 30.0, None, [])
    asked = await trial.draft(tier, tickets[gold.external_id], gold)
    assert asked.answered and asked.checks["gold_cited"] == counts
