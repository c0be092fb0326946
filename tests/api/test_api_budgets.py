"""GET /api/budgets: amounts of the caller's own tenant, for those who may see them."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from ccos.domain.draft import Outcome
from ccos.domain.money import MicroUsd
from ccos.domain.tenant import Role, TenantSettings
from ccos.domain.tier import Task, Tier
from ccos.store import spend
from ccos.tiers.ledger import Entry
from support.live import Company, Live

PARTS = {"day", "timezone", "resets_at", "enforced", "limit_usd", "spent_usd", "reserved_usd", "remaining_usd"} | {
    "share", "level", "total", "thresholds", "ledgers", "days",
}  # fmt: skip


@pytest.fixture
def thrifty(live: Live) -> Company:
    return live.company(TenantSettings(daily_cost_limit_usd=Decimal("0.001")))


def spend_some(company: Company, spent: int, held: int = 0) -> None:
    ccos = company.live.ccos

    async def go() -> None:
        reservation = await ccos.budget.reserve(company.tenant.id, MicroUsd(spent))
        ccos.budget.settle(company.tenant.id, reservation, MicroUsd(spent))
        await ccos.budget.reserve(company.tenant.id, MicroUsd(held))

    company.live.run(go())


def read(company: Company, role: Role = Role.SUPERVISOR):
    with company.client(role) as http:
        answer = http.get("/api/budgets")
    assert answer.status_code == 200
    return answer.json()


def test_a_fresh_tenant_has_spent_nothing_of_the_total_limit(company: Company):
    told = read(company)
    assert set(told) == PARTS
    assert (told["limit_usd"], told["spent_usd"], told["reserved_usd"]) == (5.0, 0, 0)
    assert 4.9 < told["remaining_usd"] <= 5.0, "others may have spent a little of the total"
    assert told["share"] == 0 and told["level"] == "ok" and told["enforced"] is True
    assert told["thresholds"] == {"warning": 0.7, "cost_first": 0.85, "exhausted": 1.0}
    assert len(told["days"]) == 30 and told["days"][-1]["day"] == told["day"]


def test_the_day_ends_at_midnight_in_the_configured_zone(company: Company):
    told = read(company)
    ends = datetime.fromisoformat(told["resets_at"])
    assert told["timezone"] == "Asia/Seoul" and ends.utcoffset() == timedelta(hours=9)
    assert (ends - timedelta(seconds=1)).date().isoformat() == told["day"]
    assert ends > datetime.now(ZoneInfo("UTC"))


def test_spent_and_held_count_against_the_tenants_own_lower_limit(thrifty: Company):
    spend_some(thrifty, 600, held=150)
    told = read(thrifty)
    assert told["limit_usd"] == 0.001 and told["spent_usd"] == 0.0006 and told["reserved_usd"] == 0.00015
    assert told["remaining_usd"] == 0.00025 and told["share"] == 0.75 and told["level"] == "warning"
    assert told["total"] == {"level": "ok"}, "others' amounts do not show"


def test_another_tenants_money_does_not_show(live: Live, thrifty: Company):
    spend_some(thrifty, 900)
    told = read(live.company())
    assert told["spent_usd"] == 0 and told["level"] == "ok"


def test_what_others_have_used_of_the_total_shows_only_when_nothing_is_left(live: Live, monkeypatch):
    spend_some(live.company(), 700)
    fresh, budget = live.company(TenantSettings(daily_cost_limit_usd=Decimal("0.06"))), live.ccos.budget
    total = fresh.within(lambda tx: spend.total_of_day(tx, budget.today))
    for left, level in ((100_000, "ok"), (7, None), (0, "exhausted")):
        limit = MicroUsd(total.spent + total.reserved + left)
        monkeypatch.setattr(budget, "limits", spend.Limits(limit))
        told = read(fresh)
        assert told["remaining_usd"] == (told["limit_usd"] if left else 0) and told["spent_usd"] == 0
        assert level is None or told["level"] == level


@pytest.mark.parametrize("role", [Role.AGENT, Role.INTEGRATION])
def test_those_who_do_not_steer_money_read_the_level_alone(thrifty: Company, role):
    spend_some(thrifty, 900)
    told = read(thrifty, role)
    assert told["level"] == "cost_first" and told["share"] == 0.9
    assert {
        told[name] for name in ("limit_usd", "spent_usd", "reserved_usd", "remaining_usd", "ledgers")
    } == {None}
    assert told["days"] == []


def test_the_two_ledgers_stand_side_by_side(company: Company):
    entry = Entry(
        tenant_id=company.tenant.id,
        source="api",
        task=Task.CHAT,
        tier=Tier.CLOUD_PREMIUM,
        provider="openai",
        model="gpt-4o",
        outcome=Outcome.ACCEPTED,
        tokens_in=10,
        tokens_out=5,
        spent=MicroUsd(150),
        estimated=MicroUsd(100),
        reported=MicroUsd(150),
        premium=MicroUsd(400),
    )

    async def note() -> None:
        for _ in range(25):
            company.live.ccos.ledger.note(entry)
        await asyncio.sleep(0)

    company.live.run(note())
    told = read(company)
    ledgers = told["ledgers"]
    assert (ledgers["estimated_usd"], ledgers["reported_usd"], ledgers["drift"]) == (0.0025, 0.00375, 0.5)
    (row,) = ledgers["by_provider"]
    assert (row["tier"], row["provider"], row["model"], row["calls"]) == ("tier_0", "openai", "gpt-4o", 25)
    assert "reported 50% more" in ledgers["warnings"][0]
    assert ledgers["not_in_ledger_usd"] == -0.00375, "the ledger has calls the day's money never saw"
    today = told["days"][-1]
    assert (today["spent_usd"], today["premium_usd"], today["saved_usd"]) == (0, 0.01, 0.01)


def test_without_a_key_there_is_nothing_to_read(live: Live):
    with live.client() as http:
        assert http.get("/api/budgets").status_code == 401


def test_holds_left_over_from_the_test_are_of_the_tenant_alone(thrifty: Company):
    spend_some(thrifty, 100)
    day = thrifty.within(lambda tx: spend.of_day(tx, thrifty.live.ccos.budget.today))
    assert (day.reserved, day.spent) == (0, 100)
