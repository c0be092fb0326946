"""Typed placeholders in place of personal data, and the way back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from ccos.quality.pii.recognisers import Kind, find

_LABELS: Mapping[Kind, str] = {
    "resident": "주민번호",
    "foreigner": "외국인번호",
    "card": "카드번호",
    "license": "면허번호",
    "business": "사업자번호",
    "customs": "통관번호",
    "passport": "여권번호",
    "phone": "전화번호",
    "account": "계좌번호",
    "email": "이메일",
    "address": "주소",
    "name": "이름",
}
_AS_WRITTEN = "표기"

PLACEHOLDER = re.compile(rf"\[(?:{'|'.join((*_LABELS.values(), _AS_WRITTEN))})_[0-9]{{1,6}}\]")


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """What each placeholder stands for. It is personal data itself: keep it where the ticket is kept."""

    values: Mapping[str, str] = field(default_factory=dict)


NO_PSEUDONYMS = Pseudonyms()


def mask(
    texts: Sequence[str], known: Pseudonyms = NO_PSEUDONYMS, *, names: Sequence[str] = ()
) -> tuple[tuple[str, ...], Pseudonyms]:
    """The texts with personal data replaced, and `known` grown by what was replaced.

    The same spelling gets the same placeholder in all texts and, through `known`, in later calls. A text
    that already contains a placeholder's spelling gets that replaced too, so that nobody can ask for
    another value by writing its placeholder, and `restore` gives every text back exactly.
    """
    values = dict(known.values)
    placeholders = {value: placeholder for placeholder, value in values.items()}
    literal = {m.group() for text in texts for m in PLACEHOLDER.finditer(text)}

    numbers: dict[str, Iterator[int]] = {}  # each goes on where it stopped: a number once taken stays taken

    def placeholder_for(label: str, value: str) -> str:
        if value not in placeholders:
            free = (f"[{label}_{n}]" for n in numbers.setdefault(label, count(1)))
            placeholder = next(p for p in free if p not in values and p not in literal)
            values[placeholder] = value
            placeholders[value] = placeholder
        return placeholders[value]

    masked = []
    for text in texts:
        spans = [(s.start, s.end, _LABELS[s.kind]) for s in find(text, names=names)]
        written = [(m.start(), m.end(), _AS_WRITTEN) for m in PLACEHOLDER.finditer(text)]
        pieces, at = [], 0
        for start, end, label in sorted(spans + written):
            if start >= at:
                pieces += [text[at:start], placeholder_for(label, text[start:end])]
                at = end
        masked.append("".join([*pieces, text[at:]]))
    return tuple(masked), Pseudonyms(values)


def restore(text: str, pseudonyms: Pseudonyms) -> str:
    """The text with the real values back. Placeholders nobody knows stay, and the gate refuses them."""
    return PLACEHOLDER.sub(lambda match: pseudonyms.values.get(match.group(), match.group()), text)
