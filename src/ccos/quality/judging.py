"""A second opinion by a model: a rubric of yes and no, believed as far as people proved it right.

A model is no judge of its own words, and it agrees with people on some four answers of five. So its verdict
is one more piece of evidence: it moves the odds of an answer by the likelihood ratio that was measured on
labelled answers (Bayes), and nothing measured means nothing moved.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ccos.domain.prompt import Language, Prompt, Turn
from ccos.domain.tier import Task
from ccos.quality.folding import plain
from ccos.quality.model import logistic, odds

LOW, HIGH = 0.2, 0.9
"""Outside, the cheap gate is sure enough: a second opinion would cost more than it changes."""
LEAST_LABELS = 100
"""Labelled answers a judge must have been held against before it is heard."""
LEAST_OF_A_SIDE = 30
"""Of these the good ones, and the bad ones: a side nobody tried proves nothing."""
BETTER_THAN_A_COIN = 1.1
"""What the lower bounds of both rates must together exceed; a coin's rates add up to 1."""
_Z = NormalDist().inv_cdf(0.9)
MOST_LOG_ODDS = 2.5
"""How far one opinion may move an answer: from 0.5 to 0.92, or to 0.08."""
_QUOTE_CHARACTERS = 6

CRITERIA: Mapping[str, str] = {
    "answers": "Every question of the customer is answered, or it is said openly what cannot be answered.",
    "supported": "Every fact in the reply stands in the passages or in the customer's own words.",
    "consistent": "Nothing in the reply contradicts a passage: conditions, negations and numbers agree.",
    "proper": "The reply is polite, in the customer's language, and promises nothing nobody authorised.",
}

_SYSTEM: Mapping[Language, str] = {
    "ko": (
        "당신은 고객센터의 답변 검수자입니다. 아래 문의와 근거, 답변 초안을 읽고 기준마다 충족하면 true, "
        "아니면 false로 판정하세요. supported와 consistent는 판단의 바탕이 된 근거 문장을 quote에 그대로 "
        "옮기세요. 길이나 문체가 좋다고 후하게 보지 마세요. 기준은 다음과 같습니다."
    ),
    "en": (
        "You check reply drafts of a support desk. Read the ticket, the passages and the draft, and say of "
        "each criterion whether it is met. For supported and consistent copy into quote the words of the "
        "passage your verdict rests on. Neither length nor a good style is a merit. The criteria:"
    ),
}

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        name: {
            "type": "object",
            "properties": {"met": {"type": "boolean"}, "quote": {"type": "string", "maxLength": 300}},
            "required": ["met", "quote"],
            "additionalProperties": False,
        }
        for name in CRITERIA
    },
    "required": list(CRITERIA),
    "additionalProperties": False,
}

_FAMILIES = [
    "gpt",
    "o1",
    "o3",
    "o4",
    "claude",
    "gemini",
    "gemma",
    "llama",
    "qwen",
    "mistral",
    "mixtral",
    "phi",
    "minimax",
    "exaone",
    "solar",
    "deepseek",
    "command",
    "glm",
    "hyperclova",
    "kanana",
]
_SAME = {"o1": "gpt", "o3": "gpt", "o4": "gpt", "gemma": "gemini", "mixtral": "mistral"}


