"""The scores of answers that no ticket stands behind: is their form of use, do their facts stand?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ccos.domain.prompt import Prompt
from ccos.domain.tier import Task
from ccos.quality.folding import plain
from ccos.quality.reading import Reading
from ccos.quality.vetoes import FACT_LIST, FORM, OPEN_CHAT, Family

_LATIN_WORD = re.compile(r"(?<![\w@./:-])[A-Za-z][A-Za-z']*(?![\w@/]|[.:]\w)")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]{1,200}`|https?://\S+", re.DOTALL)
_OTHER_LANGUAGE = re.compile(
    r"번역|영어|영문|영작|한국어|한글|국문|외국어|일본어|중국어|독일어|프랑스어|스페인어|베트남어"
    r"|translat|\benglish\b|\bkorean\b|\blanguage\b|\bin [A-Z][a-z]+(?:ese|ish|an|ch)\b",
    re.IGNORECASE,
)
_HANGUL_RUN = re.compile("[가-힣]+")
_WORD = re.compile(r"[a-z0-9]{2,}")

SUPPORTED = 0.6
"""Share of a fact's content that must stand in the passage it names."""

OTHER_LANGUAGE, FIXED_SENTENCE = 0.5, 0.4
"""What such answers to a chat are worth: less than is asked for, more than nothing."""
LANGUAGE_CHARACTERS = 2_000
CLEAR_LETTERS, CLEAR_SHARE = 24, 0.85
"""From so many letters on, a Hangul syllable counted as two, and with such a share, a language is clear."""

Score = Callable[[Prompt, Reading, dict[str, object] | None], float]


@dataclass(frozen=True, slots=True)
class Standard:
    """How answers to one task are judged; `name` travels with the score."""

    name: str
    vetoes: tuple[Family, ...]
    score: Score


def form_score(prompt: Prompt, reading: Reading, payload: dict[str, object] | None) -> float:
    """In [0, 1]: for a query builder the share of its queries that share content with the ticket.

    A query shares content when it has a pair of Hangul syllables or a word of the ticket. Triage answers
    that fit their schema have nothing more to be measured.
    """
    if prompt.task is not Task.QUERY_BUILDER:
        return 1.0
    written = reading.text.splitlines() if payload is None else strings(payload.get("queries", payload))
    queries = [query for query in written if query.strip()]
    if not queries:
        return 0.0
    known = _content(reading.ticket_text)
    return sum(not known.isdisjoint(_content(plain(query))) for query in queries) / len(queries)


def support_score(prompt: Prompt, _reading: Reading, payload: dict[str, object] | None) -> float:
    """In [0, 1]: the share of facts whose content stands in the evidence they name; to find none is fine."""
    facts = payload.get("facts") if payload else None
    if not isinstance(facts, list):
        return 0.0
    listed = [fact for fact in facts if isinstance(fact, dict)]
    if not listed:
        return 1.0
    passages = {e.n: _content(plain(f"{e.title} {e.snippet}")) for e in prompt.grounds.evidence}
    return sum(_stands(fact, passages) for fact in listed) / len(listed)


def chat_score(prompt: Prompt, reading: Reading, _payload: dict[str, object] | None) -> float:
    """1 for an answer without a visible fault, 0.5 in a language other than the question's, and 0.4 for a
    sentence that was fixed beforehand: it answers no question. Nothing is known of whether it is right.
    """
    if reading.text.strip() and reading.text in reading.answer.approved:
        return FIXED_SENTENCE
    if prompt.schema is not None:
        return 1.0
    asked = next((turn.text for turn in reversed(prompt.turns) if turn.role == "user"), "")
    asked, answered = asked[-LANGUAGE_CHARACTERS:], reading.text[:LANGUAGE_CHARACTERS]
    wanted, found = _language(asked), _language(answered)
    if wanted is None or found is None or wanted == found:
        return 1.0
    free = _OTHER_LANGUAGE.search(asked) or _OTHER_LANGUAGE.search(prompt.system[-LANGUAGE_CHARACTERS:])
    return 1.0 if free else OTHER_LANGUAGE


def _language(text: str) -> str | None:
    """The language of prose by its letters, where that is clear; code, names and addresses do not count."""
    prose = _CODE.sub(" ", text)
    korean = 2 * sum(map(len, _HANGUL_RUN.findall(prose)))
    latin = sum(map(len, _LATIN_WORD.findall(prose)))
    if korean + latin < CLEAR_LETTERS:
        return None
    share = korean / (korean + latin)
    return "ko" if share >= CLEAR_SHARE else "en" if share <= 1 - CLEAR_SHARE else None


def _stands(fact: Mapping[str, object], passages: Mapping[int, set[str]]) -> bool:
    said, n = _content(plain(str(fact.get("text", "")))), fact.get("n")
    known = passages.get(n, set()) if isinstance(n, int) else set()
    return bool(said) and len(said & known) >= SUPPORTED * len(said)


def strings(value: object) -> list[str]:
    """Every string inside a JSON value, in order."""
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in strings(item)]
        case dict():
            return [text for item in value.values() for text in strings(item)]
    return []


def _content(text: str) -> set[str]:
    pairs = {run[n : n + 2] for run in _HANGUL_RUN.findall(text) for n in range(max(1, len(run) - 1))}
    return pairs | set(_WORD.findall(text.casefold()))


OUR_OWN: Mapping[Task, Standard] = {
    Task.TRIAGE: Standard("form-check", FORM, form_score),
    Task.QUERY_BUILDER: Standard("form-check", FORM, form_score),
    Task.KB_SYNTHESIS: Standard("support-check", FACT_LIST, support_score),
    Task.JUDGEMENT: Standard("form-check", FORM, form_score),
    Task.EMBEDDING: Standard("form-check", FORM, form_score),
    Task.CHAT: Standard("chat-check", OPEN_CHAT, chat_score),
}
"""Tasks whose answers are not for customers, or not known to be; all others are judged as text for them."""
