"""Trains the tiny model: lessons in, weights out, with a checkpoint that a killed run goes on from."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from ccos.domain.errors import BadInput
from ccos.learning.tiny import network
from ccos.learning.tiny.asks import Ask
from ccos.learning.tiny.corpus import Course, Lesson, lessons, plain_lesson
from ccos.learning.tiny.shape import Shape, Weights, random_weights
from ccos.learning.tiny.tokenizer import Tokenizer, learn
from ccos.providers.tiny.speech import ANSWER, CONTROL, Spoken, wording

BATCH, TOKENIZER_LESSONS = 32, 8_000
PEAK, LEAST_RATE, WARM_SHARE = 3e-3, 1e-4, 0.03
NOISE = 0.06
"""Share of a ticket's tokens that are replaced by chance."""
_CHECKPOINT_SECONDS = 60.0
_NO_LOSS = -100

Tell = Callable[[int, int, float], None]
"""Called with steps done, steps planned and the mean loss of late."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that decides the weights: the same plan on the same texts gives the same ones."""

    shape: Shape
    lessons: int
    seed: int

    @property
    def steps(self) -> int:
        return max(1, self.lessons // BATCH)

    def rate(self, step: int) -> float:
        """A short rise, then half a cosine down (Loshchilov and Hutter, 2017)."""
        warm = max(1, int(self.steps * WARM_SHARE))
        if step < warm:
            return PEAK * (step + 1) / warm
        done = (step - warm) / max(1, self.steps - warm)
        return LEAST_RATE + (PEAK - LEAST_RATE) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


@dataclass(frozen=True, slots=True)
class Trained:
    tokenizer: Tokenizer
    weights: Weights
    steps: int
    loss: float
    seconds: float


def tokenizer_for(plan: Plan, course: Course) -> Tokenizer:
    """The tokens of the first lessons."""
    taught = islice(lessons(course, Random(plan.seed)), TOKENIZER_LESSONS)  # noqa: S311
    texts = [text for lesson in taught for text in (lesson.ticket, lesson.answer)]
    return learn(texts, plan.shape.vocabulary, CONTROL)


def train(
    plan: Plan,
    course: Course,
    *,
    checkpoint: Path | None = None,
    seconds: float = math.inf,
    tell: Tell = lambda *_: None,
) -> Trained:
    """Trains until the plan's lessons or the `seconds` are over; goes on from `checkpoint` when it exists.

    Raises BadInput when PyTorch is missing, or the checkpoint is of another plan or of other texts.
    """
    torch = network.torch()
    torch.manual_seed(plan.seed)
    started = time.monotonic()
    state = _resumed(torch, checkpoint, plan, course)
    tokenizer = Tokenizer([tuple(pair) for pair in state["merges"]], CONTROL)
    weights = {name: tensor.requires_grad_() for name, tensor in state["weights"].items()}
    matrices = [tensor for tensor in weights.values() if tensor.dim() > 1]
    rest = [tensor for tensor in weights.values() if tensor.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.98))
    if state["optimiser"]:
        optimiser.load_state_dict(state["optimiser"])
    step, loss, spent = state["step"], state["loss"], state["seconds"]
    turn, kept = network.rotary(plan.shape), time.monotonic()

    def keep() -> None:
        if checkpoint is not None:
            now = {**state, "weights": {name: tensor.detach() for name, tensor in weights.items()}}
            now |= {"optimiser": optimiser.state_dict(), "step": step, "loss": loss}
            now["seconds"] = spent + time.monotonic() - started
            partial = checkpoint.with_suffix(".partial")
            torch.save(now, partial)
            partial.replace(checkpoint)

    batches = _batches(plan, course, tokenizer, step)
    while step < plan.steps and time.monotonic() - started < seconds:
        tokens, targets = (torch.tensor(rows) for rows in next(batches))
        for group in optimiser.param_groups:
            group["lr"] = plan.rate(step)
        states = network.hidden(weights, plan.shape, tokens, turn)
        learnt = targets != _NO_LOSS
        found = torch.nn.functional.cross_entropy(network.logits(weights, states[learnt]), targets[learnt])
        optimiser.zero_grad(set_to_none=True)
        found.backward()
        torch.nn.utils.clip_grad_norm_(list(weights.values()), 1.0)
        optimiser.step()
        step += 1
        seen = float(found.detach())
        loss = seen if step == 1 else 0.98 * loss + 0.02 * seen
        tell(step, plan.steps, loss)
        if time.monotonic() - kept > _CHECKPOINT_SECONDS:
            keep()
            kept = time.monotonic()
    keep()
    final = {name: tensor.detach().numpy() for name, tensor in weights.items()}
    return Trained(tokenizer, final, step, loss, spent + time.monotonic() - started)


