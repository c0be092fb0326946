"""What retrieval hands on."""

from __future__ import annotations

from dataclasses import dataclass

from ccos.domain.draft import Attempt
from ccos.domain.evidence import Evidence
from ccos.knowledge.answering import BAR

THIN = BAR
"""Answerability below which evidence counts as missing: search once more, then ask or hand over.

`docs/answerability.md` says how many questions lie on which side of it.
"""


@dataclass(frozen=True, slots=True)
class Findings:
    """`answerability` in [0, 1] says how sure it is that the evidence answers the question.

    `errors` names what could not be searched, by code.
    """

    queries: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    answerability: float = 0.0
    attempts: tuple[Attempt, ...] = ()
    spent_micro_usd: int = 0
    errors: tuple[str, ...] = ()
