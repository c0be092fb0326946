"""Two models of one process never believe in the same memory. Real engine, real files."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from ccos.domain.errors import ModelUnusable
from ccos.local.gguf import read_model_file
from ccos.local.ledger import HERE, Ledger, Share
from ccos.local.memory import MIB
from ccos.local.plan import ModelPlan
from ccos.local.supervisor import LocalModel, State
from support.local_models import QUICK, is_state, running, until
from support.tiny_gguf import build_tiny_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf")


def wanting(size: int):
    return lambda promised: (promised, size)


def test_a_promise_counts_until_its_process_took_it_or_gave_it_back():
    taken = {7: 0}
    ledger = Ledger(private=taken.get)
    one, two = Share(ledger), Share(ledger)
    assert one.decide(wanting(100)) == 0
    assert two.decide(wanting(50)) == 100
    one.pid = 7
    assert ledger.promised == 150
    taken[7] = 60
    assert (ledger.promised, one.held) == (90, 100)
    taken[7] = 130  # it grew beyond what it asked for: the machine no longer offers that
    assert (ledger.promised, one.held) == (50, 130)
    one.give_back()
    two.give_back()
    two.give_back()
    assert ledger.promised == 0


def test_where_nobody_says_what_a_process_took_all_of_it_stays_promised():
    ledger = Ledger(private=lambda pid: None)
    share = Share(ledger)
    share.decide(wanting(10))
    share.pid = 1
    assert ledger.promised == 10


def test_who_is_refused_is_promised_nothing():
    ledger = Ledger()

    def refuse(promised: int):
        raise ModelUnusable("no")

    with pytest.raises(ModelUnusable):
        Share(ledger).decide(refuse)
    assert ledger.promised == 0


def test_what_was_given_up_before_it_was_decided_is_not_promised_afterwards():
    """The thread that reads a file goes on after whoever waited for it was cancelled."""
    ledger = Ledger()
    share = Share(ledger)
    share.give_back()
    share.decide(wanting(10))
    assert ledger.promised == 0


async def test_two_that_start_together_do_not_both_take_what_is_enough_for_one(tiny, tmp_path):
    ledger = Ledger(private=lambda pid: 0)
    room = ModelPlan("m", tiny, context_tokens=4096, cache_mib=0).needed(read_model_file(tiny)) + MIB
    patience = replace(QUICK, retry_seconds=0.3)
    models = [
        LocalModel(
            ModelPlan(name, tiny, context_tokens=4096, threads=1, cache_mib=0),
            state_dir=tmp_path / name,
            patience=patience,
            available=lambda: room,
            ledger=ledger,
        )
        for name in ("one", "two")
    ]
    try:
        await asyncio.gather(*(model.start() for model in models))
        await until(lambda: sorted(model.state for model in models) == [State.BROKEN, State.UP])
        refused, up = sorted(models, key=lambda model: model.state)
        assert "1 MiB is available beside" in refused.reason
        assert "MiB that other models here were promised; free some memory." in refused.reason
        await up.close(seconds=0)
        await until(is_state(refused, State.UP))  # by itself, at its next try
    finally:
        await asyncio.gather(*(model.close(seconds=0) for model in models))
    assert ledger.promised == 0


async def test_a_running_model_still_counts_with_its_mapped_weights_and_an_ended_one_does_not(tiny, tmp_path):
    before = HERE.promised
    async with running(tiny, tmp_path, cache_mib=200) as model:
        await model.endpoint(seconds=30)
        assert HERE.promised - before > 100 * MIB  # nearly all of the cache is still to be filled
        assert model.held_bytes > 200 * MIB
    assert HERE.promised == before and model.held_bytes == 0


@pytest.mark.parametrize("seconds", [0.02, 30], ids=["too slow", "bad weights"])
async def test_a_load_that_fails_gives_its_memory_back(tmp_path, seconds):
    file = build_tiny_gguf(tmp_path / "nan.gguf", broken_weights=True)
    before = HERE.promised
    async with running(
        file, tmp_path, patience=replace(QUICK, load_seconds=seconds, exits_allowed=0)
    ) as model:
        await until(is_state(model, State.BROKEN))
        assert HERE.promised == before
