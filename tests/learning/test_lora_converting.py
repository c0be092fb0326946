"""PEFT's adapter becomes a GGUF adapter: the same numbers, in the engine's order."""

import json
import struct
from pathlib import Path

import gguf
import numpy as np
import pytest

from ccos.domain.errors import BadInput
from ccos.learning.lora.converting import PARTS, convert, permuted, read_safetensors
from ccos.local.adapters import AdapterUnusable
from ccos.local.gguf import read_header
from support.local_models import asking, provider_of, running
from support.tiny_gguf import build_tiny_gguf

WIDTH, RANK = 64, 4
SIZES = {
    "q_proj": (64, 64), "k_proj": (32, 64), "v_proj": (32, 64), "o_proj": (64, 64),
    "gate_proj": (128, 64), "up_proj": (128, 64), "down_proj": (64, 128),
}  # fmt: skip


def peft_tensors(layers: int = 2, parts=tuple(PARTS)) -> dict[str, np.ndarray]:
    dice = np.random.default_rng(3)
    found = {}
    for n in range(layers):
        for part in parts:
            out, into = SIZES[part.split(".")[1]]
            name = f"base_model.model.model.layers.{n}.{part}"
            found[f"{name}.lora_A.weight"] = dice.normal(0, 0.3, (RANK, into)).astype(np.float32)
            found[f"{name}.lora_B.weight"] = dice.normal(0, 0.3, (out, RANK)).astype(np.float32)
    return found


def write_safetensors(path: Path, tensors: dict[str, np.ndarray], kind: str = "F32") -> Path:
    header, body = {"__metadata__": {"format": "pt"}}, b""
    for name, tensor in tensors.items():
        if kind == "BF16":
            raw = (tensor.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
        else:
            raw = tensor.astype({"F32": "<f4", "F16": "<f2"}[kind]).tobytes()
        header[name] = {
            "dtype": kind,
            "shape": tensor.shape,
            "data_offsets": [len(body), len(body) + len(raw)],
        }
        body += raw
    words = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(words)) + words + body)
    return path


def peft_folder(folder: Path, tensors=None, **config) -> Path:
    folder.mkdir(exist_ok=True)
    write_safetensors(folder / "adapter_model.safetensors", peft_tensors() if tensors is None else tensors)
    told = {"peft_type": "LORA", "r": RANK, "lora_alpha": 8, "bias": "none", **config}
    (folder / "adapter_config.json").write_text(json.dumps(told))
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("base") / "base.gguf")


def test_names_numbers_and_alpha_arrive(base, tmp_path):
    tensors = peft_tensors()
    made = convert(
        peft_folder(tmp_path / "p", tensors), tmp_path / "a.gguf", read_header(base), base_sha256="5" * 64
    )
    reader = gguf.GGUFReader(str(made))
    found = {each.name: each.data for each in reader.tensors}
    assert len(found) == 28 and reader.fields["adapter.lora.alpha"].parts[-1][0] == 8.0
    name = "base_model.model.model.layers.1.mlp.down_proj"
    assert np.array_equal(found["blk.1.ffn_down.weight.lora_a"], tensors[f"{name}.lora_A.weight"])
    assert np.array_equal(found["blk.1.ffn_down.weight.lora_b"], tensors[f"{name}.lora_B.weight"])
    attention = "base_model.model.model.layers.0.self_attn"
    for part, heads in (("q", 4), ("k", 2)):
        second = tensors[f"{attention}.{part}_proj.lora_B.weight"]
        assert np.array_equal(found[f"blk.0.attn_{part}.weight.lora_b"], permuted(second, heads))
        assert not np.array_equal(found[f"blk.0.attn_{part}.weight.lora_b"], second)
        first = tensors[f"{attention}.{part}_proj.lora_A.weight"]
        assert np.array_equal(found[f"blk.0.attn_{part}.weight.lora_a"], first)
    assert np.array_equal(found["blk.0.attn_v.weight.lora_b"], tensors[f"{attention}.v_proj.lora_B.weight"])
    assert read_header(made).values["ccos.base.sha256"] == "5" * 64
    assert not list(tmp_path.glob("*.partial"))


def test_rank_stabilised_adapters_keep_their_strength(base, tmp_path):
    made = convert(
        peft_folder(tmp_path / "p", use_rslora=True), tmp_path / "a.gguf", read_header(base), base_sha256=""
    )
    assert read_header(made).values["adapter.lora.alpha"] == 16.0


