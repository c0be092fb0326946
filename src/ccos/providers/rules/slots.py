"""Approved answers: whole texts that people signed off, with slots filled from ticket and tenant only."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ccos.domain.tenant import ApprovedAnswer

_SLOT = re.compile(r"\{(\w*)\}")
_NAME_SLOT_KO = re.compile(r"\{customer_name\}\s*(?:고객)?\s*님")
_GREETED_KO = re.compile(r"^(안녕하세요|안녕하십니까), 고객님")
_NAME_SLOT_EN = re.compile(r"[ ]?\{customer_name\}")
_SENTENCE_GAP = re.compile(r"(?<=[.!?。])(?<!\d\.)[ \t]+")
_MOST_DROPPED = 0.5


def fill(answer: ApprovedAnswer, slots: Mapping[str, str | None]) -> str | None:
    """The text with its slots filled, less the sentences with a slot nobody can fill; None when little stays.

    A known name is put into the Korean greeting; a missing one drops no sentence, the greeting says "고객님".
    """
    text = answer.text
    name = slots.get("customer_name")
    if name and answer.language == "ko":
        text = _GREETED_KO.sub(r"\1, {customer_name} 고객님", text)
    elif not name:
        text = _NAME_SLOT_KO.sub("고객님", text)
        text = _NAME_SLOT_EN.sub("", text) if answer.language == "en" else text
    total = kept = 0
    lines: list[str] = []
    for line in text.splitlines():
        sentences = [part for part in _SENTENCE_GAP.split(line) if part.strip()]
        filled = [fit for part in sentences if (fit := _filled(part, slots)) is not None]
        total, kept = total + len(sentences), kept + len(filled)
        if filled or not sentences:
            lines.append(" ".join(filled))
    if not kept or kept < total * _MOST_DROPPED:
        return None
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def fillable(answer: ApprovedAnswer, slots: Mapping[str, str | None]) -> bool:
    """Whether every slot of the answer can be filled."""
    return all(slots.get(name) for name in _SLOT.findall(answer.text))


def _filled(sentence: str, slots: Mapping[str, str | None]) -> str | None:
    if any(not slots.get(name) for name in _SLOT.findall(sentence)):
        return None
    return _SLOT.sub(lambda slot: slots[slot.group(1)] or "", sentence)
