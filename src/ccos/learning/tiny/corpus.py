"""What the tiny model learns from: questions about the sample shop's procedures, varied without end.

A question is written down beside the section that answers it (`sample/tiny/asks.txt`); around it come
greetings, circumstances, moods and slips. The sample tickets and their gold are the exam and are never read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from ccos.domain.ticket import Sentiment, Ticket
from ccos.learning.tiny.asks import Ask
from ccos.learning.tiny.frames import FRAMES, Frames
from ccos.learning.tiny.spoiling import spoiled
from ccos.providers.rules.text import hangul_share
from ccos.providers.tiny.compact import asked
from ccos.providers.tiny.speech import HOLD, Move, Spoken, drafted, queried, sorted_out


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with what triage should say of it."""

    text: str
    intent: str
    sentiment: Sentiment


@dataclass(frozen=True, slots=True)
class Course:
    """All there is to learn from: questions, what the procedures themselves say, and texts for triage."""

    asks: tuple[Ask, ...]
    told: tuple[Ask, ...] = ()
    labelled: tuple[Labelled, ...] = ()


@dataclass(frozen=True, slots=True)
class Lesson:
    """One thing to learn: reading this ticket for this task, the model writes that."""

    spoken: Spoken
    ticket: str
    answer: str


def lessons(course: Course, dice: Random) -> Iterator[Lesson]:
    """Lessons without end, in the order of the dice."""
    while True:
        kind = dice.random()
        if kind < 0.16 and course.labelled:
            yield _triage_lesson(dice.choice(course.labelled), dice)
        elif kind < 0.28 and course.told:
            yield _reading_lesson(dice.choice(course.told), dice)
        else:
            yield _asking_lesson(course.asks, dice)


def _asking_lesson(asks: Sequence[Ask], dice: Random) -> Lesson:
    """A ticket with one question or two, and what to search or to tell."""
    wanted = [dice.choice(asks)]
    if dice.random() < 0.2:
        wanted += [ask for ask in [_second(asks, wanted[0], dice)] if ask is not None]
    mood = _mood(wanted, dice)
    ticket = _ticket(wanted, mood, dice)
    roll = dice.random()
    if roll < 0.12:
        return Lesson(Spoken.TRIAGE, ticket, sorted_out(wanted[0].intent, mood))
    if roll < 0.56 and wanted[0].section:
        return Lesson(Spoken.QUERY, ticket, queried(_words(wanted)))
    return Lesson(Spoken.DRAFT, ticket, _draft(wanted, mood))


def _reading_lesson(told: Ask, dice: Random) -> Lesson:
    """Some words of a section as if somebody asked with them: so the model learns what it is about."""
    words = told.text.split()
    length = dice.randint(3, 12)
    begin = dice.randrange(max(1, len(words) - length + 1))
    span = " ".join(words[begin : begin + length])
    ticket = asked(Ticket(description=spoiled(span, dice, korean=told.language == "ko")))
    if dice.random() < 0.5:
        return Lesson(Spoken.QUERY, ticket, queried(_words([told])))
    return Lesson(Spoken.DRAFT, ticket, _draft([told], "neutral"))


def plain_lesson(ask: Ask, spoken: Spoken) -> Lesson:
    """A question as it was written down: what held-out ones are checked with."""
    answer = queried([ask.wording]) if spoken is Spoken.QUERY else _draft([ask], "neutral")
    return Lesson(spoken, asked(Ticket(description=ask.text)), answer)


def _draft(wanted: Sequence[Ask], mood: Sentiment) -> str:
    names = _names(wanted)
    if not names:
        return drafted(HOLD, ())
    upset = mood == "negative" or any(ask.trouble for ask in wanted)
    return drafted(Move.SORRY if upset else Move.THANKS, names)


def _names(wanted: Iterable[Ask]) -> list[str]:
    return list(dict.fromkeys(ask.section for ask in wanted if ask.section))


def _words(wanted: Iterable[Ask]) -> list[str]:
    return list(dict.fromkeys(ask.wording for ask in wanted if ask.wording))


def _second(asks: Sequence[Ask], first: Ask, dice: Random) -> Ask | None:
    near = dice.random() < 0.5
    fit = [
        ask
        for ask in (dice.choice(asks) for _ in range(200 if near else 20))
        if ask.language == first.language
        and ask.section not in ("", first.section)
        and first.section
        and (ask.article == first.article) == near
    ]
    return fit[0] if fit else None


def _mood(wanted: Sequence[Ask], dice: Random) -> Sentiment:
    roll = dice.random()
    if roll < (0.3 if any(ask.trouble for ask in wanted) else 0.15):
        return "negative"
    return "positive" if roll > 0.96 else "neutral"


def _triage_lesson(labelled: Labelled, dice: Random) -> Lesson:
    korean = hangul_share(labelled.text) >= 0.3
    text = spoiled(labelled.text, dice, korean=korean)
    first, _, rest = text.partition(". ")
    ticket = Ticket(subject=first[:200], description=rest) if rest and dice.random() < 0.3 else None
    return Lesson(
        Spoken.TRIAGE,
        asked(ticket or Ticket(description=text)),
        sorted_out(labelled.intent, labelled.sentiment),
    )


def _ticket(wanted: Sequence[Ask], mood: Sentiment, dice: Random) -> str:
    language = wanted[0].language
    frames, korean = FRAMES[language], language == "ko"
    told: list[str] = []

    def maybe(share: float, choices: Sequence[str]) -> None:
        if dice.random() < share:
            told.append(dice.choice(choices))

    subject = ""
    roll = dice.random()
    if roll < 0.3:
        subject = _shortened(wanted[0].text, dice)
    elif roll < 0.6:
        subject = dice.choice(frames.subjects)
    maybe(0.3, frames.greetings)
    told += [dice.choice(frames.before) for _ in range(dice.choice((0, 0, 1, 1, 2)))]
    told.append(wanted[0].text)
    maybe(0.15, frames.asides)
    for ask in wanted[1:]:
        maybe(0.6, frames.joints)
        told.append(ask.text)
    maybe(0.1, frames.asides)
    if mood != "neutral":
        told.insert(
            dice.randrange(len(told) + 1), dice.choice(frames.angry if mood == "negative" else frames.glad)
        )
    maybe(0.35, frames.endings)
    body = dice.choice((" ", " ", "\n", ". ", ", ")).join(told)
    filled = (_filled(part, frames, dice) for part in (subject, body))
    head, text = (spoiled(part, dice, korean=korean) for part in filled)
    return asked(Ticket(subject=head[:200], description=text))


def _shortened(text: str, dice: Random) -> str:
    words = text.split()
    return " ".join(words[: max(2, len(words) - dice.randint(0, 2))])


def _filled(text: str, frames: Frames, dice: Random) -> str:
    return text.replace("{p}", dice.choice(frames.products)).replace("{d}", dice.choice(frames.days))
