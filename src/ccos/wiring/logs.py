"""Log lines on stderr: structured, and without what tickets say."""

from __future__ import annotations

import logging
import math
import sys
import time
import traceback
from typing import Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

SECRET = frozenset(
    {"api_key", "authorization", "key", "password", "text", "prompt", "reply", "ticket", "body"}
)
"""Names of values that never reach a log line, whoever tries to log them."""

_FRAMES = 12


def _without_secrets(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:  # noqa: ARG001
    return {name: "[left out]" if name in SECRET else value for name, value in event.items()}


def where(fault: BaseException, *, frames: int = 3) -> str:
    """Where it broke and not what it said: messages quote what was being worked on."""
    last = traceback.extract_tb(fault.__traceback__)[-frames:]
    return " > ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in last)


def _fault_without_words(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:  # noqa: ARG001
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    fault = given[1] if isinstance(given, tuple) else given
    if isinstance(fault, BaseException):
        event.update(error=type(fault).__name__, at=where(fault, frames=_FRAMES))
    return event


class WithoutWords(logging.Formatter):
    """Lines of other libraries: an exception is its type and frames, as in our own lines."""

    def format(self, record: logging.LogRecord) -> str:
        said = record.getMessage()
        if record.name == "asyncio":  # behind its first line it shows the task, with the exception's message
            said = said.partition("\n")[0]
        line = f"{record.levelname} {record.name} {said}"
        fault = record.exc_info[1] if record.exc_info else None
        return f"{line} ({type(fault).__name__} at {where(fault, frames=_FRAMES)})" if fault else line


class Seldom(logging.Filter):
    """Lets a line of a logger through again only after `seconds`: some say one several times a second."""

    def __init__(self, seconds: float = 30.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._told: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        template, now = str(record.msg), time.monotonic()
        if now - self._told.get(template, -math.inf) < self._seconds:
            return False
        self._told[template] = now
        return True


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
            _fault_without_words,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(WithoutWords())
    pool = logging.getLogger("psycopg.pool")
    pool.filters[:] = [Seldom()]
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler])
