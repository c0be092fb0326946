"""What the gate says of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Remedy = Literal["repair", "escalate", "search_again", "ask_customer", "stay_local", "hand_off"]
"""What may cure a veto: decided by its kind, since a bigger model does not cure missing evidence."""


@dataclass(frozen=True, slots=True)
class Veto:
    """One reason an answer may not be shown as it is; `span` is where in the text, in characters."""

    kind: str
    sentence: str
    remedy: Remedy
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """`quality` is in [0, 1]; `scorer` names what measured it, because a baseline is not a probability.

    `promise` is the highest required quality that is certified for answers of this quality, 0 when none is;
    None where no certificate is asked for, and the quality is compared as it stands. `scores` holds the parts
    that make `quality`, `text` the words a customer would read, and `payload` the parsed answer when the
    prompt asked for JSON.
    """

    quality: float
    scorer: str
    text: str
    vetoes: tuple[Veto, ...] = ()
    scores: tuple[tuple[str, float], ...] = ()
    payload: dict[str, object] | None = field(default=None)
    promise: float | None = None

    def accepts(self, required_quality: float) -> bool:
        """No veto, and the promise is kept (compared with 1e-9 of slack, as floats must be)."""
        kept = self.quality if self.promise is None else self.promise
        return not self.vetoes and kept >= required_quality - 1e-9
