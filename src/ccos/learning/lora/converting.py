"""An adapter as PEFT saves it, made into the GGUF file that llama.cpp loads. numpy and gguf are enough."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ccos.domain.errors import BadInput
from ccos.local.adapters import BASE_KEY, check_adapter
from ccos.local.gguf import Header

PARTS: Mapping[str, str] = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""Names of a Llama-like model in Transformers, and in GGUF (gguf-py's `tensor_mapping.py`)."""
_TENSOR = re.compile(r"(?:.*\.)?layers\.(\d+)\.([a-z_.]+?)\.lora_([AB])(?:\.default)?\.weight")
_TYPES: Mapping[str, Any] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "F64": np.dtype("<f8"),
    "BF16": np.dtype("<u2"),
}
_MOST_HEADER_BYTES = 32 * 2**20

Tensor = np.ndarray[Any, np.dtype[np.float32]]


def gguf_package() -> Any:
    """The package that writes GGUF, or BadInput with how to install it."""
    try:
        import gguf
    except ImportError:
        raise BadInput('Writing GGUF needs a package; install it with: pip install "ccos[lora]"') from None
    return gguf


def convert(folder: Path, out: Path, model: Header, *, base_sha256: str, name: str = "") -> Path:
    """Writes the adapter that PEFT saved in `folder` for the base `model`, whole or not at all.

    Raises BadInput for what is no such adapter or cannot be told in GGUF, AdapterUnusable when the result
    does not fit the model.
    """
    gguf = gguf_package()
    config = _config(folder / "adapter_config.json")
    tensors = converted(read_safetensors(folder / "adapter_model.safetensors"), model)
    partial = out.with_name(f"{out.name}.partial")
    writer = gguf.GGUFWriter(str(partial), str(model.values["general.architecture"]))
    writer.add_type("adapter")
    writer.add_name(name or out.stem)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", _alpha(config))
    writer.add_string(BASE_KEY, base_sha256)
    for tensor_name, tensor in sorted(tensors.items()):
        writer.add_tensor(tensor_name, np.ascontiguousarray(tensor, np.float32))
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        check_adapter(partial, model, base=base_sha256)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return out


def converted(tensors: Mapping[str, Tensor], model: Header) -> dict[str, Tensor]:
    """The tensors by their GGUF names.

    For the architecture llama, whose rotary positions the engine counts on neighbouring rows, the rows of the
    second half of q and k are put in its order, as the base's were. Raises BadInput.
    """
    architecture = str(model.values.get("general.architecture"))
    heads = _count(model, f"{architecture}.attention.head_count")
    kv_heads = _count(model, f"{architecture}.attention.head_count_kv") or heads
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        match = _TENSOR.fullmatch(name)
        part = PARTS.get(match[2]) if match else None
        if match is None or part is None:
            raise BadInput(f"The adapter changes {name}, which GGUF adapters cannot; train only projections.")
        if tensor.ndim != 2 or not np.isfinite(tensor).all():
            raise BadInput(f"The adapter's {name} holds no usable numbers; train with a lower --rate.")
        second = match[3] == "B"
        if second and architecture == "llama" and part in ("attn_q", "attn_k"):
            tensor = permuted(tensor, heads if part == "attn_q" else kv_heads)
        found[f"blk.{int(match[1])}.{part}.weight.lora_{'b' if second else 'a'}"] = tensor
    if not found:
        raise BadInput("The adapter holds no tensors; train it again.")
    return found


def permuted(rows: Tensor, heads: int) -> Tensor:
    """Of each head, first and second half interleaved row by row (convert_hf_to_gguf's `permute`)."""
    if heads <= 0 or rows.shape[0] % (2 * heads):
        raise BadInput(
            "The adapter does not fit the heads of the base model; give the model it was trained on."
        )
    shape = (heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return rows.reshape(shape).swapaxes(1, 2).reshape(rows.shape)


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file as F32. Raises BadInput.

    Format: the header's length in 8 bytes, the header as JSON, the numbers (the safetensors README).
    """
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise BadInput(f"{path} cannot be read: {fault.strerror}.") from fault
    try:
        length = int.from_bytes(content[:8], "little")
        if not 2 <= length <= min(_MOST_HEADER_BYTES, len(content) - 8):
            raise ValueError("length")
        header = json.loads(content[8 : 8 + length])
        header.pop("__metadata__", None)
        body = memoryview(content)[8 + length :]
        return {name: _tensor(about, body) for name, about in header.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise BadInput(f"{path} is no whole safetensors file; train the adapter again.") from fault


def _tensor(about: Mapping[str, Any], body: memoryview) -> Tensor:
    kind, shape = _TYPES[about["dtype"]], tuple(about["shape"])
    begin, end = about["data_offsets"]
    if not 0 <= begin <= end <= len(body) or end - begin != math.prod(shape) * kind.itemsize:
        raise ValueError("offsets")
    raw: Any = np.frombuffer(body[begin:end], kind)
    if about["dtype"] == "BF16":  # the upper half of an F32
        raw = (raw.astype(np.uint32) << 16).view(np.float32)
    found: Tensor = raw.reshape(shape).astype(np.float32)
    return found


def _config(path: Path) -> Mapping[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except (OSError, ValueError) as fault:
        raise BadInput(f"{path} cannot be read; give the folder that PEFT saved an adapter in.") from fault
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise BadInput(f"{path} is not of a LoRA adapter; other kinds cannot be told in GGUF.")
    for name in ("use_dora", "rank_pattern", "alpha_pattern", "modules_to_save"):
        if config.get(name):
            raise BadInput(f"The adapter uses {name}, which GGUF adapters do not know; train it without.")
    if config.get("bias", "none") != "none" or not isinstance(config.get("r"), int):
        raise BadInput(f"{path} trains biases or names no rank, which GGUF adapters do not know.")
    return config


def _alpha(config: Mapping[str, Any]) -> float:
    """The engine divides it by the rank; rank-stabilised adapters (Kalajdzievski, 2023) by its root."""
    alpha = float(config.get("lora_alpha", config["r"]))
    return alpha * math.sqrt(config["r"]) if config.get("use_rslora") else alpha


def _count(model: Header, key: str) -> int:
    found = model.values.get(key)
    return found if isinstance(found, int) else 0
