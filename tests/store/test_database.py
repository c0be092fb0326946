import asyncio
import os
import signal
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from ccos.domain.errors import BadSetting, Conflict, DatabaseUnavailable, StoreError
from ccos.domain.ticket import Ticket
from ccos.store import tickets
from ccos.store.checks import problems
from ccos.store.database import Database
from ccos.store.embedded import start
from ccos.store.migrate import migrate
from support.postgres import fresh_database, to_database
from support.store import new_tenant, opened


async def test_an_error_in_the_block_undoes_all_of_it(database, tenant):
    with pytest.raises(RuntimeError):
        async with database.tenant(tenant.id) as tx:
            await tickets.put(tx, Ticket(subject="Hi"))
            raise RuntimeError
    async with database.tenant(tenant.id) as tx:
        assert (await tickets.page(tx)).tickets == ()


async def test_a_cancelled_block_is_undone_and_gives_its_connection_back(store_urls, tenant):
    async with opened(Database(store_urls.app, connections=1, wait_seconds=2)) as database:
        wrote = asyncio.Event()

        async def work():
            async with database.tenant(tenant.id) as tx:
                await tickets.put(tx, Ticket(subject="Hi"))
                wrote.set()
                await asyncio.sleep(60)

        task = asyncio.create_task(work())
        await wrote.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with database.tenant(tenant.id) as tx:
            assert (await tickets.page(tx)).tickets == ()


async def test_a_slow_statement_ends_in_a_sentence(database, tenant):
    with pytest.raises(DatabaseUnavailable, match="longer than") as caught:
        async with database.tenant(tenant.id, seconds=0.05) as tx:
            await tx.run("SELECT pg_sleep(10)")
    assert caught.value.facts == {"cause": "QueryCanceled", "sqlstate": "57014"}


async def test_waiting_for_a_connection_ends(store_urls, tenant):
    one = Database(store_urls.app, connections=1, wait_seconds=0.1)
    async with opened(one) as database, database.tenant(tenant.id):
        with pytest.raises(DatabaseUnavailable):
            await database.tenant(tenant.id).__aenter__()


async def test_more_waiters_than_allowed_are_told_at_once(store_urls, tenant):
    async with opened(Database(store_urls.app, connections=1, waiting=1, wait_seconds=5)) as database:

        async def use():
            async with database.tenant(tenant.id):
                await asyncio.sleep(0.05)

        results = await asyncio.gather(*(use() for _ in range(4)), return_exceptions=True)
    refused = [result for result in results if result is not None]
    assert refused and all(isinstance(each, DatabaseUnavailable) for each in refused)
    assert "in use" in str(refused[0])


async def test_errors_carry_no_words_of_a_customer(database, tenant):
    words = "주민등록번호 900101-1234567"
    with pytest.raises(Conflict) as caught:
        async with database.tenant(tenant.id) as tx:
            for _ in range(2):
                await tx.run(
                    "INSERT INTO ticket (tenant_id, id, external_id, body, subject, created_at)"
                    " VALUES (%(tenant)s, %(id)s, %(words)s, '{}', '', now())",
                    id=uuid4(),
                    words=words,
                )
    assert caught.value.__suppress_context__
    assert words not in f"{caught.value} {caught.value.facts}"
    assert caught.value.facts["constraint"] == "ticket_tenant_id_external_id_key"


async def test_a_mistake_in_sql_is_a_store_error_and_the_pool_goes_on(store_urls, tenant):
    async with opened(Database(store_urls.app, connections=1)) as database:
        with pytest.raises(StoreError):
            async with database.tenant(tenant.id) as tx:
                await tx.run("SELECT nonsense")
        async with database.tenant(tenant.id) as tx:
            assert (await tx.row("SELECT 1 AS one"))["one"] == 1


async def test_writing_without_a_tenant_is_refused(database, tenant):
    with pytest.raises(StoreError):
        async with database.unbound() as tx:
            await tickets.put(tx, Ticket(subject="Hi"))


async def test_times_come_back_in_utc_whatever_the_server_thinks(store_urls):
    url = f"{store_urls.app}{'&' if '?' in store_urls.app else '?'}options=-c%20timezone%3DAsia/Seoul"
    async with opened(Database(url)) as database, database.unbound() as tx:
        row = await tx.row("SELECT now() AS at, current_setting('timezone') AS zone")
    assert row["zone"] == "UTC" and row["at"].utcoffset().total_seconds() == 0


