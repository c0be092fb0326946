"""How much memory a model needs, how much of it may grow, and when it has grown too far."""

from __future__ import annotations

from ccos.domain.errors import ModelUnusable
from ccos.local.gguf import ModelFile

MIB = 2**20
CACHED_TOKENS = 16_384
"""So much of past prompts is worth keeping: the fixed beginnings, and a few tenants' own."""
LEAST_CACHE_MIB, MOST_CACHE_MIB = 64, 1_024
MARGIN_BYTES, MARGIN_SHARE = 256 * MIB, 0.25
"""What an engine may take beyond the account before it counts as a leak: the interpreter, scratch buffers,
pages the allocator keeps."""

_WORKING_BYTES = 64 * MIB
_BATCH_TOKENS = 128
_SMALL_CONTEXT = 4_096
_SMALL_FILE = 64 * MIB


def needed_bytes(
    model: ModelFile,
    context_tokens: int,
    slots: int,
    *,
    cache_mib: int = 0,
    gpu_layers: int | None = None,
    adapter_bytes: int = 0,
) -> int:
    """Weights, those of adapters, keys and values of a context for each slot, the prompt cache and the
    engine's working room.

    Q4_0 weights are counted twice: the engine keeps a copy of them in a faster order. What lies on a graphics
    card, weights with their keys and values, takes no memory of the machine.
    """
    here = 1.0 - on_card(model, gpu_layers)
    held = _weights(model) + adapter_bytes + model.kv_bytes_per_token * context_tokens * slots
    return int(held * here) + cache_mib * MIB + _working(model)


def on_card(model: ModelFile, gpu_layers: int | None) -> float:
    """The share of the weights on a graphics card; the output counts as one layer more, as the engine counts.

    Where nobody says, none is: a share that is not there would be missed in the machine's memory.
    """
    if gpu_layers is None or model.layers == 0:
        return 0.0
    return 1.0 if gpu_layers < 0 else min(gpu_layers / (model.layers + 1), 1.0)


def chosen_cache_mib(model: ModelFile, needed: int, available: int | None) -> int:
    """MiB for what was read of earlier prompts: keys and values of CACHED_TOKENS, within 64 and 1,024 MiB.

    At most half of what is available beyond `needed` bytes goes there, even if that is nothing.
    """
    wished = -(-model.kv_bytes_per_token * CACHED_TOKENS // MIB)
    bounded = min(max(wished, LEAST_CACHE_MIB), MOST_CACHE_MIB)
    return bounded if available is None else min(bounded, max(available - needed, 0) // 2 // MIB)


def ceiling_bytes(
    model: ModelFile,
    context_tokens: int,
    slots: int,
    *,
    cache_mib: int,
    at_start: int = 0,
    adapter_bytes: int = 0,
) -> int:
    """The most memory of its own that a healthy child comes to; above it something leaks.

    Weights that are mapped from the file are no memory of its own. `at_start` is what the child had when it
    was ready, where that is more than the account says: some architectures hold more than their header tells.
    """
    copied = model.size if model.is_q4_0 else 0
    account = copied + model.kv_bytes_per_token * context_tokens * slots + adapter_bytes + _working(model)
    held = max(account, at_start) + cache_mib * MIB
    return held + max(MARGIN_BYTES, int(held * MARGIN_SHARE))


def check_fits(
    model: ModelFile,
    context_tokens: int,
    slots: int,
    available: int | None,
    *,
    promised: int = 0,
    cache_mib: int = 0,
    gpu_layers: int | None = None,
    adapter_bytes: int = 0,
) -> None:
    """Raise ModelUnusable, saying what would fit, when the model needs more than is available (bytes).

    Of that, `promised` bytes are for other models.
    """

    def needs(context: int) -> int:
        return needed_bytes(
            model, context, slots, cache_mib=cache_mib, gpu_layers=gpu_layers, adapter_bytes=adapter_bytes
        )

    needed = needs(context_tokens)
    if available is None or needed <= available - promised:
        return
    available -= promised
    sentence = (
        f"The model needs about {amount(needed)} of memory and {amount(max(available, 0))} is available"
    )
    if promised:
        sentence += f" beside {amount(promised)} that other models here were promised"
    here = 1.0 - on_card(model, gpu_layers)
    per_token = int(model.kv_bytes_per_token * slots * here)
    fitting = (available - needs(0)) // per_token if per_token else 0
    file_room = available - (needs(min(context_tokens, _SMALL_CONTEXT)) - int(_weights(model) * here))
    if fitting >= _SMALL_CONTEXT // 2:
        advice = f"set its context to {fitting // 256 * 256} tokens or less"
    elif file_room >= _SMALL_FILE:
        advice = f"use a model file of at most {amount(file_room // (2 if model.is_q4_0 else 1))}"
    else:
        advice = "free some memory"
    raise ModelUnusable(f"{sentence}; {advice}.", needed_bytes=needed, available_bytes=available, passes=True)


def amount(size: int) -> str:
    """Bytes for people."""
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / MIB:.0f} MiB"


def _weights(model: ModelFile) -> int:
    return model.size * (2 if model.is_q4_0 else 1)


def _working(model: ModelFile) -> int:
    return _WORKING_BYTES + _BATCH_TOKENS * model.vocabulary * 4
