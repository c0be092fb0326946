"""What the Claude generations take and refuse, by model name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a request to one model looks, where generations disagree.

    `schema` is how an answer's shape is asked for: `output_config` (structured output, from 4.5 on) or
    `tool`, a forced tool whose input is the answer. `effort` is sent where thinking cannot be left out, and
    `thinking_tokens` are then given on top of the prompt's own limit.
    """

    schema: Literal["output_config", "tool"] = "tool"
    temperature: bool = False
    effort: Literal["low", "medium", "high"] | None = None
    thinking_tokens: int = 0


_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d{1,2})(?!\d)(?:[-.](\d{1,2})(?!\d))?")


def dialect_for(model: str) -> Dialect:
    """The dialect of a model by its name; one that is no Claude gets what every server of the format takes.

    Temperature is refused from 4.7 on; from 5 on the model thinks unless told otherwise, not all can be told,
    and a forced tool may be refused.
    """
    found = _VERSION.search(model)
    if found is None:
        return Dialect()
    version = (int(found[1]), int(found[2] or 0))
    if version >= (5, 0):
        return Dialect(schema="output_config", effort="low", thinking_tokens=2_000)
    return Dialect(
        schema="output_config" if version >= (4, 5) else "tool",
        temperature=version < (4, 7),
    )
