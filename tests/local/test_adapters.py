"""LoRA adapters: which one a request is for, what is refused, and two tenants on one real model at once."""

import asyncio
import json
import random
from dataclasses import replace
from itertools import product
from pathlib import Path
from uuid import UUID

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccos.domain.errors import BadInput, Conflict, NotFound
from ccos.domain.tier import Task
from ccos.local.adapters import (
    Adapter,
    Adapters,
    AdapterUnusable,
    asked_for,
    check_adapter,
    choose,
    digest_of,
    known_digest,
)
from ccos.local.gguf import read_header
from ccos.local.registry.files import RegistryDamaged
from ccos.local.supervisor import State
from support.local_models import asking, get, is_state, post, provider_of, running, until
from support.tiny_adapter import build_adapter
from support.tiny_gguf import build_tiny_gguf

SHOP, BANK, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
DRAFT, QUERY = Task.SOLUTION_DRAFT, Task.QUERY_BUILDER


def adapter(name: str, tenants=("*",), tasks=("*",), path: Path = Path("x.gguf"), **more) -> Adapter:
    return Adapter(name, path, tenants=tuple(map(str, tenants)), tasks=tuple(tasks), **more)


ANYBODY = adapter("anybody")
OF_TASK = adapter("of task", tasks=[DRAFT])
OF_SHOP = adapter("of shop", [SHOP])
OF_BOTH = adapter("of both", [SHOP, BANK], [DRAFT])


@pytest.mark.parametrize("order", [1, -1])
def test_the_most_specific_one_is_chosen_whatever_the_order(order):
    every = [ANYBODY, OF_TASK, OF_SHOP, OF_BOTH][::order]

    def chosen(tenant, task):
        return every[choose(every, tenant, task)].name

    assert chosen(SHOP, DRAFT) == "of both" == chosen(BANK, DRAFT)
    assert chosen(SHOP, QUERY) == "of shop"
    assert chosen(OTHER, DRAFT) == "of task" == chosen(None, DRAFT)
    assert chosen(OTHER, QUERY) == "anybody" == chosen(None, QUERY)


def test_a_tenant_counts_more_than_a_task_and_of_equals_the_last_is_taken():
    assert (
        choose([OF_TASK, OF_SHOP], SHOP, DRAFT)
        == 1
        == choose([OF_SHOP, replace(OF_SHOP, name="b")], SHOP, DRAFT)
    )
    assert choose([OF_SHOP, OF_TASK], SHOP, DRAFT) == 0


def test_nobody_is_served_with_the_adapter_of_another():
    assert choose([OF_SHOP], BANK, DRAFT) is None and choose([OF_SHOP], None, DRAFT) is None
    assert choose([adapter("none", ["None"])], None, DRAFT) is None
    assert choose([OF_BOTH], SHOP, QUERY) is None and choose([], SHOP, DRAFT) is None


def test_every_adapter_is_named_with_its_scale_and_none_without_adapters():
    assert asked_for([], SHOP, DRAFT) == {}
    assert asked_for([ANYBODY, OF_SHOP], SHOP, DRAFT) == {
        "lora": [{"id": 0, "scale": 0.0}, {"id": 1, "scale": 1.0}]
    }
    assert asked_for([OF_SHOP], BANK, DRAFT) == {"lora": [{"id": 0, "scale": 0.0}]}


ids = st.sampled_from([SHOP, BANK, OTHER])
names = st.one_of(st.just(["*"]), st.lists(ids, min_size=1, max_size=2))
tasks = st.one_of(st.just(["*"]), st.lists(st.sampled_from(list(Task)), min_size=1, max_size=2))


@given(
    st.lists(st.builds(adapter, st.just("a"), names, tasks), max_size=5),
    st.one_of(ids, st.none()),
    st.sampled_from(list(Task)),
)
def test_at_most_one_is_on_and_it_is_for_who_asks(listed, tenant, task):
    scales = [each["scale"] for each in asked_for(listed, tenant, task).get("lora", [])]
    assert len(scales) == len(listed) and sum(scales) <= 1 and set(scales) <= {0.0, 1.0}
    fitting = [a for a in listed if {"*", str(tenant)} & {*a.tenants} and {"*", task.value} & {*a.tasks}]
    assert (sum(scales) == 1) == bool(fitting)
    if fitting:
        assert listed[scales.index(1.0)] in fitting


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    found = tmp_path_factory.mktemp("adapters")
    build_tiny_gguf(found / "base.gguf")
    build_adapter(found / "shop.gguf", seed=1)
    build_adapter(found / "bank.gguf", seed=2)
    return found


