import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import psycopg
import pytest

from ccos.domain.errors import BadSetting, DatabaseUnavailable, SchemaMismatch, StoreError
from ccos.store.migrate import compare, migrate, status
from support.postgres import fresh_database

OURS = sorted(file.name for file in (resources.files("ccos.store") / "migrations").iterdir())


@pytest.fixture
def empty(embedded_server):
    with fresh_database(embedded_server, "migrate_tests") as urls:
        yield urls


def test_an_empty_database_gets_everything_once(empty):
    assert status(empty.owner).pending[: len(OURS)] == tuple(OURS)
    assert "ccos db migrate" in status(empty.owner).problem
    assert migrate(empty.owner)[: len(OURS)] == OURS
    assert migrate(empty.owner) == []
    assert status(empty.app).problem is None and status(empty.app).pending == ()


def test_eight_at_once_apply_each_migration_once(empty):
    with ThreadPoolExecutor(8) as pool:
        applied = [name for names in pool.map(migrate, [empty.owner] * 8) for name in names]
    assert len(applied) == len(set(applied)) and set(OURS) <= set(applied)
    assert status(empty.owner).problem is None


def test_a_migration_that_was_edited_after_it_was_applied_is_refused(empty):
    migrate(empty.owner)
    with psycopg.connect(empty.owner) as owner:
        owner.execute("UPDATE ccos.schema_migration SET sha256 = 'x' WHERE name = %s", (OURS[0],))
    with pytest.raises(SchemaMismatch, match=f"{OURS[0]} was changed"):
        migrate(empty.owner)
    assert status(empty.owner).edited == (OURS[0],)


def test_a_database_newer_than_the_code_is_refused(empty):
    migrate(empty.owner)
    with psycopg.connect(empty.owner) as owner:
        owner.execute("INSERT INTO ccos.schema_migration (name, sha256) VALUES ('9999_pre_later.sql', 'x')")
    with pytest.raises(SchemaMismatch, match="newer version of CCOS"):
        migrate(empty.owner)
    assert status(empty.app).unknown == ("9999_pre_later.sql",)


def test_a_step_that_fails_leaves_nothing_behind(empty):
    with psycopg.connect(empty.owner) as owner:
        owner.execute("CREATE SCHEMA ccos")
        owner.execute("CREATE TABLE ccos.attempt (id int)")  # in the way of the second step
    with pytest.raises(StoreError, match=f"{OURS[1]} failed"):
        migrate(empty.owner)
    assert status(empty.owner).applied == (OURS[0],)
    with psycopg.connect(empty.owner) as owner:
        assert owner.execute("SELECT to_regclass('ccos.ticket')").fetchone() == (None,)
        owner.execute("DROP TABLE ccos.attempt")
    assert migrate(empty.owner)[0] == OURS[1]


def test_waiting_for_another_migration_ends(empty):
    with psycopg.connect(empty.owner) as owner:
        owner.execute("SELECT pg_advisory_xact_lock(%s)", (0x63636F73,))
        with pytest.raises(DatabaseUnavailable, match="Another migration"):
            migrate(empty.owner, seconds=0.2)


def test_a_later_change_of_the_queues_package_is_applied_on_top(empty):
    """As after an upgrade: the record says the last change is not there yet, and the database lacks it."""
    done = migrate(empty.owner)
    name = "procrastinate/03.04.00_50_post_add_retry_failed_job_procedure.sql"
    assert name in done
    with psycopg.connect(empty.owner) as owner:
        owner.execute("DELETE FROM ccos.schema_migration WHERE name = %s", (name,))
        owner.execute("DROP TRIGGER procrastinate_trigger_status_events_update_v1 ON jobs.procrastinate_jobs")
    assert status(empty.app).problem is not None
    assert migrate(empty.owner) == [name]
    with psycopg.connect(empty.owner) as owner:
        assert owner.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgname = 'procrastinate_trigger_status_events_update_v1'"
        ).fetchone() == (1,)


