"""What a ticket takes, at its bounds."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ccos.domain.ticket import MAX_TEXT_CHARACTERS, MAX_TICKET_CHARACTERS, Message, Ticket

WHOLE = Message(role="agent", text="x" * MAX_TEXT_CHARACTERS)


def test_all_texts_together_have_a_bound():
    full = (WHOLE,) * (MAX_TICKET_CHARACTERS // MAX_TEXT_CHARACTERS)
    assert len(Ticket(conversation_history=full).conversation_history) == 10
    for more in ({"subject": "x"}, {"description": "x"}):
        with pytest.raises(ValidationError, match="together have more than 1000000 characters; shorten"):
            Ticket.model_validate({"conversation_history": full, **more})


@pytest.mark.parametrize(
    "moment",
    ["1970-01-01T00:00:00Z", "2199-12-31T23:59:59Z", "2026-11-22T03:00:00", "1970-01-01T09:00:00+09:00"],
)
def test_times_that_tickets_have(moment: str):
    ticket = Ticket.model_validate({"created_at": moment})
    assert ticket.created_at is not None


@pytest.mark.parametrize(
    "moment",
    [
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00",
        "1970-01-01T00:00:00+09:00",
        "2200-01-01T00:00:00Z",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_times_that_no_ticket_has(moment: str):
    with pytest.raises(ValidationError, match="Give a time from 1970 up to 2199"):
        Ticket.model_validate({"created_at": moment})
    with pytest.raises(ValidationError, match="Give a time from 1970 up to 2199"):
        Message.model_validate({"role": "agent", "text": "x", "at": moment})
