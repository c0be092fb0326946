"""The database the settings ask for: a server of the operator's, or the embedded one."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from ccos.domain.errors import SchemaMismatch
from ccos.settings import Settings
from ccos.store import checks
from ccos.store.database import Database
from ccos.store.migrate import APP_ROLE, migrate


@dataclass(frozen=True, slots=True)
class Urls:
    """`owner` migrates and administers tenants; `app` does everything else and cannot bypass isolation.

    `superuser` is for backup and restore: it must see every tenant's rows, which only the server can say.
    """

    owner: str
    app: str
    superuser: str
    embedded: bool


async def open_urls(settings: Settings, stack: AsyncExitStack) -> Urls:
    """Where the database is; starts or joins the embedded server when no URL is set."""
    if settings.database_url is not None:
        app = settings.database_url.get_secret_value()
        owner = settings.database_owner_url.get_secret_value() if settings.database_owner_url else app
        return Urls(owner, app, owner, embedded=False)
    from ccos.store import embedded

    server = await asyncio.to_thread(embedded.start, settings.folder)
    stack.push_async_callback(asyncio.to_thread, server.close)
    return Urls(server.urls.owner, server.urls.app, server.urls.superuser, embedded=True)


async def open_database(urls: Urls, stack: AsyncExitStack) -> Database:
    """The application's database, migrated when it is ours, and refused with a sentence when it is unfit."""
    if urls.embedded:
        await asyncio.to_thread(migrate, urls.owner)
    database = Database(urls.app, role=APP_ROLE)
    await database.open()
    stack.push_async_callback(database.close)
    wrong = await checks.problems(database)
    if wrong:
        raise SchemaMismatch(" ".join(wrong), problems=wrong)
    return database


async def open_owner(urls: Urls, stack: AsyncExitStack) -> Database:
    """The owner's login, for administering tenants and keys."""
    database = Database(urls.owner, connections=2)
    await database.open()
    stack.push_async_callback(database.close)
    return database
