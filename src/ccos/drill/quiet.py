"""Keeps what the drill itself breaks out of the log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog
from structlog.typing import EventDict, WrappedLogger

from ccos.drill.faulty import Faulty


@contextmanager
def without_injected(faulty: Sequence[Faulty]) -> Iterator[None]:
    """While a fault is on, failed attempts of the providers that it hits make no line; all others do."""

    def drop(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:  # noqa: ARG001
        if event.get("event") == "attempt.failed" and any(
            each.fault is not None
            and (each.card.name, each.card.model) == (event["provider"], event["model"])
            for each in faulty
        ):
            raise structlog.DropEvent
        return event

    processors = structlog.get_config()["processors"]
    structlog.configure(processors=[drop, *processors])
    try:
        yield
    finally:
        structlog.configure(processors=processors)
