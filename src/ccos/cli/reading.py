"""Documents a person gives to a command: a path or `-`, read whole, checked, refused in one sentence."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

from pydantic import BaseModel

from ccos.domain.documents import MOST_BYTES, parsed, says_something
from ccos.domain.errors import BadInput, BadTicket
from ccos.domain.ticket import Ticket

M = TypeVar("M", bound=BaseModel)

__all__ = ["document", "parsed", "says_something", "ticket", "ticket_lines"]

_ONE_A_LINE = "for one ticket a line, use --batch"


def document(source: str, kind: type[M], what: str, refused: type[BadInput] = BadInput) -> M:
    """The document at `source`, a path or `-` for stdin. Raises `refused`, without a word of its text."""
    with _opened(source, refused) as file:
        content = file.read(MOST_BYTES + 1)
    return parsed(content, kind, what, refused, hint=_ONE_A_LINE)


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
            if len(line) > MOST_BYTES and not line.endswith(b"\n"):
                _skip_line(file)
            if not line.strip():
                continue
            try:
                found = parsed(line.strip(), Ticket, "ticket", BadTicket, hint=_ONE_A_LINE)
                yield number, says_something(found)
            except BadTicket as fault:
                yield number, fault


def check(source: str, refused: type[BadInput] = BadTicket) -> None:
    """Raises `refused` where nothing can be read; what is read once, like a pipe, is left as it is."""
    if source == "-" or Path(source).is_file():
        _opened(source, refused).close()
    elif not Path(source).exists() or Path(source).is_dir():
        _opened(source, refused)


def _opened(source: str, refused: type[BadInput]) -> BinaryIO:
    if source == "-":
        try:
            return os.fdopen(
                os.dup(sys.stdin.fileno()), "rb"
            )  # read in a thread, it may be left in the middle
        except (AttributeError, OSError, ValueError):
            raise refused("There is no standard input; give the path of a file.") from None
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