@dataclass(frozen=True, slots=True)
class Known:
    """Of questions that no lesson held, how often the model writes exactly the right answer by itself."""

    asked: int
    queries: float
    drafts: float


def check(trained: Trained, shape: Shape, held: Sequence[Ask]) -> Known:
    """Puts the held-out questions as they were written down, and takes the likeliest token each time."""
    torch = network.torch()
    weights = {name: torch.from_numpy(array) for name, array in trained.weights.items()}
    turn, answer = network.rotary(shape), trained.tokenizer.number(ANSWER)
    asked = [ask for ask in held if ask.section]
    right: dict[Spoken, float] = {}
    for spoken in (Spoken.QUERY, Spoken.DRAFT):
        lessons_held = [plain_lesson(ask, spoken) for ask in asked]
        rows = [
            trained.tokenizer.encode(wording(one.spoken, one.ticket, one.answer), control=True)
            for one in lessons_held
        ]
        good = 0
        with torch.no_grad():
            for row in rows:
                tokens, targets = (torch.tensor(part) for part in _padded([row[: shape.context]], answer))
                best = network.logits(weights, network.hidden(weights, shape, tokens, turn)).argmax(-1)
                good += bool((best == targets)[targets != _NO_LOSS].all())
        right[spoken] = good / len(rows) if rows else 0.0
    return Known(len(asked), right[Spoken.QUERY], right[Spoken.DRAFT])


def _resumed(torch: Any, checkpoint: Path | None, plan: Plan, course: Course) -> dict[str, Any]:
    told = _fingerprint(plan, course)
    if checkpoint is not None and checkpoint.exists():
        try:
            state: dict[str, Any] = torch.load(checkpoint, weights_only=True)
        except Exception:  # whatever the file is, it is no checkpoint
            raise BadInput(f"{checkpoint} is no checkpoint of this command; give another --resume.") from None
        if state.get("plan") != told:
            raise BadInput(
                f"{checkpoint} was made with other options or data; give the same, or another --resume."
            )
        return state
    tokenizer = tokenizer_for(plan, course)
    start = random_weights(plan.shape, plan.seed)
    return {
        "plan": told,
        "merges": [list(pair) for pair in tokenizer.merges],
        "weights": {name: torch.from_numpy(array) for name, array in start.items()},
        "optimiser": None,
        "step": 0,
        "loss": 0.0,
        "seconds": 0.0,
    }


def _fingerprint(plan: Plan, course: Course) -> str:
    from hashlib import sha256

    texts = repr(course).encode()
    return json.dumps({**asdict(plan), "texts": sha256(texts).hexdigest()}, sort_keys=True)


def _batches(
    plan: Plan, course: Course, tokenizer: Tokenizer, done: int
) -> Iterator[tuple[list[list[int]], list[list[int]]]]:
    """Batches of lessons of like length; each eight have their own dice: a resumed run meets the same."""
    answer, pool = tokenizer.number(ANSWER), 8
    first = done // pool
    for block in range(first, plan.steps // pool + 1):
        dice = Random(f"{plan.seed}/{block}")  # noqa: S311
        taught = islice(lessons(course, dice), pool * BATCH)
        rows = sorted((_row(lesson, tokenizer, plan.shape.context, dice) for lesson in taught), key=len)
        groups = [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]
        dice.shuffle(groups)
        for group in groups[done % pool if block == first else 0 :]:
            yield _padded(group, answer)


def _row(lesson: Lesson, tokenizer: Tokenizer, context: int, dice: Random) -> list[int]:
    """A lesson's tokens; a few of the ticket are any others, so that none is relied upon alone."""
    row = tokenizer.encode(wording(lesson.spoken, lesson.ticket, lesson.answer), control=True)[:context]
    ordinary = len(tokenizer.tokens) - len(tokenizer.control)
    answer = tokenizer.number(ANSWER)
    for at in range(2, row.index(answer) if answer in row else 0):
        if dice.random() < NOISE:
            row[at] = dice.randrange(ordinary)
    return row


def _padded(rows: Sequence[Sequence[int]], answer: int) -> tuple[list[list[int]], list[list[int]]]:
    """Tokens, and what follows each where it belongs to the answer."""
    longest = max(map(len, rows))
    tokens, targets = [], []
    for row in rows:
        begin = row.index(answer) if answer in row else len(row)
        follow = [after if at >= begin else _NO_LOSS for at, after in enumerate(row[1:])]
        fill = longest - len(row)
        tokens.append([*row[:-1], *[0] * fill])
        targets.append([*follow, *[_NO_LOSS] * fill])
    return tokens, targets
