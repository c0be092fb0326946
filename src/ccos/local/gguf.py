"""Reads the header of a GGUF file: enough to say why it cannot be used, and to plan memory for it.

Format: little-endian magic, version, tensor count, key-value count, the key-values, the tensor table,
padding to the alignment, tensor data (the ggml project's `docs/gguf.md`). A model file comes from
anywhere, so every count is checked against the bytes that are left before anything is read for it.
"""

from __future__ import annotations

import math
import os
import stat
import struct
import sys
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from ccos.domain.errors import ModelUnusable

_MAGIC = b"GGUF"
_VERSIONS = (2, 3)
_MAX_KEYS = 10_000
_MAX_TENSORS = 100_000
_MAX_ITEMS = 2_000_000
_MAX_STRING_BYTES = 8 * 2**20
_MAX_HEADER_BYTES = 96 * 2**20
_MAX_DEPTH = 3

_SCALARS: dict[int, struct.Struct] = {
    0: struct.Struct("<B"),
    1: struct.Struct("<b"),
    2: struct.Struct("<H"),
    3: struct.Struct("<h"),
    4: struct.Struct("<I"),
    5: struct.Struct("<i"),
    6: struct.Struct("<f"),
    7: struct.Struct("<?"),
    10: struct.Struct("<Q"),
    11: struct.Struct("<q"),
    12: struct.Struct("<d"),
}
_ARRAY_CODES = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_U32, _U64 = _SCALARS[4], _SCALARS[10]

# Weights per block and bytes per block of each tensor type (ggml's `ggml.c`, type traits).
_BLOCKS: dict[int, tuple[int, int]] = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 40),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110),
    22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8),
    29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36),
    41: (128, 18),
}  # fmt: skip

_CONTROL, _USER_DEFINED = 3, 4
_MOSTLY_Q4_0 = 2
_LEAST_CONTEXT = 64
"""Tokens below which nothing can be asked of a model: a file that claims so few is damaged or no use."""
_POOLING = {1: "mean", 2: "cls", 3: "last", 4: "rank"}


@dataclass(frozen=True, slots=True)
class ModelFile:
    """What the header of a model file says. Sizes are in bytes, lengths in tokens.

    `pooling` is how an embedding model makes one vector of a text; empty where the file does not say.
    `file_type` is the engine's number for how most weights are stored.
    """

    path: Path
    size: int
    architecture: str
    name: str
    context_length: int
    has_chat_template: bool
    tokenizer: str
    vocabulary: int
    control_tokens: tuple[str, ...]
    kv_bytes_per_token: int
    is_q4_0: bool
    pooling: str = ""
    layers: int = 0
    file_type: int | None = None
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """The key-values of a GGUF file, and of each tensor its dimensions, the fastest first, and the number of
    its type.
    """

    path: Path
    size: int
    values: Mapping[str, Any]
    tensors: Mapping[str, tuple[int, ...]]
    types: Mapping[str, int] = field(default_factory=dict)


def read_model_file(path: Path) -> ModelFile:
    """Read and check the header of the model at `path`; raises ModelUnusable with one sentence."""
    return _described(read_header(path))


