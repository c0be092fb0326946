"""Which outcomes teach and which are scored: no policy is ever scored on a prompt it has seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ccos.domain.errors import BadInput
from ccos.learning.replay.outcomes import LEAST_ROWS, Outcome
from ccos.learning.replay.policies import Folds
from ccos.learning.splitting import fold_numbers


def cross_splits(rows: Sequence[Outcome], folds: int, seed: int) -> Folds:
    """`folds` parts of whole groups, the same whatever the order of the rows; each part is scored once.

    Raises BadInput for fewer groups than folds.
    """
    try:
        part = fold_numbers([row.group for row in rows], folds, seed)
    except ValueError as fault:
        raise BadInput(
            f"There are fewer than {folds} different prompts; lower --folds or give more."
        ) from fault
    return [(np.flatnonzero(part != n), np.flatnonzero(part == n)) for n in range(folds)]


def one_split(rows: Sequence[Outcome], column: str) -> Folds:
    """Taught on rows whose `column` is true, scored on all others that share no group with one of them.

    Raises BadInput for a column that no row has, and where either side is too small.
    """
    if not any(column in row.columns for row in rows):
        raise BadInput(f"No outcome has a column {column!r}; name another one with --train-on.")
    mine = np.array([bool(row.columns.get(column)) for row in rows])
    taught = {row.group for row, own in zip(rows, mine, strict=True) if own}
    others = np.array([row.group not in taught for row in rows])
    for count, what in ((int(mine.sum()), "true"), (int(others.sum()), "false")):
        if count < LEAST_ROWS:
            raise BadInput(
                f"{column} is {what} in {count} outcomes; both sides of a split need at least {LEAST_ROWS}."
            )
    return [(np.flatnonzero(mine), np.flatnonzero(others))]


def check_comparable(rows: Sequence[Outcome]) -> None:
    """Raises BadInput where no policy could do better than another: there is nothing to gain, or it is all
    the same who gains."""
    weak, strong = (float(np.mean([getattr(row, name) for row in rows])) for name in ("weak", "strong"))
    if strong - weak <= 1e-9:
        raise BadInput(
            f"The strong model is not the better one here ({strong:.3f} against {weak:.3f}), so nothing can "
            "be gained by asking it; check which is which."
        )
    if len({round(row.strong - row.weak, 9) for row in rows}) == 1:
        raise BadInput(
            "The strong model gains the same on every prompt, so no policy can choose better than lots; "
            "give outcomes that differ."
        )
