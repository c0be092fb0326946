"""The few words the tiny model speaks: what it is asked, and the placeholders of its answers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_SECTIONS, MOST_QUERIES = 3, 3


class Spoken(StrEnum):
    """A task, as the system message names it; the file's chat template makes a control token of it."""

    QUERY = "query"
    DRAFT = "draft"
    TRIAGE = "triage"


class Move(StrEnum):
    """How a reply begins; a hold says no more than that a person looks into it."""

    SORRY = "sorry"
    THANKS = "thanks"
    HOLD = "hold"


HOLD = Move.HOLD
ASK, ANSWER, END = "<|ask|>", "<|answer|>", "<|end|>"
CONTROL = (END, ASK, ANSWER, *(f"<|{spoken}|>" for spoken in Spoken))
TEMPLATE = (
    "{% for message in messages %}{% if message['role'] == 'system' %}{{ '<|' + message['content'] + '|>' }}"
    "{% else %}{{ '<|ask|>' + message['content'] }}{% endif %}{% endfor %}{{ '<|answer|>' }}"
)
_PLACE = re.compile(r"\{([^{}\n]*)\}")


class Misspoken(ValueError):
    """The answer is no sequence of known placeholders; `str()` says what is wrong, without its words."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a draft says: how it begins, and the sections it tells, by name."""

    move: Move
    sections: tuple[str, ...]


def speaks_placeholders(control_tokens: Iterable[str]) -> bool:
    """Whether a model file with these control tokens was made to speak so."""
    return set(CONTROL) <= set(control_tokens)


def wording(spoken: Spoken, ticket: str, answer: str) -> str:
    """A whole lesson as the model sees it."""
    return f"<|{spoken}|>{ASK}{ticket}{ANSWER}{answer}{END}"


def queried(names: Sequence[str]) -> str:
    return "\n".join(names)


def drafted(move: Move, names: Sequence[str]) -> str:
    return "\n".join(f"{{{part}}}" for part in (move, *names))


def sorted_out(intent: str, sentiment: str) -> str:
    return f"{intent} {sentiment}"


def read_draft(answer: str, known: Sequence[str]) -> Drafted:
    """The placeholders of a draft. Raises Misspoken for any that does not stand for something there."""
    lines = answer.strip().split("\n")
    places = [match[1] for line in lines if (match := _PLACE.fullmatch(line.strip()))]
    if len(places) != len(lines):
        raise Misspoken("something stands outside the placeholders")
    if places[0] not in {move.value for move in Move}:
        raise Misspoken("it does not begin with a known move")
    move, names = Move(places[0]), tuple(dict.fromkeys(places[1:]))
    if set(names) - set(known):
        raise Misspoken("a placeholder is unknown")
    if (move is HOLD) == bool(names):
        raise Misspoken("a hold tells no section, and every other reply tells one")
    return Drafted(move, names)


def read_queries(answer: str) -> list[str]:
    """Each line a query of two characters or more."""
    lines = (line.replace(" > ", " ").strip() for line in answer.split("\n"))
    return list(dict.fromkeys(line for line in lines if len(line) >= 2))[:MOST_QUERIES]


def draft_grammar(known: Sequence[str]) -> str:
    """GBNF of the drafts that can be filled: no other placeholder can be written."""
    hold, sorry, thanks = (_literal(f"{{{move}}}") for move in (Move.HOLD, Move.SORRY, Move.THANKS))
    if not known:
        return f"root ::= {hold}\n"
    sections = " | ".join(_literal(f"\n{{{name}}}") for name in known)
    return f"root ::= {hold} | ({sorry} | {thanks}) section{{1,{MOST_SECTIONS}}}\nsection ::= {sections}\n"


def query_grammar() -> str:
    """GBNF of one to three lines of plain words."""
    return f'root ::= line ("\\n" line){{0,{MOST_QUERIES - 1}}}\nline ::= [^\\n{{}}<>|]{{2,80}}\n'


def triage_grammar(intents: Sequence[str], sentiments: Sequence[str]) -> str:
    def options(words: Sequence[str]) -> str:
        return " | ".join(map(_literal, words))

    return f'root ::= ({options(intents)}) " " ({options(sentiments)})\n'


def _literal(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
