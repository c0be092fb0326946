"""A prompt as the body of POST /v1/messages. Pure."""

from __future__ import annotations

from typing import Any

from ccos.domain.prompt import Prompt, Turn
from ccos.providers.anthropic_wire.dialect import Dialect
from ccos.providers.schema import closed

ANSWER_TOOL = "answer"
OPENING = "(The conversation so far begins with our own message.)"
"""Said for the user where a history starts with us: the format wants the user to begin."""


def to_wire(prompt: Prompt, model: str, dialect: Dialect) -> dict[str, Any]:
    """The request body. It always asks for a stream, so that a silent upstream is noticed early."""
    body: dict[str, Any] = {
        "model": model,
        "messages": _messages(prompt.turns),
        "max_tokens": token_limit(prompt, dialect),
        "stream": True,
    }
    if prompt.system.strip():
        body["system"] = prompt.system
    if dialect.temperature:
        body["temperature"] = min(prompt.temperature, 1.0)
    if dialect.effort is not None:
        body["output_config"] = {"effort": dialect.effort}
    if prompt.schema is not None:
        schema = closed(prompt.schema)
        if dialect.schema == "output_config":
            shape = {"type": "json_schema", "schema": schema}
            body["output_config"] = {**body.get("output_config", {}), "format": shape}
        else:
            tool = {"name": ANSWER_TOOL, "description": "Gives the answer.", "input_schema": schema}
            body |= {"tools": [tool], "tool_choice": {"type": "tool", "name": ANSWER_TOOL}}
    return body


def token_limit(prompt: Prompt, dialect: Dialect) -> int:
    """The most tokens the answer can cost, thinking included."""
    return prompt.max_tokens + dialect.thinking_tokens


def _messages(turns: tuple[Turn, ...]) -> list[dict[str, str]]:
    """Turns that alternate and begin with the user; neighbours of one role become one."""
    messages: list[dict[str, str]] = []
    for turn in turns:
        if not turn.text.strip():
            continue
        if not messages and turn.role == "assistant":
            messages.append({"role": "user", "content": OPENING})
        if messages and messages[-1]["role"] == turn.role:
            messages[-1]["content"] += f"\n\n{turn.text}"
        else:
            messages.append({"role": turn.role, "content": turn.text})
    return messages