async def test_killed_connections_are_replaced_without_anyone_noticing(store_urls, tenant):
    async with opened(Database(store_urls.app, connections=1)) as database:
        async with database.tenant(tenant.id) as tx:
            pid = (await tx.row("SELECT pg_backend_pid() AS pid"))["pid"]
        with psycopg.connect(store_urls.superuser, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        async with database.tenant(tenant.id) as tx:
            assert (await tx.row("SELECT pg_backend_pid() AS pid"))["pid"] != pid


async def test_a_connection_killed_in_the_middle_is_unavailable_and_nothing_is_kept(
    store_urls, database, tenant
):
    with pytest.raises(DatabaseUnavailable):
        async with database.tenant(tenant.id) as tx:
            await tickets.put(tx, Ticket(subject="Hi"))
            pid = (await tx.row("SELECT pg_backend_pid() AS pid"))["pid"]
            with psycopg.connect(store_urls.superuser, autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
            await tx.row("SELECT 1")
    async with database.tenant(tenant.id) as tx:
        assert (await tickets.page(tx)).tickets == ()


async def test_opening_where_no_server_is_ends_in_time(tmp_path):
    database = Database(f"postgresql://nobody@/none?host={tmp_path}", wait_seconds=0.2)
    with pytest.raises(DatabaseUnavailable, match="DATABASE_URL"):
        await database.open()


def test_an_unreadable_url_is_one_sentence():
    with pytest.raises(BadSetting, match="postgresql://user:password@host"):
        Database("nonsense")


async def test_a_closed_database_is_unavailable(store_urls, tenant):
    database = Database(store_urls.app)
    await database.open()
    await database.close()
    with pytest.raises(DatabaseUnavailable):
        async with database.tenant(tenant.id):
            pass


async def test_the_owner_may_run_as_the_application(store_urls, database, tenant):
    """One URL for everything: every transaction steps down to the role that cannot bypass the policies."""
    with psycopg.connect(store_urls.superuser, autocommit=True) as admin:
        admin.execute("GRANT ccos_app TO ccos_owner WITH INHERIT FALSE")
        try:
            async with opened(Database(store_urls.owner, role="ccos_app")) as stepped_down:
                assert await problems(stepped_down) == []
                async with stepped_down.tenant(tenant.id) as tx:
                    assert (await tx.row("SELECT current_user::text AS name"))["name"] == "ccos_app"
                with pytest.raises(StoreError):
                    async with stepped_down.tenant(tenant.id) as tx:
                        await tx.run("ALTER TABLE ticket DISABLE ROW LEVEL SECURITY")
        finally:
            admin.execute("REVOKE ccos_app FROM ccos_owner")


async def test_a_good_database_has_no_problems(database):
    assert await problems(database) == []


async def test_roles_that_could_look_past_the_policies_are_named(store_urls):
    for url, word in (
        (store_urls.superuser, "bypasses row-level security"),
        (store_urls.owner, "owns the tables"),
    ):
        async with opened(Database(url)) as database:
            (sentence,) = await problems(database)
        assert word in sentence and "ccos_app" in sentence


async def test_a_role_that_is_no_member_is_told_so(store_urls):
    with psycopg.connect(store_urls.superuser, autocommit=True) as admin:
        admin.execute("CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
        try:
            url = store_urls.app.replace("ccos_app", "stranger", 1)
            name_and_password = url.split("//")[1].split("@")[0]
            async with opened(Database(url.replace(name_and_password, "stranger:stranger"))) as database:
                assert "GRANT ccos_app TO" in " ".join(await problems(database))
        finally:
            admin.execute("DROP ROLE stranger")


async def test_an_empty_database_and_one_that_knows_no_hangul_are_named(embedded_server):
    with fresh_database(embedded_server, "check_empty") as urls:
        async with opened(Database(urls.app)) as database:
            (sentence,) = await problems(database)
        assert "ccos db migrate" in sentence
    with psycopg.connect(to_database(embedded_server.urls.superuser, "postgres"), autocommit=True) as admin:
        admin.execute(
            "CREATE DATABASE check_c TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER libc LOCALE 'C' OWNER ccos_owner"
        )
        try:
            migrate(to_database(embedded_server.urls.owner, "check_c"))
            async with opened(Database(to_database(embedded_server.urls.app, "check_c"))) as database:
                (sentence,) = await problems(database)
            assert "Korean letters" in sentence and "C.UTF-8" in sentence
        finally:
            admin.execute("DROP DATABASE check_c WITH (FORCE)")


async def test_after_the_server_was_killed_and_came_back_the_pool_works_again(tmp_path):
    with start(tmp_path / "home") as server:
        migrate(server.urls.owner)
        async with opened(Database(server.urls.app, wait_seconds=0.5)) as database:
            tenant = await new_tenant(database)
            async with database.tenant(tenant.id) as tx:
                await tickets.put(tx, Ticket(subject="kept"))
            with psycopg.connect(server.urls.superuser) as admin:
                folder = admin.execute("SHOW data_directory").fetchone()[0]
            postmaster = int((Path(folder) / "postmaster.pid").read_text().split()[0])
            os.kill(postmaster, signal.SIGKILL)
            unavailable = 0
            async with asyncio.timeout(60):
                while True:
                    try:
                        async with database.tenant(tenant.id) as tx:
                            subjects = [ticket.subject for ticket in (await tickets.page(tx)).tickets]
                        break
                    except DatabaseUnavailable:
                        unavailable += 1
            assert subjects == ["kept"] and unavailable