def broken(folder: Path, tmp_path: Path) -> dict[str, Path]:
    whole = (folder / "shop.gguf").read_bytes()
    (tmp_path / "cut.gguf").write_bytes(whole[:-500])
    (tmp_path / "text.gguf").write_text("this is no GGUF at all")
    (tmp_path / "empty.gguf").touch()
    (tmp_path / "folder.gguf").mkdir()
    return {
        "no adapter file at": tmp_path / "none.gguf",
        "is cut off": tmp_path / "cut.gguf",
        "is not a GGUF file": tmp_path / "text.gguf",
        "is empty": tmp_path / "empty.gguf",
        "is a folder": tmp_path / "folder.gguf",
        "is not a LoRA adapter": folder / "base.gguf",
        "of the architecture qwen2, and the model is llama": build_adapter(
            tmp_path / "a.gguf", architecture="qwen2"
        ),
        "for a model of another size": build_adapter(tmp_path / "b.gguf", width=32),
        "which the model does not have": build_adapter(tmp_path / "c.gguf", layers=3),
        "does not have.": build_adapter(tmp_path / "d.gguf", parts=("ffn_nowhere",)),
        "does not hold pairs": build_adapter(tmp_path / "e.gguf", lone=True),
        "trained on another model": build_adapter(tmp_path / "f.gguf", base_sha256="0" * 64),
        "names no usable strength": build_adapter(tmp_path / "g.gguf", alpha="16"),
        "strength (adapter.lora.alpha)": build_adapter(tmp_path / "h.gguf", alpha=float("nan")),
        "in numbers that are no weights": build_adapter(tmp_path / "i.gguf", numbers=np.int32),
        "its token_embd.weight does not fit": build_adapter(tmp_path / "j.gguf", wrong_embedding=True),
    }


def test_what_is_no_adapter_for_the_model_is_refused_in_a_sentence(folder, tmp_path):
    store, model = Adapters(tmp_path / "models"), folder / "base.gguf"
    for words, path in broken(folder, tmp_path).items():
        with pytest.raises(AdapterUnusable) as fault:
            store.add(adapter("a", path=path), model)
        assert words in fault.value.sentence and fault.value.sentence.endswith("."), words
    assert store.all() == [] and not list(tmp_path.glob("models/adapters/*.gguf"))


def test_what_is_added_is_kept_and_can_be_replaced_and_removed(folder, tmp_path):
    store, model = Adapters(tmp_path / "models"), folder / "base.gguf"
    assert store.all() == [] and not store.folder.exists()
    made = store.add(adapter("shop", [SHOP], path=folder / "shop.gguf"), model)
    assert (
        made.base == digest_of(model, tmp_path / "d.json")
        and made.path.read_bytes() == (folder / "shop.gguf").read_bytes()
    )
    with pytest.raises(Conflict, match="already"):
        store.add(adapter("shop", path=folder / "bank.gguf"), model)
    with pytest.raises(BadInput, match="small letters"):
        store.add(adapter("../up", path=folder / "bank.gguf"), model)
    other = store.add(adapter("two", path=folder / "bank.gguf", tier="tier_2"), model)
    assert store.of("tier_1") == (made,) and store.of("tier_2") == (other,)
    again = store.add(adapter("shop", [BANK], path=folder / "bank.gguf"), model, replace=True)
    assert store.all() == [other, again] and not made.path.exists() and again.path.exists()
    store.remove("shop")
    assert store.all() == [other] and not again.path.exists()
    with pytest.raises(NotFound, match="no adapter shop"):
        store.remove("shop")


@pytest.mark.parametrize("written", ["{", "[]", '{"adapters": 3}', '{"adapters": [{"name": "a"}]}', "{}"])
def test_a_damaged_list_is_told(tmp_path, written):
    (tmp_path / "adapters.json").write_text(written)
    with pytest.raises(RegistryDamaged):
        Adapters(tmp_path).all()


