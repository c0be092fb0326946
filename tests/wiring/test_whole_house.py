"""Everything together: the real database, search, workflow and gate; a cloud on the wire; a real local model."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from ccos import sample
from ccos.agents.prompts import solution_schema
from ccos.domain.draft import DraftState, Outcome
from ccos.domain.errors import SchemaMismatch
from ccos.domain.prompt import Grounds, Prompt, Turn
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Customer, Ticket
from ccos.domain.tier import Mode, Task, Tier
from ccos.settings import Settings
from ccos.store import drafts, spend
from ccos.tiers.health import health
from ccos.tiers.request import Context
from ccos.wiring import Ccos, open_ccos
from ccos.wiring.database import open_owner
from ccos.wiring.sample import ensure_sample
from ccos.wiring.upstreams import leaves_network
from support.fake_upstream import FakeUpstream
from support.tiny_gguf import build_tiny_gguf

TICKETS = {t.external_id: t for t in sample.tickets()}


@pytest.fixture
def settings(store_urls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no .env of whoever runs the tests

    def made(**values) -> Settings:
        urls = {"database_url": store_urls.app, "database_owner_url": store_urls.owner}
        return Settings(**{**urls, "CCOS_HOME": tmp_path, **values})

    return made


@asynccontextmanager
async def shop(settings: Settings, *, load_seconds: float = 0.0):
    async with AsyncExitStack() as stack:
        ccos = await stack.enter_async_context(open_ccos(settings, load_seconds=load_seconds))
        yield ccos, await ensure_sample(ccos, await open_owner(ccos.urls, stack))


async def draft(ccos: Ccos, tenant, ticket: Ticket, **how):
    taken = await ccos.drafting.take_in(tenant.id, ticket)
    return await ccos.drafting.make(tenant, taken.ticket.id, **how)


async def test_without_cloud_or_model_the_rules_draft_from_the_knowledge_base(settings):
    async with shop(settings()) as (ccos, tenant):
        made = await draft(ccos, tenant, TICKETS["demo-020"])
        # No labels certify rule answers yet, so a person reads them all.
        assert made.tier is Tier.RULE_BASED and made.state is DraftState.NEEDS_REVIEW
        assert made.evidence[0].id == "account-dormant" and "[1]" in made.reply
        assert not made.degraded, "no cloud was configured, so none was missed"
        async with ccos.database.tenant(tenant.id) as tx:
            assert await drafts.attempts(tx, made.id) == list(made.attempts)


async def test_a_cloud_drafts_is_paid_and_reads_no_personal_data(settings):
    async with FakeUpstream() as cloud:
        found = settings(openai_base_url=cloud.origin, openai_api_key="sk-test")
        async with shop(found) as (ccos, tenant):
            ticket = TICKETS["demo-020"].model_copy(
                update={
                    "external_id": "with-pii",
                    "description": "반품비가 얼마인가요? 연락처는 010-2345-6789, 이름은 김보라예요.",
                    "customer": Customer(name="김보라"),
                }
            )
            async with ccos.database.tenant(tenant.id) as tx:
                before = await spend.of_day(tx, ccos.budget.today)  # other tests draft for this shop too
            made = await draft(ccos, tenant, ticket)
            async with ccos.database.tenant(tenant.id) as tx:
                day = await spend.of_day(tx, ccos.budget.today)
    assert made.tier is Tier.CLOUD_PREMIUM and made.cost_usd > 0
    assert day.reserved == 0 and day.spent - before.spent == round(made.cost_usd * 1_000_000)
    sent = "".join(str(seen.body) for seen in cloud.seen)
    assert "[전화번호_1]" in sent and "[이름_1]" in sent
    assert "2345" not in sent and "김보라" not in sent


async def test_a_resident_number_never_reaches_the_cloud(settings):
    async with FakeUpstream() as cloud:
        async with shop(settings(openai_base_url=cloud.origin)) as (ccos, tenant):
            ticket = Ticket(subject="현금영수증", description="주민번호 900101-1234567 로 발급해 주세요")
            made = await draft(ccos, tenant, ticket, mode=Mode.QUALITY_FIRST)
        assert cloud.seen == [] and made.tier is Tier.RULE_BASED
        assert ("tier_0", "pii.local_only") in {(a.tier, a.reason) for a in made.attempts}


async def test_a_cloud_that_dies_in_the_middle_leaves_no_ticket_without_a_draft(settings):
    async with FakeUpstream(kill_after=3) as cloud:
        found = settings(openai_base_url=cloud.origin)
        async with shop(found) as (ccos, tenant):
            made = [await draft(ccos, tenant, ticket) for ticket in list(TICKETS.values())[:12]]
    assert all(d.reply for d in made)
    tiers = [d.tier for d in made]
    assert Tier.CLOUD_PREMIUM in tiers and tiers[-1] is Tier.RULE_BASED
    late = [d for d in made[6:] if d.triage["pii"] != "local_only"]
    assert any(d.degraded for d in late)


async def test_a_cloud_model_without_a_price_is_never_called_and_says_so(settings):
    async with FakeUpstream() as cloud:
        found = settings(openai_base_url=cloud.origin, openai_model="nobody-knows-1")
        async with shop(found) as (ccos, tenant):
            made = await draft(ccos, tenant, TICKETS["demo-020"])
        assert cloud.seen == [] and made.degraded
        assert ("tier_0", "provider.no_price") in {(a.tier, a.reason) for a in made.attempts}


async def test_a_configured_price_lets_it_be_called(settings):
    async with FakeUpstream() as cloud:
        prices = {"CCOS_CLOUD_PRICE_IN": "1", "CCOS_CLOUD_PRICE_OUT": "2"}
        found = settings(openai_base_url=cloud.origin, openai_model="nobody-knows-1", **prices)
        async with shop(found) as (ccos, tenant):
            made = await draft(ccos, tenant, TICKETS["demo-020"])
        assert made.tier is Tier.CLOUD_PREMIUM and made.cost_usd > 0


async def test_at_the_daily_limit_the_tiers_below_go_on(settings):
    async with FakeUpstream() as cloud:
        found = settings(openai_base_url=cloud.origin, daily_llm_cost_limit="0.000001")
        async with shop(found) as (ccos, tenant):
            made = await draft(ccos, tenant, TICKETS["demo-020"])
        assert cloud.seen == [] and made.reply and made.degraded
        assert ("tier_0", "budget.exhausted") in {(a.tier, a.reason) for a in made.attempts}


async def test_a_local_model_takes_its_turn_and_is_held_to_the_same_bar(settings, tmp_path):
    model = tmp_path / "tiny.gguf"
    build_tiny_gguf(model)
    prompt = Prompt(
        Task.SOLUTION_DRAFT,
        "Reply.",
        (Turn("user", "반품은?"),),
        Grounds(ticket=Ticket(subject="반품은?")),
        schema=solution_schema(TenantSettings(reply_max_characters=100)),
        max_tokens=400,
    )
    async with open_ccos(settings(tinyllama_model_path=model), load_seconds=30) as ccos:
        held = await ccos.service.generate_with_fallback(prompt, Context(seconds=60), required_quality=1.1)
        free = await ccos.service.generate_with_fallback(prompt, Context(seconds=60), required_quality=0.0)
    tiny, rules = held.attempts[0], held.attempts[-1]
    assert (tiny.tier, tiny.outcome) == (Tier.LOCAL_TINYLLAMA, Outcome.REFUSED_BY_GATE)
    assert tiny.tokens_out > 0 and tiny.cost_usd == 0
    assert rules.tier is Tier.RULE_BASED and not held.accepted and held.response
    assert all(a.reason != "veto.schema" for a in free.attempts), (
        "the grammar holds even random weights to it"
    )


@pytest.mark.parametrize(
    "content", [b"", b"not a model at all", b"GGUF\x03\x00\x00\x00"], ids=["empty", "text", "cut"]
)
async def test_a_file_that_is_no_model_skips_its_tier_and_nothing_else(settings, tmp_path, content):
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(content)
    async with shop(settings(minimax_model_path=bad), load_seconds=10) as (ccos, tenant):
        made = await draft(ccos, tenant, TICKETS["demo-020"])
        await ccos.service.probe()
        reason = ccos.models[0].reason
        told = health(ccos.service.pulses(), now=0, at=ccos.budget._now())["tiers"]["tier_1"]
    assert made.reply and ("tier_1", "model.not_loaded") in {(a.tier, a.reason) for a in made.attempts}
    assert bad.name in reason and reason.endswith(".")
    assert told["status"] == "unhealthy"


async def test_many_drafts_at_once_keep_to_their_tickets(settings):
    async with shop(settings()) as (ccos, tenant):
        wanted = list(TICKETS.values())[:16]
        made = await asyncio.gather(*(draft(ccos, tenant, t) for t in wanted))
        alone = [await draft(ccos, tenant, t) for t in wanted]
    assert [d.reply for d in made] == [d.reply for d in alone]


async def test_an_application_login_that_could_bypass_isolation_is_refused(store_urls, settings):
    with pytest.raises(SchemaMismatch, match="The role postgres bypasses row-level security"):
        async with open_ccos(settings(database_url=store_urls.superuser)):
            pass


@pytest.mark.parametrize(
    ("url", "leaves"),
    [
        ("http://127.0.0.1:8000/v1", False),
        ("http://[::1]:8000", False),
        ("http://10.1.2.3:8000", False),
        ("http://gpu:8000", False),
        ("http://llm.internal", False),
        ("https://api.minimax.io/v1", True),
        ("http://8.8.8.8", True),
    ],
)
def test_a_server_on_the_internet_counts_as_leaving(url, leaves):
    assert leaves_network(url) is leaves


def test_the_home_is_made_absolute():
    assert Settings(CCOS_HOME="x", _env_file=None).folder == Path.cwd() / "x"
