"""Which heads a model gets from which labels: one per task and language, and broader ones for all else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ccos.learning.fitting import fit_head
from ccos.learning.looking import may_look_at
from ccos.learning.measuring import Measured
from ccos.quality.model import ANY, Head

LEAST_ROWS = 50
LEAST_GROUPS = 10
"""Groups of each kind of label, good and rejected, that a head of its own takes."""


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
    """The rows of each head there could be, in the order of their names."""
    found: dict[str, list[Measured]] = {}
    for row in rows:
        for name in (row.head, f"{ANY}/{row.language}", ANY):
            found.setdefault(name, []).append(row)
    return dict(sorted(found.items()))


def enough(rows: Sequence[Measured]) -> bool:
    groups = [{row.group for row in rows if row.good is kind} for kind in (True, False)]
    return len(rows) >= LEAST_ROWS and min(map(len, groups)) >= LEAST_GROUPS


def nearest(heads: Mapping[str, object], row: Measured) -> str:
    """The head a row is scored by, as `GateModel.head` chooses it."""
    return next((name for name in (row.head, row.task.value, f"{ANY}/{row.language}") if name in heads), ANY)
