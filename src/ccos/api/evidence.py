"""What a draft stands on, as it read when the draft was made, and what became of it since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ccos.agents.citations import resolve_citations
from ccos.api.caller import AnyCaller, Opened
from ccos.domain.errors import NotFound
from ccos.domain.evidence import Evidence, EvidenceKind, Use, Visibility
from ccos.domain.knowledge import Passage
from ccos.store import drafts, versions
from ccos.store.database import Tx
from ccos.store.versions import Since

router = APIRouter(prefix="/api/drafts", tags=["drafts"])

NOTES: Mapping[Since, str | None] = {
    "current": None,
    "changed": "The article has changed since.",
    "archived": "The article was archived since; no new draft finds it.",
    "switched_off": "The article's category is switched off; no new draft finds it.",
    "expired": "The article is no longer valid; no new draft finds it.",
    "gone": "The article is not in the knowledge base.",
}


class PassageOut(BaseModel):
    """`ordinal` counts the item's passages from 1; `heading` is the path of headings above it."""

    ordinal: int
    heading: str
    body: str

    @classmethod
    def every(cls, found: Iterable[Passage]) -> list[PassageOut]:
        return [cls(ordinal=n, heading=p.heading, body=p.body) for n, p in enumerate(found, start=1)]


class CitedOut(BaseModel):
    """`cited`: a mark in the reply points at it. `passages` are those that were found, word for word."""

    n: int
    kind: EvidenceKind
    id: str
    title: str
    url: str | None
    visibility: Visibility
    use: Use
    version: int | None
    link: str | None = Field(description="Where the whole article is read in that version")
    cited: bool
    passages: list[PassageOut]
    since: Since = Field(description="What became of the article since")
    note: str | None = Field(description="The same in a sentence; null while it is current")


class EvidenceList(BaseModel):
    evidence: list[CitedOut]


@router.get("/{draft_id}/evidence", summary="Read what a draft stands on")
async def evidence(draft_id: str, caller: AnyCaller, ccos: Opened) -> EvidenceList:
    """Each piece of evidence as it read then; `note` says when the article has changed or gone since."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        draft = await drafts.get(tx, draft_id)
        since = await versions.since(tx, draft.evidence, now=datetime.now(UTC))
        read = [await _passages(tx, each) for each in draft.evidence]
    _, cited = resolve_citations(draft.reply, draft.evidence)
    return EvidenceList(
        evidence=[
            CitedOut(
                **each.model_dump(
                    include={"n", "kind", "id", "title", "url", "visibility", "use", "version", "link"}
                ),
                cited=each.n in cited,
                passages=found,
                since=became,
                note=NOTES[became],
            )
            for each, found, became in zip(draft.evidence, read, since, strict=True)
        ]
    )


async def _passages(tx: Tx, each: Evidence) -> list[PassageOut]:
    """None where no version was kept."""
    if each.version is None:
        return []
    with suppress(NotFound):
        found = await versions.get(tx, each.kind, each.id, each.version)
        return [p for p in PassageOut.every(found.passages) if p.ordinal in each.passages]
    return []
