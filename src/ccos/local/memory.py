"""How much memory a model needs."""

from __future__ import annotations

from ccos.domain.errors import ModelUnusable
from ccos.local.gguf import ModelFile

_WORKING_BYTES = 64 * 2**20
_BATCH_TOKENS = 128
_SMALL_CONTEXT = 4_096
_SMALL_FILE = 64 * 2**20


def needed_bytes(model: ModelFile, context_tokens: int, slots: int) -> int:
    """Weights, keys and values of a context for each slot, and the engine's working room.

    Q4_0 weights are counted twice: the engine keeps a copy of them in a faster order.
    """
    working = _WORKING_BYTES + _BATCH_TOKENS * model.vocabulary * 4
    return _weights(model) + model.kv_bytes_per_token * context_tokens * slots + working


def check_fits(model: ModelFile, context_tokens: int, slots: int, available: int | None) -> None:
    """Raise ModelUnusable, saying what would fit, when the model needs more than is available (bytes)."""
    needed = needed_bytes(model, context_tokens, slots)
    if available is None or needed <= available:
        return
    sentence = f"The model needs about {_amount(needed)} of memory and {_amount(available)} is available"
    per_token = model.kv_bytes_per_token * slots
    fitting = (available - needed_bytes(model, 0, slots)) // per_token if per_token else 0
    file_room = available - (
        needed_bytes(model, min(context_tokens, _SMALL_CONTEXT), slots) - _weights(model)
    )
    if fitting >= _SMALL_CONTEXT // 2:
        advice = f"set its context to {fitting // 256 * 256} tokens or less"
    elif file_room >= _SMALL_FILE:
        advice = f"use a model file of at most {_amount(file_room // (2 if model.is_q4_0 else 1))}"
    else:
        advice = "free some memory"
    raise ModelUnusable(f"{sentence}; {advice}.", needed_bytes=needed, available_bytes=available)


def _weights(model: ModelFile) -> int:
    return model.size * (2 if model.is_q4_0 else 1)


def _amount(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
