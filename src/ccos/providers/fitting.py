"""Makes a prompt shorter by policy, so that it fits a model: oldest history first, then weakest evidence.

The ticket itself, the system text and an agent's hint are never touched: a prompt that is too long for other
reasons is left for a model with more room. What is left out of the text is left out of `grounds` too, so that
no answer can cite, and no check believe, what the model never saw. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ccos.domain.prompt import Prompt
from ccos.providers.tokens import PER_MESSAGE, likely_tokens

# A line of its own, whole: in a ticket no fence is ever closed, so none of its lines can look like this.
_EVIDENCE = re.compile(r'^<evidence n="(?P<n>\d+)"[^\n]*>\n.*?\n</evidence>\n?', re.DOTALL | re.MULTILINE)
_FACTS = re.compile(r"<facts>\n(?P<lines>.*?)\n</facts>", re.DOTALL)
_CITES = re.compile(r"\[(\d+)\]\s*$")
_GAPS = re.compile(r"\n{3,}")


@dataclass(frozen=True, slots=True)
class Cut:
    """A shorter prompt, and what was left out of it: how many turns of history, and which evidence."""

    prompt: Prompt
    turns: int = 0
    evidence: tuple[int, ...] = ()

    @property
    def left_out(self) -> tuple[str, ...]:
        """In words that hold no text: "history 3", "evidence 4,5"."""
        told = [f"history {self.turns}"] if self.turns else []
        numbers = ",".join(map(str, sorted(self.evidence)))
        return (*told, *([f"evidence {numbers}"] if numbers else []))


def reading_tokens(prompt: Prompt) -> int:
    """What the model has to read of a prompt, by our estimate. A grammar is not read, so a schema is not."""
    texts = [prompt.system, *(turn.text for turn in prompt.turns)]
    return PER_MESSAGE * (1 + len(prompt.turns)) + sum(map(likely_tokens, texts))


def cut_to(prompt: Prompt, room: float) -> Cut | None:
    """The prompt with as little left out as brings it to `room` tokens by our estimate; None if none does."""
    return next((cut for cut in _cuts(prompt) if reading_tokens(cut.prompt) <= room), None)


def cut_by(cut: Cut, counted: int, room: int) -> Cut | None:
    """What else to leave out when the model itself counted `counted` tokens and has room for `room`.

    Something goes at least, for a prompt that did not fit must not be sent again as it is.
    """
    prompt = cut.prompt
    scale = max(counted, 1) / max(reading_tokens(prompt), 1)
    for more in _cuts(prompt):
        if (more.turns or more.evidence) and reading_tokens(more.prompt) * scale <= room:
            return Cut(more.prompt, cut.turns + more.turns, (*cut.evidence, *more.evidence))
    return None


def _cuts(prompt: Prompt) -> Iterator[Cut]:
    """Ever shorter prompts, the whole one first."""
    yield Cut(prompt)
    if not prompt.turns:
        return
    *history, last = prompt.turns
    gone = 0
    while gone < len(history):
        gone += 1
        while gone < len(history) and history[gone].role == "assistant":
            gone += 1  # no template takes a conversation that the model began
        prompt = replace(prompt, turns=(*history[gone:], last))
        yield Cut(prompt, gone)
    known = {e.n for e in prompt.grounds.evidence}  # what else looks like evidence is somebody's own text
    blocks = [n for found in _EVIDENCE.finditer(last.text) if (n := int(found["n"])) in known]
    for kept in range(len(blocks) - 1, -1, -1):
        dropped = tuple(blocks[kept:])
        yield Cut(_without(prompt, frozenset(dropped)), gone, dropped)


def _without(prompt: Prompt, numbers: frozenset[int]) -> Prompt:
    """The prompt without those passages, nor the facts that were drawn from them."""
    last = prompt.turns[-1]
    text = _EVIDENCE.sub(lambda found: "" if int(found["n"]) in numbers else found[0], last.text)
    text = _FACTS.sub(lambda found: _facts_without(found["lines"], numbers), text)
    text = _GAPS.sub("\n\n", text).strip()
    evidence = tuple(e for e in prompt.grounds.evidence if e.n not in numbers)
    turns = (*prompt.turns[:-1], replace(last, text=text))
    return replace(prompt, turns=turns, grounds=replace(prompt.grounds, evidence=evidence))


def _facts_without(lines: str, numbers: frozenset[int]) -> str:
    kept = [
        line
        for line in lines.split("\n")
        if not ((cited := _CITES.search(line)) is not None and int(cited[1]) in numbers)
    ]
    return "<facts>\n" + "\n".join(kept) + "\n</facts>" if kept else ""
