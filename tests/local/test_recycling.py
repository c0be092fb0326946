"""Processes that are replaced on purpose: they grew too far, or their file changed. Real engine, real files."""

import asyncio
import os
import shutil
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ccos.domain.errors import ModelUnusable, ProviderDown
from ccos.local.machine import private_bytes
from ccos.local.memory import MIB
from ccos.local.supervisor import LocalModel, State
from support.local_models import (
    QUICK,
    asking,
    busy_slots,
    get,
    is_state,
    model_processes,
    post,
    provider_of,
    running,
    until,
)
from support.tiny_gguf import build_tiny_gguf

LONG = {"max_tokens": 4000, "schema": {"type": "string", "minLength": 1500, "maxLength": 4000}}
LONGER = {"max_tokens": 4000, "schema": {"type": "string", "minLength": 3900, "maxLength": 4000}}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("models") / "other.gguf", seed=8, context=2048)


@pytest.fixture(scope="module")
def wide(tmp_path_factory) -> Path:
    """Many layers: keys and values of a whole context are 8 MiB."""
    return build_tiny_gguf(tmp_path_factory.mktemp("models") / "wide.gguf", layers=16)


async def at_start(file: Path, folder: Path) -> int:
    """MiB of its own that a fresh process of this file holds."""
    async with running(file, folder) as model:
        await post(model, "/v1/chat/completions", {"messages": [user("hi")], "max_tokens": 2})
        return own_mib(model)


def own_mib(model: LocalModel) -> int:
    assert model.status.pid is not None
    own = private_bytes(model.status.pid)
    assert own is not None
    return own // MIB


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


async def fill_cache(model: LocalModel, prompts: int) -> None:
    """Prompts that have nothing in common: each pushes the one before into the prompt cache."""
    for n in range(prompts):
        body = {"messages": [user(f"{n} " * 1200)], "max_tokens": 1, "id_slot": 0}
        await post(model, "/v1/chat/completions", body)


async def test_a_process_that_outgrows_its_ceiling_is_replaced_by_a_fresh_one(wide, tmp_path):
    start = await at_start(wide, tmp_path / "first")
    plan = {"cache_mib": 256, "ceiling_mib": start + 15}
    async with running(wide, tmp_path, patience=replace(QUICK, heartbeat_seconds=0.5), **plan) as model:
        first = await model.endpoint(seconds=30)
        old = psutil.Process(model.status.pid)
        filling = asyncio.create_task(fill_cache(model, 30))
        await until(lambda: model.status.recycles == 1, seconds=60)
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)
        await until(is_state(model, State.UP))
        second = await model.endpoint(seconds=30)
        assert second.api_key != first.api_key and not old.is_running()
        assert model.status.restarts == 0 and model.status.recycles == 1
        assert own_mib(model) < start + 15


async def test_while_it_is_recycled_calls_are_sent_away_at_once_and_the_running_one_ends(wide, tmp_path):
    """A ceiling of 1 MiB is passed at the first heartbeat."""
    patience = replace(QUICK, heartbeat_seconds=1.0, recycles_allowed=100)
    async with (
        running(wide, tmp_path, patience=patience, ceiling_mib=1) as model,
        provider_of(model) as provider,
    ):
        await model.endpoint(seconds=30)
        answer = asyncio.create_task(provider.answer(asking("hi", **LONG), seconds=60))
        await until(lambda: model.state is State.RECYCLING)
        assert not provider.ready
        with pytest.raises(ModelUnusable):
            await model.endpoint()
        with pytest.raises(
            ProviderDown, match=r"MiB of memory of its own, above its ceiling of 1 MiB"
        ) as caught:
            async with asyncio.timeout(15):  # of the 30 s it may take
                await provider.answer(asking("hi"), seconds=30)
        assert caught.value.facts["cause"] == "recycling"
        assert len((await answer).text) >= 1500
        await until(is_state(model, State.UP))
        assert model.status.recycles == 1 and model.status.restarts == 0


async def test_an_answer_that_will_not_end_does_not_hold_up_the_recycling(wide, tmp_path):
    patience = replace(QUICK, heartbeat_seconds=0.5, drain_seconds=0.3, recycles_allowed=100)
    async with (
        running(wide, tmp_path, patience=patience, ceiling_mib=1) as model,
        provider_of(model) as provider,
    ):
        await model.endpoint(seconds=30)
        with pytest.raises(ProviderDown):
            await provider.answer(asking("hi", **LONGER), seconds=60)
        assert model.status.recycles >= 1


