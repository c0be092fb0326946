"""An answer on its way out, whichever format it will be written in. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from ccos.api.headers import cache_word, called
from ccos.api.v1.asked import Asked
from ccos.domain.draft import Attempt
from ccos.domain.tier import Tier
from ccos.tiers.filtering import NOT_ASKED
from ccos.tiers.request import Generation

MOST_TRIED = 20
"""A chain with many credentials has a longer history than a reader of one answer needs."""

_FEW_WORDS = re.compile(r"\s*(?:\S{1,40}\s*){1,4}")


@dataclass(frozen=True, slots=True)
class Reply:
    """`text` is what the caller reads; in `refusal` it stands where a shape was asked for and none came.

    `stop` is the caller's text at which the answer was ended. `label` is the `ccos` object.
    """

    id: str
    created: int
    text: str
    refusal: str | None
    stop: str | None
    model: str
    finish: str
    tokens_in: int
    tokens_out: int
    label: Mapping[str, Any]


def reply_to(asked: Asked, made: Generation, request_id: str, created: int) -> Reply:
    text, refusal = _words(asked, made)
    text, stop = ended(text, asked.stops)
    return Reply(
        id=request_id,
        created=created,
        text=text,
        refusal=refusal,
        stop=stop,
        model=made.model,
        finish="stop" if stop is not None else made.finish_reason,
        tokens_in=made.tokens_in,
        tokens_out=made.tokens_out,
        label={
            "request_id": request_id,
            "tier": made.tier.value,
            "model": made.model,
            "attempts": called(made),
            "tried": tried(made.attempts),
            "reason": made.reason,
            "quality": round(made.quality_score, 4),
            "accepted": made.accepted,
            "certified": made.certified,
            "degraded": made.degraded,
            "cost_usd": made.cost,
            "cache": cache_word(made, asked.extras.cache),
        },
    )


def tried(attempts: Iterable[Attempt]) -> list[dict[str, str]]:
    """Who was called or passed over, in order, and why; whom the caller's own wish left out is not told."""
    return [
        {
            "tier": attempt.tier.value,
            "provider": attempt.provider,
            "outcome": attempt.outcome.value,
            "reason": attempt.reason,
        }
        for attempt in attempts
        if attempt.reason != NOT_ASKED
    ][:MOST_TRIED]


def _words(asked: Asked, made: Generation) -> tuple[str, str | None]:
    """The text of the answer, and the rules' sentence where only an object would have been an answer."""
    payload = made.verdict.payload
    if asked.schema is None:
        return made.response, None
    if payload is not None:
        return msgspec.json.encode(payload).decode(), None
    if made.tier is Tier.RULE_BASED:
        return "", made.response
    return made.response, None


def ended(text: str, stops: tuple[str, ...]) -> tuple[str, str | None]:
    """The text without what follows from the first stop on that is whole, and which one that was."""
    found = [(at + len(stop), at, stop) for stop in stops if (at := text.find(stop)) >= 0]
    if not found:
        return text, None
    _, at, stop = min(found)
    return text[:at], stop


def few_words(text: str) -> Iterator[str]:
    """The text in pieces of a few words each; joined they are the text."""
    at = 0
    while at < len(text):
        match = _FEW_WORDS.match(text, at)
        end = match.end() if match else len(text)
        yield text[at:end]
        at = end


class Ending:
    """Lets text through as it comes, up to the first of `stops`, which may be split between pieces."""

    def __init__(self, stops: tuple[str, ...], send: Callable[[str], None]) -> None:
        self._stops = stops
        self._send = send
        self._keep = max((len(stop) - 1 for stop in stops), default=0)
        self._held = ""
        self.stop: str | None = None

    def hear(self, piece: str) -> None:
        if self.stop is not None:
            return
        if not self._stops:
            self._send(piece)
            return
        text, self.stop = ended(self._held + piece, self._stops)
        sure = len(text) if self.stop is not None else max(0, len(text) - self._keep)
        self._held = text[sure:]
        if sure:
            self._send(text[:sure])

    def finish(self) -> None:
        """What was held back in case a stop came goes out: none came."""
        held, self._held = self._held, ""
        if held:
            self._send(held)
