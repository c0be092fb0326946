"""A model file comes from anywhere: whatever is wrong with it becomes one sentence, quickly."""

import os
import struct
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccos.domain.errors import ModelUnusable
from ccos.local.gguf import read_model_file
from support.tiny_gguf import CONTROL_TOKENS, build_tiny_gguf


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("models") / "tiny.gguf")


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def header(*, tensors: int = 0, keys: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys)


def test_the_header_of_a_good_file_is_read(tiny):
    model = read_model_file(tiny)
    assert (model.architecture, model.name, model.context_length) == ("llama", "tiny-random", 4096)
    assert model.size == tiny.stat().st_size
    assert model.has_chat_template and model.tokenizer == "gpt2" and not model.is_q4_0
    assert set(model.control_tokens) == set(CONTROL_TOKENS)
    # 2 layers x 2 key-value heads x (16 + 16) x 2 bytes
    assert model.kv_bytes_per_token == 256


def test_a_file_without_a_chat_template_says_so(tmp_path):
    assert not read_model_file(build_tiny_gguf(tmp_path / "m.gguf", template=None)).has_chat_template


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"GG", "not a GGUF file"),
        (b"<html>Not found</html>" * 50, "not a GGUF file"),
        (header(version=1), "version 1"),
        (header(version=0x03000000), "version"),
        (b"GGUF\x03\x00", "cut off"),
        (header(tensors=2**63), "claims"),
        (header(keys=2**64 - 1), "claims"),
        (header(keys=1) + struct.pack("<Q", 2**62), "claims"),
        (header(keys=1) + struct.pack("<Q", 2**20), "cut off"),
        (header(keys=1) + text("k") + struct.pack("<I", 99), "unknown type 99"),
        (header(keys=1) + text("k") + struct.pack("<IIQ", 9, 0, 2**40), "claims"),
        (header(keys=1) + text("k") + struct.pack("<IIQ", 9, 8, 2_000_000), "cut off"),
        (
            header(keys=1) + text("k") + struct.pack("<IIQ", 9, 9, 1) * 1 + struct.pack("<IQ", 9, 1) * 40,
            "deeply",
        ),
        (header(tensors=1) + text("t") + struct.pack("<I", 5), "5 dimensions"),
        (header(tensors=1) + text("t") + struct.pack("<I", 0), "0 dimensions"),
        (header(tensors=1) + text("t") + struct.pack("<IQQIQ", 2, 2**63, 2**63, 0, 0), "cut off"),
        (header(), "architecture"),
        (header(keys=1) + text("general.type") + struct.pack("<I", 8) + text("adapter"), "LoRA adapter"),
        (header(keys=1) + text("general.architecture") + struct.pack("<I", 8) + text("llama"), "no weights"),
        (header(keys=1) + text("general.alignment") + struct.pack("<II", 4, 0), "alignment"),
    ],
)
def test_a_bad_file_is_refused_with_one_sentence(tmp_path, content, words):
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelUnusable, match=words) as caught:
        read_model_file(path)
    assert caught.value.sentence.endswith(".") and "\n" not in caught.value.sentence


def test_a_missing_file_a_folder_a_pipe_and_a_nul_are_refused(tmp_path):
    pipe = tmp_path / "pipe.gguf"
    os.mkfifo(pipe)
    for path, words in [
        (tmp_path / "none.gguf", "no model file"),
        (tmp_path, "is a folder"),
        (pipe, "not a regular file"),
        (Path("a\0b"), "NUL"),
        (tmp_path / "x" / ("y" * 300), "cannot be read|no model file"),
    ]:
        with pytest.raises(ModelUnusable, match=words):
            read_model_file(path)


@pytest.mark.parametrize(("context", "usable"), [(1, False), (63, False), (64, True)])
def test_a_model_that_reads_next_to_nothing_is_refused_before_it_is_loaded(tmp_path, context, usable):
    path = build_tiny_gguf(tmp_path / "short.gguf", context=context)
    if usable:
        assert read_model_file(path).context_length == context
        return
    with pytest.raises(ModelUnusable, match=f"gives its context as {context}, too short"):
        read_model_file(path)


@pytest.mark.parametrize("share", [0.0001, 0.02, 0.3, 0.9, 0.9999])
def test_a_truncated_download_is_found_wherever_it_was_cut(tiny, tmp_path, share):
    path = tmp_path / "cut.gguf"
    whole = tiny.read_bytes()
    path.write_bytes(whole[: max(int(len(whole) * share), 5)])
    with pytest.raises(ModelUnusable, match="cut off"):
        read_model_file(path)


def test_a_hostile_header_costs_no_more_memory_than_its_file(tmp_path):
    path = tmp_path / "greedy.gguf"
    one = struct.pack("<IIQ", 9, 0, 2_000_000) + bytes(2_000_000)
    path.write_bytes(header(keys=10) + b"".join(text(f"k{n}") + one for n in range(10)))
    tracemalloc.start()
    try:
        with pytest.raises(ModelUnusable, match="architecture"):
            read_model_file(path)
        assert tracemalloc.get_traced_memory()[1] < 3 * path.stat().st_size
    finally:
        tracemalloc.stop()


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(at=st.integers(0, 30_000), flipped=st.binary(min_size=1, max_size=16))
def test_damage_anywhere_in_the_header_never_escapes_as_another_error(tiny, tmp_path, at, flipped):
    whole = bytearray(tiny.read_bytes())
    whole[at : at + len(flipped)] = flipped
    path = tmp_path / "flipped.gguf"
    path.write_bytes(whole)
    try:
        read_model_file(path)
    except ModelUnusable as fault:
        assert fault.sentence
