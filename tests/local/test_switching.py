"""One model is exchanged for another under load, with real children of the real engine."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from ccos.domain.errors import NotFound, ProviderDown
from ccos.domain.prompt import ProviderCard
from ccos.domain.tier import Tier
from ccos.local.machine import available_bytes
from ccos.local.plan import ModelPlan
from ccos.local.supervisor import LocalModel, State
from ccos.local.switching import Choice, Switching, Tempo
from ccos.providers.http import open_session
from ccos.providers.local import LocalProvider
from ccos.providers.openai_wire import OpenAIChat
from ccos.wiring.models import Counted
from ccos.wiring.providers import LOCAL_DIALECT
from support.local_models import QUICK, asking, model_processes, until
from support.tiny_gguf import build_tiny_gguf

TEMPO = Tempo(look_seconds=0.05, load_seconds=30, drain_seconds=20, retry_seconds=0.2)
LONG = {"max_tokens": 1800, "schema": {"type": "string", "minLength": 1500, "maxLength": 1600}}


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    made = {name: build_tiny_gguf(folder / f"{name}.gguf", seed=n) for n, name in enumerate(("old", "new"))}
    bad = folder / "bad.gguf"
    bad.write_bytes(made["new"].read_bytes()[:-1000])
    return {**made, "bad": bad, "slow": build_tiny_gguf(folder / "slow.gguf", width=256, layers=6)}


class Wish:
    """What an operator promoted last."""

    def __init__(self, files: dict[str, Path], name: str) -> None:
        self._files, self.name = files, name
        self.fault: Exception | None = None

    @property
    def choice(self) -> Choice:
        return Choice(self.name, self._files[self.name])

    def __call__(self) -> Choice | None:
        if self.fault is not None:
            raise self.fault
        return self.choice if self.name else None


@asynccontextmanager
async def serving(wish: Wish, state: Path, *, available=available_bytes, slots=2, tempo=TEMPO):
    def build(choice: Choice) -> LocalModel:
        plan = ModelPlan("minimax", choice.path, context_tokens=2048, slots=slots, threads=1)
        return LocalModel(plan, state_dir=state / choice.name, patience=QUICK)

    model = Switching(wish.choice, wish, build, tempo=tempo, available=available)
    async with open_session(keepalive_seconds=0) as session:

        def connect(endpoint):
            inner = OpenAIChat(
                session=session,
                base_url=endpoint.base_url,
                api_key=endpoint.api_key,
                model=model.name_at(endpoint),
                tier=Tier.LOCAL_MINIMAX,
                name="minimax",
                paid=False,
                leaves_machine=False,
                dialect=LOCAL_DIALECT,
            )
            return Counted(inner, model, endpoint)

        card = ProviderCard(Tier.LOCAL_MINIMAX, "minimax", wish.name, context_tokens=2048)
        await model.start()
        try:
            await model.endpoint(seconds=30)
            yield model, LocalProvider(model, connect, card, slots=slots, patience_seconds=30)
        finally:
            await model.close(seconds=0)


@pytest.mark.parametrize("memory", ["for both", "for one"])
async def test_no_call_is_lost_through_a_switch_and_both_models_answer(files, tmp_path, memory):
    wish = Wish(files, "old")
    room = [available_bytes()]
    async with serving(wish, tmp_path, available=lambda: room[0]) as (model, provider):
        if memory == "for one":
            need = (
                64 * 2**20
            )  # an engine's working room: less than two such small models need beside each other
            room[0] = need - 2**20
        answered: list[str] = []
        done = asyncio.Event()

        async def customer(n: int) -> None:
            while not done.is_set():
                prompt = asking(f"question {n}", max_tokens=8, schema={"enum": ["yes", "no"]})
                answered.append((await provider.answer(prompt, seconds=60)).model.partition("@")[0])

        async with asyncio.TaskGroup() as group:
            for n in range(8):
                group.create_task(customer(n))
            await until(lambda: len(answered) > 20)
            pid = model.status.pid
            wish.name = "new"
            await until(lambda: answered[-8:] == ["new"] * 8)
            done.set()
        assert set(answered) == {"old", "new"} and "old" not in answered[answered.index("new") + 8 :]
        assert model.serving == "new" and model.notice == "" and model.status.pid != pid
        await until(lambda: not psutil.pid_exists(pid))
        assert len(model_processes()) == 1


async def test_an_answer_that_is_being_written_ends_at_the_old_model(files, tmp_path):
    wish = Wish(files | {"old": files["slow"]}, "old")
    async with serving(wish, tmp_path) as (model, provider):
        pid = model.status.pid
        long = asyncio.create_task(provider.answer(asking("tell", **LONG), seconds=60))
        await until(lambda: model._calls)
        wish.name = "new"
        await until(lambda: model.serving == "new")
        assert not long.done() and psutil.pid_exists(pid), "the old one still writes"
        quick = await provider.answer(asking("hi", max_tokens=4, schema={"enum": ["a"]}), seconds=20)
        assert quick.model.startswith("new@")
        assert (await long).model.startswith("old@")
        await until(lambda: not psutil.pid_exists(pid))


async def test_who_waited_in_line_for_the_old_model_is_answered_by_the_new(files, tmp_path):
    wish = Wish(files | {"old": files["slow"]}, "old")
    async with serving(wish, tmp_path, slots=1) as (model, provider):
        first = asyncio.create_task(provider.answer(asking("tell", **LONG), seconds=60))
        await until(lambda: model._calls)
        second = asyncio.create_task(
            provider.answer(asking("hi", max_tokens=4, schema={"enum": ["a"]}), seconds=60)
        )
        await asyncio.sleep(0.05)
        wish.name = "new"
        assert (await first).model.startswith("old@")
        assert (await second).model.startswith("new@")


async def test_a_model_that_cannot_be_loaded_changes_nothing_and_is_told(files, tmp_path):
    wish = Wish(files, "old")
    async with serving(wish, tmp_path) as (model, provider):
        pid = model.status.pid
        wish.name = "bad"
        await until(lambda: model.notice)
        assert "bad was chosen" in model.notice and "old goes on" in model.notice
        assert model.reason == model.notice and model.state is State.UP
        assert (model.serving, model.status.pid, len(model_processes())) == ("old", pid, 1)
        assert (
            await provider.answer(asking("hi", max_tokens=4, schema={"enum": ["a"]}), seconds=20)
        ).model.startswith("old@")
        wish.name = "new"
        await until(lambda: model.serving == "new")
        assert model.notice == ""


async def test_a_registry_that_cannot_be_read_changes_nothing_and_is_told(files, tmp_path):
    wish = Wish(files, "old")
    async with serving(wish, tmp_path) as (model, _):
        for fault, said in ((NotFound("It is gone."), "It is gone."), (RuntimeError("x"), "RuntimeError")):
            wish.fault = fault
            await until(lambda said=said: said in model.notice)
        wish.fault = None
        await until(lambda: model.notice == "")
        assert model.serving == "old"


async def test_a_file_that_was_mended_is_tried_at_once_and_not_after_the_rest(files, tmp_path):
    file = tmp_path / "mended.gguf"
    file.write_bytes(files["bad"].read_bytes())
    wish = Wish(files | {"mended": file}, "old")
    async with serving(wish, tmp_path, tempo=replace(TEMPO, retry_seconds=3_600)) as (model, _):
        wish.name = "mended"
        await until(lambda: "mended was chosen" in model.notice)
        file.write_bytes(files["new"].read_bytes())
        await until(lambda: model.serving == "mended")
        assert model.notice == ""


async def test_who_went_back_and_chooses_again_need_not_wait_out_the_rest(files, tmp_path):
    wish = Wish(files, "old")
    room = [available_bytes()]
    tempo = replace(TEMPO, retry_seconds=3_600)
    async with serving(wish, tmp_path, available=lambda: room[0], tempo=tempo) as (model, _):
        room[0] = -(2**34)
        wish.name = "new"
        await until(lambda: "memory" in model.notice)
        room[0] = 2**34
        wish.name = "old"
        await until(lambda: model.notice == "")
        wish.name = "new"
        await until(lambda: model.serving == "new")


async def test_a_retired_model_ends_after_its_last_answer_and_comes_back(files, tmp_path):
    wish = Wish(files | {"old": files["slow"]}, "old")
    async with serving(wish, tmp_path) as (model, provider):
        pid = model.status.pid
        long = asyncio.create_task(provider.answer(asking("a long one", **LONG), seconds=110))
        await until(lambda: model._calls)
        wish.name = ""
        await until(lambda: model.serving == "")
        assert model.state is State.STOPPED and not provider.ready and not long.done()
        with pytest.raises(ProviderDown, match="old was taken out of service"):
            await provider.answer(asking("another", max_tokens=4), seconds=30)
        assert (await long).model.startswith("old@")
        await until(lambda: not psutil.pid_exists(pid))
        assert model_processes() == []
        wish.name = "bad"
        await until(lambda: "bad was chosen and cannot be used: " in model.reason)
        assert model.serving == "" and "goes on" not in model.reason
        wish.fault = NotFound("It is gone.")
        await until(lambda: model.reason == "It is gone.")
        wish.fault, wish.name = None, "new"
        await until(lambda: model.serving == "new")
        prompt = asking("hi", max_tokens=4, schema={"enum": ["a"]})
        assert (await provider.answer(prompt, seconds=20)).model.startswith("new@")
        assert model.reason == "" and len(model_processes()) == 1


async def test_the_same_model_comes_back_after_it_was_retired(files, tmp_path):
    wish = Wish(files, "old")
    async with serving(wish, tmp_path) as (model, _):
        wish.name = ""
        await until(lambda: model.serving == "" and not model_processes())
        wish.name = "old"
        await until(lambda: model.state is State.UP)
        assert model.serving == "old" and len(model_processes()) == 1


async def test_closing_while_a_retired_model_still_answers_leaves_no_process(files, tmp_path):
    wish = Wish(files | {"old": files["slow"]}, "old")
    async with serving(wish, tmp_path) as (model, provider):
        long = asyncio.create_task(provider.answer(asking("a long one", **LONG), seconds=110))
        await until(lambda: model._calls)
        wish.name = ""
        await until(lambda: model.serving == "")
    with pytest.raises(ProviderDown):
        await long
    assert model_processes() == []


async def test_where_neither_fits_the_old_one_goes_on_without_a_gap(files, tmp_path):
    wish = Wish(files, "old")
    room = [available_bytes()]
    async with serving(wish, tmp_path, available=lambda: room[0]) as (model, _):
        room[0] = -(2**34)
        pid = model.status.pid
        wish.name = "new"
        await until(lambda: "memory" in model.notice)
        assert model.status.pid == pid and model.state is State.UP
        room[0] = 2**34
        await until(lambda: model.serving == "new")  # tried again after a rest


async def test_a_new_one_that_fails_after_the_old_was_ended_brings_the_old_one_back(files, tmp_path):
    # The header is whole and the weights are not numbers: only the engine finds out.
    broken = build_tiny_gguf(tmp_path / "nan.gguf", broken_weights=True)
    wish = Wish(files | {"nan": broken}, "old")
    room = [available_bytes()]
    async with serving(wish, tmp_path, available=lambda: room[0]) as (model, provider):
        room[0] = 63 * 2**20
        pid = model.status.pid
        wish.name = "nan"
        await until(lambda: "nan was chosen" in model.notice)
        assert (await model.endpoint(seconds=20)) and model.status.pid != pid
        wish.name = "old"
        await until(lambda: model.notice == "")
        assert (
            await provider.answer(asking("hi", max_tokens=4, schema={"enum": ["a"]}), seconds=20)
        ).model.startswith("old@")


async def test_who_waits_for_the_old_one_through_the_next_change_is_answered(files, tmp_path):
    """The one that failed is tried again while the old one is still being loaded: that ends the load, and
    nobody who waits for it may be told that the model is stopped."""
    broken = build_tiny_gguf(tmp_path / "nan.gguf", broken_weights=True)
    wish = Wish(files | {"nan": broken}, "old")
    room = [available_bytes()]
    async with serving(wish, tmp_path, available=lambda: room[0]) as (model, provider):
        room[0] = 63 * 2**20
        told: list[str] = []
        done = asyncio.Event()

        async def customer() -> None:
            while not done.is_set():
                prompt = asking("hi", max_tokens=4, schema={"enum": ["a"]})  # a random one may say nothing
                told.append((await provider.answer(prompt, seconds=60)).model.partition("@")[0])

        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(customer())
            for _ in range(3):
                wish.name = "nan"
                await until(lambda: "nan was chosen" in model.notice and model.state is not State.UP)
                model._refused = None  # the rest before the next try is over at once
                await until(lambda: model._between)
                wish.name = "old"
                await until(lambda: model.notice == "" and model.state is State.UP)
            done.set()
        assert set(told) == {"old"}


async def test_closing_right_after_a_switch_ends_the_old_one_too(files, tmp_path):
    """A task that is cancelled before its first step runs none of its own tidying up."""
    wish = Wish(files, "old")
    async with serving(wish, tmp_path) as (model, _):
        wish.name = "new"
        await model._beside(wish.choice, model._build(wish.choice))
        await model.close(seconds=0)
        assert model_processes() == []


async def test_closing_in_the_middle_of_a_switch_leaves_no_process(files, tmp_path):
    wish = Wish(files, "old")
    async with serving(wish, tmp_path) as (model, provider):
        wish.name = "new"
        await until(lambda: len(model_processes()) == 2)
        await model.close(seconds=0)
        assert model_processes() == []
        with pytest.raises(ProviderDown):
            await asyncio.wait_for(provider.answer(asking("hi"), seconds=0.2), 5)
