"""The followers of the tenants whose search index is in OpenSearch."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from uuid import UUID

from ccos.domain.errors import BadSetting
from ccos.knowledge.engine import Follower
from ccos.knowledge.shelf import Shelf
from ccos.settings import Settings
from ccos.store.database import Database


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
    from ccos.knowledge.opensearch import open_opensearch
    from ccos.knowledge.opensearch_builds import Builds
    from ccos.knowledge.opensearch_following import ClusterFollowed, PostgresLeases

    tenants = _tenants(settings.opensearch_tenants)
    try:
        cluster = await stack.enter_async_context(open_opensearch(settings.opensearch_url.get_secret_value()))
    except BadSetting:
        raise BadSetting(
            "CCOS_OPENSEARCH_URL must look like https://user:password@opensearch.example.com:9200."
        ) from None
    leases = PostgresLeases(database)

    def follower(tenant_id: UUID) -> Follower | None:
        if tenants and tenant_id not in tenants:
            return None
        prefix, shards = settings.opensearch_index, settings.opensearch_shards
        builds = Builds(cluster, prefix, tenant_id, shards=shards)
        return ClusterFollowed(shelf, tenant_id, builds, leases, on_change)

    return follower


def _tenants(text: str) -> frozenset[UUID]:
    try:
        return frozenset(UUID(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise BadSetting(
            "CCOS_OPENSEARCH_TENANTS must list ids of tenants with commas between them; "
            "`ccos tenants list` shows them."
        ) from None
