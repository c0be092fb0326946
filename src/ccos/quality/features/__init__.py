"""What can be measured of an answer beside its question and its evidence, without any model.

Every feature is a finite number. Words count by their length and by whether they are function words, not by
how rare they are: a table of frequencies added nothing on the labelled sets it was tried on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ccos.domain.prompt import Answer, Prompt
from ccos.domain.tier import Task
from ccos.domain.verdict import Veto
from ccos.quality.features.agreement import agreed, compared, missing_numbers, parts
from ccos.quality.features.choosing import CITED, chosen, cited
from ccos.quality.features.courtesy import is_courtesy
from ccos.quality.features.coverage import covered
from ccos.quality.features.left_out import left_out
from ccos.quality.features.shape import shaped
from ccos.quality.features.signals import likely, refused, retrieved
from ccos.quality.features.sources import SOURCE_CHARACTERS, Source, passage_source, source
from ccos.quality.features.stance import taken
from ccos.quality.features.steps import steps
from ccos.quality.features.support import Held, Said, copied, supported, used
from ccos.quality.features.text import Word
from ccos.quality.features.tone import toned
from ccos.quality.features.turned import turned
from ccos.quality.features.unnamed import unnamed
from ccos.quality.features.widened import widened
from ccos.quality.folding import plain
from ccos.quality.quantities import Quantity
from ccos.quality.reading import Reading

VERSION = 4
"""Raised whenever a feature is added or means something else: older weights do not fit then."""

MOST_PASSAGES = 20
QUESTION_CHARACTERS = 4_000
"""How much of what the customer wrote last is measured."""

USED_PASSAGES = 3


def measure(reading: Reading, vetoes: Sequence[Veto]) -> Mapping[str, float]:
    """Every feature of `NAMES`, in finite numbers; linear in the texts, and it never raises."""
    text = reading.folded.text.lower()
    passages = [passage_source(passage.lower()) for passage in reading.kb_passages[:MOST_PASSAGES]]
    words: dict[str, Word] = {}
    # citation marks are no part of what a sentence says; all else stays in its place
    answer = source(CITED.sub(_blank, text), words, _read(reading.stated, reading.folded.text, text))
    asked = source(_question(reading), words)
    sources = [*passages, *_others(reading, words)]
    said = [Said(sentence, is_courtesy(sentence.text)) for sentence in answer.sentences]
    held = Held(answer.words, sources, asked)
    found = parts(answer, said, held, asked)
    of_asked = Held(asked.words, sources)
    return {
        **supported(said, held),
        "used": used(answer, passages[:USED_PASSAGES]),
        **copied(answer, sources),
        **covered(asked, answer, of_asked),
        **chosen(of_asked, asked, answer, found, held, passages),
        **cited(text, of_asked, asked, found, held, len(passages)),
        **taken(found),
        **steps(found, held),
        **compared({n: one.sentence for n, one in enumerate(said) if one.claims}, found, held),
        **agreed(found, sources),
        **turned(found, answer, passages),
        **widened(found),
        **unnamed(said, asked, passages),
        **left_out(said, asked, passages),
        **toned(said, held, asked, passages, answer.text),
        "numbers_missing": missing_numbers(answer, [*sources, asked]),
        **shaped(
            answer.text,
            said,
            len(asked.text),
            sum(len(passage.text) for passage in passages),
            reading.grounds.language,
        ),
        **retrieved(reading.grounds.evidence),
        **likely(reading.answer),
        **refused(vetoes),
    }


def _others(reading: Reading, words: dict[str, Word]) -> list[Source]:
    """Similar cases, and what people approved."""
    cases, approved = reading.case_text, plain("\n".join(reading.answer.approved)).lower()
    found = []
    if cases.strip():
        text = cases.lower()
        found.append(source(text, words, _read(reading.case_stated, cases, text)))
    if approved.strip():
        found.append(source(approved, words))
    return found


def _read(stated: tuple[Quantity, ...], text: str, lower: str) -> tuple[Quantity, ...] | None:
    """The quantities of a text where they stand in its lower case too; few letters grow by it."""
    return stated if len(lower) == len(text) <= SOURCE_CHARACTERS else None


def _blank(mark: re.Match[str]) -> str:
    return " " * len(mark.group())


def _question(reading: Reading) -> str:
    """What the customer asks: the subject and their last message, or the prompt's own turns."""
    ticket = reading.grounds.ticket
    if ticket is None:
        return reading.ticket_text[-QUESTION_CHARACTERS:].lower()
    asked = "\n".join((ticket.subject, ticket.last_customer_text))
    return plain(asked[-QUESTION_CHARACTERS:]).lower()


def _names() -> tuple[str, ...]:
    nothing = Reading("", Prompt(Task.SOLUTION_DRAFT, "", ()), Answer("", provider="", model=""))
    return tuple(sorted(measure(nothing, ())))


NAMES = _names()
