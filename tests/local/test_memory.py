"""A model that does not fit is refused with what would."""

from dataclasses import replace
from pathlib import Path

import pytest

from ccos.domain.errors import ModelUnusable
from ccos.local.gguf import ModelFile
from ccos.local.memory import check_fits, needed_bytes

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
)


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
