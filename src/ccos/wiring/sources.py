"""Syncs of sources with what they need opened: the token from where it is kept, and the network."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from uuid import UUID

import structlog

from ccos.domain.errors import CcosError, Conflict, NotFound
from ccos.domain.source import SourceSpec
from ccos.knowledge.sources import syncing
from ccos.knowledge.sources.opening import open_source
from ccos.knowledge.sources.port import Source
from ccos.knowledge.sources.syncing import Progress, SyncReport
from ccos.settings.secrets import secret_at
from ccos.store import sources
from ccos.store.database import Database

log = structlog.get_logger(__name__)


async def sync_source(
    database: Database, tenant_id: UUID, name: str, *, full: bool = False, progress: Progress | None = None
) -> SyncReport:
    """One sync of the source of this name.

    Raises NotFound, Conflict while somebody syncs it, BadSetting for a token that is not there, and what the
    source raises.
    """
    spec = await _spec(database, tenant_id, name)
    return await syncing.sync(database, tenant_id, spec, lambda: opened(spec), full=full, progress=progress)


async def try_source(
    database: Database, tenant_id: UUID, name: str, *, progress: Progress | None = None
) -> SyncReport:
    """What a full sync of the source would change. Raises as `sync_source` does."""
    spec = await _spec(database, tenant_id, name)
    async with opened(spec) as source:
        return await syncing.dry_run(database, tenant_id, spec, source, progress=progress)


async def remove_source(database: Database, tenant_id: UUID, name: str) -> int:
    """Forgets the source and archives what came from it; how many items that were.

    Raises NotFound, and Conflict while somebody syncs it.
    """
    archived, forgotten = 0, False
    while not forgotten:
        async with database.tenant(tenant_id) as tx:
            some, forgotten = await sources.remove(tx, name)
        archived += some
    return archived


def opened(spec: SourceSpec) -> AbstractAsyncContextManager[Source]:
    """Raises BadSetting for a token that is not there, AddressForbidden for a private address."""
    return open_source(spec, None if spec.secret is None else secret_at(spec.secret))


async def due_sources(database: Database) -> list[tuple[UUID, str]]:
    """Sources of all tenants that are due and that nobody is at, by tenant and name. Raises StoreError."""
    found: list[tuple[UUID, str]] = []
    async with database.unbound() as tx:
        waiting = await sources.due_tenants(tx)
    for tenant_id in waiting:
        async with database.tenant(tenant_id) as tx:
            found += [(tenant_id, name) for name in await sources.due(tx)]
    return found


async def sync_alone(database: Database, tenant_id: UUID, name: str) -> None:
    """A sync that nobody waits for: what goes wrong is stored with the source, and told in the log."""
    try:
        report = await sync_source(database, tenant_id, name)
    except (Conflict, NotFound):
        return  # another worker was first, or it was removed
    except CcosError as fault:
        log.warning("source.failed", tenant_id=str(tenant_id), source=name, reason=fault.code)
    except Exception as fault:
        log.error("source.broke", tenant_id=str(tenant_id), source=name, error=type(fault).__name__)
    else:
        log.info(
            "source.synced",
            tenant_id=str(tenant_id),
            source=name,
            full=report.full,
            added=report.added,
            changed=report.changed,
            archived=report.archived,
        )


async def _spec(database: Database, tenant_id: UUID, name: str) -> SourceSpec:
    async with database.tenant(tenant_id) as tx:
        return (await sources.get(tx, name)).spec
