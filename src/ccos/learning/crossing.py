"""Qualities of labelled answers by scorers that have not seen them: honest figures, and what certifies.

Cross-validation by groups: a ticket's answers are all on one side of every split. Each outer fold chooses its
strength and its calibration inside its own training part, so nothing of the held-out part leaks into them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ccos.domain.errors import BadInput
from ccos.learning.fitting import scored
from ccos.learning.heads import chosen, enough, fit_heads, parted
from ccos.learning.labelled import LabelledAnswer
from ccos.learning.measuring import Measured, Tell, measured
from ccos.learning.splitting import fold_numbers

FOLDS = 5


def out_of_fold(
    answers: Sequence[LabelledAnswer], folds: int = FOLDS, seed: int = 0, *, tell: Tell | None = None
) -> list[float]:
    """The quality of each answer by a model trained on the other folds; features are measured once.

    Raises BadInput when there are too few labels to train on.
    """
    return crossed(measured(answers, tell), folds, seed)


def crossed(rows: Sequence[Measured], folds: int = FOLDS, seed: int = 0) -> list[float]:
    """Likewise, of answers that are measured already."""
    heads = {name: None for name, those in parted(rows).items() if enough(those)}
    names = [chosen(heads, row) for row in rows]
    try:
        fold = fold_numbers([row.group for row in rows], folds, seed)
    except ValueError as fault:
        raise BadInput(f"There are answers on fewer than {folds} tickets; label more of them.") from fault
    found = [0.0] * len(rows)
    for number in range(folds):
        out = np.flatnonzero(fold == number).tolist()
        taught = [rows[place] for place in np.flatnonzero(fold != number).tolist()]
        made = fit_heads(taught, seed=seed + 1, wanted={names[place] for place in out})
        spare = {chosen(made, rows[place]) for place in out} - made.keys()
        made |= fit_heads(taught, seed=seed + 1, wanted=spare) if spare else {}
        for place in out:
            found[place] = scored(made[chosen(made, rows[place])], [rows[place]])[0]
    return found
