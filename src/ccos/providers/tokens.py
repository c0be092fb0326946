"""How many tokens a text is, without a tokenizer.

Two rules, for two needs. `likely_tokens` stands in for usage a provider did not report: a Hangul, Chinese or
Japanese character counts 0.8 tokens, other non-ASCII 1.5, and four ASCII characters one token. It lies
between what the older and the newer tokenizers of the cloud models give for Korean and is near both for
English. `most_tokens` is for reserving money: a token of a byte-level tokenizer covers at least one byte, so
there are never more tokens than UTF-8 bytes.
"""

from __future__ import annotations

import math
import re

from ccos.domain.prompt import Prompt

_EAST_ASIAN = re.compile("[ᄀ-ᇿ㄰-㆏가-힣぀-ヿ㐀-鿿]")
_NON_ASCII = re.compile(r"[^\x00-\x7f]")

PER_MESSAGE = 8
"""Tokens a chat template puts around one message, generously."""
PER_REQUEST = 16
WITH_SCHEMA = 1_000
"""Tokens a provider may add of its own to explain a schema or a tool to the model."""


def likely_tokens(text: str) -> int:
    """Our estimate for usage that was not reported; at least 1 for a text that is not empty."""
    east_asian = len(_EAST_ASIAN.findall(text))
    other = len(_NON_ASCII.findall(text)) - east_asian
    return math.ceil(0.8 * east_asian + 1.5 * other + (len(text) - east_asian - other) / 4)


def most_tokens(text: str) -> int:
    """More tokens than this the text cannot be, in a byte-level tokenizer."""
    return len(text.encode("utf-8", "replace"))


def likely_prompt_tokens(prompt: Prompt) -> int:
    """Our estimate of a prompt's tokens, the schema that goes with it included."""
    schema = 0 if prompt.schema is None else likely_tokens(repr(prompt.schema))
    return PER_MESSAGE * (1 + len(prompt.turns)) + schema + sum(map(likely_tokens, _texts(prompt)))


def most_prompt_tokens(prompt: Prompt) -> int:
    """Upper bound of a prompt's tokens, with what templates and schemas add."""
    schema = 0 if prompt.schema is None else WITH_SCHEMA + 2 * most_tokens(repr(prompt.schema))
    around = PER_REQUEST + PER_MESSAGE * (1 + len(prompt.turns))
    return around + schema + sum(map(most_tokens, _texts(prompt)))


def _texts(prompt: Prompt) -> list[str]:
    return [prompt.system, *(turn.text for turn in prompt.turns)]
