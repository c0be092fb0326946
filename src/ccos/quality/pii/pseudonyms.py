"""Typed placeholders in place of personal data, and the way back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from ccos.quality.pii.recognisers import find
from ccos.quality.pii.spans import Kind

LABELS: Mapping[Kind, str] = {
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
    "plate": "차량번호",
    "birth": "생년월일",
    "ci": "본인확인값",
    "name": "이름",
}
_AS_WRITTEN = "표기"

_LABEL = "|".join((*LABELS.values(), _AS_WRITTEN))
_OPENS, _CLOSES = r"\[［【〔<{", r"\]］】〕>}"
PLACEHOLDER = re.compile(
    rf"[{_OPENS}]\s?({_LABEL})\\{{0,2}}[_＿\s-]?\s?(\d{{1,6}})\s?[{_CLOSES}]"
    rf"|({_LABEL})\\{{0,2}}[_＿](\d{{1,6}})(?!\d)"
)
"""As we write it, and as models mangle it: `[전화번호 1]`, `전화번호_1`, `［전화번호＿１］`."""

_STARTS = "|".join(sorted({label[:n] for label in _LABEL.split("|") for n in range(1, len(label) + 1)}))
_BEGUN = re.compile(
    rf"[{_OPENS}]\s?(?:(?:{_STARTS})|(?:{_LABEL})\\{{0,2}}[_＿\s-]?\s?\d{{0,6}}\s?)?"
    rf"|(?:{_STARTS})|(?:{_LABEL})\\{{0,2}}(?:[_＿]\d{{0,6}})?"
)
LONGEST = 24
"""Characters that the start of a placeholder can have before it is whole."""


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """What each placeholder stands for. It is personal data itself: keep it where the ticket is kept."""

    values: Mapping[str, str] = field(default_factory=dict)

    def within(self, texts: Sequence[str]) -> Pseudonyms:
        """Only those whose placeholder is in one of the texts: who never saw another may not ask for it."""
        seen = {match.group() for text in texts for match in PLACEHOLDER.finditer(text)}
        return Pseudonyms({name: value for name, value in self.values.items() if name in seen})


NO_PSEUDONYMS = Pseudonyms()


def mask(
    texts: Sequence[str], known: Pseudonyms = NO_PSEUDONYMS, *, names: Sequence[str] = ()
) -> tuple[tuple[str, ...], Pseudonyms]:
    """The texts with personal data replaced, and `known` grown by what was replaced.

    The same spelling gets the same placeholder in all texts and, through `known`, in later calls. A text
    that already contains a placeholder's spelling gets that replaced too, so that nobody can ask for
    another value by writing its placeholder, and `restore` gives every text back exactly. A name that one
    text shows to be one is replaced in all of them. Raises Unreadable.
    """
    values = dict(known.values)
    placeholders = {value: placeholder for placeholder, value in values.items()}
    literal = {_name(m) for text in texts for m in PLACEHOLDER.finditer(text)}

    numbers: dict[str, Iterator[int]] = {}  # each goes on where it stopped: a number once taken stays taken

    def placeholder_for(label: str, value: str) -> str:
        if value not in placeholders:
            free = (f"[{label}_{n}]" for n in numbers.setdefault(label, count(1)))
            placeholder = next(p for p in free if p not in values and p not in literal)
            values[placeholder] = value
            placeholders[value] = placeholder
        return placeholders[value]

    masked = []
    for text, found in zip(texts, _found(texts, values, names), strict=True):
        spans = [(start, end, label) for start, end, label in found]
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
    return PLACEHOLDER.sub(lambda match: pseudonyms.values.get(_name(match), match.group()), text)


def begun(text: str) -> int:
    """Where at the end of `text` a placeholder may have begun that is not whole yet; its length if none."""
    first = max(0, len(text) - LONGEST)
    return next((at for at in range(first, len(text)) if _BEGUN.fullmatch(text, at)), len(text))


def without_people(text: str) -> str:
    """The text with a word in place of personal data, `[이름]`, and no way back. Raises Unreadable."""
    return together_without_people([text])[0]


def together_without_people(texts: Sequence[str]) -> tuple[str, ...]:
    """Likewise for texts about one thing: a name that one of them shows to be one is found in all of them."""
    freed = []
    for text, spans in zip(texts, _found(texts, {}, ()), strict=True):
        pieces, at = [], 0
        for start, end, label in spans:
            pieces += [text[at:start], f"[{label}]"]
            at = end
        freed.append("".join([*pieces, text[at:]]))
    return tuple(freed)


def _found(
    texts: Sequence[str], values: Mapping[str, str], names: Sequence[str]
) -> Iterator[list[tuple[int, int, str]]]:
    """Spans with their labels, text by text; a second look where other texts gave names."""
    known = [value for placeholder, value in values.items() if placeholder.startswith(f"[{LABELS['name']}_")]
    own = [*names, *known]
    firsts = [find(text, names=own) for text in texts]
    shown = {
        text[span.start : span.end]
        for text, spans in zip(texts, firsts, strict=True)
        for span in spans
        if span.kind == "name" and span.end - span.start >= 3
    }
    for text, spans in zip(texts, firsts, strict=True):
        more = [name for name in shown if name not in own and name in text]
        again = find(text, names=[*own, *more]) if more and len(texts) > 1 else spans
        yield [(span.start, span.end, LABELS[span.kind]) for span in again]


def _name(match: re.Match[str]) -> str:
    """The placeholder in our own spelling."""
    label, number = match[1] or match[3], match[2] or match[4]
    return f"[{label}_{int(number)}]"
