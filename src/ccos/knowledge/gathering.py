"""What was found, once for each thing it says, and in the language that is asked for first. Pure.

Two passages say the same when they have the same words in the same order: what stands between the words
(spaces, punctuation, markup) and letter case do not count. One that says a little less or more, another
figure or a "not", is another passage.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from ccos.domain.evidence import Evidence, Use, Visibility
from ccos.knowledge import korean
from ccos.knowledge.filtering import speaks

FOREIGN = 0.95
"""What the score of an item in another language than the one asked for is multiplied with: by rank fusion,
three ranks among the first ten. `docs/decisions/0030-one-evidence-once.md` has the figures."""

SHORTEST = 40
"""Letters below which passages of different titles are different things: \"see the table\" is."""

_DIGITS, _BETWEEN = re.compile(r"(?<=\d)[^\w%]+(?=\d)"), re.compile(r"[^\w%|]+|_+")
"""What stands between two figures keeps them apart: 3~5 is not 35."""

_NEVER = datetime.min.replace(tzinfo=UTC)


def preferring(language: str | None, found: Sequence[Evidence]) -> list[Evidence]:
    """What answers alike comes in the language first; an item that tells no language is not moved."""
    if language is None:
        return list(found)
    weighed = [
        each
        if not each.locale or speaks(each.locale, language)
        else each.model_copy(update={"score": round(each.score * FOREIGN, 6)})
        for each in found
    ]
    return sorted(weighed, key=lambda each: -each.score)


def once(found: Sequence[Evidence]) -> list[Evidence]:
    """Of items that say the same, one is shown where the first of them stood; `also` names the others.

    It is one that a reply may be written from, a public one, the newest one, the first: in this order.
    """
    groups: dict[str, list[Evidence]] = {}
    for each in found:
        groups.setdefault(_said(each), []).append(each)
    return [_one(group) for group in groups.values()]


def _said(each: Evidence) -> str:
    words = _BETWEEN.sub("", _DIGITS.sub("|", korean.normalise(each.snippet)))
    titled = "" if len(words) >= SHORTEST else " ".join(each.title.casefold().split())
    return f"{words}\n{titled}" if words else f"\n{each.id}"


def _one(group: Sequence[Evidence]) -> Evidence:
    if len(group) == 1:
        return group[0]
    shown = min(
        group,
        key=lambda each: (
            each.use is not Use.DRAFT,
            each.visibility is not Visibility.PUBLIC,
            -((each.updated_at or _NEVER) - _NEVER).total_seconds(),
        ),
    )
    others = tuple(dict.fromkeys(each.id for each in group if each is not shown))
    return shown.model_copy(update={"also": others, "score": max(each.score for each in group)})
