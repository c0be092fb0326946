"""A prompt as the body of POST /chat/completions. Pure."""

from __future__ import annotations

from typing import Any

import orjson

from ccos.domain.prompt import Prompt
from ccos.providers.control import broken_up
from ccos.providers.openai_wire.dialect import Dialect
from ccos.providers.schema import closed, is_strict


def to_wire(prompt: Prompt, model: str, dialect: Dialect) -> dict[str, Any]:
    """The request body. It always asks for a stream, so that a silent upstream is noticed early."""
    body: dict[str, Any] = {
        **dialect.extra,
        **dialect.extra_of(prompt),
        "model": model,
        "messages": _messages(prompt, dialect),
        dialect.token_limit: token_limit(prompt, dialect),
        "stream": True,
    }
    if dialect.stream_usage:
        body["stream_options"] = {"include_usage": True}
    if dialect.temperature:
        body["temperature"] = prompt.temperature
    if dialect.return_progress:
        body["return_progress"] = True
    if dialect.logprobs:
        body |= {"logprobs": True, "top_logprobs": 1}
    if prompt.schema is not None:
        body |= _shape(prompt, dialect)
    return body


def token_limit(prompt: Prompt, dialect: Dialect) -> int:
    """The most tokens the answer can cost, thinking included."""
    return prompt.max_tokens + dialect.reasoning_tokens


def _messages(prompt: Prompt, dialect: Dialect) -> list[dict[str, str]]:
    said = [("system", prompt.system), *((turn.role, turn.text) for turn in prompt.turns)]
    messages = [
        {"role": role, "content": broken_up(text, dialect.control)} for role, text in said if text.strip()
    ]
    if prompt.schema is not None and dialect.schema in ("json_object", "none"):
        # At the end: what stands before it is alike for several questions, and a server reads that once.
        shape = orjson.dumps(prompt.schema).decode()
        wish = f"Answer with one JSON object and nothing else. Its JSON schema: {shape}"
        if messages and messages[-1]["role"] == "user":
            messages[-1]["content"] += f"\n\n{wish}"
        else:
            messages.append({"role": "user", "content": wish})
    return messages


def _shape(prompt: Prompt, dialect: Dialect) -> dict[str, Any]:
    assert prompt.schema is not None
    if dialect.schema == "json_schema":
        schema = closed(prompt.schema, bounds=dialect.bounds)
        described = {"name": prompt.task.value, "schema": schema, "strict": is_strict(schema)}
        return {"response_format": {"type": "json_schema", "json_schema": described}}
    if dialect.schema == "json_object":
        return {"response_format": {"type": "json_object"}}
    if dialect.schema == "grammar" and dialect.grammar is not None:
        return {"grammar": dialect.grammar(prompt.schema)}
    return {}
