"""What /v1 says of itself in the OpenAPI document: FastAPI knows nothing of plain routes."""

from __future__ import annotations

from typing import Any

from msgspec.json import schema_components

from ccos.api.v1.anthropic_in import MessagesRequest
from ccos.api.v1.extras import PRIORITIES
from ccos.api.v1.names import ALIASES
from ccos.api.v1.openai_in import ChatCompletionRequest
from ccos.domain.draft import Outcome
from ccos.domain.tier import Mode

_REFERENCE = "#/components/schemas/{name}"

_LABEL = {
    "type": "object",
    "description": "Who answered, and at what price",
    "properties": {
        "request_id": {"type": "string"},
        "tier": {"type": "string", "enum": ["tier_0", "tier_1", "tier_2", "tier_3"]},
        "model": {"type": "string"},
        "attempts": {"type": "integer", "description": "Calls that were really made"},
        "tried": {
            "type": "array",
            "description": "Who was called or passed over, in order, and why",
            "items": {
                "type": "object",
                "properties": {
                    "tier": {"type": "string"},
                    "provider": {"type": "string"},
                    "outcome": {"type": "string", "enum": [outcome.value for outcome in Outcome]},
                    "reason": {"type": "string"},
                },
            },
        },
        "reason": {"type": "string", "description": "Why this tier answered"},
        "quality": {"type": "number"},
        "accepted": {"type": "boolean", "description": "Whether the answer passed the gate"},
        "certified": {"type": "boolean", "description": "Whether labels certify the quality required"},
        "degraded": {"type": "boolean", "description": "The cloud was wanted and could not be had"},
        "cost_usd": {"type": "number"},
        "cache": {"type": "string", "enum": ["hit", "miss", "off"]},
    },
}
_COUNT = {"type": "integer"}
_TEXT = {"type": "string"}
_SCHEMAS: dict[str, Any] = {
    "CcosLabel": _LABEL,
    "ChatCompletion": {
        "type": "object",
        "properties": {
            "id": _TEXT,
            "object": {"const": "chat.completion"},
            "created": _COUNT,
            "model": {"type": "string", "description": "The model that answered"},
            "choices": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "index": _COUNT,
                        "message": {
                            "type": "object",
                            "properties": {
                                "role": {"const": "assistant"},
                                "content": {"type": ["string", "null"]},
                                "refusal": {"type": ["string", "null"]},
                            },
                        },
                        "finish_reason": {"enum": ["stop", "length", "content_filter"]},
                    },
                },
            },
            "usage": {
                "type": "object",
                "properties": {
                    "prompt_tokens": _COUNT,
                    "completion_tokens": _COUNT,
                    "total_tokens": _COUNT,
                },
            },
            "ccos": {"$ref": _REFERENCE.format(name="CcosLabel")},
        },
    },
    "AnthropicAnswer": {
        "type": "object",
        "properties": {
            "id": _TEXT,
            "type": {"const": "message"},
            "role": {"const": "assistant"},
            "model": {"type": "string", "description": "The model that answered"},
            "content": {
                "type": "array",
                "items": {"type": "object", "properties": {"type": {"const": "text"}, "text": _TEXT}},
            },
            "stop_reason": {"enum": ["end_turn", "max_tokens", "stop_sequence", "refusal"]},
            "stop_sequence": {"type": ["string", "null"]},
            "usage": {
                "type": "object",
                "properties": {"input_tokens": _COUNT, "output_tokens": _COUNT},
            },
            "ccos": {"$ref": _REFERENCE.format(name="CcosLabel")},
        },
    },
    "Model": {
        "type": "object",
        "properties": {
            "id": {"type": "string", "enum": list(ALIASES)},
            "object": {"const": "model"},
            "type": {"const": "model"},
            "display_name": _TEXT,
            "created": _COUNT,
            "created_at": _TEXT,
            "owned_by": {"const": "ccos"},
            "ccos": {
                "type": "object",
                "properties": {
                    "task": _TEXT,
                    "mode": {"type": ["string", "null"]},
                    "tier": {"type": ["string", "null"]},
                    "status": _TEXT,
                    "tiers": {"type": "object", "additionalProperties": _TEXT},
                },
            },
        },
    },
    "ModelList": {
        "type": "object",
        "properties": {
            "object": {"const": "list"},
            "data": {"type": "array", "items": {"$ref": _REFERENCE.format(name="Model")}},
            "has_more": {"type": "boolean"},
            "first_id": {"type": ["string", "null"]},
            "last_id": {"type": ["string", "null"]},
        },
    },
    "OpenAIError": {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "message": _TEXT,
                    "type": _TEXT,
                    "param": {"type": ["string", "null"]},
                    "code": _TEXT,
                },
            }
        },
    },
    "AnthropicError": {
        "type": "object",
        "properties": {
            "type": {"const": "error"},
            "error": {"type": "object", "properties": {"type": _TEXT, "message": _TEXT}},
        },
    },
}

