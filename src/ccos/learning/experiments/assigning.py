"""Which arm a ticket gets: the same one each time it is asked, and nothing else knows it before.

A keyed hash of experiment and ticket is uniform and, between experiments, independent: the usual way of
online experiments (Kohavi, Tang, Xu: Trustworthy Online Controlled Experiments, 2020, chapter 4).
"""

from __future__ import annotations

import hashlib
from itertools import accumulate
from uuid import UUID

from ccos.domain.experiment import Arm, Definition


def arm_of(definition: Definition, experiment_id: UUID, ticket_id: str) -> Arm | None:
    """The ticket's arm, None when it is not among the `share` of tickets that take part.

    Whether a ticket takes part does not hang together with which arm it would get.
    """
    if place(experiment_id, ticket_id, "part") >= definition.share:
        return None
    at = place(experiment_id, ticket_id, "arm")
    for arm, up_to in zip(definition.arms, accumulate(definition.weights), strict=True):
        if at < up_to:
            return arm
    return definition.arms[-1]  # the weights' sum may fall short of 1 by a rounding


def place(experiment_id: UUID, ticket_id: str, purpose: str) -> float:
    """A number in [0, 1) that looks drawn by chance, and is the same for the same words."""
    digest = hashlib.blake2b(
        ticket_id.encode(), key=experiment_id.bytes, person=purpose.encode(), digest_size=8
    ).digest()
    return (int.from_bytes(digest) >> 11) * 2.0**-53