async def test_a_model_that_outgrows_its_ceiling_again_and_again_is_given_up(tiny, tmp_path):
    patience = replace(QUICK, heartbeat_seconds=0.05, recycles_allowed=2)
    async with running(tiny, tmp_path, patience=patience, ceiling_mib=1) as model:
        await until(is_state(model, State.BROKEN))
        assert "outgrew its memory ceiling of 1 MiB 3 times within 1 h" in model.reason
        assert model.status.recycles == 3 and model.status.restarts == 0 and model.status.pid is None


async def test_a_healthy_model_stays_below_the_ceiling_it_gets_by_itself(wide, tmp_path):
    async with running(wide, tmp_path, cache_mib=64) as model:
        await fill_cache(model, 14)  # twice what the cache takes
        await asyncio.sleep(3 * QUICK.heartbeat_seconds)
        assert model.status.recycles == 0 and model.state is State.UP


async def serving(model: LocalModel) -> int:
    """Tokens a slot of the model that is being served takes: tells one file from another."""
    return (await get(model, "/slots"))[0]["n_ctx"]


async def test_a_file_that_is_replaced_is_taken_into_use_without_a_gap(tiny, other, tmp_path):
    file = Path(shutil.copy(tiny, tmp_path / "m.gguf"))
    async with running(file, tmp_path / "state") as model:
        assert await serving(model) == 4096
        old = psutil.Process(model.status.pid)
        shutil.copy(other, tmp_path / "new")
        (tmp_path / "new").replace(file)
        seen = set()

        async def taken() -> bool:
            seen.add(model.state)
            return model.status.recycles == 1

        await until(taken)
        assert seen == {State.UP} and await serving(model) == 2048
        await until(lambda: not old.is_running())
        assert model.status.restarts == 0 and model.status.reason == ""


async def test_an_answer_of_the_old_file_ends_while_the_new_one_already_answers(wide, other, tmp_path):
    file = Path(shutil.copy(wide, tmp_path / "m.gguf"))
    async with running(file, tmp_path / "state") as model, provider_of(model) as provider:
        await model.endpoint(seconds=30)
        answer = asyncio.create_task(provider.answer(asking("hi", **LONG), seconds=60))
        await until(lambda: is_busy(model))
        Path(shutil.copy(other, tmp_path / "new")).replace(file)
        await until(lambda: model.status.recycles == 1)
        assert (await provider.answer(asking("hi", schema={"const": "new"}), seconds=20)).text == '"new"'
        assert len((await answer).text) >= 1500


async def is_busy(model: LocalModel) -> bool:
    return await busy_slots(model) > 0


async def test_a_new_file_that_fits_only_alone_is_loaded_after_the_old_one_has_gone(tiny, other, tmp_path):
    file = Path(shutil.copy(tiny, tmp_path / "m.gguf"))
    room = [10**12]
    async with running(file, tmp_path / "state", available=lambda: room[0]) as model:
        await model.endpoint(seconds=30)
        needed = 66 * MIB
        room[0] = needed - own_mib(model) * MIB // 2
        Path(shutil.copy(other, tmp_path / "new")).replace(file)
        await until(lambda: model.state is not State.UP)
        room[0] = 10**12
        await until(is_state(model, State.UP))
        assert await serving(model) == 2048 and model.status.recycles == 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda to: to.write_text("no model"), "not a GGUF file"),
        (lambda to: build_tiny_gguf(to, broken_weights=True), "engine cannot load the model"),
        (lambda to: build_tiny_gguf(to, template="{% for %}"), "engine cannot load the model"),
    ],
    ids=["text", "nan", "template"],
)
async def test_a_bad_new_file_leaves_the_old_one_serving_with_a_warning(tiny, tmp_path, make, words):
    file = Path(shutil.copy(tiny, tmp_path / "m.gguf"))
    async with running(file, tmp_path / "state") as model, provider_of(model) as provider:
        first = await model.endpoint(seconds=30)
        make(tmp_path / "new")
        (tmp_path / "new").replace(file)
        await until(lambda: words in model.status.reason)
        assert "the old one goes on" in model.status.reason and model.state is State.UP
        assert await model.endpoint() == first and provider.ready
        assert (await provider.answer(asking("hi", schema={"const": 1}), seconds=20)).text == "1"
        Path(shutil.copy(tiny, tmp_path / "new")).replace(file)
        await until(lambda: model.status.recycles == 1)
        assert model.status.reason == ""


