"""A customer's case as CCOS sees it, whatever desk it came from."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_core import PydanticCustomError

MAX_TEXT_CHARACTERS = 100_000
"""Longest text field that is taken. A longer one is refused with a sentence, never cut."""

MAX_TICKET_CHARACTERS = 1_000_000
"""Most text of one ticket, its messages together. Every check reads all of it, so it has a bound too."""

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Times outside are slips, and at the ends of the calendar no other time zone can tell them."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _storable(value: object) -> object:
    """NUL and lone surrogates can be neither stored nor sent on: they are dropped at the door."""
    return _UNSTORABLE.sub("", value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_storable), StringConstraints(max_length=MAX_TEXT_CHARACTERS)]
Label = Annotated[str, BeforeValidator(_storable), StringConstraints(max_length=200, strip_whitespace=True)]


def _plausible(moment: datetime) -> datetime:
    known = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not EARLIEST <= known < LATEST:
        raise PydanticCustomError("time_out_of_range", "Give a time from 1970 up to 2199")
    return moment


Moment = Annotated[datetime, AfterValidator(_plausible)]


PiiClass = Literal["none", "maskable", "local_only", "unreadable"]
"""What personal data a text holds: "local_only" keeps every task on it on this machine, and so does
"unreadable": the recognisers failed, and nobody knows."""

Sentiment = Literal["negative", "neutral", "positive"]


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Literal["customer", "agent"]
    text: Text
    at: Moment | None = None


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
    created_at: Moment | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        texts = (self.subject, self.description, *(m.text for m in self.conversation_history))
        if sum(map(len, texts)) > MAX_TICKET_CHARACTERS:
            raise PydanticCustomError(
                "too_long",
                "All texts of the ticket together have more than {max_length} characters; shorten them",
                {"max_length": MAX_TICKET_CHARACTERS, "field_type": "Ticket"},
            )
        return self

    @property
    def customer_text(self) -> str:
        """All the customer wrote: subject, description, then their messages in order."""
        own = (m.text for m in self.conversation_history if m.role == "customer")
        return "\n".join(part for part in (self.subject, self.description, *own) if part)

    @property
    def whole_text(self) -> str:
        """All that anybody wrote, and the customer's own data: what is searched for personal data."""
        customer = self.customer
        known = (customer.name, customer.email, customer.phone) if customer else ()
        said = (message.text for message in self.conversation_history)
        return "\n".join(part for part in (*known, self.subject, self.description, *said) if part)

    @property
    def last_customer_text(self) -> str:
        """What the customer wrote last: the text whose language the reply follows."""
        own = [m.text for m in self.conversation_history if m.role == "customer"]
        return own[-1] if own else (self.description or self.subject)
