"""`ccos kb vectors`: an index of vectors in PostgreSQL, for a tenant too large for memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ccos.cli import tenancy
from ccos.cli.run import print_json, run, settings

if TYPE_CHECKING:
    from ccos.domain.tenant import Tenant


@click.command()
@tenancy.option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def vectors(tenant: str | None, as_json: bool) -> None:
    """Index a tenant's vectors with pgvector, and keep the index in step from now on.

    For a tenant with more passages than CCOS_SEARCH_VECTORS_MOST. Needs the extension `vector` on the server,
    and DATABASE_OWNER_URL where the database is not the embedded one. Searches and workers go on meanwhile.
    """
    from ccos.cli.terminal import progress
    from ccos.domain.errors import BadInput
    from ccos.wiring.near import index_vectors
    from ccos.wiring.vectors import vectors_model

    found = settings()
    model = vectors_model(found)
    if model is None:
        raise BadInput("Search by vectors is off; set CCOS_SEARCH_VECTORS=on and an embedding model first.")

    async def go() -> tuple[Tenant, int]:
        return await index_vectors(found, model, lambda database: tenancy.tenant_for(database, tenant), tell)

    with progress("Copying vectors", every=5_000) as tell:
        whose, rows = run(go())
    if as_json:
        print_json({"tenant": whose.slug, "model": model, "passages": rows})
    else:
        click.echo(f"{rows} passages of {whose.slug} are indexed by the vectors of {model}.")
