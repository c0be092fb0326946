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


LOWEST_CERTIFIED = 0.5
"""Labels are not asked for less: such an answer is compared as it stands, and is ready only by this level."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What certificates say of an answer: `kept` is the highest required quality that is certified for
    answers of its quality, 0 when none is. `most` is the highest that the tenant's own labels certify for an
    answer of any tier; 0 where only certificates from elsewhere hold: those promise, and decide nothing.
    `labels` says for people by how many labelled answers `kept` is certified.
    """

    kept: float
    most: float
    labels: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`quality` is in [0, 1]; `scorer` names what measured it, because a baseline is not a probability.

    `promise` is None where no certificate is asked for. `scores` holds the parts that make `quality`, `text`
    the words a customer would read, and `payload` the parsed answer when the prompt asked for JSON.
    """

    quality: float
    scorer: str
    text: str
    vetoes: tuple[Veto, ...] = ()
    scores: tuple[tuple[str, float], ...] = ()
    payload: dict[str, object] | None = field(default=None)
    promise: Promise | None = None

    def accepts(self, required_quality: float) -> bool:
        """No veto, and good enough (compared with 1e-9 of slack, as floats must be).

        Where the tenant's labels certify what is required, the certified threshold decides. Where they do
        not, no tier's answer could pass, so a dearer one is no remedy: the quality is compared as it stands,
        and unless the answer is `certified` a person looks at it.
        """
        asked_of_labels = required_quality >= LOWEST_CERTIFIED - 1e-9
        certifiable = (
            asked_of_labels and self.promise is not None and self.promise.most >= required_quality - 1e-9
        )
        reached = self.promise.kept if self.promise is not None and certifiable else self.quality
        return not self.vetoes and reached >= required_quality - 1e-9

    def certified(self, required_quality: float) -> bool:
        """Accepted, and by a certificate where certificates are asked for."""
        least = max(required_quality, LOWEST_CERTIFIED)
        kept = self.promise is None or self.promise.kept >= least - 1e-9
        return kept and self.accepts(required_quality)