class Rates(BaseModel):
    """How often a judge was right: the share of good answers it called good, and of bad ones it refused.

    `good` and `bad` count the answers of each side; rates that were kept without them prove nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    true_positive: float = Field(ge=0, le=1)
    true_negative: float = Field(ge=0, le=1)
    labels: int = Field(ge=0)
    good: int = Field(default=0, ge=0)
    bad: int = Field(default=0, ge=0)

    @property
    def proven(self) -> bool:
        """Whether it may be heard: enough labels of each side, and clearly better than a coin."""
        if self.good + self.bad < LEAST_LABELS or min(self.good, self.bad) < LEAST_OF_A_SIDE:
            return False
        least = _lower(self.true_positive, self.good) + _lower(self.true_negative, self.bad)
        return least > BETTER_THAN_A_COIN


def judge_prompt(prompt: Prompt, text: str) -> Prompt:
    """What the judge is asked of an answer `text` to `prompt`."""
    language = prompt.grounds.language
    criteria = "\n".join(f"- {name}: {meaning}" for name, meaning in CRITERIA.items())
    ticket = prompt.grounds.ticket
    asked = ticket.customer_text if ticket else "\n".join(t.text for t in prompt.turns if t.role == "user")
    passages = "\n\n".join(f"[{e.n}] {e.title}\n{e.snippet}" for e in prompt.grounds.evidence) or "-"
    parts = ("문의", "근거", "답변 초안") if language == "ko" else ("Ticket", "Passages", "Draft")
    turn = "\n\n".join(
        f"# {name}\n{words}" for name, words in zip(parts, (asked, passages, text), strict=True)
    )
    system = f"{_SYSTEM[language]}\n{criteria}"
    return Prompt(Task.JUDGEMENT, system, (Turn("user", turn),), prompt.grounds, SCHEMA, 600, 0.0)


def says_good(payload: Mapping[str, object] | None, prompt: Prompt) -> bool | None:
    """The judge's verdict: good when every criterion is met. None for one that does not count.

    A judge that calls the facts supported must quote a passage that says something, word for word: an
    invented quotation shows that it did not read.
    """
    if payload is None or payload.keys() != CRITERIA.keys():
        return None
    found = {name: value for name, value in payload.items() if isinstance(value, dict)}
    if any(not isinstance(found.get(name, {}).get("met"), bool) for name in CRITERIA):
        return None
    if not all(found[name]["met"] for name in CRITERIA):
        return False
    evidence = prompt.grounds.evidence
    return True if not evidence or _quoted(str(found["supported"].get("quote", "")), prompt) else None


def log_odds(good: bool, rates: Rates) -> float:
    """ln P(verdict | good) / P(verdict | bad), with one pseudo-label on each side, within `MOST_LOG_ODDS`."""
    hit = (rates.true_positive * rates.good + 1) / (rates.good + 2)
    alarm = ((1 - rates.true_negative) * rates.bad + 1) / (rates.bad + 2)
    ratio = math.log(hit / alarm) if good else math.log((1 - hit) / (1 - alarm))
    return max(-MOST_LOG_ODDS, min(MOST_LOG_ODDS, ratio))


def updated(quality: float, more: float) -> float:
    """`quality` with `more` log-odds: Bayes' rule, for opinions that are independent given the truth."""
    return logistic(odds(quality) + more)


def worth_asking(quality: float) -> bool:
    return LOW <= quality <= HIGH


def same_family(model: str, other: str) -> bool:
    """Whether two models are of one family, by their names: such a judge favours its own kind of words."""
    return _family(model) == _family(other)


def _family(model: str) -> str:
    name = re.split("[@+]", model.casefold())[0]  # whatever its edition, with whatever adapter
    found = next((f for f in _FAMILIES if re.search(rf"(?<![a-z0-9]){f}(?![a-z])", name)), name)
    return _SAME.get(found, found)


def _lower(share: float, count: int) -> float:
    """The lower bound of a share of `count`, with 90 % confidence on this one side (Wilson 1927)."""
    spread = _Z * _Z / count
    reach = _Z * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    return max(0.0, (share + spread / 2 - reach) / (1 + spread))


def _quoted(quote: str, prompt: Prompt) -> bool:
    words = _flat(plain(quote))
    passages = (_flat(plain(f"{e.title} {e.snippet}")) for e in prompt.grounds.evidence)
    return len(words) >= _QUOTE_CHARACTERS and any(words in passage for passage in passages)


def _flat(text: str) -> str:
    return re.sub(r"[\s.,!?\"'“”‘’\[\]()]+", "", text).casefold()
