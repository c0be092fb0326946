"""The routes of /v1: plain ASGI endpoints, matched before all others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from msgspec.json import encode
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from ccos.api.health import health_now
from ccos.api.v1.exchange import Generating
from ccos.api.v1.faults import Fault, bad, shape_of
from ccos.api.v1.formats import ANTHROPIC, OPENAI
from ccos.api.v1.names import ALIASES, Alias, alias_of
from ccos.api.v1.wire import JSON, answer, caller_of, headers_of, told
from ccos.domain.errors import CcosError
from ccos.domain.tier import Task, Tier
from ccos.wiring import Ccos

CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
MODELS, MODEL = "/v1/models", "/v1/models/{name:path}"

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
"""Both clients want to know when a model was made; these names are as old as the product."""
LONGEST_PAGE = 1_000


class Models:
    """`GET /v1/models`, and one of them: one shape that the clients of both wires can read."""

    path = MODELS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        scope["route"] = self
        headers = headers_of(scope)
        try:
            await caller_of(scope, headers)
            body = self._answer(scope)
        except (CcosError, Fault) as fault:
            shape = shape_of(scope["path"], scope["headers"]) or "openai"
            await answer(send, *told(shape, fault))
            return
        await answer(send, 200, encode(body), {"content-type": JSON})

    def _answer(self, scope: Scope) -> dict[str, Any]:
        ccos: Ccos = scope["app"].state.ccos
        asked = scope["path_params"].get("name")
        if asked is not None:
            return _model(alias_of(asked), _statuses(ccos))
        query = parse_qs(scope["query_string"].decode("latin-1"))
        names, more = page(list(ALIASES), {name: values[-1] for name, values in query.items()})
        statuses = _statuses(ccos)
        return {
            "object": "list",
            "data": [_model(ALIASES[name], statuses) for name in names],
            "has_more": more,
            "first_id": names[0] if names else None,
            "last_id": names[-1] if names else None,
        }


def page(names: list[str], query: Mapping[str, str]) -> tuple[list[str], bool]:
    """The names of one page as Anthropic's clients ask for it, and whether there are more; pure."""
    said = query.get("limit", str(LONGEST_PAGE))
    if not (said.isascii() and said.isdigit() and len(said) <= 4 and 1 <= int(said) <= LONGEST_PAGE):
        raise bad(f"'limit' must be a number from 1 to {LONGEST_PAGE}.", "limit")
    after, before, limit = query.get("after_id"), query.get("before_id"), int(said)
    if before in names:
        left = names[: names.index(before)]
        return left[-limit:], len(left) > limit
    left = names[names.index(after) + 1 :] if after in names else names
    return left[:limit], len(left) > limit


def _statuses(ccos: Ccos) -> Mapping[str, Any]:
    return {tier: state["status"] for tier, state in health_now(ccos)["tiers"].items()}


def _model(alias: Alias, statuses: Mapping[str, Any]) -> dict[str, Any]:
    """`tiers` says how the tiers behind the name are: all four, or the one it asks for and the rules."""
    tiers = [alias.only, Tier.RULE_BASED] if alias.only else list(Tier)
    return {
        "id": alias.name,
        "object": "model",
        "type": "model",
        "display_name": _title(alias),
        "created": int(SINCE.timestamp()),
        "created_at": SINCE.isoformat().replace("+00:00", "Z"),
        "owned_by": "ccos",
        "ccos": {
            "task": alias.task.value,
            "mode": alias.mode.value if alias.mode else None,
            "tier": alias.only.value if alias.only else None,
            "status": statuses.get(alias.only.value) if alias.only else _best(statuses),
            "tiers": {tier.value: statuses.get(tier.value) for tier in tiers},
        },
    }


def _best(statuses: Mapping[str, Any]) -> str:
    return "healthy" if "healthy" in statuses.values() else "unhealthy"


def _title(alias: Alias) -> str:
    if alias.only:
        return f"CCOS, {alias.only.name.replace('_', ' ').lower()} only"
    if alias.mode:
        return f"CCOS, {alias.mode.value.replace('_', ' ')}"
    return "CCOS" if alias.task is Task.CHAT else f"CCOS, {alias.task.value.replace('_', ' ')}"


def routes() -> list[Route]:
    """In the order in which they are tried."""
    return [
        Route(CHAT, Generating(CHAT, OPENAI), methods=["POST"], name="chat_completions"),
        Route(MESSAGES, Generating(MESSAGES, ANTHROPIC), methods=["POST"], name="messages"),
        Route(MODELS, Models(), methods=["GET"], name="models"),
        Route(MODEL, Models(), methods=["GET"], name="model"),
    ]
