"""Makes the vectors of passages that have none: in batches, one worker a text, going on where it stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

import structlog

from ccos.domain.errors import ContentFiltered, ContextTooLong, ProviderDown, ProviderRefused
from ccos.knowledge.chunking import estimate_tokens
from ccos.knowledge.dense import Reader
from ccos.knowledge.dense_matrix import as_bytes
from ccos.store import knowledge, near, vectors
from ccos.store.database import Database
from ccos.store.vectors import Text

log = structlog.get_logger(__name__)

BATCH = 64
SECONDS = 60.0
"""For one batch: a model on this machine's processor reads a few passages a second."""

MOST_TOKENS = 400
"""Of a passage with its title, by estimate: small models read 512 and refuse more."""

AGAIN_SECONDS = 600.0
"""A tenant that has not changed is looked through that often, for what another worker left."""

REFUSED_SECONDS = 86_400.0
_REFUSALS = (400, 413, 422)
_SHARES = (1.0, 0.5, 0.2)
"""A text that is refused is tried shorter."""


class Filler:
    """Fills in what a tenant lacks. Any number of them may work on the same tenant, in any processes."""

    def __init__(
        self, database: Database, reader: Reader, model: str, *, prefix: str = "", seconds: float = SECONDS
    ) -> None:
        """`prefix` is what the model wants before a passage."""
        self._prefix = prefix
        self._database = database
        self._reader = reader
        self._model = model
        self._seconds = seconds
        self._done: dict[UUID, tuple[int, float]] = {}

    async def fill(self, tenant_id: UUID, tell: Callable[[int], None] = lambda _made: None) -> int:
        """How many vectors it made, nothing asked of a tenant that has not changed since; `tell` hears as
        they come. Raises ProviderError and StoreError; what was made until then is kept, and the rest is
        free for the next.
        """
        now = asyncio.get_running_loop().time()
        async with self._database.tenant(tenant_id) as tx:
            change = await knowledge.last_change(tx)
        seen, at = self._done.get(tenant_id, (-1, 0.0))
        if seen == change and now - at < AGAIN_SECONDS:
            await self._follow(tenant_id)  # another worker may have made some
            return 0
        made = 0
        place: vectors.Place | None = vectors.START
        while place is not None:
            async with self._database.tenant(tenant_id) as tx:
                texts, place = await vectors.claim(tx, self._model, after=place, most=BATCH)
            if texts:
                await self._make(tenant_id, texts)
                made += len(texts)
                tell(made)
        self._done[tenant_id] = change, now
        await self._follow(tenant_id)
        return made

    async def _follow(self, tenant_id: UUID) -> None:
        """Keeps the copy for pgvector in step, where there is one."""
        async with self._database.tenant(tenant_id) as tx:
            more = await near.width(tx, self._model) is not None
        while more:
            async with self._database.tenant(tenant_id) as tx:
                more = await near.follow(tx, self._model)

    async def _make(self, tenant_id: UUID, texts: Sequence[Text]) -> None:
        hashes = [each.hash for each in texts]
        try:
            found = await self._read(tenant_id, [self._prefix + _written(each) for each in texts])
            made = {
                text: as_bytes(vector)
                for text, vector in zip(hashes, found, strict=True)
                if vector is not None
            }
            async with self._database.tenant(tenant_id) as tx:
                width = await vectors.width(tx, self._model)
                if any(len(vector) != 2 * (width or len(vector) // 2) for vector in made.values()):
                    raise ProviderDown(cause="another_width")
                await vectors.store(tx, self._model, made)
                refused = [text for text in hashes if text not in made]
                await vectors.release(tx, self._model, refused, seconds=REFUSED_SECONDS)
        except Exception:
            async with self._database.tenant(tenant_id) as tx:
                await vectors.release(tx, self._model, hashes)
            raise
        if refused:
            log.warning("vectors.refused", tenant=str(tenant_id), passages=len(refused))

    async def _read(self, tenant_id: UUID, texts: Sequence[str]) -> list[Sequence[float] | None]:
        try:
            return [*await self._embed(tenant_id, texts)]
        except ProviderRefused as fault:
            if not _of_the_text(fault):
                raise
        return [await self._one(tenant_id, text) for text in texts]

    async def _one(self, tenant_id: UUID, text: str) -> Sequence[float] | None:
        for share in _SHARES:
            try:
                return (await self._embed(tenant_id, [text[: max(int(share * len(text)), 1)]]))[0]
            except ProviderRefused as fault:
                if not _of_the_text(fault):
                    raise
        return None

    async def _embed(self, tenant_id: UUID, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        return await self._reader.embed(texts, seconds=self._seconds, tenant_id=tenant_id, personal=False)


def _written(text: Text) -> str:
    """What a model reads of a passage: the title, the headings above, the passage, as far as it can."""
    whole = "\n".join(part for part in (text.title, text.heading, text.body) if part.strip()) or "?"
    tokens = estimate_tokens(whole)
    return whole if tokens <= MOST_TOKENS else whole[: int(len(whole) * MOST_TOKENS / tokens)]


def _of_the_text(fault: ProviderRefused) -> bool:
    return isinstance(fault, ContextTooLong | ContentFiltered) or fault.facts.get("status") in _REFUSALS