def test_an_entry_of_the_wrong_kind_is_damage(folder, tmp_path):
    store = Adapters(tmp_path)
    good = store.add(adapter("a", path=folder / "shop.gguf"), folder / "base.gguf").document()
    for change in ({"tenants": "*"}, {"tenants": []}, {"tasks": [1]}, {"tier": "tier_9"}, {"path": 3}):
        store.path.write_text(json.dumps({"adapters": [good | change]}))
        with pytest.raises(RegistryDamaged):
            store.all()
    store.path.write_text(json.dumps({"adapters": [good]}))
    assert [each.name for each in store.all()] == ["a"]


def test_a_checksum_is_remembered_until_the_file_changes(tmp_path):
    file, memory = tmp_path / "m.gguf", tmp_path / "digest.json"
    file.write_bytes(b"one")
    assert known_digest(file, memory) is None
    first = digest_of(file, memory)
    assert known_digest(file, memory) == first and digest_of(file, memory) == first
    file.write_bytes(b"another")
    assert known_digest(file, memory) is None and digest_of(file, memory) != first
    memory.write_text("{")
    assert known_digest(file, memory) is None


def test_the_shipped_checks_take_a_good_one(folder):
    model = read_header(folder / "base.gguf")
    found = check_adapter(folder / "shop.gguf", model, base="1" * 64)
    assert "blk.0.attn_q.weight.lora_a" in found.tensors


PLAIN = "Hello, how can I reset the password of my account? " * 8
OTHER_WORDS = "안녕하세요 고객님, 배송은 영업일 기준 3일 안에 완료됩니다. " * 8
WHO = {"shop": SHOP, "bank": BANK, "nobody": None}


def at_once(text: str, who: str, **more):
    return replace(asking(text, max_tokens=6, temperature=0.0, **more), tenant_id=WHO[who])


async def logprobs(provider, text: str, who: str) -> tuple[float, ...]:
    return (await provider.answer(at_once(text, who), seconds=60)).logprobs


def alike(one, other) -> bool:
    return len(one) == len(other) and all(abs(a - b) < 0.02 for a, b in zip(one, other, strict=True))


async def alone(
    folder: Path, tmp_path: Path, merged: tuple[Adapter, ...]
) -> dict[tuple[str, str], tuple[float, ...]]:
    """What each gets from a model that nobody else uses: another process for each, one request each."""
    found = {}
    for text, who in product((PLAIN, OTHER_WORDS), WHO):
        own = [a for a in merged if choose([a], WHO[who], DRAFT) is not None]
        place = tmp_path / f"alone {who} {len(found)}"
        async with (
            running(folder / "base.gguf", place, slots=1, adapters=tuple(own)) as model,
            provider_of(model) as provider,
        ):
            await model.endpoint(seconds=30)
            found[text, who] = await logprobs(provider, text, who)
    return found


@pytest.mark.parametrize("slots", [1, 2])
async def test_two_tenants_on_one_model_never_hear_each_other(folder, tmp_path, slots):
    """The engine's own cache of prompts would hand one tenant what another's adapter had made of them."""
    listed = (
        adapter("shop", [SHOP], path=folder / "shop.gguf"),
        adapter("bank", [BANK], path=folder / "bank.gguf"),
    )
    expected = await alone(folder, tmp_path, listed)
    assert len({str(each) for each in expected.values()}) == 6
    dice = random.Random(5)
    asked = [(dice.choice((PLAIN, OTHER_WORDS)), dice.choice([*WHO])) for _ in range(60)]
    async with (
        running(folder / "base.gguf", tmp_path / "m", slots=slots, cache_mib=64, adapters=listed) as model,
        provider_of(model, slots=slots) as provider,
    ):
        await model.endpoint(seconds=30)
        for text, who in asked[:30]:
            assert alike(await logprobs(provider, text, who), expected[text, who]), who
        together = await asyncio.gather(*(logprobs(provider, text, who) for text, who in asked[30:]))
        for (text, who), heard in zip(asked[30:], together, strict=True):
            assert alike(heard, expected[text, who]), who


