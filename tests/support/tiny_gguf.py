"""Writes a small llama-architecture GGUF with random weights and a tokenizer of its own.

Its words mean nothing, but the file is real: llama.cpp loads it, tokenizes with it and decodes it, so
tests of the local runtime need no download. The same arguments give the same bytes.

    python tests/support/tiny_gguf.py OUT.gguf
"""

from __future__ import annotations

import sys
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import gguf
import numpy as np

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content']"
    " + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
CONTROL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_MERGES = 320
_CORPUS = (
    "Hello, thank you for contacting support. Your order has been shipped and a refund will be made. "
    "How can I reset the password of my account? Please reply with the order number, we are happy to help. "
    "안녕하세요 고객님, 문의해 주셔서 감사합니다. 주문하신 상품의 환불을 접수해 드리겠습니다. "
    "배송은 영업일 기준 3일 안에 완료됩니다. 비밀번호를 재설정하려면 아래 안내를 확인해 주세요. "
)


def build_tiny_gguf(
    path: Path,
    *,
    seed: int = 7,
    width: int = 64,
    layers: int = 2,
    context: int = 4096,
    template: str | None = CHATML,
    pooling: gguf.PoolingType | None = None,
    broken_weights: bool = False,
) -> Path:
    """Write the model to `path` and return it: about 0.3 MB at the default shape.

    A larger `width` (a multiple of 32) or more `layers` make it slower; `template` None leaves the chat
    template out; `pooling` is how it says that it makes vectors of texts; `broken_weights` puts NaN into one
    tensor.
    """
    heads, feed_forward = width // 16, 2 * width
    tokens, merges = byte_pairs()
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny-random")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(feed_forward)
    writer.add_head_count(heads)
    writer.add_head_count_kv(heads // 2)
    writer.add_rope_dimension_count(16)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*tokens, *CONTROL_TOKENS])
    ordinary, control = int(gguf.TokenType.NORMAL), int(gguf.TokenType.CONTROL)
    writer.add_token_types([ordinary] * len(tokens) + [control] * len(CONTROL_TOKENS))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(len(tokens))
    writer.add_eos_token_id(len(tokens) + CONTROL_TOKENS.index("<|im_end|>"))
    writer.add_add_bos_token(False)
    if pooling is not None:
        writer.add_pooling_type(pooling)
    if template is not None:
        writer.add_chat_template(template)

    dice = np.random.default_rng(seed)

    def add(name: str, *shape: int) -> None:
        weights = dice.normal(0.0, 0.08, shape).astype(np.float16)
        if broken_weights and name == "blk.0.ffn_down.weight":
            weights[0, :] = np.nan
        writer.add_tensor(name, weights)

    def add_norm(name: str) -> None:
        writer.add_tensor(name, np.ones(width, dtype=np.float32))

    vocabulary = len(tokens) + len(CONTROL_TOKENS)
    add("token_embd.weight", vocabulary, width)
    for n in range(layers):
        add_norm(f"blk.{n}.attn_norm.weight")
        add(f"blk.{n}.attn_q.weight", width, width)
        add(f"blk.{n}.attn_k.weight", width // 2, width)
        add(f"blk.{n}.attn_v.weight", width // 2, width)
        add(f"blk.{n}.attn_output.weight", width, width)
        add_norm(f"blk.{n}.ffn_norm.weight")
        add(f"blk.{n}.ffn_gate.weight", feed_forward, width)
        add(f"blk.{n}.ffn_up.weight", feed_forward, width)
        add(f"blk.{n}.ffn_down.weight", width, feed_forward)
    add_norm("output_norm.weight")
    add("output.weight", vocabulary, width)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@cache
def byte_pairs() -> tuple[list[str], list[str]]:
    """Byte-level BPE learnt from a few sentences: every byte is a token, so every text can be read."""
    alphabet = printable_bytes()
    words = Counter(tuple(alphabet[b] for b in (" " + word).encode()) for word in _CORPUS.split())
    tokens, merges = dict.fromkeys(alphabet.values()), []
    for _ in range(_MERGES):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in words.items():
            for pair in pairwise(word):
                pairs[pair] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(" ".join(best))
        tokens["".join(best)] = None
        words = Counter({_merged(word, best): count for word, count in words.items()})
    return list(tokens), merges


def _merged(word: tuple[str, ...], pair: tuple[str, str]) -> tuple[str, ...]:
    out: list[str] = []
    for piece in word:
        if out and (out[-1], piece) == pair:
            out[-1] += piece
        else:
            out.append(piece)
    return tuple(out)


def printable_bytes() -> dict[int, str]:
    """The visible stand-in for each byte that byte-level vocabularies use: itself, or one above 255."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    names = {byte: chr(byte) for byte in visible}
    for byte in range(256):
        names.setdefault(byte, chr(256 + len(names) - len(visible)))
    return names


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Usage: python tests/support/tiny_gguf.py OUT.gguf")
    print(build_tiny_gguf(Path(sys.argv[1])))
