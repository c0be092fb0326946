"""What a ticket is about: language, intent, tone, abuse, urgency. Pure, and the same every time.

Rules read first; small trained models weigh what they found and abstain where they are not sure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from ccos.agents import triage_words as words
from ccos.agents.languages import Detected, detected, language_in, language_of
from ccos.agents.triage_models import Models, shipped_models
from ccos.agents.triage_words import Cues, Intent
from ccos.domain.prompt import Language
from ccos.domain.ticket import PiiClass, Priority, Sentiment, Ticket
from ccos.providers.rules.queries import asks
from ccos.providers.rules.text import bounded, fold, spaced, squash
from ccos.providers.rules.urgency import priority_of

__all__ = ["Triage", "intent_prior", "intents", "language_in", "language_of", "sentiment_of", "triage"]

WEAK = 1.9
"""Below this score an intent is a guess: triage says "other" instead."""

ABUSIVE = 0.6
"""From this probability on a message is called abusive; at it 5 % of angry but decent lines are."""

UNSUPPORTED = frozenset({"ja", "zh", "other"})
_TONES: tuple[Sentiment, ...] = ("negative", "neutral", "positive")

_SUBJECT_BONUS = 0.5
_EARLY_BONUS = 0.15
"""What is said first is usually the matter itself."""
_TEARS_OR_SHOUTING = re.compile(r"[ㅠㅜ]{2,}|[!?]{3,}|;;|ㅡㅡ|😡|🤬|😠|😤|😢|😭")
_SMILES = re.compile(r"\^\^|😊|😍|👍|❤|♥|☺|😄")


@dataclass(frozen=True, slots=True)
class Triage:
    """Confidences are in [0, 1]: calibrated probabilities where a model spoke, else shares of the cues found.

    `intent` is "other" where nothing is sure enough. `runner_up` is the second intent, or the one that
    was not sure enough; `questions` counts what is asked. `language` is what a reply is drafted in, and
    `language_detected` what the customer writes: one that is not `supported` needs a person. `abusive` is
    insult, threat or harassment of staff; anger at the shop is none.
    """

    language: Language
    language_confidence: float
    intent: str
    intent_confidence: float
    runner_up: str | None
    runner_up_confidence: float
    sentiment: Sentiment
    priority: Priority
    pii: PiiClass
    questions: int
    language_detected: Detected = "unknown"
    supported: bool = True
    sentiment_confidence: float = 0.0
    abusive: bool = False
    abuse_confidence: float = 0.0


def triage(ticket: Ticket, *, pii: PiiClass, models: Models | None = None) -> Triage:
    """Read a ticket. `pii` is the class its text was given by the recognisers; it is passed through.

    The intent is read from all the customer wrote, the latest words first; language, tone, abuse and number
    of questions from the last message. `models` None means those that ship with CCOS.
    """
    asked = shipped_models() if models is None else models
    language, language_confidence = language_of(ticket)
    written = detected(ticket.last_customer_text)
    text = bounded(ticket.customer_text)
    last = bounded(ticket.last_customer_text)
    intent, confidence, runner_up, second = _intent(ticket, text, asked)
    sentiment, tone_confidence = _tone(f"{ticket.subject}\n{last}", asked)
    abuse = asked.abuse.read(last).share("yes") if asked.abuse is not None else 0.0
    return Triage(
        language=language,
        language_confidence=round(language_confidence, 3),
        intent=intent,
        intent_confidence=round(confidence, 3),
        runner_up=runner_up,
        runner_up_confidence=round(second, 3),
        sentiment=sentiment,
        priority=priority_of(text, intent, upset=sentiment == "negative"),
        pii=pii,
        questions=max(1, len(asks(last))) if text.strip() else 0,
        language_detected=written,
        supported=written not in UNSUPPORTED,
        sentiment_confidence=round(tone_confidence, 3),
        abusive=asked.abuse is not None and abuse >= ABUSIVE,
        abuse_confidence=round(abuse, 3),
    )


def _intent(ticket: Ticket, text: str, models: Models) -> tuple[str, float, str | None, float]:
    if models.intent is None:
        return _by_rule(intents(ticket))
    told = models.intent.read(text, intent_prior(ticket))
    (best, confidence), (second, less) = told.ranked[0], told.ranked[1]
    if told.label is None and best != "other":
        return "other", told.share("other"), best, confidence
    return best, confidence, second, less


def _by_rule(ranked: list[tuple[Intent, float]]) -> tuple[str, float, str | None, float]:
    (intent, score), (second, second_score) = ranked[0], ranked[1]
    total = sum(value for _, value in ranked) or 1.0
    if score < WEAK:
        second, second_score, intent, confidence = intent, score, "other", 1.0 - min(score / WEAK, 1.0) / 2
    else:
        confidence = score / (score + second_score) * min(1.0, score / (WEAK + 1.0))
    runner_up = second if second_score > 0 and second != intent else None
    return intent, confidence, runner_up, second_score / total if second_score > 0 else 0.0


def _tone(text: str, models: Models) -> tuple[Sentiment, float]:
    """The model where it is sure, else the rules."""
    ruled = sentiment_of(text)
    if models.sentiment is None:
        return ruled, 0.0
    told = models.sentiment.read(text, sentiment_prior(text))
    for tone in _TONES:
        if told.label == tone:
            return tone, told.confidence
    return ruled, told.share(ruled)


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
    bad, good = _moods(text)
    if bad >= 1.2 and bad >= good:
        return "negative"
    return "positive" if good >= 2.0 else "neutral"


def sentiment_prior(text: str) -> dict[str, float]:
    """The rules' scores as a model takes them."""
    bad, good = _moods(text)
    return {"negative": min(bad, 4.0), "positive": min(good, 4.0)}


def _moods(text: str) -> tuple[float, float]:
    head = bounded(text)
    korean, english = squash(head), spaced(head)
    bad = _weigh(words.NEGATIVE_KO, "ko", korean) + _weigh(words.NEGATIVE_EN, "en", english)
    good = _weigh(words.POSITIVE_KO, "ko", korean) + _weigh(words.POSITIVE_EN, "en", english)
    bad += 0.8 if _TEARS_OR_SHOUTING.search(head) else 0.0
    good += 0.8 if _SMILES.search(head) else 0.0
    return bad, good


def _weigh(cues: Cues, table: Literal["ko", "en"], text: str) -> float:
    return sum(weight for weight, pattern in _patterns(cues, table) if pattern.search(text))
