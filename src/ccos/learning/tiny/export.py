"""Weights and tokens as a GGUF file that llama.cpp loads: arch llama, Q8_0, our own chat template."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ccos.domain.errors import BadInput
from ccos.learning.tiny.shape import HEAD, Shape, Weights
from ccos.learning.tiny.tokenizer import Tokenizer
from ccos.providers.tiny.speech import END, TEMPLATE

EPSILON, ROTARY_BASE = 1e-5, 10_000.0
NAME = "ccos-tiny-drafter"
MARK = "ccos.tiny"
"""A key of the file: a file that has it speaks in placeholders, and is put behind a `TinyDrafter`."""
SPEECH_VERSION = 1


def gguf_package() -> Any:
    """The package that writes GGUF, or BadInput with how to install it."""
    try:
        import gguf
        import gguf.quants
    except ImportError:
        raise BadInput('Writing GGUF needs a package; install it with: pip install "ccos[tiny]"') from None
    return gguf


def write_gguf(path: Path, shape: Shape, weights: Weights, tokenizer: Tokenizer, *, about: str = "") -> Path:
    """Writes the file, whole or not at all; the same weights give the same bytes.

    Norms stay F32, matrices become Q8_0. Raises BadInput when `gguf` is missing or the weights do not fit.
    """
    gguf = gguf_package()
    wanted = shape.tensors()
    if {name: tensor.shape for name, tensor in weights.items()} != wanted or shape.vocabulary != len(
        tokenizer.tokens
    ):
        raise BadInput("The weights do not have the shape that they are to be written in.")
    if not all(np.isfinite(tensor).all() for tensor in weights.values()):
        raise BadInput("The weights hold values that are no numbers; train with other options.")
    partial = path.with_name(f"{path.name}.partial")
    writer = gguf.GGUFWriter(str(partial), "llama")
    writer.add_name(NAME)
    writer.add_description(about)
    writer.add_uint32(MARK, SPEECH_VERSION)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(ROTARY_BASE)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    _add_tokens(writer, gguf, tokenizer)
    for name in wanted:
        tensor = np.ascontiguousarray(weights[name], np.float32)
        if tensor.ndim == 1:
            writer.add_tensor(name, tensor)
        else:
            kind = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(name, gguf.quants.quantize(tensor, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(path)
    return path


def _add_tokens(writer: Any, gguf: Any, tokenizer: Tokenizer) -> None:
    control = len(tokenizer.control)
    kinds = gguf.TokenType
    types = [int(kinds.NORMAL)] * (len(tokenizer.tokens) - control) + [int(kinds.CONTROL)] * control
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(list(tokenizer.tokens))
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(pair) for pair in tokenizer.merges])
    writer.add_bos_token_id(tokenizer.number(END))
    writer.add_eos_token_id(tokenizer.number(END))
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)
