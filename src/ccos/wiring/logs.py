"""Log lines on stderr: structured, and without what tickets say."""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

SECRET = frozenset(
    {"api_key", "authorization", "key", "password", "text", "prompt", "reply", "ticket", "body"}
)
"""Names of values that never reach a log line, whoever tries to log them."""


def _without_secrets(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:  # noqa: ARG001
    return {name: "[left out]" if name in SECRET else value for name, value in event.items()}


def set_up_logs(shape: Literal["console", "json"], *, level: int = logging.INFO) -> None:
    """Call once, at the start of a command."""
    renderer: structlog.typing.Processor
    if shape == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=False)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=max(level, logging.WARNING), stream=sys.stderr, format="%(levelname)s %(name)s %(message)s"
    )
