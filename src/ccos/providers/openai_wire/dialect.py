"""How OpenAI-compatible servers differ in what they take."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ccos.domain.prompt import Prompt


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a request to one server looks like, where servers disagree.

    `schema` is how an answer's shape is asked for: `json_schema` and `json_object` in `response_format`,
    `grammar` as a GBNF text (made by `grammar`) beside the messages, `none` and `json_object` in words too.
    `bounds` keeps minLength and the like in the schema: local servers enforce them, the strict clouds refuse.
    `reasoning_tokens` are given on top of the prompt's own limit to models that think within it.
    `logprobs` asks how probable each token was. `extra` is put into every body as it is,
    and what `extra_of` says of a prompt into the body of that prompt. Texts reach the server without what
    `control` finds (providers/control.py).
    """

    schema: Literal["json_schema", "json_object", "grammar", "none"] = "json_schema"
    grammar: Callable[[Mapping[str, Any]], str] | None = None
    bounds: bool = False
    token_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # noqa: S105  a field name, no secret
    temperature: bool = True
    reasoning_tokens: int = 0
    stream_usage: bool = True
    return_progress: bool = False
    logprobs: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    extra_of: Callable[[Prompt], Mapping[str, Any]] = lambda _prompt: {}
    control: re.Pattern[str] | None = None

    def __post_init__(self) -> None:
        if self.schema == "grammar" and self.grammar is None:
            raise ValueError("a dialect of grammars needs the function that makes one of a schema")


_REASONS = re.compile(r"(?:^|/)(?:o\d|gpt-(?:[5-9](?!\d)|[12]\d))(?!.*-chat)")


def dialect_for(model: str, *, official: bool = True) -> Dialect:
    """The dialect of a cloud model by its name. `official`: OpenAI itself, which wants the newer names.

    Models that reason take no temperature, and their thinking counts against the token limit.
    """
    if _REASONS.search(model):
        return Dialect(
            token_limit="max_completion_tokens",  # noqa: S106  a field name, no secret
            temperature=False,
            reasoning_tokens=2_000,
            extra={"reasoning_effort": "low"},
        )
    return Dialect(token_limit="max_completion_tokens" if official else "max_tokens")
