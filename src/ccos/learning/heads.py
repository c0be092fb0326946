"""Which heads a model gets from which labels: one per task and language, and broader ones for all else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence

from ccos.domain.tier import Task
from ccos.learning.fitting import fit_head
from ccos.learning.looking import may_look_at
from ccos.learning.measuring import Measured
from ccos.quality.model import ANY, BRIEF, Head, is_brief, nearest

LEAST_ROWS = 50
LEAST_GROUPS = 10
"""Groups of each kind of label, good and rejected, that a head of its own takes."""

LEAST_BRIEF = 300
"""Brief replies that a head of their own takes."""


def fit_heads(rows: Sequence[Measured], *, seed: int = 0, wanted: set[str] | None = None) -> dict[str, Head]:
    """Heads by "task/language", "any/language" and "any"; those of `wanted` alone where it is given.

    A head of its own takes `LEAST_ROWS` labels; "any" takes what there is. Raises BadInput when that is too
    little for any head.
    """
    found = {}
    for name, those in parted(rows).items():
        if (wanted is None or name in wanted) and (name == ANY or enough(those)):
            found[name] = fit_head(those, may_look_at(name), seed=seed)
    return found


def parted(rows: Sequence[Measured]) -> Mapping[str, Sequence[Measured]]:
    """The rows of each head there could be, in the order of their names.

    Where there are enough brief replies to teach a head of their own, they do not teach the other.
    """
    brief = Counter(row.head for row in rows if _brief_reply(row))
    found: dict[str, list[Measured]] = {}
    for row in rows:
        apart = _brief_reply(row) and brief[row.head] >= LEAST_BRIEF
        for name in (f"{row.head}/{BRIEF}" if apart else row.head, f"{ANY}/{row.language}", ANY):
            found.setdefault(name, []).append(row)
    return dict(sorted(found.items()))


def _brief_reply(row: Measured) -> bool:
    """Claims are all brief and need no head of their own for that."""
    return row.task is Task.SOLUTION_DRAFT and is_brief(row.features, row.language)


def enough(rows: Sequence[Measured]) -> bool:
    groups = [{row.group for row in rows if row.good is kind} for kind in (True, False)]
    return len(rows) >= LEAST_ROWS and min(map(len, groups)) >= LEAST_GROUPS


def chosen(heads: Container[str], row: Measured) -> str:
    """The head a row is scored by."""
    return nearest(heads, row.task.value, row.language, brief=is_brief(row.features, row.language))
