"""How much memory a model needs, and how much there is."""

from __future__ import annotations

from pathlib import Path

from ccos.domain.errors import ModelUnusable
from ccos.local.gguf import ModelFile

_WORKING_BYTES = 64 * 2**20
_BATCH_TOKENS = 128


def needed_bytes(model: ModelFile, context_tokens: int) -> int:
    """Weights, keys and values of the context, and the engine's working room.

    Q4_0 weights are counted twice: the engine keeps a copy of them in a faster order.
    """
    weights = model.size * (2 if model.is_q4_0 else 1)
    return weights + model.kv_bytes_per_token * context_tokens + _fixed_bytes(model)


def check_fits(model: ModelFile, context_tokens: int, available: int | None) -> None:
    """Raise ModelUnusable, saying what would fit, when the model needs more than is available (bytes)."""
    if available is None:
        return
    needed = needed_bytes(model, context_tokens)
    if needed <= available:
        return
    sentence = f"The model needs about {_gib(needed)} of memory and {_gib(available)} is available"
    per_token = model.kv_bytes_per_token
    fitting = (available - needed_bytes(model, 0)) // per_token if per_token else 0
    if fitting >= 1024:
        advice = f"set its context to {fitting // 256 * 256} tokens or less"
    else:
        room = available - per_token * min(context_tokens, 4096) - _fixed_bytes(model)
        advice = f"use a model file of at most {_gib(max(room, 0))}" if room > 2**26 else "free some memory"
    raise ModelUnusable(f"{sentence}; {advice}.", needed_bytes=needed, available_bytes=available)


def available_bytes(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Memory that can be had without swapping, within the container's limit; None where nobody says."""
    found = [amount for amount in (_of_machine(proc), _of_container(cgroup)) if amount is not None]
    return min(found, default=None)


def _of_machine(proc: Path) -> int | None:
    try:
        for line in (proc / "meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _of_container(cgroup: Path) -> int | None:
    """The rest of a cgroup v2 limit; cached file pages count as free, since they are given back."""
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        if limit == "max":
            return None
        used = int((cgroup / "memory.current").read_text())
        for line in (cgroup / "memory.stat").read_text().splitlines():
            if line.startswith("inactive_file "):
                used -= int(line.split()[1])
        return max(int(limit) - used, 0)
    except (OSError, ValueError, IndexError):
        return None


def _fixed_bytes(model: ModelFile) -> int:
    return _WORKING_BYTES + _BATCH_TOKENS * model.vocabulary * 4


def _gib(amount: int) -> str:
    return f"{amount / 2**30:.1f} GiB" if amount >= 2**30 else f"{amount / 2**20:.0f} MiB"
