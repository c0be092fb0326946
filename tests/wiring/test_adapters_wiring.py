"""Adapters of the home: loaded beside the model of their tier, chosen by tenant, told by `config check`."""

from contextlib import AsyncExitStack
from dataclasses import replace
from uuid import UUID

import pytest

from ccos.domain.errors import BadInput
from ccos.domain.tier import Tier
from ccos.local.adapters import Adapter
from ccos.settings import Settings
from ccos.wiring import advice
from ccos.wiring.adapters import model_of, open_adapters
from ccos.wiring.models import answering
from ccos.wiring.providers import open_file, wait_until_loaded
from support.local_models import asking
from support.tiny_adapter import build_adapter
from support.tiny_gguf import build_tiny_gguf

SHOP = UUID(int=7)


@pytest.fixture
def home(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    file = build_tiny_gguf(tmp_path / "m.gguf")
    build_adapter(tmp_path / "a.gguf")
    return lambda **more: Settings(
        **{"CCOS_HOME": tmp_path / "home", "minimax_model_path": file, "minimax_context_tokens": 512, **more}
    )


async def test_a_tenants_requests_are_answered_with_its_adapter(home, tmp_path):
    settings = home()
    mine = Adapter("mine", tmp_path / "a.gguf", tenants=(str(SHOP),))
    open_adapters(settings).add(mine, model_of(settings, "tier_1"))
    open_adapters(settings).add(replace(mine, name="small", tier="tier_2"), tmp_path / "m.gguf")
    async with AsyncExitStack() as stack:
        provider, model = await open_file(settings, stack, Tier.LOCAL_MINIMAX, tmp_path / "m.gguf")
        await wait_until_loaded([model], seconds=30)
        assert [each.name for each in model.plan.adapters] == ["mine"]
        prompt = asking("hello", max_tokens=12, temperature=0.0)
        texts = [
            (await provider.answer(replace(prompt, tenant_id=who), seconds=30)).text
            for who in (None, SHOP, UUID(int=8), SHOP)
        ]
    assert texts[0] == texts[2] != texts[1] == texts[3]


async def test_an_adapter_that_was_trained_anew_is_another_to_promises(home, tmp_path):
    asked = replace(asking("hello", max_tokens=8, schema={"enum": ["a"]}), tenant_id=SHOP)
    settings = home()
    mine = Adapter("mine", tmp_path / "a.gguf", tenants=(str(SHOP),))
    anew = replace(mine, path=build_adapter(tmp_path / "b.gguf", seed=5))
    seen = []
    for each in (mine, anew, mine):
        open_adapters(settings).add(each, model_of(settings, "tier_1"), replace=True)
        async with AsyncExitStack() as stack:
            provider, model = await open_file(settings, stack, Tier.LOCAL_MINIMAX, tmp_path / "m.gguf")
            await wait_until_loaded([model], seconds=30)
            seen.append((await provider.answer(asked, seconds=30)).model)
            assert answering([provider], [model], SHOP) == [(Tier.LOCAL_MINIMAX, seen[-1])]
    assert seen[0] == seen[2] != seen[1] and all("+mine@" in name for name in seen)


async def test_promises_are_of_what_answers_where_an_adapter_is_left_out(home, tmp_path):
    """Else the tenant's labels would be of a model that nobody waits for, and none could ever count."""
    asked = replace(asking("hello", max_tokens=8, schema={"enum": ["a"]}), tenant_id=SHOP)
    settings = home()
    kept = open_adapters(settings).add(
        Adapter("mine", tmp_path / "a.gguf", tenants=(str(SHOP),)), model_of(settings, "tier_1")
    )
    content = bytearray(kept.path.read_bytes())
    content[-5] ^= 0x40  # a fault of the disk that no header shows
    kept.path.write_bytes(content)
    async with AsyncExitStack() as stack:
        provider, model = await open_file(settings, stack, Tier.LOCAL_MINIMAX, tmp_path / "m.gguf")
        await wait_until_loaded([model], seconds=30)
        assert "mine is left out" in model.reason and "is not what was added" in model.reason
        answer = await provider.answer(asked, seconds=30)
        assert "+" not in answer.model
        assert answering([provider], [model], SHOP) == [(Tier.LOCAL_MINIMAX, answer.model)]


async def test_a_damaged_list_leaves_the_model_serving_and_is_told(home, tmp_path):
    settings = home()
    open_adapters(settings).folder.mkdir(parents=True)
    open_adapters(settings).path.write_text("{")
    assert any("No LoRA adapter is used" in note for note in advice.notes(settings))
    async with AsyncExitStack() as stack:
        provider, model = await open_file(settings, stack, Tier.LOCAL_MINIMAX, tmp_path / "m.gguf")
        await wait_until_loaded([model], seconds=30)
        assert provider.ready and model.plan.adapters == ()


def test_what_will_be_left_out_is_told_by_config_check_and_nothing_is_written(home, tmp_path):
    settings = home()
    model = model_of(settings, "tier_1")
    assert not any("adapter" in note for note in advice.notes(settings))
    kept = open_adapters(settings).add(Adapter("mine", tmp_path / "a.gguf"), model)
    assert not any("adapter" in note for note in advice.notes(settings))
    before = sorted(tmp_path.rglob("*"))
    by_url = home(minimax_base_url="http://127.0.0.1:9/v1")
    (note,) = [note for note in advice.notes(by_url) if "adapter" in note]
    assert "The adapter mine is not used" in note and "MINIMAX_BASE_URL is set" in note
    assert sorted(tmp_path.rglob("*")) == before
    kept.path.write_bytes(kept.path.read_bytes()[:100])
    (note,) = [note for note in advice.notes(settings) if "adapter" in note]
    assert "The adapter mine is left out: The adapter file" in note and "cut off" in note
    kept.path.unlink()
    assert any("There is no adapter file" in note for note in advice.notes(settings))


def test_a_tier_without_a_file_takes_no_adapter(home):
    with pytest.raises(BadInput, match="TINYLLAMA_MODEL_PATH"):
        model_of(home(), "tier_2")
    with pytest.raises(BadInput, match="adapters are for files"):
        model_of(home(minimax_base_url="http://127.0.0.1:9/v1"), "tier_1")
    with pytest.raises(BadInput, match="MINIMAX_ENABLE_LOCAL is off"):
        model_of(home(minimax_enable_local=False), "tier_1")
