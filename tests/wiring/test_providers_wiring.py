"""Which providers the settings make, and under which name and price."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal

import pytest

from ccos.agents.prompts import fixed_systems
from ccos.domain.errors import NoPrice, ProviderDown, ProviderRefused, ProviderTimeout
from ccos.domain.prompt import Prompt, Turn
from ccos.domain.tier import Task, Tier
from ccos.local.machine import decoding_threads
from ccos.providers.prices import Prices
from ccos.quality.scorer import shipped
from ccos.settings import Settings
from ccos.wiring import advice
from ccos.wiring.providers import open_providers, wait_until_loaded
from ccos.wiring.upstreams import prices_of
from support.fake_upstream import Does, FakeUpstream
from support.tiny_gguf import build_tiny_gguf

PROMPT = Prompt(Task.SOLUTION_DRAFT, "Reply.", (Turn("user", "환불은 언제 되나요?"),))
RATE = {"CCOS_CLOUD_PRICE_IN": Decimal("0.5"), "CCOS_CLOUD_PRICE_OUT": Decimal(1)}


@pytest.fixture
def settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return lambda **fields: Settings(**{"CCOS_HOME": tmp_path / "home", **fields})


async def test_a_price_for_one_cloud_model_leaves_the_known_price_of_the_other(settings):
    both = settings(openai_api_key="k", openai_model="our-own", anthropic_api_key="k", **RATE)
    async with AsyncExitStack() as stack:
        providers, _ = await open_providers(both, stack)
        own, claude = (p.estimate(PROMPT) for p in providers[:2])
    async with AsyncExitStack() as stack:
        providers, _ = await open_providers(settings(anthropic_api_key="k"), stack)
        listed = providers[0].estimate(PROMPT)
    assert claude == listed > own > 0
    assert not [note for note in advice.notes(both) if "price" in note]


def test_the_configured_rate_is_for_what_the_table_does_not_know_at_that_seller(settings):
    found = settings(**RATE)
    assert prices_of(found, "anthropic", "claude-sonnet-4-5") == Prices()
    assert prices_of(found, "anthropic", "claude-sonnet-4-5-20250929") == Prices()
    assert prices_of(found, "anthropic", "our-own").price("anthropic", "our-own", 1_000_000, 0) == 500_000
    assert (
        prices_of(found, "openai", "claude-sonnet-4-5").price(None, "claude-sonnet-4-5", 0, 1_000_000)
        == 1_000_000
    )
    half = settings(CCOS_CLOUD_PRICE_IN=Decimal(1))
    assert not prices_of(half, "openai", "our-own").knows("openai", "our-own")


@asynccontextmanager
async def tier_1(settings, upstream, **fields):
    async with AsyncExitStack() as stack:
        providers, _ = await open_providers(settings(minimax_base_url=upstream.origin, **fields), stack)
        yield providers[0]


def asked(upstream):
    return [request.body["model"] for request in upstream.seen if request.method == "POST"]


async def test_a_server_is_asked_once_which_model_it_serves(settings):
    async with FakeUpstream(serves=("qwen2.5:7b",)) as upstream, tier_1(settings, upstream) as provider:
        assert upstream.seen == [], "nothing is asked before the first call"
        for _ in range(2):
            assert (await provider.answer(PROMPT, seconds=5)).text
        assert asked(upstream) == ["qwen2.5:7b"] * 2
        assert [request.path for request in upstream.seen].count("/v1/models") == 1
        assert provider.card.name == "minimax" and not provider.card.paid and provider.estimate(PROMPT) == 0


async def test_a_model_that_was_changed_on_the_server_is_asked_for_after_a_404(settings):
    async with FakeUpstream(serves=("old",)) as upstream, tier_1(settings, upstream) as provider:
        await provider.answer(PROMPT, seconds=5)
        upstream.serves = ("new",)
        with pytest.raises(ProviderRefused) as caught:
            await provider.answer(PROMPT, seconds=5)
        assert caught.value.facts["status"] == 404
        assert (await provider.answer(PROMPT, seconds=5)).text
        assert asked(upstream) == ["old", "old", "new"]


async def test_a_look_at_the_server_learns_the_name_too(settings):
    async with FakeUpstream(serves=("old",)) as upstream, tier_1(settings, upstream) as provider:
        assert await provider.alive(seconds=5)
        upstream.serves = ("new",)
        assert await provider.alive(seconds=5)
        await provider.answer(PROMPT, seconds=5)
        assert asked(upstream) == ["new"]
        upstream.models = Does("e503")
        assert not await provider.alive(seconds=5)


@pytest.mark.parametrize(
    ("serves", "models", "said"),
    [
        (("a", "b"), "ok", "lists 2 models; set MINIMAX_MODEL"),
        ((), "ok", "does not say which model it serves; set MINIMAX_MODEL"),
        (("a",), "not_found", "does not say which model it serves; set MINIMAX_MODEL"),
    ],
)
async def test_a_server_that_does_not_decide_it_says_what_to_set(settings, serves, models, said):
    async with (
        FakeUpstream(serves=serves, models=models) as upstream,
        tier_1(settings, upstream) as provider,
    ):
        with pytest.raises(ProviderRefused, match=said) as caught:
            await provider.answer(PROMPT, seconds=5)
        assert caught.value.facts["provider"] == "minimax" and asked(upstream) == []
        assert not await provider.alive(seconds=5)


async def test_a_name_that_is_given_wins_and_nothing_is_asked(settings):
    async with (
        FakeUpstream(serves=("a", "b")) as upstream,
        tier_1(settings, upstream, minimax_model="b") as provider,
    ):
        await provider.answer(PROMPT, seconds=5)
        assert [request.path for request in upstream.seen] == ["/v1/chat/completions"]
        assert asked(upstream) == ["b"] and provider.card.model == "b"


@pytest.mark.parametrize(
    ("models", "fault"),
    [
        ("silent", ProviderTimeout),
        ("e503", ProviderDown),
        ("reset", ProviderDown),
        ("html", ProviderDown),
        ("wrong_shape", ProviderDown),
        ("padded_document", ProviderDown),
        ("truncated_body", ProviderDown),
        ("unauthorized", ProviderRefused),
    ],
)
async def test_a_list_that_does_not_come_is_a_fault_of_its_own_kind_in_time(settings, models, fault):
    async with FakeUpstream(models=models) as upstream, tier_1(settings, upstream) as provider:
        async with asyncio.timeout(5):
            with pytest.raises(fault) as caught:
                await provider.answer(PROMPT, seconds=0.5)
        assert caught.value.facts["provider"] == "minimax" and asked(upstream) == []
        upstream.models = Does("ok")
        assert (await provider.answer(PROMPT, seconds=5)).text, "the next call asks again"


async def test_a_server_out_on_the_internet_is_off_until_its_model_is_named(settings):
    outside = {"tinyllama_base_url": "https://models.example.com/v1"}
    async with AsyncExitStack() as stack:
        providers, _ = await open_providers(settings(**outside), stack)
        assert [provider.card.tier for provider in providers] == [Tier.RULE_BASED]
        priced = settings(**outside, tinyllama_model="our-own", **RATE)
        providers, _ = await open_providers(priced, stack)
        assert providers[0].card.paid and providers[0].card.model == "our-own"
        assert providers[0].estimate(PROMPT) > 0
        unpriced = settings(**outside, tinyllama_model="our-own")
        providers, _ = await open_providers(unpriced, stack)
        with pytest.raises(NoPrice):
            providers[0].estimate(PROMPT)
    said = [[note for note in advice.notes(s) if "TINYLLAMA" in note] for s in (settings(**outside), priced)]
    assert any("set TINYLLAMA_MODEL" in note for note in said[0]) and len(said[1]) == 1
    assert any("TINYLLAMA_MODEL: no price is known" in note for note in advice.notes(unpriced))


def test_a_name_without_a_server_is_noted(settings):
    assert any(
        note.startswith("MINIMAX_MODEL is not used") for note in advice.notes(settings(minimax_model="a"))
    )


async def test_a_model_file_is_asked_as_often_at_once_as_it_has_slots(settings, tmp_path):
    absent = tmp_path / "none.gguf"
    async with AsyncExitStack() as stack:
        providers, models = await open_providers(settings(tinyllama_model_path=absent), stack)
        assert providers[0].card.slots == models[0].plan.slots > 0


async def test_a_files_plan_is_what_the_settings_say_of_its_tier(settings, tmp_path):
    file = build_tiny_gguf(tmp_path / "m.gguf")
    found = settings(
        minimax_model_path=file,
        minimax_context_tokens=1024,
        minimax_slots=1,
        minimax_threads=3,
        minimax_gpu_layers=7,
        minimax_speculation="lookup",
        tinyllama_model_path=file,
    )
    async with AsyncExitStack() as stack:
        providers, (minimax, tiny) = await open_providers(found, stack)
    plan = minimax.plan
    assert (plan.context_tokens, plan.slots, plan.threads) == (1024, 1, 3)
    assert (plan.gpu_layers, plan.speculation) == (7, "lookup")
    assert plan.warm_system == fixed_systems()
    assert (providers[0].card.slots, providers[0].card.context_tokens) == (1, 1024)
    assert (tiny.plan.slots, tiny.plan.gpu_layers, tiny.plan.speculation) == (2, None, "off")
    assert tiny.plan.threads == decoding_threads()


@pytest.mark.parametrize("reads", [False, True])
async def test_log_probabilities_are_asked_for_where_the_gate_reads_them(
    settings, tmp_path, monkeypatch, reads
):
    head = shipped().heads["any"]
    extra = {"logprob": 0.5} if reads else {}
    values = {
        "weights": {**head.weights, **extra},
        "means": {**head.means, **extra},
        "scales": {**head.scales, **extra},
    }
    gate = shipped().model_copy(update={"heads": {"any": head.model_copy(update=values)}})
    monkeypatch.setattr("ccos.wiring.providers.shipped", lambda: gate)
    found = settings(tinyllama_model_path=build_tiny_gguf(tmp_path / "m.gguf"))
    async with AsyncExitStack() as stack:
        providers, models = await open_providers(found, stack)
        await wait_until_loaded(models, seconds=30)
        answer = await providers[0].answer(
            Prompt(Task.CHAT, "", (Turn("user", "hello"),), max_tokens=8), seconds=30
        )
    assert bool(answer.logprobs) is reads
