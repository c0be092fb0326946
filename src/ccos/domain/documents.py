"""Documents that somebody gives: read as JSON, checked, refused in one sentence without a word of theirs."""

from __future__ import annotations

import difflib
import json
import re
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ccos.domain.errors import BadInput, BadTicket
from ccos.domain.ticket import Ticket

M = TypeVar("M", bound=BaseModel)

MOST_BYTES = 2_000_000
"""Longest document, and longest line of a batch, from the command line and over HTTP."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}")


def parsed(
    content: bytes, kind: type[M], what: str, refused: type[BadInput] = BadInput, *, hint: str = ""
) -> M:
    """One document. Raises `refused`; `hint` is what to do where a list came instead of one object."""
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
    return checked(value, kind, what, refused, hint=hint)


def checked(value: Any, kind: type[M], what: str, refused: type[BadInput] = BadInput, *, hint: str = "") -> M:
    """One document that was read already. Raises `refused`."""
    if not isinstance(value, dict):
        more = f" ({hint})" if hint and isinstance(value, list) else ""
        raise refused(f"The {what} must be one JSON object; this is {_KINDS[type(value)]}{more}.")
    try:
        return kind.model_validate(_without_odd_names(value))
    except RecursionError:
        raise refused(f"The {what} is nested too deeply.") from None
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
    list: "a list",
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