async def test_an_answer_names_the_adapter_it_was_written_with(folder, tmp_path):
    """Whoever judges by what labels proved of a model must see that this is another one."""
    listed = (adapter("shop", [SHOP], path=folder / "shop.gguf"),)
    async with (
        running(folder / "base.gguf", tmp_path / "m", adapters=listed) as model,
        provider_of(model) as provider,
    ):
        await model.endpoint(seconds=30)
        own = await provider.answer(at_once(PLAIN, "shop"), seconds=60)
        other = await provider.answer(at_once(PLAIN, "bank"), seconds=60)
        assert own.model == f"{other.model}+shop" and "+" not in other.model


async def test_with_the_adapter_off_the_model_writes_as_without_any(folder, tmp_path):
    listed = (adapter("shop", [SHOP], path=folder / "shop.gguf"),)
    body = {"messages": [{"role": "user", "content": PLAIN}], "max_tokens": 8, "temperature": 0}
    async with running(folder / "base.gguf", tmp_path / "bare") as bare, provider_of(bare) as provider:
        await bare.endpoint(seconds=30)
        without = await logprobs(provider, PLAIN, "bank")
        assert await get(bare, "/lora-adapters") == []
    async with (
        running(folder / "base.gguf", tmp_path / "with", adapters=listed) as model,
        provider_of(model) as provider,
    ):
        await model.endpoint(seconds=30)
        assert alike(await logprobs(provider, PLAIN, "bank"), without)
        assert not alike(await logprobs(provider, PLAIN, "shop"), without)
        assert alike(await logprobs(provider, PLAIN, "nobody"), without)
        assert (await post(model, "/v1/chat/completions", body))["choices"]


async def test_adapters_that_cannot_be_used_are_left_out_and_told_while_the_model_serves(folder, tmp_path):
    bad = [adapter(f"bad{n}", path=path) for n, path in enumerate(broken(folder, tmp_path).values())]
    stranger = adapter("stranger", path=folder / "bank.gguf", base="0" * 64)
    good = adapter("good", [SHOP], path=folder / "shop.gguf")
    async with (
        running(folder / "base.gguf", tmp_path / "m", adapters=(*bad, good, stranger)) as model,
        provider_of(model) as provider,
    ):
        endpoint = await model.endpoint(seconds=30)
        assert model.state is State.UP and endpoint.adapters == (good,)
        for each in (*bad, stranger):
            assert f"The adapter {each.name} is left out: " in provider.trouble
        assert "good" not in provider.trouble and "trained on another model" in provider.trouble
        heard = await logprobs(provider, PLAIN, "shop")
        assert not alike(heard, await logprobs(provider, PLAIN, "bank"))


@pytest.mark.parametrize("fault", [{"wrong_embedding": True}, {"alpha": "16"}], ids=["refused", "fatal"])
async def test_an_adapter_that_the_engine_cannot_take_costs_nobody_the_model(
    folder, tmp_path, monkeypatch, fault
):
    """Whatever a check of ours does not know yet: an engine that refuses one, or dies of it."""
    monkeypatch.setattr("ccos.local.adapters.check_adapter", lambda *_args, **_more: None)
    bad = adapter("bad", [BANK], path=build_adapter(tmp_path / "bad.gguf", **fault))
    good = adapter("good", [SHOP], path=folder / "shop.gguf")
    async with (
        running(folder / "base.gguf", tmp_path / "m", adapters=(good, bad)) as model,
        provider_of(model) as provider,
    ):
        endpoint = await model.endpoint(seconds=60)
        assert model.state is State.UP and bad not in endpoint.adapters
        assert "the model cannot be loaded, so it goes without" in model.reason and "bad" in model.reason
        if "wrong_embedding" in fault:  # this the engine says by name, and the others stay
            assert endpoint.adapters == (good,)
        assert await logprobs(provider, PLAIN, "bank")


async def test_an_adapter_that_is_gone_after_a_crash_does_not_take_the_model_down(folder, tmp_path):
    own = tmp_path / "own.gguf"
    own.write_bytes((folder / "shop.gguf").read_bytes())
    async with running(folder / "base.gguf", tmp_path / "m", adapters=(adapter("own", path=own),)) as model:
        await model.endpoint(seconds=30)
        assert model.reason == ""
        own.unlink()
        psutil.Process(model.status.pid).kill()
        await until(lambda: not is_state(model, State.UP)())
        endpoint = await model.endpoint(seconds=30)
        assert (
            endpoint.adapters == ()
            and "The adapter own is left out: There is no adapter file" in model.reason
        )
