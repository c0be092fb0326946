"""Log lines on stderr: structured, and without what tickets say."""

from __future__ import annotations

import json
import logging
import math
import re
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

from ccos.quality.pii import without_people

SECRET = frozenset(
    {"api_key", "authorization", "key", "password", "text", "prompt", "reply", "ticket", "body"}
)
"""Names of values that never reach a log line, whoever tries to log them."""

_FRAMES = 12


def _without_secrets(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:  # noqa: ARG001
    return {name: "[left out]" if name in SECRET else value for name, value in event.items()}


UNTOUCHED = frozenset(
    [
        "event",
        "level",
        "logger",
        "timestamp",
        "at",
        "request_id",
        "code",
        "reason",
        "stage",
        "model",
        "provider",
        "tier",
        "deployment",
    ]
)
"""Names of values that are our own words, or ours to find a line by."""

_MAY_BE_PII = re.compile(r"@|골뱅이|(?:[0-9공영일이삼사오육칠팔구][^0-9]{0,6}){7}")
_OURS = re.compile(
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)"
)


def scrubbed(value: object) -> object:
    """A value of a log line without personal data; `[unreadable]` where that could not be looked for."""
    if isinstance(value, str):
        if not _MAY_BE_PII.search(value) or _OURS.fullmatch(value):
            return value
        try:
            return without_people(value)
        except Exception:
            return "[unreadable]"
    if isinstance(value, dict):
        return {scrubbed(name): scrubbed(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [scrubbed(one) for one in value]
    return value if value is None or isinstance(value, (bool, int, float)) else scrubbed(str(value))


def _without_people(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:  # noqa: ARG001
    return {name: _of_event(name, value) for name, value in event.items()}


def _of_event(name: str, value: object) -> object:
    return value if name in UNTOUCHED or name.endswith("_id") else scrubbed(value)


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
    """Lines of other libraries: an exception is its type and frames, as in our own lines.

    With the shape of ours: one JSON object a line, or the time before the words.
    """

    def __init__(self, shape: Literal["console", "json"] = "console") -> None:
        super().__init__()
        self._shape = shape

    def format(self, record: logging.LogRecord) -> str:
        said = str(scrubbed(record.getMessage()))
        if record.name == "asyncio":  # behind its first line it shows the task, with the exception's message
            said = said.partition("\n")[0]
        fault = record.exc_info[1] if record.exc_info else None
        at = datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z")
        if self._shape == "json":
            line = {"event": said, "logger": record.name, "level": record.levelname.lower(), "timestamp": at}
            if fault is not None:
                line |= {"error": type(fault).__name__, "at": where(fault, frames=_FRAMES)}
            return json.dumps(line, ensure_ascii=False)
        behind = f" ({type(fault).__name__} at {where(fault, frames=_FRAMES)})" if fault else ""
        return f"{at} {record.levelname} {record.name} {said}{behind}"


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


class _Named(structlog.PrintLogger):
    """Remembers whose lines it writes."""

    def __init__(self, name: str = "ccos") -> None:
        super().__init__(sys.stderr)
        self.name = name


def _with_logger(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:  # noqa: ARG001
    return {"logger": logger.name, **event}


def set_up_logs(shape: Literal["console", "json"], *, level: int = logging.INFO) -> None:
    """Call once, at the start of a command."""
    last: list[structlog.typing.Processor]
    if shape == "json":
        last = [_with_logger, structlog.processors.JSONRenderer(ensure_ascii=False)]
        logging.captureWarnings(True)
    else:
        last = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            _fault_without_words,
            _without_people,
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Named,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(WithoutWords(shape))
    pool = logging.getLogger("psycopg.pool")
    pool.filters[:] = [Seldom()]
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler])
