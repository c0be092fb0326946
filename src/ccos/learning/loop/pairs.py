"""What agents changed and what they refused, as training pairs in JSON lines."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ccos.domain.feedback import Use, use_of
from ccos.domain.labelling import changed_share
from ccos.quality.pii import together_without_people

MOST_CHARACTERS = 8_000
_WORDS = re.compile(r"\s+|\S+")


@dataclass(frozen=True, slots=True)
class Judged:
    """A question, the draft for it, and what a person made of it; `sent` is None of a rejection."""

    question: str
    reply: str
    verdict: str
    sent: str | None = None
    reason: str = ""


def hard_negatives(judged: Iterable[Judged]) -> Iterator[dict[str, Any]]:
    """One record a draft that was rejected or edited: `rejected` is the draft, `chosen` what went out (None
    of a rejection), `spans` what was changed in it. Personal data is replaced by a word in all parts
    alike; what cannot be searched for it is left out, and so is an edit of greeting or closing alone.
    """
    for each in judged:
        changed = None if each.sent is None else changed_share(each.reply, each.sent)
        use = use_of(each.verdict, changed)
        if use is Use.AS_IS or (use is Use.EDITED and each.sent is None):
            continue
        sent = each.sent if use is Use.EDITED else None
        parts = [text[:MOST_CHARACTERS] for text in (each.question, each.reply, sent or "", each.reason)]
        try:
            question, reply, chosen, reason = together_without_people(parts)
        except Exception:  # noqa: S112  what cannot be searched leaves nobody
            continue
        yield {
            "kind": use.value,
            "prompt": question,
            "rejected": reply,
            "chosen": chosen if sent is not None else None,
            "reason": reason,
            "spans": [{"from": a, "to": b} for a, b in spans(reply, chosen)] if sent is not None else [],
        }


def spans(before: str, after: str) -> list[tuple[str, str]]:
    """What was replaced by what, in whole words; empty where something was only put in or left out."""
    one, other = _WORDS.findall(before), _WORDS.findall(after)
    steps = difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes()
    return [
        ("".join(one[a:b]).strip(), "".join(other[c:d]).strip())
        for tag, a, b, c, d in steps
        if tag != "equal"
    ]


def as_json_lines(records: Iterable[dict[str, Any]]) -> str:
    """One record a line, in UTF-8 as it is read."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