def read_header(path: Path, *, what: str = "model file") -> Header:
    """Read the header of the GGUF file at `path`; the sentence of a ModelUnusable calls it a `what`."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ModelUnusable(f"{path} is a folder; give the path of the .gguf file in it.")
        if not stat.S_ISREG(status.st_mode):
            raise ModelUnusable(f"{path} is not a regular file; give the path of a .gguf file.")
        with path.open("rb") as file:
            return _read(path, _Reader(file, path, os.fstat(file.fileno()).st_size, what))
    except FileNotFoundError as fault:
        raise ModelUnusable(f"There is no {what} at {path}; check the path.") from fault
    except OSError as fault:
        reason = fault.strerror or type(fault).__name__
        raise ModelUnusable(f"The {what} {path} cannot be read: {reason}.") from fault
    except ValueError as fault:  # a NUL in the path
        raise ModelUnusable(f"The path of the {what} holds a NUL character; correct it.") from fault


class _Reader:
    """Takes bytes from the front of a file, never more than the file or the header limit has."""

    def __init__(self, file: BinaryIO, path: Path, size: int, what: str) -> None:
        self._file, self._path, self.size, self.what = file, path, size, what
        self.position = 0

    def take(self, count: int) -> bytes:
        self.need(count)
        data = self._file.read(count)
        if len(data) != count:
            raise self.truncated()
        self.position += count
        return data

    def need(self, count: int) -> None:
        if count > self.size - self.position:
            raise self.truncated()
        if self.position + count > _MAX_HEADER_BYTES:
            raise self.damaged(f"its header is longer than {_MAX_HEADER_BYTES // 2**20} MiB")

    def number(self, layout: struct.Struct) -> Any:
        return layout.unpack(self.take(layout.size))[0]

    def text(self) -> str:
        length = self.number(_U64)
        if length > _MAX_STRING_BYTES:
            raise self.damaged(f"a text in its header claims {length} bytes")
        return self.take(length).decode("utf-8", errors="replace")

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self._array(depth + 1)
        return self.number(self._layout(kind))

    def _array(self, depth: int) -> list[Any] | array[Any]:
        kind, count = self.number(_U32), self.number(_U64)
        if depth > _MAX_DEPTH:
            raise self.damaged("its header nests lists too deeply")
        if count > _MAX_ITEMS:
            raise self.damaged(f"a list in its header claims {count} items")
        if kind in (_STRING, _ARRAY):
            self.need(count * (8 if kind == _STRING else 12))
            return [self.value(kind, depth) for _ in range(count)]
        layout = self._layout(kind)
        numbers = array(_ARRAY_CODES[kind], self.take(count * layout.size))
        if sys.byteorder == "big":
            numbers.byteswap()
        return numbers

    def _layout(self, kind: int) -> struct.Struct:
        try:
            return _SCALARS[kind]
        except KeyError:
            raise self.damaged(f"a value in its header has the unknown type {kind}") from None

    def truncated(self) -> ModelUnusable:
        return ModelUnusable(
            f"The {self.what} {self._path} is cut off after {self.size} bytes; download it again.",
            path=str(self._path),
        )

    def damaged(self, why: str) -> ModelUnusable:
        return _damaged(self._path, why, self.what)


def _damaged(path: Path, why: str, what: str = "model file") -> ModelUnusable:
    return ModelUnusable(f"The {what} {path} is damaged ({why}); download it again.", path=str(path))


def _read(path: Path, reader: _Reader) -> Header:
    if reader.size == 0:
        raise ModelUnusable(f"The {reader.what} {path} is empty; download it again.")
    if reader.size < len(_MAGIC) or reader.take(len(_MAGIC)) != _MAGIC:
        raise ModelUnusable(f"{path} is not a GGUF file; give a model in GGUF format.")
    version = reader.number(_U32)
    if version not in _VERSIONS:
        raise ModelUnusable(f"{path} is GGUF version {version}; only versions 2 and 3 can be read.")
    tensors, keys = reader.number(_U64), reader.number(_U64)
    if tensors > _MAX_TENSORS or keys > _MAX_KEYS:
        raise reader.damaged(f"it claims {tensors} tensors and {keys} header keys")
    header = {reader.text(): reader.value(reader.number(_U32)) for _ in range(keys)}
    return Header(path, reader.size, header, *_tensors(reader, tensors, header))


def _tensors(
    reader: _Reader, count: int, header: dict[str, Any]
) -> tuple[dict[str, tuple[int, ...]], dict[str, int]]:
    """Every tensor must lie inside the file: a broken download is found here, not by the engine."""
    end = 0
    found: dict[str, tuple[int, ...]] = {}
    types: dict[str, int] = {}
    for _ in range(count):
        name = reader.text()
        dimensions = reader.number(_U32)
        if not 1 <= dimensions <= 4:
            raise reader.damaged(f"a tensor claims {dimensions} dimensions")
        shape = tuple(reader.number(_U64) for _ in range(dimensions))
        found[name], weights = shape, math.prod(shape)
        kind, offset = reader.number(_U32), reader.number(_U64)
        types[name] = kind
        per_block, block_bytes = _BLOCKS.get(kind, (1, 0))  # a newer type: the engine will judge it
        end = max(end, offset + weights // per_block * block_bytes)
    alignment = header.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 1 <= alignment <= 65_536:
        raise reader.damaged("its alignment makes no sense")
    start = -(-reader.position // alignment) * alignment
    if count and start + end > reader.size:
        raise reader.truncated()
    return found, types


def _described(file: Header) -> ModelFile:
    path, header = file.path, file.values

    def number(key: str, default: int = 0) -> int:
        found = header.get(key, default)
        if isinstance(found, (list, array)):  # per layer: the largest is what memory must hold
            found = max((n for n in found if isinstance(n, int)), default=default)
        return found if isinstance(found, int) and found >= 0 else default

    def text(key: str) -> str:
        found = header.get(key, "")
        return found if isinstance(found, str) else ""

    architecture, tokens = text("general.architecture"), header.get("tokenizer.ggml.tokens")
    if text("general.type") == "adapter":
        raise ModelUnusable(f"{path} is a LoRA adapter, not a model; give the base model's file.")
    if not architecture:
        raise _damaged(path, "it does not name its architecture")
    if not file.tensors:
        raise ModelUnusable(f"{path} holds no weights, only a header; give the whole model file.")
    if architecture == "clip" or not isinstance(tokens, list) or not tokens:
        raise ModelUnusable(
            f"{path} holds no tokenizer, so it is not a chat model; give a chat model's file."
        )
    context = number(f"{architecture}.context_length")
    if 0 < context < _LEAST_CONTEXT:
        raise ModelUnusable(
            f"{path} gives its context as {context}, too short to ask anything; give another model's file."
        )
    kinds = header.get("tokenizer.ggml.token_type")
    special = (_CONTROL, _USER_DEFINED)
    control = (
        token
        for token, kind in zip(tokens, kinds if isinstance(kinds, array) else (), strict=False)
        if kind in special and isinstance(token, str) and token.strip()
    )
    heads = number(f"{architecture}.attention.head_count")
    head_width = number(f"{architecture}.embedding_length") // max(heads, 1)
    key_width = number(f"{architecture}.attention.key_length", head_width)
    value_width = number(f"{architecture}.attention.value_length", head_width)
    kv_heads = number(f"{architecture}.attention.head_count_kv", heads)
    layers = number(f"{architecture}.block_count")
    return ModelFile(
        path=path,
        size=file.size,
        architecture=architecture,
        name=text("general.name") or path.stem,
        context_length=context,
        has_chat_template=bool(text("tokenizer.chat_template").strip()),
        tokenizer=text("tokenizer.ggml.model"),
        vocabulary=len(tokens),
        control_tokens=tuple(sorted(set(control))),
        kv_bytes_per_token=2 * layers * kv_heads * (key_width + value_width),
        is_q4_0=number("general.file_type") == _MOSTLY_Q4_0,
        pooling=_POOLING.get(number(f"{architecture}.pooling_type"), ""),
        layers=layers,
        file_type=number("general.file_type") if "general.file_type" in header else None,
        licence=text("general.license")[:100],
    )
