"""A database that takes connections and says nothing more: nobody waits for it without an end."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from ccos.domain.errors import DatabaseUnavailable
from ccos.store import database as module
from ccos.store.database import Database
from support.database_away import Door
from support.store import opened


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(module, "CHECK_SECONDS", 0.2)
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.2)
    monkeypatch.setattr(module, "AWAY_WAIT_SECONDS", 0.2)


@asynccontextmanager
async def behind_a_door(url):
    async with (
        Door(url) as door,
        opened(Database(door.url, wait_seconds=1, statement_seconds=0.3)) as database,
    ):
        async with asyncio.timeout(20):
            yield door, database


async def said(database, tenant):
    async with database.tenant(tenant.id) as tx:
        row = await tx.row("SELECT 1 AS one")
    return row["one"]


async def test_idle_connections_of_a_silent_server_are_found_out(store_urls, tenant):
    async with behind_a_door(store_urls.app) as (door, database):
        assert await asyncio.gather(*(said(database, tenant) for _ in range(6))) == [1] * 6
        door.become("hung")
        for _ in range(2):
            told = await asyncio.gather(*(said(database, tenant) for _ in range(6)), return_exceptions=True)
            assert {type(each) for each in told} == {DatabaseUnavailable}
        door.become("open")
        while True:
            try:
                assert await said(database, tenant) == 1
                break
            except DatabaseUnavailable:
                await asyncio.sleep(0.05)


async def test_a_statement_that_is_not_answered_ends(store_urls, tenant):
    async with behind_a_door(store_urls.app) as (door, database):
        with pytest.raises(DatabaseUnavailable):
            async with database.tenant(tenant.id) as tx:
                door.become("hung")
                await tx.row("SELECT 1 AS one")


async def test_a_commit_that_is_not_answered_ends(store_urls, tenant):
    async with behind_a_door(store_urls.app) as (door, database):
        with pytest.raises(DatabaseUnavailable):
            async with database.tenant(tenant.id) as tx:
                await tx.run("UPDATE tenant SET name = 'new' WHERE id = %(tenant)s")
                door.become("hung")


async def test_a_fault_of_ours_is_raised_though_the_server_does_not_answer_the_rollback(store_urls, tenant):
    async with behind_a_door(store_urls.app) as (door, database):
        with pytest.raises(ZeroDivisionError):
            async with database.tenant(tenant.id) as tx:
                await tx.run("UPDATE tenant SET name = 'new' WHERE id = %(tenant)s")
                door.become("hung")
                raise ZeroDivisionError