_ERRORS = {
    400: "Something in the request cannot be used; the sentence and `param` say what.",
    401: "The API key is missing or wrong.",
    403: "The key's role does not reach this.",
    404: "There is no model of this name; the sentence says which there are.",
    413: "The body is too large.",
    415: "The body is compressed; send it as it is.",
    503: "The key is not known here and the database does not answer.",
}
_STREAMED = """Events as this wire has them, with `"stream": true`. The last one before the end carries the
`ccos` object. By default the whole answer is made and judged before the first word goes out."""


def _header(name: str, schema: dict[str, Any], said: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": schema, "description": said}


_HEADERS = [
    _header("x-ccos-mode", {"enum": [mode.value for mode in Mode]}, "How tiers are ordered"),
    _header("x-ccos-priority", {"enum": list(PRIORITIES)}, "Who goes first at a provider's limit"),
    _header(
        "x-ccos-timeout-seconds",
        {"type": "number", "minimum": 0.5, "maximum": 600},
        "Until the answer must be there; unset: 20, for a batch 600",
    ),
    _header("x-ccos-required-quality", {"type": "number", "minimum": 0, "maximum": 1}, "The bar of the gate"),
    _header(
        "x-ccos-stream",
        {"enum": ["gated", "pass-through"]},
        "`pass-through`: words as they come, before they are judged",
    ),
    _header("cache-control", {"enum": ["no-cache", "no-store"]}, "Ask anew; or neither read nor keep"),
]


_ANSWERED = {
    "x-ccos-request-id": "Also in the log",
    "x-ccos-requested-model": "The name that was asked for",
    "x-ccos-tier": "The tier that answered",
    "x-ccos-model": "The model that answered",
    "x-ccos-quality": "The score of the gate, 0 to 1",
    "x-ccos-accepted": "Whether the answer passed the gate",
    "x-ccos-certified": "Whether labels certify the quality that was required",
    "x-ccos-attempts": "Calls that were really made",
    "x-ccos-reason": "Why this tier answered",
    "x-ccos-fallback-reason": "The same, only when the plan's first tier failed or was refused",
    "x-ccos-degraded": "Whether the cloud was wanted and could not be had",
    "x-ccos-cost-usd": "What the call cost, USD",
    "x-ccos-cache": "hit, miss or off",
}
"""A stream whose answer is not made in two seconds has the first two of them only."""


def describe(document: dict[str, Any]) -> dict[str, Any]:
    """Adds the routes of /v1 to an OpenAPI document that FastAPI made; it may be done twice."""
    (_, bodies) = schema_components((ChatCompletionRequest, MessagesRequest), ref_template=_REFERENCE)
    document.setdefault("components", {}).setdefault("schemas", {}).update({**bodies, **_SCHEMAS})
    document["paths"].update(
        {
            "/v1/chat/completions": {
                "post": _generating(
                    "chat_completions", "OpenAI's chat completions", "ChatCompletionRequest", "ChatCompletion"
                )
            },
            "/v1/messages": {
                "post": _generating(
                    "messages", "Anthropic's messages", "MessagesRequest", "AnthropicAnswer", "AnthropicError"
                )
            },
            "/v1/models": {"get": _listing("models", "The model names there are", "ModelList")},
            "/v1/models/{name}": {
                "get": {
                    **_listing("model", "One model name", "Model"),
                    "parameters": [
                        {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
                    ],
                }
            },
        }
    )
    return document


def _content(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(name=name)}}}


def _failures(error: str) -> dict[str, Any]:
    return {
        str(status): {"description": said, "content": _content(error)} for status, said in _ERRORS.items()
    }


def _generating(
    name: str, summary: str, body: str, answer: str, error: str = "OpenAIError"
) -> dict[str, Any]:
    streamed = {"text/event-stream": {"schema": {"type": "string", "description": _STREAMED}}}
    return {
        "tags": ["v1"],
        "operationId": f"v1_{name}",
        "summary": summary,
        "description": "Answers through the four tiers; never an error because a tier is down.",
        "security": [{"API key": []}],
        "parameters": _HEADERS,
        "requestBody": {"required": True, "content": _content(body)},
        "responses": {
            "200": {
                "description": "The answer.",
                "headers": {name: {"schema": _TEXT, "description": said} for name, said in _ANSWERED.items()},
                "content": {**_content(answer), **streamed},
            },
            **_failures(error),
        },
    }


def _listing(name: str, summary: str, answer: str) -> dict[str, Any]:
    return {
        "tags": ["v1"],
        "operationId": f"v1_{name}",
        "summary": summary,
        "description": "With the state of the tiers behind a name, from memory; nobody is asked.",
        "security": [{"API key": []}],
        "responses": {
            "200": {"description": "As it is now.", "content": _content(answer)},
            **_failures("OpenAIError"),
        },
    }
