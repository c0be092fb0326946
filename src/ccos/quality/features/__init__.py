"""What can be measured of an answer beside its question and its evidence, without any model.

Every feature is a finite number. Words count by their length and by whether they are function words, not by
how rare they are: a table of frequencies added nothing on the labelled sets it was tried on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ccos.domain.prompt import Answer, Prompt
from ccos.domain.tier import Task
from ccos.domain.verdict import Veto
from ccos.quality.features.courtesy import is_courtesy
from ccos.quality.features.coverage import covered
from ccos.quality.features.cues import compared, missing_numbers, turned
from ccos.quality.features.shape import shaped
from ccos.quality.features.signals import likely, refused, retrieved
from ccos.quality.features.sources import Source, best_sentence, passage_source, source
from ccos.quality.features.support import Said, copied, is_claim, share, supported, used, word_support
from ccos.quality.features.text import words
from ccos.quality.folding import plain
from ccos.quality.reading import Reading

VERSION = 1
"""Raised whenever a feature is added or means something else: older weights do not fit then."""

ANSWER_CHARACTERS = 20_000
"""How much of an answer is measured."""

MOST_PASSAGES = 20
USED_PASSAGES = 3


def measure(reading: Reading, vetoes: Sequence[Veto]) -> Mapping[str, float]:
    """Every feature of `NAMES`, in finite numbers; linear in the texts, and it never raises."""
    text = reading.folded.text[:ANSWER_CHARACTERS].lower()
    said = _said(reading, text)
    question = _question(reading)
    kb = [passage.lower() for passage in reading.kb_passages[:MOST_PASSAGES]]
    passages = [passage_source(passage) for passage in kb]
    other = [reading.case_text.lower(), plain("\n".join(reading.answer.approved)).lower()]
    sources = [*passages, *(source(each) for each in other if each.strip())]
    held = _held(said, sources)
    answer = source(text)
    known = [*sources, source(question)]
    all_words = [word for one in said for word in one.words]
    claims = [(one, values) for one, values in zip(said, held, strict=True) if is_claim(one)]
    beside = [turned(one.text, best_sentence(sources, one.words)) for one, _ in claims]
    return {
        **supported(said, sources, held),
        "support_known": share(all_words, word_support(all_words, known)),
        "used": used(answer, [words(each[:2_000]) for each in kb[:USED_PASSAGES]]),
        **copied(text, all_words, sources),
        **covered(question, answer, sources),
        **compared(beside, [share(one.words, values) for one, values in claims]),
        "numbers_missing": missing_numbers(text, (*kb, *other, question)),
        **shaped(text, said, question, sum(map(len, kb)), reading.grounds.language),
        **retrieved(reading.grounds.evidence),
        **likely(reading.answer),
        **refused(vetoes),
    }


def _said(reading: Reading, text: str) -> list[Said]:
    found = []
    for start, end in reading.sentences:
        if start >= len(text):
            break
        sentence = text[start:end]
        found.append(Said(sentence, tuple(words(sentence)), is_courtesy(sentence)))
    return found


def _held(said: Sequence[Said], sources: Sequence[Source]) -> list[list[float]]:
    flat = iter(word_support([word for one in said for word in one.words], sources))
    return [[next(flat) for _ in one.words] for one in said]


def _question(reading: Reading) -> str:
    ticket = reading.grounds.ticket
    if ticket is None:
        return reading.ticket_text[-4_000:].lower()
    return plain("\n".join((ticket.subject, ticket.last_customer_text))[-4_000:]).lower()


def _names() -> tuple[str, ...]:
    nothing = Reading("", Prompt(Task.SOLUTION_DRAFT, "", ()), Answer("", provider="", model=""))
    return tuple(sorted(measure(nothing, ())))


NAMES = _names()
