"""Knowledge gaps: questions that drafts could not answer, and the articles proposed for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

from ccos.domain.draft import DraftState
from ccos.domain.evidence import Visibility
from ccos.domain.prompt import Language

MACHINE_MADE = "machine-made"
"""The tag of an article that was drafted from a gap, whoever accepted it."""

SLOT: Mapping[Language, str] = MappingProxyType(
    {"ko": "(여기에 답을 적어 주세요)", "en": "(write the answer here)"}
)
"""Stands in a proposed article where nobody has said anything yet. What holds it cannot be accepted."""

NAG_AGAIN = 2
"""A dismissed gap comes back when it has become so many times as large."""

Why = Literal["held", "thin", "rejected"]
"""held: the draft asked the customer back, or handed over; thin: it stood on evidence that hardly covers the
question; rejected: a person refused it because the evidence was wrong or missing."""


class GapState(StrEnum):
    """open -> proposed -> accepted -> closed, and open again when the question comes back; or dismissed."""

    OPEN = "open"
    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    CLOSED = "closed"
    DISMISSED = "dismissed"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a ticket's newest finished draft: `made` as the work ended, `state` as it is now."""

    made: DraftState
    state: DraftState
    quality: float | None = None
    confidence: float = 0.0
    thin: bool = False
    verdict: str | None = None
    reason: str = ""

    @property
    def unanswered(self) -> Why | None:
        """Why the knowledge did not answer this ticket; None when it did, or when nobody can tell."""
        if self.verdict == "rejected":
            about = bool(_ABOUT_EVIDENCE.search(self.reason))
            return "rejected" if about else "held" if self.made is DraftState.ABSTAINED else None
        if self.made is DraftState.ABSTAINED:
            return "held"
        if self.made in (DraftState.READY, DraftState.NEEDS_REVIEW) and self.verdict != "approved":
            return "thin" if self.thin or self._doubted else None
        return None

    @property
    def answered(self) -> bool:
        """A person sent an answer that a draft had found, as it was or edited."""
        return self.verdict in ("approved", "edited") and self.unanswered is None

    @property
    def _doubted(self) -> bool:
        """The confidence is half the quality where evidence is thin (agents/proposal.py)."""
        return self.quality is not None and self.quality > 0.0 and self.confidence < 0.75 * self.quality


_ABOUT_EVIDENCE = re.compile(
    r"근거|자료|문서|매뉴얼|지식|규정|정책|(?:내용|정보|안내)[이가]? ?없"
    r"|틀린|잘못된|사실과|오래된|옛날|바뀐|최신"
    r"|\bkb\b|evidence|sources?\b|articles?\b|knowledge|polic(?:y|ies)|procedure|docs?\b|document"
    r"|outdated|out of date|stale|wrong|incorrect|missing|not covered|no info|made up|invented|halluc",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Question:
    """What one ticket asked, without the people in it. `text` is compared, `title` is read.

    `asked_at` is the ticket's time, `drafted_at` when its draft did not answer. `gap_id` is None until it
    was put beside others; `rank` counts from 0, the most typical of its gap.
    """

    ticket_id: UUID
    draft_id: UUID
    text: str
    title: str
    why: Why
    asked_at: datetime
    drafted_at: datetime
    channel: str | None = None
    gap_id: UUID | None = None
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """A reply that an agent sent to one of a gap's customers, without the people in it."""

    ticket_id: UUID
    draft_id: UUID
    text: str
    verdict: Literal["approved", "edited"]
    at: datetime


@dataclass(frozen=True, slots=True)
class Source:
    """Reply number `n` that a proposed article rests on."""

    n: int
    ticket_id: str
    draft_id: str
    verdict: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Proposal:
    """An article drafted by a machine, for a person to complete and accept. `body` is Markdown.

    `answer` is what of it may be published: None while nobody has said anything that answers.
    """

    title: str
    body: str
    answer: str | None
    sources: tuple[Source, ...]
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """Questions that ask the same, and what is being done about them.

    `weeks` are the questions of the last four weeks, the oldest first. `examples` are titles of the most
    typical questions, the label among them. `settled_at` is when a person or the machine last settled it:
    what is asked later reopens it. `dismissed_count` is how large it was when a person waved it away.
    """

    id: UUID
    state: GapState
    label: str
    count: int
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    channels: tuple[tuple[str, int], ...] = ()
    whys: tuple[tuple[Why, int], ...] = ()
    examples: tuple[str, ...] = ()
    weeks: tuple[int, ...] = (0, 0, 0, 0)
    proposal: Proposal | None = None
    article_id: str | None = None
    visibility: Visibility | None = None
    reason: str = ""
    decided_by: str = ""
    settled_at: datetime | None = None
    dismissed_count: int = 0
    answered_at: datetime | None = None
    last_drafted: datetime | None = None

    @property
    def touched(self) -> bool:
        """Whether something was ever done about it: such a gap only grows, and is never one with another."""
        return self.state is not GapState.OPEN or self.settled_at is not None


def document(gap: Gap) -> dict[str, Any]:
    """A gap as command line and HTTP show it; moments are in ISO 8601."""
    made = gap.proposal
    return {
        "id": str(gap.id),
        "state": gap.state.value,
        "label": gap.label,
        "count": gap.count,
        "first_seen": _iso(gap.first_seen),
        "last_seen": _iso(gap.last_seen),
        "weeks": list(gap.weeks),
        "channels": dict(gap.channels),
        "why": dict(gap.whys),
        "examples": list(gap.examples),
        "proposal": made
        and {
            "title": made.title,
            "body": made.body,
            "complete": made.answer is not None,
            "tags": [MACHINE_MADE],
            "made_by": made.made_by,
            "made_at": _iso(made.made_at),
            "sources": [
                {
                    "n": s.n,
                    "ticket_id": s.ticket_id,
                    "draft_id": s.draft_id,
                    "sent": s.verdict,
                    "at": _iso(s.at),
                }
                for s in made.sources
            ],
        },
        "article_id": gap.article_id,
        "visibility": gap.visibility.value if gap.visibility else None,
        "reason": gap.reason,
        "decided_by": gap.decided_by,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def wants_proof(gap: Gap) -> bool:
    """Whether a reply that a person sent came after the gap's last question: it may be answered by now."""
    if gap.state in (GapState.CLOSED, GapState.DISMISSED) or gap.answered_at is None:
        return False
    return gap.last_drafted is None or gap.answered_at > gap.last_drafted


def settled(gap: Gap, *, findable: bool) -> GapState:
    """The state that follows from what happened; `findable`: a search for its label is covered by now.

    A gap is closed by proof (a person sent what a draft had found), never by the article alone. It is open
    again when the question comes back after it was settled.
    """
    if gap.state is GapState.DISMISSED:
        grown = gap.count >= NAG_AGAIN * max(gap.dismissed_count, 1)
        return GapState.OPEN if grown else GapState.DISMISSED
    if gap.count == 0:
        return GapState.CLOSED
    if gap.state in (GapState.ACCEPTED, GapState.CLOSED):
        asked, done = gap.last_drafted, gap.settled_at
        if asked is not None and done is not None and asked > done:
            return GapState.OPEN
    return GapState.CLOSED if findable and wants_proof(gap) else gap.state
