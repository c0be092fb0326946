"""Writes a GGUF of a real model's shape with random weights: the compute of the real one, and no words.

    python benchmarks/random_gguf.py 1.1b OUT.gguf
    python benchmarks/random_gguf.py 7b OUT.gguf --seed 3 [--tokenizer spm] [--vocabulary 152064]

Types are those of a Q4_K_M file: Q4_K, and Q6_K for the output and half of the attention values and
feed-forward downs, so that size and speed are too. The tokenizer is one of `random_tokenizer.py`, filled up
to the real vocabulary. Requests against such a file need `ignore_eos`.

Q4_K: 144 bytes hold 256 weights, bytes 0:2 their scale and 2:4 their minimum's scale as f16. Q6_K: 210 bytes,
the last 2 the scale (ggml's `ggml-common.h`). Scales are chosen for weights of a standard deviation of 0.02.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import gguf
import numpy as np
from random_tokenizer import KINDS, add_tokenizer

STD = 0.02
CHUNK_BLOCKS = 65_536

Quant = gguf.GGMLQuantizationType
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """Lengths in weights; `kv_heads` of `heads` have keys and values of their own."""

    layers: int
    width: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocabulary: int
    context: int
    rope_base: float

    @property
    def head(self) -> int:
        return self.width // self.heads


SHAPES = {
    "27m": Shape(8, 512, 8, 4, 1_536, 4_096, 8_192, 10_000.0),
    "1.1b": Shape(22, 2_048, 32, 4, 5_632, 32_000, 8_192, 10_000.0),
    "7b": Shape(28, 3_584, 28, 4, 18_944, 152_064, 32_768, 1_000_000.0),
}
"""27m is for trying the benchmarks out; the others are TinyLlama's and Qwen2.5-7B's."""


def write(
    shape: Shape,
    path: Path,
    *,
    tokenizer: str = "bpe",
    seed: int = 7,
    progress: Progress = lambda _done, _all: None,
) -> Path:
    """Write the file and return its path. The same arguments give the same bytes."""
    writer = gguf.GGUFWriter(str(path), "llama", use_temp_file=False)
    _describe(writer, shape)
    add_tokenizer(writer, tokenizer, shape.vocabulary)
    tensors = _tensors(shape)
    for name, rows, columns, kind in tensors:
        size = rows * columns
        if kind is Quant.F32:
            writer.add_tensor_info(name, [columns], np.dtype(np.float32), 4 * size)
        else:
            weights, length = gguf.GGML_QUANT_SIZES[kind]
            row_bytes = columns // weights * length
            writer.add_tensor_info(name, [rows, row_bytes], np.dtype(np.uint8), rows * row_bytes, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    dice = np.random.default_rng(seed)
    pools = {kind: _blocks(dice, kind) for kind in (Quant.Q4_K, Quant.Q6_K)}
    for number, (_, rows, columns, kind) in enumerate(tensors):
        if kind is Quant.F32:
            data = np.ones(columns, dtype=np.float32)
        else:
            wanted = rows * columns // gguf.GGML_QUANT_SIZES[kind][0]
            pool = pools[kind]
            start = int(dice.integers(len(pool)))
            data = np.take(pool, np.arange(start, start + wanted), axis=0, mode="wrap").reshape(rows, -1)
        writer.write_tensor_data(data)
        progress(number + 1, len(tensors))
    writer.close()
    return path


def _describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_name("random")
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.kv_heads)
    writer.add_rope_dimension_count(shape.head)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q4_K_M)


def _tensors(shape: Shape) -> list[tuple[str, int, int, Quant]]:
    """Name, rows, columns and type of every tensor, in the order of the file."""
    kv = shape.kv_heads * shape.head
    found = [("token_embd.weight", shape.vocabulary, shape.width, Quant.Q4_K)]
    for n in range(shape.layers):
        finer = Quant.Q6_K if n % 2 == 0 else Quant.Q4_K
        found += [
            (f"blk.{n}.attn_norm.weight", 1, shape.width, Quant.F32),
            (f"blk.{n}.attn_q.weight", shape.width, shape.width, Quant.Q4_K),
            (f"blk.{n}.attn_k.weight", kv, shape.width, Quant.Q4_K),
            (f"blk.{n}.attn_v.weight", kv, shape.width, finer),
            (f"blk.{n}.attn_output.weight", shape.width, shape.width, Quant.Q4_K),
            (f"blk.{n}.ffn_norm.weight", 1, shape.width, Quant.F32),
            (f"blk.{n}.ffn_gate.weight", shape.feed_forward, shape.width, Quant.Q4_K),
            (f"blk.{n}.ffn_up.weight", shape.feed_forward, shape.width, Quant.Q4_K),
            (f"blk.{n}.ffn_down.weight", shape.width, shape.feed_forward, finer),
        ]
    found += [
        ("output_norm.weight", 1, shape.width, Quant.F32),
        ("output.weight", shape.vocabulary, shape.width, Quant.Q6_K),
    ]
    return found


def _blocks(dice: np.random.Generator, kind: Quant) -> np.ndarray:
    """Random blocks of one type, enough of them that no pattern of the file fits into a cache."""
    length = gguf.GGML_QUANT_SIZES[kind][1]
    blocks = dice.integers(0, 256, (CHUNK_BLOCKS, length), dtype=np.uint8)
    if kind is Quant.Q4_K:
        blocks[:, 0:2] = np.frombuffer(np.float16(STD / 160).tobytes(), np.uint8)
        blocks[:, 2:4] = np.frombuffer(np.float16(7.5 * STD / 160).tobytes(), np.uint8)
    else:
        blocks[:, -2:] = np.frombuffer(np.float16(STD / 1350).tobytes(), np.uint8)
    return blocks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shape", choices=list(SHAPES))
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--tokenizer", choices=KINDS, default="bpe")
    parser.add_argument("--vocabulary", type=int, help="instead of the real model's")
    given = parser.parse_args()

    def show(done: int, of: int) -> None:
        print(f"\r{done}/{of} tensors", end="" if done < of else "\n", file=sys.stderr, flush=True)

    shape = SHAPES[given.shape]
    shape = replace(shape, vocabulary=given.vocabulary or shape.vocabulary)
    write(shape, given.out, tokenizer=given.tokenizer, seed=given.seed, progress=show)
    print(f"{given.out}: {given.out.stat().st_size / 1e9:.2f} GB")


if __name__ == "__main__":
    main()
