"""A ticket as the tiny model reads it: short, lower-case, without personal data. Pure."""

from __future__ import annotations

import re
import unicodedata

from ccos.domain.ticket import Ticket
from ccos.providers.rules.facts import without_personal
from ccos.providers.rules.queries import body_of

MOST_CHARACTERS = 220
_HEAD_SHARE = 0.4
"""Of a longer message so much is its beginning and the rest its end: questions tend to stand there."""

_DIGITS = re.compile(r"\d+(?:[.,:]\d+)*")
_STRETCHED = re.compile(r"(.)\1{2,}")
_SPACE = re.compile(r"\s+")


def asked(ticket: Ticket) -> str:
    """The subject and the customer's last message; every number is a 0, for no number may be learnt."""
    last = ticket.last_customer_text
    said = last if ticket.conversation_history else ticket.description
    return compact(without_personal(f"{ticket.subject}\n{body_of(said)}", ticket))


def compact(text: str) -> str:
    """Composed, lower-case, single blanks; stretched letters are two; of long texts the middle goes."""
    plain = unicodedata.normalize("NFC", text).lower()
    plain = _STRETCHED.sub(r"\1\1", _DIGITS.sub("0", plain))
    plain = _SPACE.sub(" ", plain.replace("{", " ").replace("}", " ")).strip()
    if len(plain) <= MOST_CHARACTERS:
        return plain
    head = int(MOST_CHARACTERS * _HEAD_SHARE)
    return f"{plain[:head].rstrip()} … {plain[-(MOST_CHARACTERS - head) :].lstrip()}"
