"""What retrieval hands on."""

from __future__ import annotations

from dataclasses import dataclass

from ccos.domain.draft import Attempt
from ccos.domain.evidence import Evidence

THIN = 0.2
"""Answerability below which evidence counts as missing: search once more, then ask or hand over.

On the sample shop 48 of 51 answerable tickets lie above it, and 2 of 9 unanswerable ones below: it spares
calls that could only invent, and leaves the close cases to the gate.
"""


@dataclass(frozen=True, slots=True)
class Findings:
    """`answerability` in [0, 1] says how well the evidence covers the question.

    `errors` names what could not be searched, by code.
    """

    queries: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    answerability: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    spent_micro_usd: int = 0
    errors: tuple[str, ...] = ()