def test_rows_of_each_head_are_interleaved():
    rows = np.arange(8, dtype=np.float32).reshape(8, 1)
    assert permuted(rows, 1)[:, 0].tolist() == [0, 4, 1, 5, 2, 6, 3, 7]
    assert permuted(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    with pytest.raises(BadInput, match="heads"):
        permuted(rows, 3)


@pytest.mark.parametrize(("kind", "most"), [("F32", 0.0), ("F16", 1e-3), ("BF16", 1e-2)])
def test_every_kind_of_number_is_read(tmp_path, kind, most):
    tensors = peft_tensors(1)
    found = read_safetensors(write_safetensors(tmp_path / "a.safetensors", tensors, kind))
    assert found.keys() == tensors.keys()
    assert all(np.abs(found[name] - tensors[name]).max() <= most for name in tensors)


@pytest.mark.parametrize("cut", [0, 4, 8, 40, -1])
def test_a_file_that_is_not_whole_is_refused(tmp_path, cut):
    whole = write_safetensors(tmp_path / "a.safetensors", peft_tensors(1)).read_bytes()
    (tmp_path / "b.safetensors").write_bytes(whole[:cut])
    with pytest.raises(BadInput, match="no whole safetensors"):
        read_safetensors(tmp_path / "b.safetensors")
    with pytest.raises(BadInput, match="cannot be read"):
        read_safetensors(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"peft_type": "IA3"}, "not of a LoRA"),
        ({"use_dora": True}, "use_dora"),
        ({"rank_pattern": {"q_proj": 2}}, "rank_pattern"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"bias": "all"}, "biases"),
    ],
)
def test_what_gguf_cannot_tell_is_refused(base, tmp_path, config, words):
    with pytest.raises(BadInput, match=words):
        convert(peft_folder(tmp_path / "p", **config), tmp_path / "a.gguf", read_header(base), base_sha256="")
    assert not list(tmp_path.glob("a.gguf*"))


def test_other_tensors_numbers_and_shapes_are_refused(base, tmp_path):
    model, out = read_header(base), tmp_path / "a.gguf"
    embed = {"base_model.model.model.embed_tokens.lora_A.weight": np.zeros((4, 8), np.float32)}
    with pytest.raises(BadInput, match="embed_tokens"):
        convert(peft_folder(tmp_path / "p", embed), out, model, base_sha256="")
    broken = peft_tensors()
    broken["base_model.model.model.layers.0.mlp.up_proj.lora_A.weight"][0, 0] = np.nan
    with pytest.raises(BadInput, match="no usable numbers"):
        convert(peft_folder(tmp_path / "p", broken), out, model, base_sha256="")
    with pytest.raises(BadInput, match="holds no tensors"):
        convert(peft_folder(tmp_path / "p", {}), out, model, base_sha256="")
    with pytest.raises(AdapterUnusable, match="does not have"):
        convert(peft_folder(tmp_path / "p", peft_tensors(3)), out, model, base_sha256="")
    assert not list(tmp_path.glob("a.gguf*"))


def merged(base: Path, path: Path, tensors, heads, scale: float) -> Path:
    """The base with the adapter added into its weights: what the adapter must equal."""
    path.write_bytes(base.read_bytes())
    reader = gguf.GGUFReader(str(path), "r+")
    for each in reader.tensors:
        n, _, part = each.name.removeprefix("blk.").removesuffix(".weight").partition(".")
        theirs = next((p for p, ours in PARTS.items() if ours == part), None)
        if theirs is None:
            continue
        name = f"base_model.model.model.layers.{n}.{theirs}"
        delta = scale * tensors[f"{name}.lora_B.weight"] @ tensors[f"{name}.lora_A.weight"]
        if part in heads:
            delta = permuted(delta, heads[part])
        each.data[:] = (each.data.astype(np.float32) + delta).astype(np.float16)
    reader.data.flush()
    return path


async def test_in_the_engine_it_equals_the_merged_weights(base, tmp_path):
    from ccos.local.adapters import Adapter

    tensors = {name: tensor * 0.3 for name, tensor in peft_tensors().items()}
    made = convert(
        peft_folder(tmp_path / "p", tensors), tmp_path / "a.gguf", read_header(base), base_sha256=""
    )
    whole = merged(base, tmp_path / "merged.gguf", tensors, {"attn_q": 4, "attn_k": 2}, 8 / RANK)
    heard = []
    for file, adapters in ((base, ()), (whole, ()), (base, (Adapter("a", made),))):
        place = tmp_path / f"m{len(heard)}"
        async with running(file, place, adapters=adapters) as model, provider_of(model) as provider:
            await model.endpoint(seconds=30)
            prompt = asking("Please reply with the order number.", max_tokens=8, temperature=0.0)
            heard.append((await provider.answer(prompt, seconds=30)).logprobs)
    plain, into, beside = heard
    assert len(into) == len(beside) and np.allclose(into, beside, atol=0.02)
    assert not np.allclose(plain[:1], into[:1], atol=0.05)
