"""A desk that runs without its cloud says so: plainly to agents, in the provider's words to administrators."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from playwright.async_api import expect

from ccos.console.outage import outage_of
from ccos.console.speech import words
from ccos.domain.draft import DraftState
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from ccos.store.migrate import migrate
from ccos.tiers.health import MESSAGES, NOT_LOADED, OPEN
from support.browser import BROWSER, WITHOUT, Visitor
from support.live import plain_settings, serving
from support.postgres import fresh_database

LAST, AGAIN = datetime(2026, 11, 23, 5, tzinfo=UTC), datetime(2026, 11, 23, 6, tzinfo=UTC)
WELL = {"status": "healthy", "providers": [{"provider": "p", "model": "m", "status": "healthy"}]}
NONE = {"status": "disabled", "providers": []}
REFUSED = {"provider": "openai", "model": "gpt", "status": "unhealthy", "error": "provider.timeout",
           "last_success": LAST.isoformat(), "retry_at": AGAIN.isoformat()}  # fmt: skip
DOWN = {"status": "unhealthy", "providers": [REFUSED]}


def health(*tiers):
    return {"tiers": {tier.value: told for tier, told in zip(Tier, tiers, strict=True)}}


@pytest.mark.parametrize(
    "tiers", [(WELL, WELL, WELL, WELL), (NONE, NONE, NONE, WELL), (NONE, WELL, NONE, WELL)]
)
def test_what_is_not_set_up_is_no_outage(tiers):
    assert outage_of(health(*tiers)) is None


@pytest.mark.parametrize(
    ("tiers", "down", "spare", "leads"),
    [
        ((DOWN, WELL, WELL, WELL), ["tier_0"], [], "tier_1"),
        ((DOWN, DOWN, WELL, WELL), ["tier_0", "tier_1"], [], "tier_2"),
        ((DOWN, NONE, DOWN, WELL), ["tier_0", "tier_2"], [], "tier_3"),
        ((WELL, DOWN, WELL, WELL), [], ["tier_1"], "tier_0"),
        ((DOWN, WELL, DOWN, WELL), ["tier_0"], ["tier_2"], "tier_1"),
    ],
)
def test_tiers_above_the_one_that_answers_are_missed_and_those_below_are_not(tiers, down, spare, leads):
    found = outage_of(health(*tiers))
    assert found is not None
    assert ([d.tier for d in found.down], [d.tier for d in found.spare], found.leads) == (down, spare, leads)


def test_since_is_the_last_answer_of_any_and_the_next_try_that_of_the_first():
    silent = {
        "provider": "anthropic",
        "model": "c",
        "status": "disabled",
        "error": "key.refused",
        "message": "Put one in.",
    }
    later = REFUSED | {"last_success": AGAIN.isoformat(), "retry_at": None}
    found = outage_of(
        health({"status": "unhealthy", "providers": [silent, REFUSED, later]}, NONE, NONE, WELL)
    )
    assert found is not None
    (down,) = found.down
    assert (down.since, down.retry_at, down.code) == (AGAIN, AGAIN, "key.refused")
    assert next((each.name, each.message) for each in down.providers) == ("anthropic", "Put one in.")
    unknown = outage_of(health({"status": "disabled", "providers": [silent]}, NONE, NONE, WELL))
    assert unknown is not None and (unknown.down[0].since, unknown.down[0].retry_at) == (None, None)


@pytest.mark.parametrize("code", sorted({*MESSAGES, OPEN, NOT_LOADED}))
@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_reason_that_health_gives_has_words(code, language):
    assert f"code.{code}" in words(language)


@pytest.fixture(scope="module")
def cut_off(embedded_server, tmp_path_factory, unused_port):
    """A desk whose local model's server is not there."""
    with fresh_database(embedded_server, "outage_tests") as urls:
        migrate(urls.owner)
        address = f"http://127.0.0.1:{unused_port}/v1"
        home = tmp_path_factory.mktemp("outage-home")
        with serving(plain_settings(urls, home, minimax_base_url=address)) as live:
            yield live


@pytest.fixture(scope="module")
def unused_port():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]  # bound and not listening: whoever calls is refused


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.skipif(BROWSER is None, reason=WITHOUT)
async def test_a_banner_tells_agents_what_it_means_and_administrators_what_was_said(
    visitor: Visitor, cut_off
):
    company = cut_off.company()
    ticket = company.ticket(Ticket(subject="교환"))
    company.draft(ticket, DraftState.READY, reply="네.", tier=Tier.RULE_BASED)
    page = await visitor.page(company, f"/tickets/{ticket}")
    with company.client() as http:
        for _ in range(40):
            told = http.get("/api/health/llm-tiers").json()["tiers"]["tier_1"]["status"]
            if told == "unhealthy":
                break
            http.post("/api/generate", json={"prompt": "교환되나요?", "required_quality": 0.6})
            await asyncio.sleep(0.25)
    await page.reload()
    banner = page.locator("#outage")
    await expect(banner).to_contain_text("로컬 모델 단계가 응답하지 않습니다.")
    await expect(banner).to_contain_text("승인된 답변과 서식으로만 초안을 만듭니다")
    await expect(banner.locator("details")).to_have_count(0)
    assert str(cut_off.ccos.settings.minimax_base_url) not in await page.content()
    box = await page.locator(".desk").bounding_box()
    assert box is not None and box["y"] + box["height"] <= 861  # the desk still fits below it
    theirs = await visitor.page(company, "/", role=Role.ADMIN)
    await theirs.click("#outage summary")
    await expect(theirs.locator("#outage li code").first).to_be_visible()
