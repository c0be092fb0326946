"""`ccos db`: the schema, and copies of all there is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ccos.cli import tenancy
from ccos.cli.run import FAILED, complain, end, print_json, run, settings

if TYPE_CHECKING:
    from ccos.settings import Settings
    from ccos.store.migrate import Status
    from ccos.wiring.database import Urls

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
force_option = click.option("--force", is_flag=True, help="Replace what is there.")
file_argument = click.argument("file", type=click.Path(path_type=Path))


@click.group()
def db() -> None:
    """The database: its schema, backups."""


@db.command()
@as_json_option
def migrate(as_json: bool) -> None:
    """Bring the database to the schema of this version. Needs the login that owns it, DATABASE_OWNER_URL.

    The embedded database is migrated by every command that opens it.
    """
    from ccos.store.migrate import migrate as apply

    found = settings()

    async def go() -> list[str]:
        async with _server(found) as urls:
            return await asyncio.to_thread(apply, urls.owner)

    applied = run(go())
    if as_json:
        print_json({"applied": applied})
        return
    for name in applied:
        click.echo(name)
    complain(
        f"{len(applied)} migrations were applied." if applied else "The schema is this version's already."
    )


@db.command()
@as_json_option
def status(as_json: bool) -> None:
    """Say whether the database has the schema of this version; the exit code is 1 when it has not."""
    from ccos.store.migrate import status as look

    found = settings()

    async def go() -> tuple[Status, bool]:
        async with _server(found) as urls:
            return await asyncio.to_thread(look, urls.owner), urls.embedded

    seen, embedded = run(go())
    if as_json:
        lists = {name: list(getattr(seen, name)) for name in ("applied", "pending", "unknown", "edited")}
        print_json({"embedded": embedded, **lists, "problem": seen.problem})
    elif seen.problem is None:
        where = "embedded" if embedded else "at DATABASE_URL"
        click.echo(f"The database ({where}) has the schema of this version, {len(seen.applied)} migrations.")
    if seen.problem is not None:
        complain(seen.problem)
        end(FAILED)


@db.command()
@file_argument
@force_option
def backup(file: Path, force: bool) -> None:
    """Write all there is to FILE, compressed. FILE appears only when it is complete.

    The login must see every tenant's rows: a superuser, or one with BYPASSRLS (DATABASE_OWNER_URL). The
    embedded database has one.
    """
    from ccos.cli.terminal import working
    from ccos.domain.errors import BadInput
    from ccos.store import embedded

    if file.is_dir():
        raise BadInput(f"{file} is a folder; give the path of a file in it.")
    if file.exists() and not force:
        raise BadInput(f"{file} is there already; give another name, or --force to replace it.")
    found = settings()

    async def go() -> None:
        async with _server(found) as urls:
            await asyncio.to_thread(embedded.backup, urls.superuser, file)

    with working("Backing up"):
        run(go())
    click.echo(f"{file}: {file.stat().st_size:,} bytes")


@db.command()
@file_argument
@force_option
def restore(file: Path, force: bool) -> None:
    """Make the database what it was at the backup in FILE: all of it, or on any error nothing.

    Stop `ccos serve` and `ccos worker` first. A database that holds tickets is replaced only with --force.
    """
    import shutil

    from ccos.cli.terminal import working
    from ccos.domain.errors import BadInput
    from ccos.store import embedded
    from ccos.store.migrate import status as look

    if not file.is_file():
        raise BadInput(f"There is no file {file}; give one that `ccos db backup` wrote.")
    found = settings()

    async def go() -> Status:
        async with _server(found) as urls:
            if not force and await _holds_tickets(urls):
                raise BadInput(
                    "The database holds tickets, which a restore would replace; make a backup of it first, "
                    "then give --force."
                )
            await asyncio.to_thread(embedded.restore, urls.superuser, file)
            return await asyncio.to_thread(look, urls.owner)

    with working("Restoring"):
        seen = run(go())
    # Indexes are caches of what the database held; each process builds its own again.
    shutil.rmtree(found.folder / "index", ignore_errors=True)
    click.echo(f"The database is what it was at the backup in {file}.")
    if seen.problem is not None:
        complain(seen.problem)


@asynccontextmanager
async def _server(found: Settings) -> AsyncIterator[Urls]:
    """The server with its logins, whatever state its schema is in."""
    from ccos.wiring.database import open_urls

    async with AsyncExitStack() as stack:
        yield await open_urls(found, stack)


async def _holds_tickets(urls: Urls) -> bool:
    """False for a database without our schema; one of another version counts as one that holds some."""
    from ccos.domain.errors import StoreError
    from ccos.store import tickets
    from ccos.store.migrate import status as look
    from ccos.wiring.database import open_owner

    seen = await asyncio.to_thread(look, urls.owner)
    if not seen.applied:
        return False
    async with AsyncExitStack() as stack:
        owner = await open_owner(urls, stack)
        try:
            async for tenant in tenancy.every_tenant(owner):
                async with owner.tenant(tenant.id) as tx:
                    if (await tickets.page(tx, limit=1)).tickets:
                        return True
        except StoreError:
            return True
    return False