async def test_a_file_that_is_removed_is_a_warning_until_it_is_back(tiny, tmp_path):
    file = Path(shutil.copy(tiny, tmp_path / "m.gguf"))
    async with running(file, tmp_path / "state") as model:
        await model.endpoint(seconds=30)
        file.rename(tmp_path / "aside")
        await until(lambda: "no model file" in model.status.reason)
        assert model.state is State.UP
        (tmp_path / "aside").rename(file)
        await until(lambda: model.status.reason == "")
        assert model.status.recycles == 0


async def test_a_file_on_its_way_is_not_judged_before_it_is_whole(tiny, other, tmp_path):
    """A copy beside that grows for some heartbeats, as downloads do, then stands still."""
    file = Path(shutil.copy(tiny, tmp_path / "m.gguf"))
    async with running(file, tmp_path / "state") as model:
        await model.endpoint(seconds=30)
        whole = other.read_bytes()
        file.unlink()
        with file.open("wb") as growing:
            for part in range(20):
                growing.write(whole[part * len(whole) // 20 : (part + 1) * len(whole) // 20])
                growing.flush()
                assert model.status.reason == "" or "no model file" in model.status.reason
                await asyncio.sleep(QUICK.heartbeat_seconds / 4)
        await until(lambda: model.status.recycles == 1)
        assert await serving(model) == 2048


async def test_a_file_cut_short_in_place_is_broken_with_a_sentence_and_mends_itself(tiny, tmp_path):
    file = Path(shutil.copy(tiny, tmp_path / "m.gguf"))
    async with running(file, tmp_path / "state") as model, provider_of(model) as provider:
        await model.endpoint(seconds=30)
        os.truncate(file, 100_000)
        with pytest.raises(ProviderDown):  # the process reads what is no longer there, and dies of it
            await provider.answer(asking("hi " * 500), seconds=20)
        await until(is_state(model, State.BROKEN))
        assert "cut off after 100000 bytes" in model.reason
        with pytest.raises(ModelUnusable, match="cut off"):
            await model.endpoint(seconds=30)
        Path(shutil.copy(tiny, tmp_path / "new")).replace(file)
        await until(is_state(model, State.UP))
        assert (await provider.answer(asking("hi", schema={"const": 1}), seconds=20)).text == "1"


async def test_an_idle_model_whose_file_is_overwritten_by_a_bad_one_stops_serving_it(tiny, tmp_path):
    file = Path(shutil.copy(tiny, tmp_path / "m.gguf"))
    async with running(file, tmp_path / "state") as model:
        await model.endpoint(seconds=30)
        file.write_text("no model")
        await until(is_state(model, State.BROKEN))
        assert "overwritten while it was in use" in model.reason and "not a GGUF file" in model.reason


async def test_a_model_without_a_file_starts_when_one_comes(tiny, tmp_path):
    file = tmp_path / "m.gguf"
    async with running(file, tmp_path / "state") as model:
        await until(is_state(model, State.BROKEN))
        shutil.copy(tiny, file)
        await until(is_state(model, State.UP))


async def test_closing_right_after_a_change_ends_the_old_process_too(tiny, tmp_path):
    """A task that is cancelled before its first step runs none of its own tidying up."""
    async with running(tiny, tmp_path) as model:
        await model.endpoint(seconds=30)
        assert model._http is not None
        model._retire(await model._begin(model._http, beside=True))
        await model.close(seconds=0)
        assert model_processes() == []


async def test_closing_in_the_middle_of_a_change_leaves_no_process(tiny, wide, tmp_path):
    before = {p.pid for p in psutil.Process().children()}
    file = Path(shutil.copy(tiny, tmp_path / "m.gguf"))
    async with running(file, tmp_path / "state") as model:
        await model.endpoint(seconds=30)
        Path(shutil.copy(wide, tmp_path / "new")).replace(file)
        await until(lambda: len({p.pid for p in psutil.Process().children()} - before) == 2)
        await model.close(seconds=0)
        assert {p.pid for p in psutil.Process().children()} <= before
