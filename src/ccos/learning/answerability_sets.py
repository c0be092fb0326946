"""The sample tenant's questions, for the answer check to be trained and measured on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from ccos import sample
from ccos.domain.ticket import Ticket
from ccos.learning.answerability import Library, Question, library

TRAINED_ON: Literal["ko-a"] = "ko-a"
MEASURED_ON: tuple[Literal["ko-b", "en-a"], ...] = ("ko-b", "en-a")
TICKETS = "tickets"


def questions(name: Literal["ko-a", "ko-b", "en-a"]) -> list[Question]:
    return [
        Question(each.id, Ticket(subject=each.subject, description=each.text), each.answerable)
        for each in sample.asks(name)
    ]


def tickets() -> list[Question]:
    return [
        Question(gold.external_id, ticket, gold.answerable)
        for ticket, gold in zip(sample.tickets(), sample.gold(), strict=True)
    ]


def talk() -> list[str]:
    """What customers of several desks write: the texts of triage and of the seed set, none of the above."""
    asked = [json.loads(line)["text"] for line in sample.triage_lines()]
    return [*asked, *(json.loads(line)["question"] for line in sample.labelled_lines())]


@asynccontextmanager
async def sample_library() -> AsyncIterator[Library]:
    with sample.kb_folder() as kb, sample.cases_path() as cases:
        async with library(kb, cases, sample.settings().synonyms) as found:
            yield found
