"""The shape of a small Llama: how many weights of which size, by the names GGUF gives them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Weights = dict[str, NDArray[np.float32]]

HEAD = 32
_ROW = 32
"""Rows of Q8_0 come in blocks of so many weights."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a Llama whose output shares its weights with the embedding of tokens."""

    vocabulary: int = 2_048
    width: int = 128
    layers: int = 6
    feed_forward: int = 352
    context: int = 512

    @property
    def heads(self) -> int:
        return self.width // HEAD

    def tensors(self) -> dict[str, tuple[int, ...]]:
        """Each tensor's dimensions, rows first."""
        wide, deep = self.width, self.feed_forward
        found: dict[str, tuple[int, ...]] = {"token_embd.weight": (self.vocabulary, wide)}
        for n in range(self.layers):
            found |= {f"blk.{n}.{name}_norm.weight": (wide,) for name in ("attn", "ffn")}
            found |= {f"blk.{n}.attn_{name}.weight": (wide, wide) for name in ("q", "k", "v", "output")}
            found |= {f"blk.{n}.ffn_{name}.weight": (deep, wide) for name in ("gate", "up")}
            found[f"blk.{n}.ffn_down.weight"] = (wide, deep)
        return found | {"output_norm.weight": (wide,)}

    @property
    def parameters(self) -> int:
        return sum(int(np.prod(size)) for size in self.tensors().values())


def shape_for(parameters: int, vocabulary: int = 2_048) -> Shape:
    """The shape with about so many weights: six layers, the feed-forward part 2.75 times as wide."""
    known = [Shape(vocabulary, width, 6, _ROW * round(2.75 * width / _ROW)) for width in range(64, 513, _ROW)]
    return min(known, key=lambda shape: abs(shape.parameters - parameters))


def random_weights(shape: Shape, seed: int) -> Weights:
    """Where training begins: norms are 1; the deeper the network, the less a layer adds to the stream."""
    dice = np.random.default_rng(seed)
    found: Weights = {}
    for name, size in shape.tensors().items():
        if len(size) == 1:
            found[name] = np.ones(size, np.float32)
            continue
        spread = 0.02
        if name.endswith(("attn_output.weight", "ffn_down.weight")):
            spread /= (2 * shape.layers) ** 0.5
        elif not name.startswith("token"):
            spread = (1 / size[1]) ** 0.5 * 0.7
        found[name] = dice.normal(0.0, spread, size).astype(np.float32)
    return found