def test_the_queue_finds_jobs_by_their_lock_in_new_databases_and_in_old_ones(empty):
    def indexed(owner):
        query = "SELECT count(*) FROM pg_indexes WHERE schemaname = 'jobs' AND indexname = 'ccos_job_of_lock'"
        return owner.execute(query).fetchone() == (1,)

    migrate(empty.owner)
    with psycopg.connect(empty.owner) as owner:
        assert indexed(owner)
        owner.execute("DROP TRIGGER batch_item_follows ON ccos.draft")
        owner.execute("DROP FUNCTION ccos.batch_item_follows")
        owner.execute("DROP TABLE ccos.batch_item, ccos.batch")
        owner.execute("DROP INDEX jobs.ccos_job_of_lock")
        owner.execute("DELETE FROM ccos.schema_migration WHERE name = '0013_pre_batches.sql'")
    assert migrate(empty.owner) == ["0013_pre_batches.sql"]
    with psycopg.connect(empty.owner) as owner:
        assert indexed(owner)


def test_without_the_application_role_one_that_may_creates_it(embedded_server, monkeypatch, empty):
    monkeypatch.setattr("ccos.store.migrate.APP_ROLE", "ccos_app_other")
    with psycopg.connect(empty.superuser, autocommit=True) as admin:
        with pytest.raises(StoreError, match="CREATE ROLE ccos_app_other NOLOGIN"):
            migrate(empty.owner)
        admin.execute("ALTER ROLE ccos_owner CREATEROLE")
        try:
            migrate(empty.owner)
            row = admin.execute(
                "SELECT rolcanlogin, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = 'ccos_app_other'"
            ).fetchone()
            assert row == (False, False, False)
        finally:
            admin.execute("ALTER ROLE ccos_owner NOCREATEROLE")
            admin.execute("DROP OWNED BY ccos_app_other")
            admin.execute("DROP ROLE IF EXISTS ccos_app_other")


def test_an_application_role_that_bypasses_policies_is_refused(empty):
    with psycopg.connect(empty.superuser, autocommit=True) as admin:
        admin.execute("ALTER ROLE ccos_app BYPASSRLS")
        try:
            with pytest.raises(StoreError, match="NOBYPASSRLS"):
                migrate(empty.owner)
        finally:
            admin.execute("ALTER ROLE ccos_app NOBYPASSRLS")


def test_the_application_itself_may_not_migrate(empty):
    with pytest.raises(StoreError, match="may not create schemas"):
        migrate(empty.app)


@pytest.mark.parametrize("url", ["postgresql://[", "nonsense", "mysql://a/b"])
def test_an_unreadable_url_is_one_sentence(url):
    with pytest.raises(BadSetting, match="postgresql://user:password@host"):
        migrate(url)


def test_a_server_that_is_not_there_is_unavailable(tmp_path):
    with pytest.raises(DatabaseUnavailable, match="DATABASE_URL"):
        status(f"postgresql://nobody@/none?host={tmp_path}")


@pytest.mark.parametrize("name", OURS)
def test_every_migration_says_when_it_runs_and_waits_for_locks_no_longer_than_five_seconds(name):
    assert re.fullmatch(r"\d{4}_(pre|post)_[a-z_]+\.sql", name)
    text = (resources.files("ccos.store") / "migrations" / name).read_text(encoding="utf-8")
    first = next(line for line in text.splitlines() if line and not line.startswith("--"))
    assert first == "SET LOCAL lock_timeout = '5s';"


def test_numbers_are_used_once():
    assert [name[:4] for name in OURS] == [f"{n:04}" for n in range(1, len(OURS) + 1)]


def test_a_change_in_the_queues_own_files_is_not_held_against_the_database():
    text = (resources.files("procrastinate.sql") / "migrations" / "00.00.00_01_initial.sql").read_bytes()
    name = "procrastinate/00.00.00_01_initial.sql"
    assert compare({name: hashlib.sha256(text + b"\n").digest()}).edited == ()
