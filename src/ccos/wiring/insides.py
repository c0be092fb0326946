"""What is behind a local tier, for people: the servers of a pool, the process of a model."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ccos.local.supervisor import State
from ccos.providers.local import Used
from ccos.providers.pool_server import Load
from ccos.tiers.service import MultiTierLLMService
from ccos.wiring.models import Served

_PATH = re.compile(r"(?<![\w/:.])(?:/[^\s/'\"]+)+/(?=[^\s/'\"])")
"""The folders of a path that stands in a sentence, and no URL."""

_STATES = {
    State.STOPPED: "stopped",
    State.STARTING: "loading",
    State.UP: "up",
    State.RECYCLING: "recycling",
    State.BACKOFF: "restarting",
    State.BROKEN: "broken",
}


def insides(
    service: MultiTierLLMService, models: Iterable[Served], *, now: float, at: datetime
) -> dict[str, dict[str, Any]]:
    """Of each deployment that is made of parts: its `servers`, or its `local` process. Waits on nobody.

    `now` is the pools' clock, `at` the time shown.
    """
    by_name = {model.plan.name: model for model in models}
    load = service.load()
    found: dict[str, dict[str, Any]] = {}
    for card in service.cards:
        inside = service.insights().get(card.deployment)
        if isinstance(inside, tuple):
            servers = [each for each in inside if isinstance(each, Load)]
            found[card.deployment] = {"servers": [server_document(each, now, at) for each in servers]}
        elif isinstance(inside, Used) and card.name in by_name:
            slots = load.get(card.deployment, (0, card.slots or 0, 0))
            found[card.deployment] = {"local": model_document(by_name[card.name], inside, slots, at)}
    return found


def server_state(load: Load) -> str:
    """`never_reached` before the first sign of it; then `unreachable` when the last call or look found nobody
    there, `resting` after a call that failed otherwise, else `up`.
    """
    if not load.reached:
        return "never_reached"
    if load.reachable is False:
        return "unreachable"
    return "resting" if load.failures else "up"


def server_document(load: Load, now: float, at: datetime) -> dict[str, Any]:
    """One server of a pool, as health shows it."""
    shown: dict[str, Any] = {
        "name": load.name,
        "state": server_state(load),
        "in_flight": load.in_flight,
        "slots": load.slots,
        "requests": load.requests,
        "failures": sum(load.faults.values()),
        "refused_prompts": sum(load.refusals.values()),
        "last_error": load.last_error,
        "last_error_at": _time(load.last_error_at),
        "last_success": _time(load.last_success_at),
    }
    return shown | (_retry(load.rests_until - now, at) if shown["state"] == "resting" else {})


def model_document(model: Served, used: Used, slots: tuple[int, int, int], at: datetime) -> dict[str, Any]:
    """One model of this machine, as health shows it. Adapters are counted: their names may be tenants'."""
    status, plan = model.status, model.plan
    busy, size, waiting = slots
    shown: dict[str, Any] = {
        "state": _STATES[model.state],
        "adapters": len(status.adapters),
        "memory_bytes": status.own_bytes,
        "memory_ceiling_bytes": status.ceiling_bytes,
        "restarts": status.restarts,
        "recycles": status.recycles,
        "load_seconds": None if status.load_seconds is None else round(status.load_seconds, 1),
        "threads": plan.threads,
        "gpu_layers": plan.gpu_layers,
        "context_tokens": plan.context_tokens,
        "slots": size,
        "slots_busy": busy,
        "waiting": waiting,
        "answers": used.answers,
        "tokens_in": used.tokens_in,
        "tokens_out": used.tokens_out,
        "tokens_cached": used.tokens_cached,
    }
    return shown | (_retry(status.retry_seconds, at) if status.retry_seconds is not None else {})


def without_paths(document: dict[str, Any], models: Iterable[Served]) -> dict[str, Any]:
    """The document about health with the names of files in its sentences, and not the folders they lie in."""
    known = sorted({str(each.plan.path) for each in models}, key=len, reverse=True)
    for tier in document["tiers"].values():
        for told in (tier, *tier.get("providers", ())):
            for name in ("message", "notice"):
                if name in told:
                    told[name] = file_names_only(told[name], known)
    return document


def file_names_only(sentence: str, known: Iterable[str] = ()) -> str:
    """A sentence without folders; `known` are paths that may hold blanks."""
    for path in known:
        sentence = sentence.replace(path, Path(path).name)
    return _PATH.sub("", sentence)


def _retry(seconds: float, at: datetime) -> dict[str, Any]:
    left = max(seconds, 0.0)
    return {"retry_in_seconds": round(left, 1), "retry_at": (at + timedelta(seconds=left)).isoformat()}


def _time(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
