"""A customer's case as CCOS sees it, whatever desk it came from."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

MAX_TEXT_CHARACTERS = 100_000
"""Longest text field that is taken. A longer one is refused with a sentence, never cut."""


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _storable(value: object) -> object:
    """NUL and lone surrogates can be neither stored nor sent on: they are dropped at the door."""
    return _UNSTORABLE.sub("", value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_storable), StringConstraints(max_length=MAX_TEXT_CHARACTERS)]
Label = Annotated[str, BeforeValidator(_storable), StringConstraints(max_length=200, strip_whitespace=True)]


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["customer", "agent"]
    text: Text
    at: datetime | None = None


class Customer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Label | None = None
    email: Label | None = None
    phone: Label | None = None


class Ticket(BaseModel):
    """A ticket as it comes in; every part but the subject or the description may be missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str | None = Field(None, max_length=100, description="Ours; given when the ticket is stored")
    external_id: Label | None = Field(None, description="The desk's own id; one ticket per id and tenant")
    subject: Label = ""
    description: Text = ""
    channel: Label | None = None
    language: Label | None = None
    category: Label | None = None
    tags: tuple[Label, ...] = Field((), max_length=50)
    priority: Priority | None = None
    customer: Customer | None = None
    conversation_history: tuple[Message, ...] = Field((), max_length=5_000)
    created_at: datetime | None = None

    @property
    def customer_text(self) -> str:
        """All the customer wrote: subject, description, then their messages in order."""
        own = (m.text for m in self.conversation_history if m.role == "customer")
        return "\n".join(part for part in (self.subject, self.description, *own) if part)

    @property
    def last_customer_text(self) -> str:
        """What the customer wrote last: the text whose language the reply follows."""
        own = [m.text for m in self.conversation_history if m.role == "customer"]
        return own[-1] if own else (self.description or self.subject)
