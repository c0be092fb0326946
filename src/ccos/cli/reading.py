"""Documents a person gives to a command: a path or `-`, read whole, checked, refused in one sentence."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from pydantic import BaseModel, ValidationError

from ccos.domain.errors import BadInput, BadTicket
from ccos.domain.ticket import Ticket

M = TypeVar("M", bound=BaseModel)

MOST_BYTES = 2_000_000
"""Longest document, and longest line of a batch: as much as the HTTP interface takes."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")


def document(source: str, kind: type[M], what: str, refused: type[BadInput] = BadInput) -> M:
    """The document at `source`, a path or `-` for stdin. Raises `refused`, without a word of its text."""
    with _opened(source, refused) as file:
        content = file.read(MOST_BYTES + 1)
    return parsed(content, kind, what, refused)


def ticket(source: str) -> Ticket:
    """Raises BadTicket."""
    return says_something(document(source, Ticket, "ticket", BadTicket))


def ticket_lines(source: str) -> Iterator[tuple[int, Ticket | BadTicket]]:
    """One ticket a line, with the line's number from 1; a line that is none gives its error. Blank lines are
    passed over. Raises BadTicket when the file cannot be read at all."""
    with _opened(source, BadTicket) as file:
        number = 0
        while line := file.readline(MOST_BYTES + 1):
            number += 1
            if len(line) > MOST_BYTES:
                _skip_line(file)
            if not line.strip():
                continue
            try:
                yield number, says_something(parsed(line.strip(), Ticket, "ticket", BadTicket))
            except BadTicket as fault:
                yield number, fault


def parsed(content: bytes, kind: type[M], what: str, refused: type[BadInput] = BadInput) -> M:
    """One document. Raises `refused`."""
    if len(content) > MOST_BYTES:
        raise refused(f"The {what} is over {MOST_BYTES // 1_000_000} MB; give a shorter one.")
    try:
        value: Any = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise refused(f"The {what} is not UTF-8 text; save it as UTF-8.") from None
    except RecursionError:
        raise refused(f"The {what} is nested too deeply.") from None
    except json.JSONDecodeError as fault:
        place = f"line {fault.lineno}, column {fault.colno}"
        raise refused(f"The {what} is not JSON ({fault.msg} at {place}); correct it there.") from None
    except ValueError:
        raise refused(f"The {what} holds a number that is too long.") from None
    if not isinstance(value, dict):
        raise refused(f"The {what} must be one JSON object; this is {_KINDS[type(value)]}.")
    try:
        return kind.model_validate(_without_odd_names(value))
    except ValidationError as fault:
        raise refused(sentence_for(fault, kind, what)) from None


def says_something(ticket: Ticket) -> Ticket:
    """Raises BadTicket for a ticket in which the customer says nothing."""
    if not ticket.customer_text.strip():
        raise BadTicket("The ticket says nothing: give it a subject, a description or a customer message.")
    return ticket


def sentence_for(fault: ValidationError, kind: type[BaseModel], what: str) -> str:
    """The first mistake, named by its field; the values themselves are never repeated."""
    errors = fault.errors(include_input=False, include_url=False)
    error, more = errors[0], len(errors) - 1
    place = _place(error["loc"])
    others = f" ({more} more to correct.)" if more else ""
    match error["type"]:
        case "extra_forbidden":
            near = difflib.get_close_matches(str(error["loc"][-1]), _names(kind), n=1)
            hint = f"did you mean {near[0]}?" if near else "remove it."
            return f"{place} is not a field of a {what}: {hint}{others}"
        case "missing":
            return f"{place} is missing; add it.{others}"
        case "too_long" | "string_too_long":
            bounds = error["ctx"]
            unit = "items" if bounds.get("field_type") == "Tuple" else "characters"
            return f"{place} has more than {bounds['max_length']} {unit}; shorten it.{others}"
        case "model_type" | "model_attributes_type":
            return f"{place}: Input should be an object.{others}"
        case _:
            return f"{place}: {error['msg'].removeprefix('Value error, ')}.{others}"


_KINDS = {
    list: "a list (for one ticket a line, use --batch)",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


def _place(path: tuple[int | str, ...]) -> str:
    """`conversation_history[2].role`. What is no plain name could be anybody's words: it is left out."""
    shown = ""
    for part in path:
        if isinstance(part, int):
            shown += f"[{part}]"
        else:
            shown += ("." if shown else "") + (part if _NAME.fullmatch(part) else "(an odd name)")
    return shown or "It"


def _names(kind: type[BaseModel]) -> list[str]:
    """The fields of a model and of the models in it."""
    found = list(kind.model_fields)
    for field in kind.model_fields.values():
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                found += part.model_fields
    return found


def _without_odd_names(value: Any) -> Any:
    """Lone surrogates in names cannot even be complained of; in texts the model drops them itself."""
    match value:
        case dict():
            return {
                name.encode(errors="replace").decode(): _without_odd_names(part)
                for name, part in value.items()
            }
        case list():
            return [_without_odd_names(part) for part in value]
        case _:
            return value


def _opened(source: str, refused: type[BadInput]) -> AbstractContextManager[BinaryIO]:
    if source == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return Path(source).open("rb")
    except IsADirectoryError:
        raise refused(f"{source} is a folder; give the path of a file in it.") from None
    except FileNotFoundError:
        raise refused(f"There is no file {source}; give the path of one, or - for standard input.") from None
    except OSError as fault:
        raise refused(f"{source} cannot be read: {fault.strerror}.") from None
    except ValueError:  # a NUL in the path
        raise refused("The path holds a NUL character; correct it.") from None


def _skip_line(file: BinaryIO) -> None:
    while (part := file.readline(MOST_BYTES)) and not part.endswith(b"\n"):
        pass
