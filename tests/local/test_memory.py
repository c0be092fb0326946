"""A model that does not fit is refused with what would."""

from dataclasses import replace
from pathlib import Path

import pytest

from ccos.domain.errors import ModelUnusable
from ccos.local.gguf import ModelFile
from ccos.local.memory import MIB, ceiling_bytes, check_fits, chosen_cache_mib, needed_bytes, on_card

GIB = 2**30
SEVEN_B = ModelFile(
    path=Path("m.gguf"),
    size=4_680_000_000,
    architecture="qwen3",
    name="m",
    context_length=32_768,
    has_chat_template=True,
    tokenizer="gpt2",
    vocabulary=151_936,
    control_tokens=(),
    kv_bytes_per_token=2 * 36 * 8 * (128 + 128),
    is_q4_0=False,
    layers=36,
)


def test_adapters_are_weights_too():
    assert needed_bytes(SEVEN_B, 8192, 1, adapter_bytes=GIB) - needed_bytes(SEVEN_B, 8192, 1) == GIB
    needed = needed_bytes(SEVEN_B, 8192, 2)
    check_fits(SEVEN_B, 8192, 2, needed)
    with pytest.raises(ModelUnusable):
        check_fits(SEVEN_B, 8192, 2, needed, adapter_bytes=MIB)


def test_what_is_needed_is_weights_plus_a_context_for_each_slot():
    one, two = needed_bytes(SEVEN_B, 8192, 1), needed_bytes(SEVEN_B, 8192, 2)
    assert two - one == 8192 * 147_456
    assert one > SEVEN_B.size + 8192 * 147_456
    assert needed_bytes(replace(SEVEN_B, is_q4_0=True), 8192, 1) - one == SEVEN_B.size


def test_a_model_that_just_fits_is_taken_and_one_byte_less_is_not():
    needed = needed_bytes(SEVEN_B, 8192, 2)
    check_fits(SEVEN_B, 8192, 2, needed)
    check_fits(SEVEN_B, 8192, 2, None)
    with pytest.raises(ModelUnusable):
        check_fits(SEVEN_B, 8192, 2, needed - 1)


def test_what_others_were_promised_is_not_available_and_told():
    needed = needed_bytes(SEVEN_B, 8192, 2)
    check_fits(SEVEN_B, 8192, 2, needed + GIB, promised=GIB)
    with pytest.raises(ModelUnusable, match=r"and 0 MiB is available beside 9\.0 GiB that other") as caught:
        check_fits(SEVEN_B, 8192, 2, 8 * GIB, promised=9 * GIB)
    assert caught.value.facts["available_bytes"] == -GIB


def test_the_advised_context_fits():
    with pytest.raises(
        ModelUnusable, match=r"7\.\d GiB is available; set its context to (\d+) tokens"
    ) as caught:
        check_fits(SEVEN_B, 32_768, 2, 7 * GIB + 300 * 2**20)
    tokens = int(caught.value.sentence.split("context to ")[1].split()[0])
    check_fits(SEVEN_B, tokens, 2, 7 * GIB + 300 * 2**20)
    assert tokens > 4096


@pytest.mark.parametrize("q4_0", [False, True])
def test_the_advised_file_size_fits(q4_0):
    model = replace(SEVEN_B, is_q4_0=q4_0)
    with pytest.raises(ModelUnusable, match=r"4\.0 GiB is available; use a model file of at most"):
        check_fits(model, 8192, 2, 4 * GIB)
    check_fits(replace(model, size=int((1.3 if q4_0 else 2.6) * GIB)), 4096, 2, 4 * GIB)


def test_with_hardly_any_memory_it_only_says_to_free_some():
    with pytest.raises(ModelUnusable, match="free some memory"):
        check_fits(SEVEN_B, 8192, 2, 10 * 2**20)


def test_the_prompt_cache_is_part_of_what_is_needed():
    needed = needed_bytes(SEVEN_B, 8192, 2, cache_mib=100)
    assert needed - needed_bytes(SEVEN_B, 8192, 2) == 100 * MIB
    check_fits(SEVEN_B, 8192, 2, needed, cache_mib=100)
    with pytest.raises(ModelUnusable):
        check_fits(SEVEN_B, 8192, 2, needed, cache_mib=101)


@pytest.mark.parametrize(
    ("per_token", "mib"),
    [(256, 64), (4_096, 64), (4_160, 65), (32_768, 512), (65_536, 1_024), (147_456, 1_024)],
)
def test_the_cache_holds_some_thousand_tokens_within_bounds(per_token, mib):
    assert chosen_cache_mib(replace(SEVEN_B, kv_bytes_per_token=per_token), 0, None) == mib


@pytest.mark.parametrize(
    ("room", "mib"), [(10**12, 1_024), (600 * MIB, 300), (3 * MIB, 1), (0, 0), (-5 * MIB, 0)]
)
def test_the_cache_takes_at_most_half_of_what_is_left(room, mib):
    assert chosen_cache_mib(SEVEN_B, 7 * GIB, 7 * GIB + room) == mib


def test_what_lies_on_a_graphics_card_takes_no_memory_of_the_machine():
    everything = [on_card(SEVEN_B, layers) for layers in (-1, 37, 99)]
    assert everything == [1.0, 1.0, 1.0] and on_card(SEVEN_B, None) == on_card(SEVEN_B, 0) == 0.0
    half = needed_bytes(SEVEN_B, 8192, 2, gpu_layers=18)
    whole, none = needed_bytes(SEVEN_B, 8192, 2), needed_bytes(SEVEN_B, 8192, 2, gpu_layers=-1)
    assert none < 200 * MIB < half < whole
    check_fits(SEVEN_B, 8192, 2, GIB, gpu_layers=99)
    with pytest.raises(ModelUnusable):
        check_fits(SEVEN_B, 8192, 2, GIB)


def test_the_advised_context_fits_beside_what_is_on_the_card():
    room = 3 * GIB
    with pytest.raises(ModelUnusable, match="set its context to") as caught:
        check_fits(SEVEN_B, 32_768, 2, room, gpu_layers=28, cache_mib=64)
    tokens = int(caught.value.sentence.split("context to ")[1].split()[0])
    check_fits(SEVEN_B, tokens, 2, room, gpu_layers=28, cache_mib=64)


def test_the_ceiling_leaves_mapped_weights_out_and_a_margin_in():
    kept = 8192 * 147_456 * 2
    ceiling = ceiling_bytes(SEVEN_B, 8192, 2, cache_mib=1024)
    assert kept + GIB < ceiling < 1.3 * (kept + GIB + 200 * MIB)
    assert ceiling < ceiling_bytes(replace(SEVEN_B, is_q4_0=True), 8192, 2, cache_mib=1024) - SEVEN_B.size
    assert ceiling_bytes(SEVEN_B, 8192, 2, cache_mib=1024, adapter_bytes=GIB) >= ceiling + GIB


def test_a_process_that_starts_above_the_account_has_room_to_grow_all_the_same():
    start = 9 * GIB
    assert ceiling_bytes(SEVEN_B, 8192, 2, cache_mib=64, at_start=start) > 1.2 * start
    assert ceiling_bytes(SEVEN_B, 8192, 2, cache_mib=64, at_start=1) == ceiling_bytes(
        SEVEN_B, 8192, 2, cache_mib=64
    )
