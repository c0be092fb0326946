"""Tenants apart: whatever a query forgets, the database does not."""

from contextlib import suppress

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from ccos.store.database import Database
from support.store import fill_every_table, new_tenant, opened

NOT_OF_A_TENANT = {"schema_migration", "spend_total", "usage_writer", "breaker_state"}
DEFINERS = {"tenant_ids"}
TABLES = """
    SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced,
           ARRAY(SELECT polname::text FROM pg_policy WHERE polrelid = c.oid ORDER BY polname) AS policies,
           EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'tenant_id') AS has_tenant_id,
           (SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
             WHERE i.indrelid = c.oid AND i.indisprimary) AS first_key
      FROM pg_class c WHERE c.relnamespace = 'ccos'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
     ORDER BY 1"""


@pytest.fixture(scope="session")
def superuser(store_urls):
    with psycopg.connect(store_urls.superuser, autocommit=True, row_factory=dict_row) as connection:
        connection.execute("SET search_path = ccos, jobs")
        yield connection


@pytest.fixture
async def two(database):
    """Two tenants with a row in every table each."""
    both = await new_tenant(database, "ours"), await new_tenant(database, "theirs")
    for each in both:
        await fill_every_table(database, each)
    return both


def tables(superuser):
    return [row for row in superuser.execute(TABLES) if row["name"] not in NOT_OF_A_TENANT]


def key_of(name):
    return "id" if name == "tenant" else "tenant_id"


def statement(text, name):
    return sql.SQL(text).format(table=sql.Identifier(name), key=sql.Identifier(key_of(name)))


def test_every_table_is_of_a_tenant_and_forces_its_policy(superuser):
    found = tables(superuser)
    assert {"tenant", "ticket", "draft", "attempt", "kb_passage", "reservation", "usage_day"} <= {
        t["name"] for t in found
    }
    for table in found:
        assert table["forced"], f"{table['name']} has no forced row-level security"
        assert "own_tenant" in table["policies"], f"{table['name']} lacks its policy"
        assert table["first_key"] == key_of(table["name"]), f"{table['name']}: tenant not first in its key"


def test_only_tenant_and_api_key_have_other_policies(superuser):
    extra = {t["name"]: set(t["policies"]) - {"own_tenant"} for t in tables(superuser)}
    assert {name: more for name, more in extra.items() if more} == {
        "tenant": {"administration", "by_slug"},
        "api_key": {"administration", "by_hash"},
    }


def test_only_the_listed_functions_run_as_their_owner_and_with_a_fixed_path(superuser):
    rows = superuser.execute(
        "SELECT proname AS name, proconfig FROM pg_proc WHERE prosecdef"
        " AND pronamespace IN ('ccos'::regnamespace, 'jobs'::regnamespace)"
    ).fetchall()
    assert {row["name"] for row in rows} == DEFINERS
    assert all(any(item.startswith("search_path=") for item in row["proconfig"]) for row in rows)


async def test_another_tenants_rows_can_be_neither_read_nor_changed_nor_removed(two, superuser, store_urls):
    ours, theirs = two
    with psycopg.connect(store_urls.app, autocommit=True) as app:
        app.execute(
            "SELECT set_config('search_path', 'ccos', false), set_config('ccos.tenant', %s, false)",
            (str(ours.id),),
        )
        for name in (table["name"] for table in tables(superuser)):
            there = superuser.execute(
                statement("SELECT count(*) AS n FROM {table} WHERE {key} = %s", name), (theirs.id,)
            )
            assert there.fetchone()["n"] > 0, f"{name} was not filled, so it proves nothing"
            seen = app.execute(statement("SELECT count(*) FROM {table} WHERE {key} = %s", name), (theirs.id,))
            assert seen.fetchone() == (0,), name
            own = app.execute(statement("SELECT count(*) FROM {table} WHERE {key} = %s", name), (ours.id,))
            assert own.fetchone()[0] > 0, name
            for text in (
                "UPDATE {table} SET {key} = {key} WHERE {key} = %s",
                "DELETE FROM {table} WHERE {key} = %s",
            ):
                try:
                    assert app.execute(statement(text, name), (theirs.id,)).rowcount == 0, (name, text)
                except psycopg.errors.InsufficientPrivilege:
                    assert name == "tenant" and text.startswith("DELETE")


