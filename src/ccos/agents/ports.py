"""What the nodes need of the rest of CCOS."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from ccos.agents.job import Job
from ccos.domain.draft import Draft
from ccos.domain.evidence import Evidence
from ccos.domain.prompt import Prompt
from ccos.tiers.request import Context, Generation


class Generator(Protocol):
    async def generate_with_fallback(
        self,
        prompt: Prompt,
        context: Context | None = None,
        required_quality: float | None = None,
        max_retries: int = 3,
    ) -> Generation: ...


class Search(Protocol):
    async def search(
        self,
        tenant_id: UUID,
        queries: Sequence[str],
        *,
        pool: Literal["kb", "case"],
        limit: int,
        now: datetime,
        synonyms: Sequence[Sequence[str]] = (),
        language: str | None = None,
    ) -> list[Evidence]: ...

    async def answerability(self, tenant_id: UUID, text: str, evidence: Sequence[Evidence]) -> float: ...


class Experiments(Protocol):
    async def enrol(self, job: Job, *, intent: str, language: str) -> Job:
        """The job with the arms that its ticket gets, applied to the tenant's choices. Never raises."""
        ...

    def settled(self, job: Job, draft: Draft) -> Draft:
        """The draft with its arms, and which of them it is no witness for."""
        ...


class NoExperiments:
    """Every draft is made as the tenant chose."""

    async def enrol(self, job: Job, *, intent: str, language: str) -> Job:  # noqa: ARG002
        return job

    def settled(self, job: Job, draft: Draft) -> Draft:  # noqa: ARG002
        return draft
