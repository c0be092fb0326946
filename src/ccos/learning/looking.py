"""Which features a head may look at: those that mean in serving what they meant in its labels."""

from __future__ import annotations

from collections.abc import Sequence

from ccos.quality.features import NAMES


def may_look_at(head: str) -> Sequence[str]:
    """The features of a head named "task/language"; all of them but for what its labels say nothing about."""
    return NAMES
