"""The forward pass of a small Llama in PyTorch, on weights that carry their GGUF names.

RMS norm (Zhang and Sennrich, 2019), rotary positions on interleaved pairs (Su et al., 2021) as llama.cpp
has them for arch llama, SwiGLU (Shazeer, 2020). Names and pairs make the export exact, nothing is permuted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ccos.domain.errors import BadInput
from ccos.learning.tiny.shape import HEAD, Shape

EPSILON = 1e-5
ROTARY_BASE = 10_000.0


def torch() -> Any:
    """PyTorch, or BadInput with how to install it."""
    try:
        import torch as found
    except ImportError:
        raise BadInput('Training needs PyTorch; install it with: pip install "ccos[tiny]"') from None
    return found


def rotary(shape: Shape) -> tuple[Any, Any]:
    """Cosines and sines by position and pair."""
    t = torch()
    speed = ROTARY_BASE ** (-t.arange(0, HEAD, 2, dtype=t.float32) / HEAD)
    angle = t.outer(t.arange(shape.context, dtype=t.float32), speed)
    return angle.cos(), angle.sin()


def hidden(weights: Mapping[str, Any], shape: Shape, tokens: Any, turn: tuple[Any, Any]) -> Any:
    """What the last layer says at every place of `tokens` (a batch of rows), before the output."""
    functional = torch().nn.functional
    batch, length = tokens.shape
    stream = functional.embedding(tokens, weights["token_embd.weight"])
    cosine, sine = (part[:length].view(1, 1, length, HEAD // 2) for part in turn)

    def heads(states: Any, name: str) -> Any:
        return functional.linear(states, weights[name]).view(batch, length, shape.heads, HEAD).transpose(1, 2)

    for n in range(shape.layers):
        block = f"blk.{n}"
        normed = _norm(stream, weights[f"{block}.attn_norm.weight"])
        query, key, value = (heads(normed, f"{block}.attn_{part}.weight") for part in "qkv")
        mixed = functional.scaled_dot_product_attention(
            _turned(query, cosine, sine), _turned(key, cosine, sine), value, is_causal=True
        )
        mixed = mixed.transpose(1, 2).reshape(batch, length, shape.width)
        stream = stream + functional.linear(mixed, weights[f"{block}.attn_output.weight"])
        normed = _norm(stream, weights[f"{block}.ffn_norm.weight"])
        gate = functional.silu(functional.linear(normed, weights[f"{block}.ffn_gate.weight"]))
        up = functional.linear(normed, weights[f"{block}.ffn_up.weight"])
        stream = stream + functional.linear(gate * up, weights[f"{block}.ffn_down.weight"])
    return _norm(stream, weights["output_norm.weight"])


def logits(weights: Mapping[str, Any], states: Any) -> Any:
    """Of every token how much it fits next; the output is the embedding."""
    return torch().nn.functional.linear(states, weights["token_embd.weight"])


def _norm(states: Any, weight: Any) -> Any:
    return states * (states.pow(2).mean(-1, keepdim=True) + EPSILON).rsqrt() * weight


def _turned(states: Any, cosine: Any, sine: Any) -> Any:
    even, odd = states[..., 0::2], states[..., 1::2]
    pairs = torch().stack((even * cosine - odd * sine, even * sine + odd * cosine), dim=-1)
    return pairs.flatten(-2)
