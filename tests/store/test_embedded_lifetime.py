"""The server begins with its first client, is shared, ends with the last, and comes back after any kill."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from ccos.domain.errors import DatabaseUnavailable, StoreError
from ccos.store.embedded import EmbeddedServer, start
from support.postgres_process import about, client_process, eventually, nothing_runs, parent, postmaster


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One home for the module, made by a first start; each test begins and ends with its server stopped."""
    home = tmp_path_factory.mktemp("lifetime")
    with start(home) as server, psycopg.connect(server.urls.owner) as connection:
        connection.execute("CREATE TABLE kept (n int PRIMARY KEY)")
    return home


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedServer]:
    with start(home) as server:
        yield server


@pytest.fixture(autouse=True)
def nothing_is_left(home: Path) -> Iterator[None]:
    yield
    assert eventually(lambda: nothing_runs(home))


def add(server: EmbeddedServer, number: int) -> None:
    with psycopg.connect(server.urls.owner) as connection:
        connection.execute("INSERT INTO kept VALUES (%s)", [number])


def has(server: EmbeddedServer, number: int) -> bool:
    with psycopg.connect(server.urls.owner) as connection:
        return connection.execute("SELECT FROM kept WHERE n = %s", [number]).fetchone() is not None


def answers(server: EmbeddedServer) -> bool:
    try:
        with psycopg.connect(server.urls.app):
            return True
    except psycopg.OperationalError:
        return False


def test_rows_stay_from_one_start_to_the_next(home: Path) -> None:
    with start(home) as server:
        add(server, 1)
        first = server.urls
    assert nothing_runs(home)
    with start(home) as server:
        assert has(server, 1)
        assert server.urls == first


def test_the_socket_folder_goes_with_the_server(home: Path) -> None:
    with start(home):
        sockets = Path((home / "postgres/sockets").read_text())
        assert sockets.stat().st_mode & 0o777 == 0o700
    assert not sockets.exists()


def test_two_processes_share_one_server_and_it_outlives_the_one_that_began_it(home: Path) -> None:
    with client_process(home) as first:
        assert first.stdout is not None
        assert first.stdout.readline().startswith("postgresql://ccos_app:")
        one = postmaster(home)
        with start(home) as second:
            first.communicate("", timeout=30)
            assert first.returncode == 0
            assert not nothing_runs(home)
            add(second, 2)
            assert postmaster(home) == one


def test_six_at_once_get_one_server(home: Path) -> None:
    log = home / "postgres/postgres.log"
    before = log.read_text().count("starting PostgreSQL")
    with ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        processes = [stack.enter_context(client_process(home)) for _ in range(3)]
        servers = list(pool.map(lambda _: stack.enter_context(start(home)), range(3)))
        urls = {process.stdout.readline().strip() for process in processes if process.stdout}
        assert urls == {server.urls.app for server in servers}
        assert len(urls) == 1
    assert log.read_text().count("starting PostgreSQL") == before + 1


def test_a_killed_client_lets_go(home: Path) -> None:
    with client_process(home) as client:
        assert client.stdout is not None
        client.stdout.readline()
        client.send_signal(signal.SIGKILL)
        assert eventually(lambda: nothing_runs(home))


def test_a_killed_client_does_not_end_the_server_of_others(home: Path, server: EmbeddedServer) -> None:
    one = postmaster(home)
    with client_process(home) as client:
        assert client.stdout is not None
        client.stdout.readline()
    add(server, 3)
    assert postmaster(home) == one


def test_after_the_keeper_is_killed_a_new_one_comes_by_itself(home: Path, server: EmbeddedServer) -> None:
    urls, old = server.urls, postmaster(home)
    add(server, 4)
    os.kill(parent(old), signal.SIGKILL)
    assert eventually(lambda: postmaster_if_any(home) not in (None, old) and answers(server))
    assert has(server, 4)
    assert server.urls == urls


def test_ensure_returns_with_a_server_after_the_keeper_was_killed(home: Path, server: EmbeddedServer) -> None:
    os.kill(parent(postmaster(home)), signal.SIGKILL)
    assert eventually(lambda: not lives(home))
    server.ensure()
    assert answers(server)
    server.ensure()
    assert answers(server)


