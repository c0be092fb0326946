"""What the nodes need of the rest of CCOS."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

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
