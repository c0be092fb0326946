"""Trains a LoRA adapter with PEFT on a base model of Transformers. Thin: all that can be elsewhere is."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from ccos.domain.errors import BadInput
from ccos.learning.lora.preparing import Example
from ccos.local.plan import CHATML

TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""All projections: adapters of attention alone learn less at the same rank (Dettmers et al., 2023)."""
BATCH, MOST_TOKENS = 8, 2_048
WARM_SHARE = 0.05
_NO_LOSS = -100

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the adapter beside base and data. `steps` of BATCH examples each."""

    rank: int = 8
    steps: int = 200
    rate: float = 2e-4
    seed: int = 1

    def rate_at(self, step: int) -> float:
        """A short rise, then half a cosine down to nothing (Loshchilov and Hutter, 2017)."""
        warm = max(1, int(self.steps * WARM_SHARE))
        if step < warm:
            return self.rate * (step + 1) / warm
        return self.rate * 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))


@dataclass(frozen=True, slots=True)
class Trained:
    """`folder` is where PEFT saved it. Perplexities are of the held-out replies, before and after."""

    folder: Path
    steps: int
    loss: float
    too_long: int
    perplexity_before: float
    perplexity_after: float
    seconds: float


def packages() -> tuple[Any, Any, Any]:
    """torch, transformers and peft, or BadInput with how to install them."""
    try:
        import peft
        import torch
        import transformers
    except ImportError:
        raise BadInput(
            'Training an adapter needs PyTorch; install it with: pip install "ccos[lora]"'
        ) from None
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    warnings.filterwarnings("ignore", module=r"transformers|peft")  # about their own insides
    return torch, transformers, peft


def train(
    base: Path,
    taught: Sequence[Example],
    held: Sequence[Example],
    recipe: Recipe,
    folder: Path,
    *,
    tell: Tell = lambda *_: None,
) -> Trained:
    """Trains and saves into `folder`. The same recipe on the same data and machine gives the same adapter.

    Raises BadInput for a base that cannot be read, packages that are missing, examples that are all too long.
    """
    torch, transformers, peft = packages()
    started = time.monotonic()
    torch.manual_seed(recipe.seed)
    tokenizer, model = _opened(base, transformers)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = [row for each in taught if (row := _row(tokenizer, each)) is not None]
    exam = [row for each in held if (row := _row(tokenizer, each)) is not None]
    too_long = len(taught) + len(held) - len(rows) - len(exam)
    if not rows or not exam:
        raise BadInput(f"Every example is longer than {MOST_TOKENS} tokens; give shorter ones.")
    adapter = peft.LoraConfig(
        r=recipe.rank, lora_alpha=2 * recipe.rank, target_modules=list(TARGETS), task_type="CAUSAL_LM"
    )
    try:
        model = peft.get_peft_model(model, adapter).to(device)
    except ValueError as fault:
        raise BadInput("The base model has other layers than a Llama-like one; give one that has.") from fault
    before = _perplexity(torch, model, exam, device)
    parameters = [each for each in model.parameters() if each.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=0.0)
    loss, batches = 0.0, _batches(rows, recipe.seed)
    model.train()
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate_at(step)
        found = model(**_padded(torch, next(batches), device)).loss
        optimiser.zero_grad(set_to_none=True)
        found.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        seen = float(found.detach())
        loss = seen if step == 0 else 0.95 * loss + 0.05 * seen
        tell(step + 1, recipe.steps)
    after = _perplexity(torch, model, exam, device)
    if not math.isfinite(after):
        raise BadInput("The training ran away and the adapter holds no numbers; give a lower --rate.")
    model.save_pretrained(str(folder))
    return Trained(folder, recipe.steps, loss, too_long, before, after, time.monotonic() - started)


def _opened(base: Path, transformers: Any) -> tuple[Any, Any]:
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(str(base), local_files_only=True)
        model = transformers.AutoModelForCausalLM.from_pretrained(
            str(base), local_files_only=True, dtype="auto"
        )
    except (OSError, ValueError, KeyError) as fault:
        raise BadInput(
            f"{base} holds no model that Transformers can read; give a folder with config.json, weights and "
            "tokenizer."
        ) from fault
    if getattr(tokenizer, "chat_template", None) is None:
        tokenizer.chat_template = CHATML  # what the engine falls back to as well
    return tokenizer, model


def _row(tokenizer: Any, example: Example) -> tuple[list[int], list[int]] | None:
    """Tokens, and which of them are learnt: the reply and its end. None where they are too many."""
    asked = tokenizer.apply_chat_template(
        [dict(message) for message in example.messages], add_generation_prompt=True, tokenize=False
    )
    before = tokenizer(asked, add_special_tokens=False)["input_ids"]
    reply = [*tokenizer(example.reply, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
    if len(before) + len(reply) > MOST_TOKENS:
        return None
    return [*before, *reply], [*[_NO_LOSS] * len(before), *reply]


def _batches(rows: Sequence[tuple[list[int], list[int]]], seed: int) -> Iterator[Any]:
    dice = Random(seed)  # noqa: S311  it orders lessons and keeps no secret
    waiting: list[tuple[list[int], list[int]]] = []
    while True:
        while len(waiting) < BATCH:
            again = list(rows)
            dice.shuffle(again)
            waiting += again
        yield waiting[:BATCH]
        del waiting[:BATCH]


def _padded(torch: Any, rows: Sequence[tuple[list[int], list[int]]], device: str) -> dict[str, Any]:
    longest = max(len(tokens) for tokens, _ in rows)

    def padded(row: Sequence[int], value: int) -> list[int]:
        return [*row, *[value] * (longest - len(row))]

    return {
        "input_ids": torch.tensor([padded(tokens, 0) for tokens, _ in rows], device=device),
        "attention_mask": torch.tensor([padded([1] * len(tokens), 0) for tokens, _ in rows], device=device),
        "labels": torch.tensor([padded(labels, _NO_LOSS) for _, labels in rows], device=device),
    }


def _perplexity(torch: Any, model: Any, rows: Sequence[tuple[list[int], list[int]]], device: str) -> float:
    """exp of the mean negative log-probability of a reply's token."""
    model.eval()
    total, count = 0.0, 0
    with torch.no_grad():
        for row in rows:
            learnt = sum(label != _NO_LOSS for label in row[1])
            total += float(model(**_padded(torch, [row], device)).loss) * learnt
            count += learnt
    return math.exp(min(total / count, 700.0)) if math.isfinite(total) else math.nan
