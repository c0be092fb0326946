"""The product's books: what a call cost stands in the day's money and in the ledger, and both agree."""

import pytest

from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Mode, Task, Tier
from ccos.settings import Settings
from ccos.store import ledger, spend
from ccos.store.ledger import Sums
from ccos.tiers.request import Context
from ccos.wiring import open_ccos
from support.fake_upstream import FakeUpstream

PROMPT = Prompt(Task.CHAT, "You answer.", (Turn("user", "환불은 언제 되나요?"),))


@pytest.fixture
def settings(store_urls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def made(**values):
        urls = {"database_url": store_urls.app, "database_owner_url": store_urls.owner}
        return Settings(**{**urls, "CCOS_HOME": tmp_path, **values})

    return made


async def asked(settings, tenant, *, times=1):
    """What came of asking, the day's money, and the ledger as it was left when the product was closed."""
    context = Context(tenant_id=tenant.id, mode=Mode.QUALITY_FIRST, source="api")
    async with open_ccos(settings) as ccos:
        made = [
            await ccos.service.generate_with_fallback(PROMPT, context, required_quality=0.0)
            for _ in range(times)
        ]
        await ccos.budget.written()
        today, database = ccos.budget.today, ccos.database
        async with database.tenant(tenant.id) as tx:
            day = await spend.of_day(tx, today)
    return made, day


async def rows(database, tenant, day):
    async with database.tenant(tenant.id) as tx:
        return await ledger.of_days(tx, day, day)


async def test_a_paid_call_stands_in_both_ledgers_with_the_same_amount(settings, database, tenant):
    async with FakeUpstream() as cloud:
        (made,), day = await asked(settings(openai_base_url=cloud.origin, openai_api_key="sk-test"), tenant)
    ((line, sums),) = [
        row for row in await rows(database, tenant, day.day) if row[0].tier == Tier.CLOUD_PREMIUM.value
    ]
    assert made.tier is Tier.CLOUD_PREMIUM and day.reserved == 0
    assert day.spent == sums.spent_micro_usd == made.spent == sums.reported_micro_usd > 0
    assert sums.reported_calls == 1 and sums.estimated_of_reported_micro_usd == sums.estimated_micro_usd > 0
    assert (line.source, line.task, sums.answers) == ("api", "chat", 1) and sums.premium_micro_usd > 0


async def test_an_answer_of_the_rules_costs_nothing_and_saves_the_premium_price(settings, database, tenant):
    _, day = await asked(settings(), tenant)
    whole = sum((sums for _, sums in await rows(database, tenant, day.day)), Sums())
    assert day.spent == whole.spent_micro_usd == 0
    assert whole.answers == 1 and whole.premium_micro_usd > 0


async def test_a_limit_that_is_only_recorded_holds_nothing_back(settings, database, tenant):
    async with FakeUpstream() as cloud:
        found = settings(
            openai_base_url=cloud.origin,
            openai_api_key="sk-test",
            daily_llm_cost_limit="0.000001",
            enable_cost_based_fallback=False,
        )
        (made,), day = await asked(found, tenant)
    assert made.tier is Tier.CLOUD_PREMIUM and day.spent > 1
