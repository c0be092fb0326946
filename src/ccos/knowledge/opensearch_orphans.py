"""Indexes in OpenSearch of tenants that are gone.

An index is only known by its name. Two installations on one cluster must therefore begin the names of their
indexes differently: each would take those of the other for orphans.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection
from uuid import UUID

from ccos.domain.evidence import EvidenceKind
from ccos.knowledge.opensearch import WRITE_SECONDS, OpenSearch


async def remove_orphans(
    cluster: OpenSearch, prefix: str, tenants: Callable[[], Awaitable[Collection[UUID]]]
) -> list[UUID]:
    """Deletes the indexes of tenants that there are no more; whose they were. Raises `Away` and `Damaged`.

    `tenants` is asked after the indexes are known, so that one that is being made is not taken for an orphan.
    Only what has the whole form of a name of ours is touched, never an alias or a pattern.
    """
    ours = re.compile(rf"{re.escape(prefix)}-([0-9a-f]{{32}})-\d+-(?:{'|'.join(EvidenceKind)})")
    there = await cluster.call("GET", f"/{prefix}-*/_alias", seconds=WRITE_SECONDS, missing=True)
    owners = {name: UUID(found[1]) for name in there if (found := ours.fullmatch(name))}
    living = set(await tenants())
    orphans = {name: owner for name, owner in owners.items() if owner not in living}
    for name in sorted(orphans):
        await cluster.call("DELETE", f"/{name}", seconds=WRITE_SECONDS, missing=True)
    return sorted(set(orphans.values()))
