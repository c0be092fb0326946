"""Tokens by which a chat template marks who speaks: in somebody's text they must be plain words."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NAME = r"[\w\u2581][\w\u2581 .:/-]{0,60}"
KNOWN = re.compile(
    rf"(?=<[|\uff5c]{_NAME}[|\uff5c]?>|<{_NAME}[|\uff5c]>|\[\|{_NAME}\|\]"  # ChatML, DeepSeek, EXAONE
    r"|</?s>|<</?SYS>>|\[/?(?:INST|THINK|(?:AVAILABLE_)?TOOLS|TOOL_(?:CALLS|RESULTS|CONTENT)|SYSTEM_PROMPT"
    r"|IMG|ARGS|CALL_ID|gMASK)\]"  # Llama 2, Mistral, GLM
    r"|<(?:bos|eos|pad|unk|mask|sop|eop|(?:start|end)_of_turn)>"  # Gemma, GLM
    r"|</?(?:think|tools|tool_call|tool_response)>"  # Qwen, DeepSeek
    r"|\]~!?b[\[\]]|\[e~\[)(\s*\S)"  # MiniMax
)
"""The start of what is a control token to some model, for a server whose vocabulary nobody knows."""


def control_pattern(tokens: Iterable[str]) -> re.Pattern[str] | None:
    """What finds the start of every control token, up to its first character that is no blank.

    A token needs two such characters: no blank could part one that has fewer.
    """
    words = sorted((token for token in tokens if len("".join(token.split())) > 1), key=len, reverse=True)
    return re.compile(rf"(?=(?:{'|'.join(map(re.escape, words))}))(\s*\S)") if words else None


def broken_up(text: str, control: re.Pattern[str] | None) -> str:
    """The text with a space inside every control token, so that the engine reads it as plain words.

    The engine's tokenizer takes `<|im_end|>` in a customer's message for the real end of the message.
    It ends because every round widens a gap that is inside a token, and no token's gap is wider than itself.
    """
    while control is not None and control.search(text):
        text = control.sub(r"\1 ", text)
    return text
