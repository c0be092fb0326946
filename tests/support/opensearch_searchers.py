"""Searchers whose index is in OpenSearch, as several processes of one installation have them."""

from contextlib import AsyncExitStack, asynccontextmanager

from ccos.knowledge.opensearch import open_opensearch
from ccos.knowledge.opensearch_builds import Builds
from ccos.knowledge.opensearch_following import ClusterFollowed
from ccos.knowledge.search import Searcher


class Turns:
    """Leases within this process."""

    def __init__(self):
        self.held = set()

    @asynccontextmanager
    async def taken(self, tenant_id):
        ours = tenant_id not in self.held
        if ours:
            self.held.add(tenant_id)
        try:
            yield ours
        finally:
            if ours:
                self.held.discard(tenant_id)


@asynccontextmanager
async def cluster_searchers(
    url, prefix, shelf, home, *, leases=None, shards=1, patience_seconds=20, ask_seconds=10.0, **options
):
    """A function that opens one more, each with connections and a memory of its own."""
    leases = leases or Turns()
    async with AsyncExitStack() as stack:

        async def another(**more):
            cluster = await stack.enter_async_context(open_opensearch(url))
            searcher = Searcher(
                shelf,
                home,
                patience_seconds=patience_seconds,
                elsewhere=lambda tenant: ClusterFollowed(
                    shelf, tenant, Builds(cluster, prefix, tenant, shards=shards), leases
                ),
                **{**options, **more},
            )
            searcher.cluster, cluster.ask_seconds = cluster, ask_seconds
            stack.push_async_callback(searcher.aclose)
            return searcher

        yield another
