"""The sample tenant: a fictional Korean online shop, read from the data that ships with the product."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ccos.domain.prompt import Language
from ccos.domain.tenant import ApprovedAnswer, TenantSettings
from ccos.domain.ticket import PiiClass, Priority, Sentiment, Ticket

WINDOW, ARRIVAL = timedelta(hours=8), timedelta(minutes=2)
"""Over how long the tickets of a demo came in, and how long ago the last one did."""


class Gold(BaseModel):
    """What a good draft for one sample ticket looks like.

    `kb_ids` are the procedures it should rest on, best first, none when the shop has no answer; `points`
    are short phrases a good reply says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    external_id: str
    intent: str
    category: str
    priority: Priority
    language: Language
    sentiment: Sentiment
    pii: PiiClass
    kb_ids: tuple[str, ...]
    answerable: bool
    points: tuple[str, ...]


class Ask(BaseModel):
    """A customer's question and the procedures that state its answer, none when no procedure does.

    `gold` holds public procedures that are in force, best first: for a Korean question the Korean ones.
    `why` says in a few English words what the question turns on; where there is no answer it starts with the
    kind: `far` (nothing the shop writes about), `near` (a procedure on the subject lacks the fact asked for)
    or `mixed` (a story full of the shop's words around a question it has nothing on).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    subject: str
    text: str
    gold: tuple[str, ...]
    answerable: bool
    why: str


@cache
def settings() -> TenantSettings:
    """The shop's names, closed lists, rules and approved answers."""
    shop = TenantSettings.model_validate_json(_text("tenant.json"))
    return shop.model_copy(update={"approved_answers": tuple(approved_answers())})


def tickets() -> list[Ticket]:
    """The open tickets, in the order of their external ids."""
    return [Ticket.model_validate_json(line) for line in _lines("tickets.jsonl")]


def tickets_today(now: datetime) -> list[Ticket]:
    """The open tickets as if they had come in over the last eight hours, in the same order: a queue of a year
    ago shows nobody what a queue is like. What they say keeps its dates."""
    known = [(each, each.created_at) for each in tickets() if each.created_at]
    newest, oldest = max(at for _, at in known), min(at for _, at in known)
    return [
        _moved(each, now - ARRIVAL - WINDOW * ((newest - at) / (newest - oldest)), now) for each, at in known
    ]


def _moved(ticket: Ticket, created_at: datetime, now: datetime) -> Ticket:
    """The ticket at another time; its messages come as long after it as they did, and none in the future."""
    said = [
        message.model_copy(update={"at": min(created_at + (message.at - ticket.created_at), now)})
        if message.at and ticket.created_at
        else message
        for message in ticket.conversation_history
    ]
    return ticket.model_copy(update={"created_at": created_at, "conversation_history": tuple(said)})


def gold() -> list[Gold]:
    """The expected reading of each ticket, in the same order as `tickets()`."""
    return [Gold.model_validate_json(line) for line in _lines("gold.jsonl")]


def asks(name: Literal["ko-a", "ko-b", "en-a"]) -> tuple[Ask, ...]:
    """Questions, half of them without an answer: `ko-a` to train and tune on, the others to measure only.

    One in seven of the first two is English, and all of `en-a`.
    """
    return tuple(Ask.model_validate_json(line) for line in _lines(f"asks/{name}.jsonl"))


def approved_answers() -> list[ApprovedAnswer]:
    """The approved replies of the rule tier."""
    return [ApprovedAnswer(**json.loads(line)) for line in _lines("answers.jsonl")]


def labelled_lines() -> list[str]:
    """The seed set: drafts with their labels, one JSON object a line, as `docs/seed-set.md` tells."""
    labels = sorted(_data().joinpath("labels").iterdir(), key=lambda file: file.name)
    return [line for file in labels if file.name.endswith(".jsonl") for line in _lines(f"labels/{file.name}")]


def kb_folder() -> AbstractContextManager[Path]:
    """The folder of KB procedures (Markdown with front matter) as a real path while the context is open."""
    return as_file(_data().joinpath("kb"))


def cases_path() -> AbstractContextManager[Path]:
    """The file of solved cases (one JSON object a line) as a real path while the context is open."""
    return as_file(_data().joinpath("cases.jsonl"))


def labels_folder() -> AbstractContextManager[Path]:
    """The folder of labelled answers (`*.jsonl`) as a real path while the context is open."""
    return as_file(_data().joinpath("labels"))


def triage_lines() -> list[str]:
    """Customer texts with their intent and tone, one JSON object a line."""
    return [line for name in ("ko", "en") for line in _lines(f"triage/{name}.jsonl")]


def tiny_asks() -> str:
    """Questions beside the sections that answer them: what the tiny model is taught with."""
    return _text("tiny/asks.txt")


def pii_path(half: Literal["dev", "dev2", "dev3", "test", "blind", "blind2"]) -> AbstractContextManager[Path]:
    """Lines with labelled personal data, all invented; docs/privacy.md says which of them were tuned on."""
    return as_file(_data().joinpath(f"pii/ko-pii-{half}.jsonl"))


def _data() -> Traversable:
    return files(__name__)


def _text(name: str) -> str:
    return _data().joinpath(name).read_text(encoding="utf-8")


def _lines(name: str) -> Iterator[str]:
    return (line for line in _text(name).splitlines() if line)