async def test_a_row_can_be_neither_written_for_another_tenant_nor_given_to_it(two, superuser, store_urls):
    ours, theirs = two
    with psycopg.connect(store_urls.app, autocommit=True) as app:
        app.execute(
            "SELECT set_config('search_path', 'ccos', false), set_config('ccos.tenant', %s, false)",
            (str(ours.id),),
        )
        for name in (table["name"] for table in tables(superuser)):
            row = superuser.execute(
                statement("SELECT to_jsonb(t)::text AS row FROM {table} t WHERE {key} = %s LIMIT 1", name),
                (theirs.id,),
            ).fetchone()["row"]
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                app.execute(
                    statement(
                        "INSERT INTO {table} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_record(NULL::{table}, %s)",
                        name,
                    ),
                    (row,),
                )
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
                app.execute(
                    statement("UPDATE {table} SET {key} = %s WHERE {key} = %s", name), (theirs.id, ours.id)
                )


@pytest.mark.parametrize("bound", [None, "", "not-a-uuid"])
async def test_without_a_tenant_there_are_no_rows(two, superuser, store_urls, bound):
    with psycopg.connect(store_urls.app, autocommit=True) as app:
        app.execute("SET search_path = ccos")
        if bound is not None:
            app.execute("SELECT set_config('ccos.tenant', %s, false)", (bound,))
        for name in (table["name"] for table in tables(superuser)):
            with suppress(psycopg.errors.InvalidTextRepresentation, psycopg.errors.UndefinedObject):
                assert app.execute(statement("SELECT count(*) FROM {table}", name)).fetchone() == (0,), name


async def test_the_owner_too_sees_only_tenants_and_keys_until_it_binds_one(two, superuser, store_urls):
    with psycopg.connect(store_urls.owner, autocommit=True) as owner:
        owner.execute("SET search_path = ccos")
        for name in (table["name"] for table in tables(superuser)):
            if name in ("tenant", "api_key"):
                assert owner.execute(statement("SELECT count(*) FROM {table}", name)).fetchone()[0] >= 2
            else:
                with pytest.raises(psycopg.errors.UndefinedObject):
                    owner.execute(statement("SELECT count(*) FROM {table}", name))


@pytest.mark.parametrize(
    "attempt",
    [
        "ALTER TABLE ccos.ticket DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE ccos.ticket NO FORCE ROW LEVEL SECURITY",
        "CREATE POLICY all_of_it ON ccos.ticket USING (true)",
        "DROP POLICY own_tenant ON ccos.ticket",
        "SET ROLE ccos_owner",
        "SET SESSION AUTHORIZATION ccos_owner",
        "GRANT ccos_owner TO CURRENT_USER",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "CREATE ROLE other LOGIN",
        "CREATE TABLE ccos.mine (id int)",
        "CREATE TABLE jobs.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION ccos.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SELECT * FROM pg_authid",
        "SELECT pg_read_file('/etc/passwd')",
        "COPY ccos.tenant TO PROGRAM 'cat'",
        "INSERT INTO ccos.schema_migration (name, sha256) VALUES ('x', '')",
        "DELETE FROM ccos.tenant",
        "TRUNCATE ccos.ticket CASCADE",
    ],
)
def test_the_application_may_not(store_urls, attempt):
    with (
        psycopg.connect(store_urls.app, autocommit=True) as app,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        app.execute(attempt)


def test_row_security_off_means_an_error_and_not_all_rows(store_urls):
    with psycopg.connect(store_urls.app, autocommit=True) as app:
        app.execute("SET row_security = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("SELECT count(*) FROM ccos.ticket")


async def test_a_connection_keeps_no_tenant_for_the_next_transaction(two, store_urls):
    ours, _ = two
    async with opened(Database(store_urls.app, connections=1)) as database:
        async with database.tenant(ours.id) as tx:
            assert (await tx.row("SELECT count(*) AS n FROM api_key"))["n"] == 1
        async with database.unbound() as tx:
            assert (await tx.row("SELECT count(*) AS n FROM api_key"))["n"] == 0
