"""The followers of the tenants whose search index is in OpenSearch, and what removed ones left there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING
from uuid import UUID

from ccos.domain.errors import BadSetting, IndexUnusable
from ccos.knowledge.engine import Follower
from ccos.knowledge.shelf import Shelf
from ccos.settings import Settings
from ccos.store import tenants
from ccos.store.database import Database

if TYPE_CHECKING:
    from ccos.knowledge.opensearch import OpenSearch


async def open_elsewhere(
    settings: Settings,
    shelf: Shelf,
    database: Database,
    stack: AsyncExitStack,
    on_change: Callable[[UUID], None] | None = None,
) -> Callable[[UUID], Follower | None]:
    """Gives a tenant's follower, None for one whose index is on this machine. Connects to nothing yet.

    Raises BadSetting for a URL or a list of tenants that cannot be read.
    """
    if settings.opensearch_url is None:
        return lambda _tenant: None
    from ccos.knowledge.opensearch_builds import Builds
    from ccos.knowledge.opensearch_following import ClusterFollowed, PostgresLeases

    named = _tenants(settings.opensearch_tenants)
    cluster = await _open(settings, stack)
    leases = PostgresLeases(database)

    def follower(tenant_id: UUID) -> Follower | None:
        if named and tenant_id not in named:
            return None
        prefix, shards = settings.opensearch_index, settings.opensearch_shards
        builds = Builds(cluster, prefix, tenant_id, shards=shards)
        return ClusterFollowed(shelf, tenant_id, builds, leases, on_change)

    return follower


async def remove_orphan_indexes(settings: Settings, database: Database) -> list[UUID]:
    """Deletes indexes in OpenSearch whose tenants this installation no longer has; which tenants these were.

    Raises BadSetting when there is no OpenSearch, and IndexUnusable when it does not answer.
    """
    from ccos.knowledge.engine import Away, Damaged
    from ccos.knowledge.opensearch_orphans import remove_orphans

    async def living() -> list[UUID]:
        async with database.unbound() as tx:
            return await tenants.ids(tx)

    async with AsyncExitStack() as stack:
        cluster = await _open(settings, stack)
        try:
            return await remove_orphans(cluster, settings.opensearch_index, living)
        except (Away, Damaged) as fault:
            raise IndexUnusable(f"The indexes in OpenSearch cannot be listed or removed: {fault}.") from None


async def _open(settings: Settings, stack: AsyncExitStack) -> OpenSearch:
    from ccos.knowledge.opensearch import open_opensearch

    if settings.opensearch_url is None:
        raise BadSetting("There is no OpenSearch in use; CCOS_OPENSEARCH_URL says where one is.")
    try:
        return await stack.enter_async_context(open_opensearch(settings.opensearch_url.get_secret_value()))
    except BadSetting:
        raise BadSetting(
            "CCOS_OPENSEARCH_URL must look like https://user:password@opensearch.example.com:9200."
        ) from None


def _tenants(text: str) -> frozenset[UUID]:
    try:
        return frozenset(UUID(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise BadSetting(
            "CCOS_OPENSEARCH_TENANTS must list ids of tenants with commas between them; "
            "`ccos tenants list` shows them."
        ) from None