def test_after_postgres_is_killed_the_keeper_starts_it_again(home: Path, server: EmbeddedServer) -> None:
    old = postmaster(home)
    keeper = parent(old)
    add(server, 5)
    with closing(psycopg.connect(server.urls.app)) as deaf, ThreadPoolExecutor(1) as pool:
        # A session that computes does not notice the end of its server, and a new one waits for it.
        computing = pool.submit(deaf.execute, "SELECT count(*) FROM generate_series(1, 1000000000000)")
        assert eventually(lambda: deaf.info.transaction_status == TransactionStatus.ACTIVE)
        os.kill(old, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            computing.result(timeout=30)
    assert eventually(lambda: postmaster_if_any(home) not in (None, old) and answers(server))
    assert has(server, 5)
    assert parent(postmaster(home)) == keeper


def test_after_all_is_killed_the_next_start_recovers(home: Path) -> None:
    with client_process(home) as client, start(home) as server:
        assert client.stdout is not None
        client.stdout.readline()
        add(server, 6)
        client.kill()
        old = postmaster(home)
        os.kill(parent(old), signal.SIGKILL)
        os.kill(old, signal.SIGKILL)
        server.close()
    with start(home) as server:
        assert has(server, 6)


def test_a_dead_servers_process_id_may_be_anybodys_by_now(home: Path) -> None:
    file = home / "postgres/data/postmaster.pid"
    file.write_text(f"{os.getpid()}\n{home}/postgres/data\n1700000000\n5432\n/tmp\n\n\nready\n")
    with start(home) as server:
        assert answers(server)


def test_dead_sockets_of_a_power_loss_are_in_nobodys_way(home: Path) -> None:
    with start(home):
        sockets = Path((home / "postgres/sockets").read_text())
    sockets.mkdir(mode=0o700)
    (sockets / "keeper").touch()
    (sockets / ".s.PGSQL.5432").touch()
    (sockets / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n{home}/postgres/data\n1700000000\n5432\n")
    with start(home) as server:
        assert answers(server)


def test_a_broken_first_start_is_made_good(tmp_path: Path) -> None:
    broken = tmp_path / "postgres/data.new"
    broken.mkdir(parents=True, mode=0o700)
    (broken / "PG_VERSION").write_text("18\n")
    with start(tmp_path) as server:
        assert answers(server)
    assert not broken.exists()
    (tmp_path / "postgres/data").rename(broken)  # a power loss between the renames of an upgrade
    with start(tmp_path) as server:
        assert answers(server)


def test_lost_passwords_are_replaced_and_the_rows_stay(home: Path) -> None:
    with start(home) as server:
        add(server, 7)
        lost = server.urls
    (home / "postgres/passwords.json").write_text("{")
    with start(home) as server:
        assert server.urls.app != lost.app
        assert has(server, 7)


def test_the_clients_terminal_and_files_stay_its_own(home: Path) -> None:
    with client_process(home) as client:
        assert client.stdout is not None
        client.stdout.readline()
        with start(home):
            keeper = parent(postmaster(home))
            assert os.getsid(keeper) not in (os.getsid(client.pid), os.getsid(0))
            client.kill()
            assert client.stdout.read() == ""  # would wait for ever if the keeper held its end


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    settings = home / "postgres/data/postgresql.auto.conf"
    good = settings.read_text()
    settings.write_text("max_connections = 'many'\n")
    try:
        with pytest.raises(StoreError, match=r"did not start: .*Its log is .*postgres\.log\.$"):
            start(home)
    finally:
        settings.write_text(good)


def test_a_server_that_keeps_dying_is_given_up(home: Path) -> None:
    settings = home / "postgres/data/postgresql.auto.conf"
    good = settings.read_text()
    with start(home) as server:
        settings.write_text("max_connections = 'many'\n")
        try:
            keeper = parent(postmaster(home))
            os.kill(postmaster(home), signal.SIGKILL)
            assert eventually(lambda: not runs(keeper))
        finally:
            settings.write_text(good)
        assert eventually(lambda: answers(server))  # cured, it comes back


def test_a_deadline_holds_while_another_process_is_starting(home: Path) -> None:
    holder = (
        "import fcntl,sys; f=open(sys.argv[1],'w'); fcntl.flock(f,2); print(1,flush=True); sys.stdin.read()"
    )
    command = ["python3", "-c", holder, home / "postgres/start.lock"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(DatabaseUnavailable, match="still starting"):
            start(home, seconds=0.1)
        process.communicate(b"")


def test_the_log_does_not_grow_for_ever(home: Path) -> None:
    log = home / "postgres/postgres.log"
    log.write_text("an old line\n" * 200_000)
    with start(home) as server:
        assert eventually(lambda: log.stat().st_size < 100_000)
        with pytest.raises(psycopg.Error), psycopg.connect(server.urls.app) as connection:
            connection.execute("SELECT 1 / 0")
    assert "an old line" in (home / "postgres/postgres.log.1").read_text()
    assert "division by zero" in log.read_text()
    assert "\0" not in log.read_text()  # the server goes on at the new end, not at its old place


def test_a_closed_use_is_over(home: Path) -> None:
    server = start(home)
    server.close()
    server.close()
    with pytest.raises(DatabaseUnavailable, match="ended"):
        server.ensure()


def postmaster_if_any(home: Path) -> int | None:
    try:
        return postmaster(home)
    except (FileNotFoundError, IndexError, ValueError):
        return None


def lives(home: Path) -> bool:
    return postmaster_if_any(home) is not None


def runs(process: int) -> bool:
    """Not counting the dead that nobody has collected yet."""
    return about(process).get("State", "Z") not in ("", "Z")
