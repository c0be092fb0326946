"""Writes small LoRA adapters for the models of tiny_gguf.py: random, yet strong enough to change every word."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np


def build_adapter(
    path: Path,
    *,
    seed: int = 1,
    width: int = 64,
    layers: int = 2,
    rank: int = 4,
    alpha: float | str = 16.0,
    architecture: str = "llama",
    strength: float = 0.3,
    base_sha256: str | None = None,
    parts: tuple[str, ...] = ("attn_q", "attn_v", "ffn_down"),
    lone: bool = False,
    numbers: type[np.generic] = np.float32,
    wrong_embedding: bool = False,
) -> Path:
    """Write the adapter to `path` and return it. `lone` leaves the second half of one pair out, and
    `wrong_embedding` adds a pair for the embedding that fits no model.
    """
    shapes = {
        "attn_q": (width, width),
        "attn_v": (width, width // 2),
        "ffn_down": (2 * width, width),
        "ffn_nowhere": (width, width),
    }
    dice = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string("adapter.type", "lora")
    (writer.add_string if isinstance(alpha, str) else writer.add_float32)("adapter.lora.alpha", alpha)
    if base_sha256 is not None:
        writer.add_string("ccos.base.sha256", base_sha256)
    for n in range(layers):
        for part in parts:
            into, out = shapes[part]
            name = f"blk.{n}.{part}.weight"
            writer.add_tensor(f"{name}.lora_a", dice.normal(0.0, strength, (rank, into)).astype(numbers))
            if not (lone and n == 0 and part == parts[0]):
                writer.add_tensor(f"{name}.lora_b", dice.normal(0.0, strength, (out, rank)).astype(numbers))
    if wrong_embedding:
        for half, shape in (("a", (rank, 7)), ("b", (9, rank))):
            writer.add_tensor(f"token_embd.weight.lora_{half}", np.zeros(shape, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
