"""Puts the sample shop into a database, once; again it only brings what changed."""

from __future__ import annotations

import asyncio

from ccos import sample
from ccos.domain.evidence import EvidenceKind
from ccos.domain.tenant import Tenant
from ccos.knowledge.formats import Options
from ccos.knowledge.importing import Progress, import_path
from ccos.store import tenants
from ccos.store.database import Database
from ccos.wiring.administration import ensure_tenant
from ccos.wiring.product import Ccos

SLUG = "sample"
NAME = "Sample shop"


async def ensure_sample(ccos: Ccos, owner: Database, progress: Progress | None = None) -> Tenant:
    """The sample tenant with its settings, procedures and solved cases."""
    tenant = await ensure_tenant(owner, SLUG, NAME)
    wanted = sample.settings()
    if tenant.settings != wanted:
        async with ccos.database.tenant(tenant.id) as tx:
            await tenants.update_settings(tx, wanted)
        tenant = tenant.model_copy(update={"settings": wanted})
    with sample.kb_folder() as folder, sample.cases_path() as cases:
        await import_path(folder, ccos.shelf, tenant.id, archive_missing=True, progress=progress)
        options = Options(kind=EvidenceKind.CASE)
        await import_path(cases, ccos.shelf, tenant.id, options=options, progress=progress)
    return tenant


async def warm_up() -> None:
    """Imports the workflow while something else is waited for."""
    await asyncio.to_thread(__import__, "ccos.agents.orchestrator")
