"""What a ticket is about, read by rule: language, intent, tone, urgency. Pure, and the same every time."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from ccos.agents import triage_words as words
from ccos.agents.triage_words import Cues, Intent
from ccos.domain.prompt import Language
from ccos.domain.ticket import PiiClass, Priority, Sentiment, Ticket
from ccos.providers.rules.queries import asks
from ccos.providers.rules.text import bounded, fold, spaced, squash
from ccos.providers.rules.urgency import priority_of

WEAK = 1.9
"""Below this score an intent is a guess: triage says "other" instead."""

_SUBJECT_BONUS = 0.5
_EARLY_BONUS = 0.15
"""What is said first is usually the matter itself."""
_TEARS_OR_SHOUTING = re.compile(r"[ㅠㅜ]{2,}|[!?]{3,}|;;|ㅡㅡ|😡|🤬|😠|😤|😢|😭")
_SMILES = re.compile(r"\^\^|😊|😍|👍|❤|♥|☺|😄")
_NOT_PROSE = re.compile(
    r"https?://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.]+|\b(?=[\w-]*\d)[A-Za-z0-9][\w-]*|"
    r"\b[A-Z]{2,}\b|[A-Za-z]+(?=[가-힣])"
)
_HANGUL = re.compile(r"[가-힣]+")
_LATIN_WORD = re.compile(r"[A-Za-z]{2,}")
_MIN_KOREAN = 10
_KOREAN_SENTENCE = re.compile(r"[가-힣](?:니다|니까|요|죠|싶은데)(?=[\s.?!~,ㅠㅜ]|$)")
_QUOTED = re.compile(r"[\"'“‘][^\"'”’\n]{1,80}[\"'”’]")
_CAPITALISED = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]+")


@dataclass(frozen=True, slots=True)
class Triage:
    """Confidences are in [0, 1]: shares of the evidence found, not calibrated probabilities.

    `runner_up` is the second intent when the words speak for one; `questions` counts what is asked.
    """

    language: Language
    language_confidence: float
    intent: Intent
    intent_confidence: float
    runner_up: Intent | None
    runner_up_confidence: float
    sentiment: Sentiment
    priority: Priority
    pii: PiiClass
    questions: int


def triage(ticket: Ticket, *, pii: PiiClass) -> Triage:
    """Read a ticket. `pii` is the class its text was given by the recognisers; it is passed through.

    The intent is read from all the customer wrote, the latest words first; the language, tone and number of
    questions from the last message.
    """
    language, language_confidence = language_of(ticket)
    text = bounded(ticket.customer_text)
    last = bounded(ticket.last_customer_text)
    ranked = intents(ticket)
    (intent, score), (second, second_score) = ranked[0], ranked[1]
    total = sum(value for _, value in ranked) or 1.0
    if score < WEAK:
        second, second_score, intent, confidence = intent, score, "other", 1.0 - min(score / WEAK, 1.0) / 2
    else:
        confidence = score / (score + second_score) * min(1.0, score / (WEAK + 1.0))
    sentiment = sentiment_of(f"{ticket.subject}\n{last}")
    return Triage(
        language=language,
        language_confidence=round(language_confidence, 3),
        intent=intent,
        intent_confidence=round(confidence, 3),
        runner_up=second if second_score > 0 and second != intent else None,
        runner_up_confidence=round(second_score / total, 3) if second_score > 0 else 0.0,
        sentiment=sentiment,
        priority=priority_of(text, intent, upset=sentiment == "negative"),
        pii=pii,
        questions=max(1, len(asks(last))) if text.strip() else 0,
    )


# -- language ----------------------------------------------------------------------------------------------


def language_of(ticket: Ticket) -> tuple[Language, float]:
    """The language of the last customer message; one without letters follows the rest of what the customer
    wrote, then the desk's own label.
    """
    for text in (ticket.last_customer_text, ticket.customer_text):
        if (told := language_in(text)) is not None:
            return told
    label = (ticket.language or "").lower()
    return ("en", 0.5) if label.startswith("en") else ("ko", 0.5)


def language_in(text: str) -> tuple[Language, float] | None:
    """The language of a message by script, with names, codes and addresses left out; None without letters.

    Who writes one Korean sentence of their own reads Korean, however much English stands around it (an error
    message, a forwarded mail); Korean names and quoted words in an English message do not count.
    """
    prose = _CAPITALISED.sub(" ", _NOT_PROSE.sub(" ", bounded(text)))
    korean = sum(map(len, _HANGUL.findall(prose)))
    english = sum(map(len, _LATIN_WORD.findall(prose))) / 2.5
    if korean + english < 1:
        return None
    share = korean / (korean + english)
    if share < 0.5 and korean >= _MIN_KOREAN and _KOREAN_SENTENCE.search(_QUOTED.sub(" ", prose)):
        return "ko", 0.6
    return ("ko", share) if share >= 0.5 else ("en", 1.0 - share)


# -- intent ------------------------------------------------------------------------------------------------


@cache
def _compiled(
    table: Literal["ko", "en"],
) -> tuple[tuple[Intent, tuple[tuple[float, re.Pattern[str]], ...]], ...]:
    source = words.KOREAN if table == "ko" else words.ENGLISH
    return tuple((intent, _patterns(cues, table)) for intent, cues in source.items())


@cache
def _patterns(cues: Cues, table: Literal["ko", "en"]) -> tuple[tuple[float, re.Pattern[str]], ...]:
    return tuple((weight, re.compile(fold(cue) if table == "ko" else cue)) for weight, cue in cues)


def intents(ticket: Ticket) -> list[tuple[Intent, float]]:
    """Every intent with its score, best first; the order of the vocabulary breaks ties."""
    text, subject = bounded(ticket.customer_text), ticket.subject
    if ticket.conversation_history:
        text = f"{text}\n{bounded(ticket.last_customer_text)}"
    scores = {intent: 0.0 for intent, _ in _compiled("ko")}
    for table, whole, head in (("ko", squash(text), squash(subject)), ("en", spaced(text), spaced(subject))):
        for intent, patterns in _compiled("ko" if table == "ko" else "en"):
            for weight, pattern in patterns:
                if found := pattern.search(whole):
                    scores[intent] += weight * (1 + _EARLY_BONUS * (1 - found.start() / len(whole)))
                    if head and weight > 0 and pattern.search(head):
                        scores[intent] += weight * _SUBJECT_BONUS
    return sorted(((intent, max(score, 0.0)) for intent, score in scores.items()), key=lambda pair: -pair[1])


def intent_prior(said: Ticket | str) -> dict[str, float]:
    """The rules' scores as a model takes them, as square roots: the tenth cue adds less than the second."""
    ticket = said if isinstance(said, Ticket) else Ticket.model_construct(description=said)
    return {intent: score**0.5 for intent, score in intents(ticket)}


# -- tone --------------------------------------------------------------------------------------------------


def sentiment_of(text: str) -> Sentiment:
    """Negative or positive when the words clearly are; thanks at the end of a message is manners, not joy."""
    head = bounded(text)
    korean, english = squash(head), spaced(head)
    bad = _weigh(words.NEGATIVE_KO, "ko", korean) + _weigh(words.NEGATIVE_EN, "en", english)
    good = _weigh(words.POSITIVE_KO, "ko", korean) + _weigh(words.POSITIVE_EN, "en", english)
    bad += 0.8 if _TEARS_OR_SHOUTING.search(head) else 0.0
    good += 0.8 if _SMILES.search(head) else 0.0
    if bad >= 1.2 and bad >= good:
        return "negative"
    return "positive" if good >= 2.0 else "neutral"


def _weigh(cues: Cues, table: Literal["ko", "en"], text: str) -> float:
    return sum(weight for weight, pattern in _patterns(cues, table) if pattern.search(text))
