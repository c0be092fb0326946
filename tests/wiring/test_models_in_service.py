"""Which model serves where the settings name none, and what health says of it."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from ccos.domain.tier import Tier
from ccos.local.editions import edition_of
from ccos.local.switching import Choice, Switching
from ccos.settings import Settings
from ccos.wiring import advice
from ccos.wiring.models import answering, open_registry, open_service, told_of_models, with_models_in_service
from ccos.wiring.providers import open_providers, wait_until_loaded
from support.local_models import asking, until
from support.tiny_gguf import build_tiny_gguf

AT = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    made = lambda **fields: Settings(**{"CCOS_HOME": tmp_path / "home", **fields})  # noqa: E731
    made.file = file = build_tiny_gguf(tmp_path / "m.gguf")
    open_registry(made()).add(file, lambda _done, _total: None, at=AT, name="ours", copy=False)
    return made


async def test_the_model_in_service_answers_and_is_named(settings):
    open_service(settings()).promote("tier_1", "ours", {}, at=AT, instead_of=None)
    async with AsyncExitStack() as stack:
        providers, models = await open_providers(settings(minimax_context_tokens=1024), stack)
        assert [p.card.tier for p in providers] == [Tier.LOCAL_MINIMAX, Tier.RULE_BASED]
        assert providers[0].card.model == "ours" and isinstance(models[0], Switching)
        await wait_until_loaded(models, seconds=30)
        answer = await providers[0].answer(asking("hi", max_tokens=8, schema={"enum": ["a"]}), seconds=20)
        assert (answer.text, answer.model) == ('"a"', f"ours@{edition_of(settings.file)}")
        document = {"tiers": {"tier_1": {"providers": [{"provider": "minimax", "model": "before"}]}}}
        assert told_of_models(document, models)["tiers"]["tier_1"]["providers"][0]["model"] == "ours"


async def test_a_retired_model_is_in_service_nowhere_until_it_is_brought_back(settings):
    service = open_service(settings())
    service.promote("tier_1", "ours", {}, at=AT, instead_of=None)
    async with AsyncExitStack() as stack:
        providers, models = await open_providers(settings(minimax_context_tokens=1024), stack)
        await wait_until_loaded(models, seconds=30)
        assert dict(answering(providers, models, None))[Tier.LOCAL_MINIMAX].startswith("ours")
        service.retire("tier_1")
        await until(lambda: not providers[0].ready)
        assert "ours was taken out of service" in providers[0].trouble
        assert Tier.LOCAL_MINIMAX not in dict(answering(providers, models, None))
        document = {"tiers": {"tier_1": {"providers": [{"provider": "minimax", "model": "ours"}]}}}
        assert told_of_models(document, models)["tiers"]["tier_1"]["providers"][0]["model"] == ""
        service.rollback("tier_1", at=AT)
        await until(lambda: providers[0].ready)
        assert dict(answering(providers, models, None))[Tier.LOCAL_MINIMAX].startswith("ours")


async def test_a_file_answers_under_the_name_its_certificates_know(settings, tmp_path):
    async with AsyncExitStack() as stack:
        named = settings(minimax_model_path=tmp_path / "m.gguf", minimax_context_tokens=1024)
        providers, models = await open_providers(named, stack)
        await wait_until_loaded(models, seconds=30)
        answer = await providers[0].answer(asking("hi", max_tokens=8, schema={"enum": ["a"]}), seconds=20)
        assert (Tier.LOCAL_MINIMAX, answer.model) in answering(providers, models, None)


async def test_promises_hear_of_the_model_that_serves_now(settings, tmp_path):
    open_service(settings()).promote("tier_1", "ours", {}, at=AT, instead_of=None)
    newer = build_tiny_gguf(tmp_path / "newer.gguf", seed=8)
    open_registry(settings()).add(newer, lambda _done, _total: None, at=AT, name="theirs", copy=False)
    async with AsyncExitStack() as stack:
        providers, models = await open_providers(settings(minimax_context_tokens=1024), stack)
        await wait_until_loaded(models, seconds=30)
        ours, theirs = f"ours@{edition_of(settings.file)}", f"theirs@{edition_of(newer)}"
        assert (Tier.LOCAL_MINIMAX, ours) in answering(providers, models, None)
        open_service(settings()).promote("tier_1", "theirs", {}, at=AT, instead_of="ours")
        await until(lambda: (Tier.LOCAL_MINIMAX, theirs) in answering(providers, models, None))
        answer = await providers[0].answer(asking("hi", max_tokens=8, schema={"enum": ["a"]}), seconds=20)
        assert answer.model == theirs


async def test_another_file_under_the_same_name_is_another_model_to_promises(settings, tmp_path):
    """Labels of the file before must not certify the one that was put in its place."""
    file, asked = tmp_path / "m.gguf", asking("hi", max_tokens=8, schema={"enum": ["a"]})
    async with AsyncExitStack() as stack:
        named = settings(minimax_model_path=file, minimax_context_tokens=1024)
        providers, models = await open_providers(named, stack)
        unloaded = answering(providers, models, None)
        await wait_until_loaded(models, seconds=30)
        before = (await providers[0].answer(asked, seconds=20)).model
        assert unloaded == answering(providers, models, None)
        assert (Tier.LOCAL_MINIMAX, before) in unloaded
    build_tiny_gguf(tmp_path / "new.gguf", seed=9).replace(file)
    async with AsyncExitStack() as stack:
        providers, models = await open_providers(named, stack)
        await wait_until_loaded(models, seconds=30)
        after = (await providers[0].answer(asked, seconds=20)).model
        assert (Tier.LOCAL_MINIMAX, after) in answering(providers, models, None)
        assert (Tier.LOCAL_MINIMAX, before) not in answering(providers, models, None)
    assert before != after and before.startswith("m@") and after.startswith("m@")


async def test_what_the_settings_name_comes_first(settings, tmp_path):
    open_service(settings()).promote("tier_1", "ours", {}, at=AT, instead_of=None)
    named = settings(minimax_model_path=tmp_path / "none.gguf")
    off = settings(minimax_enable_local=False)
    async with AsyncExitStack() as stack:
        providers, _ = await open_providers(named, stack)
        assert providers[0].card.model == "none"
        assert (await open_providers(off, stack))[1] == []
    assert with_models_in_service(named).minimax_model_path == tmp_path / "none.gguf"
    assert with_models_in_service(settings()).minimax_model_path == tmp_path / "m.gguf"


async def test_who_asks_for_some_tiers_loads_no_model_of_another_and_writes_elsewhere(settings, tmp_path):
    for tier in ("tier_1", "tier_2"):
        open_service(settings()).promote(tier, "ours", {}, at=AT, instead_of=None)
    found, own = with_models_in_service(settings(minimax_context_tokens=1024)), tmp_path / "own"
    async with AsyncExitStack() as stack:
        tiers = (Tier.CLOUD_PREMIUM, Tier.LOCAL_MINIMAX)
        providers, models = await open_providers(found, stack, tiers=tiers, state_dir=own)
        assert [p.card.tier for p in providers] == [Tier.LOCAL_MINIMAX, Tier.RULE_BASED]
        await wait_until_loaded(models, seconds=30)
    assert (own / "minimax" / "minimax.log").exists()
    assert not (tmp_path / "home" / "models" / "minimax").exists()


async def test_a_damaged_service_file_turns_the_tier_off_and_is_told(settings, tmp_path):
    folder = tmp_path / "home" / "models"
    (folder / "service.json").write_text("{")
    async with AsyncExitStack() as stack:
        providers, models = await open_providers(settings(), stack)
    assert [p.card.tier for p in providers] == [Tier.RULE_BASED] and models == []
    assert any("tier_1 is off" in note and "damaged" in note for note in advice.notes(settings()))


def test_health_tells_why_another_model_was_not_taken(tmp_path):
    model = SimpleNamespace(plan=SimpleNamespace(name="minimax"))
    stuck = Switching(Choice("ours", tmp_path / "m.gguf"), lambda: None, lambda _choice: model)
    stuck._notice = "bad was chosen and cannot be used"
    document = {"tiers": {"tier_1": {"providers": [{"provider": "minimax", "model": "x"}]}, "tier_0": {}}}
    (provider,) = told_of_models(document, [stuck])["tiers"]["tier_1"]["providers"]
    assert provider == {"provider": "minimax", "model": "ours", "notice": "bad was chosen and cannot be used"}
