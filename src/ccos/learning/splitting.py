"""Splits that keep together what must not be told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def fold_numbers(groups: Sequence[str], folds: int, seed: int) -> NDArray[np.intp]:
    """For each row the fold it is held out in, from 0; rows of one group share theirs.

    The same groups give the same folds whatever the order of the rows. Raises ValueError for fewer groups
    than folds.
    """
    distinct = sorted(set(groups))
    if len(distinct) < folds:
        raise ValueError(f"{len(distinct)} groups cannot be split into {folds} folds")
    places = np.random.default_rng(seed).permutation(len(distinct)) % folds
    fold = dict(zip(distinct, places, strict=True))
    return np.array([fold[group] for group in groups], dtype=np.intp)
