"""A draft's placeholders filled: manners from code, every fact word for word from evidence. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ccos.domain.prompt import Grounds
from ccos.domain.ticket import Ticket
from ccos.providers.rules import phrases
from ccos.providers.rules.facts import customer_name
from ccos.providers.tiny.sections import Section
from ccos.providers.tiny.speech import HOLD, Drafted, Move


def reply_of(drafted: Drafted, known: Mapping[str, Section], ticket: Ticket, grounds: Grounds) -> str:
    """The reply a customer reads, within the tenant's length and without its banned phrases."""
    language, settings = grounds.language, grounds.settings
    greeting = phrases.greeting(language, customer_name(ticket, language), settings.company.get(language))
    if drafted.move is HOLD:
        contact = settings.contact.get(language, "")
        held = (greeting, phrases.holding(language, grounds.intent), contact, phrases.thanks(language))
        return "\n\n".join(filter(None, held))
    regret = phrases.sympathy(language) if drafted.move is Move.SORRY else ""
    opening = " ".join(filter(None, (regret, phrases.restating(language, grounds.intent))))
    closing = phrases.closing(language)
    room = settings.longest_reply(ticket.channel) - sum(map(len, (greeting, opening, closing))) - 6
    told: list[str] = []
    for name in drafted.sections:
        section = known[name]
        fit = [line for line in section.lines if not _banned(line, settings.banned_phrases)]
        said = _within(fit, room, f" [{section.n}]")
        if said:
            told.append(said)
            room -= len(said) + 2
    return "\n\n".join((greeting, opening, *told, closing)) if told else ""


def _within(lines: Sequence[str], room: int, mark: str) -> str:
    """The first lines that fit, rows and steps on lines of their own, with the mark of their evidence."""
    said = ""
    for line in lines:
        joint = "\n" if line.startswith("- ") or "\n" in said else " "
        longer = f"{said}{joint}{line}" if said else line
        if len(longer) + len(mark) > room:
            break
        said = longer
    return f"{said}{mark}" if said else ""


def _banned(line: str, phrases_banned: Sequence[str]) -> bool:
    return any(phrase and phrase in line for phrase in phrases_banned)
