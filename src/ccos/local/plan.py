"""How one local model is served: what its process is told, and what of it the rest may know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ccos.domain.errors import ModelUnusable
from ccos.local.adapters import Adapter
from ccos.local.gguf import ModelFile
from ccos.local.machine import decoding_threads
from ccos.local.memory import MIB, ceiling_bytes, check_fits, chosen_cache_mib, needed_bytes

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content']"
    " + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""The chat template of a file that brings none."""

PROMPT_BATCH_TOKENS = 128
"""So much of a prompt is read at a time: a cancelled one stops after one batch."""

Speculation = Literal["off", "lookup"]
"""`lookup` guesses the next words from the prompt itself: replies copy from their evidence."""


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """Which file to serve, and how.

    Each of the `slots` writes one answer at a time, within `context_tokens` of its own; on a processor more
    than two gain nothing. `gpu_layers` of the model go to a graphics card where the engine was built for
    one; None leaves the number to the engine. `cache_mib` of what was read of earlier prompts are kept; None
    goes by the model and the memory there is. A process with more than `ceiling_mib` of its own memory is
    replaced; None goes by what the model needs. `warm_system` are system texts that are read ahead of
    traffic. Those of the `adapters` that fit the file are loaded beside it.
    One that `embeds` makes vectors of texts, at /v1/embeddings, and each text must fit into
    `context_tokens`.
    """

    name: str
    path: Path
    context_tokens: int = 8_192
    slots: int = 2
    threads: int = field(default_factory=decoding_threads)
    gpu_layers: int | None = None
    cache_mib: int | None = None
    ceiling_mib: int | None = None
    warm_system: tuple[str, ...] = ()
    adapters: tuple[Adapter, ...] = ()
    speculation: Speculation = "off"
    embeds: bool = False

    def context(self, model: ModelFile) -> int:
        """Tokens of one slot: what was wished, or what the model was trained for when that is less."""
        return min(self.context_tokens, model.context_length or self.context_tokens)

    def fitted(self, model: ModelFile, available: int | None, promised: int = 0) -> int:
        """MiB of prompt cache, when the model fits into the `available` bytes less those that are `promised`
        to others; else raises ModelUnusable.
        """
        cache = self.cache_mib
        if cache is None:
            left = None if available is None else available - promised
            cache = 0 if self.embeds else chosen_cache_mib(model, self.needed(model), left)
        context, layers = self.context(model), self.gpu_layers
        check_fits(
            model,
            context,
            self.slots,
            available,
            promised=promised,
            cache_mib=cache,
            gpu_layers=layers,
            adapter_bytes=self._adapter_bytes(),
        )
        return cache

    def needed(self, model: ModelFile, *, cache_mib: int = 0) -> int:
        """Bytes of the machine's memory that it comes to with that cache."""
        context = self.context(model)
        return needed_bytes(
            model,
            context,
            self.slots,
            cache_mib=cache_mib,
            gpu_layers=self.gpu_layers,
            adapter_bytes=self._adapter_bytes(),
        )

    def ceiling(self, model: ModelFile, *, cache_mib: int, at_start: int) -> int:
        """The most bytes of its own that a process with this model may have; it had `at_start` when ready."""
        if self.ceiling_mib is not None:
            return self.ceiling_mib * MIB
        return ceiling_bytes(
            model,
            self.context(model),
            self.slots,
            cache_mib=cache_mib,
            at_start=at_start,
            adapter_bytes=self._adapter_bytes(),
        )

    def _adapter_bytes(self) -> int:
        return sum(adapter.path.stat().st_size for adapter in self.adapters if adapter.path.exists())

    def told(
        self,
        model: ModelFile,
        *,
        key: str,
        cache_mib: int,
        check_weights: bool,
        adapters: Sequence[Adapter] = (),
    ) -> dict[str, Any]:
        """The line of JSON the process reads. `check_weights`: NaN weights load and answer nonsense."""
        context = self.context(model)
        return {
            "model": str(model.path),
            "name": self.name,
            "context_tokens": context,
            "slots": self.slots,
            "threads": self.threads,
            "gpu_layers": self.gpu_layers,
            "cache_mib": cache_mib,
            "keep_weights_as_they_are": not model.is_q4_0,  # the engine's reordered copy pays for Q4_0 only
            "check_weights": check_weights,
            "chat_template": "" if model.has_chat_template else CHATML,
            "pooling": pooling(model) if self.embeds else "",
            # a text to embed is read in one batch, for its tokens see each other
            "batch_tokens": context if self.embeds else PROMPT_BATCH_TOKENS,
            "adapters": [str(adapter.path) for adapter in adapters],
            "speculation": self.speculation,
            "key": key,
        }


def pooling(model: ModelFile) -> str:
    """How a text's tokens become one vector: as the file says, or their mean. Raises ModelUnusable."""
    if model.pooling == "rank":
        raise ModelUnusable(f"{model.path} ranks texts and makes no vectors; give an embedding model's file.")
    return model.pooling or "mean"
