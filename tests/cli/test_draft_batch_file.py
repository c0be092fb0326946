"""`ccos draft --batch FILE --out RESULTS`: killed, stopped, gone on with, and nothing lost or done twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from ccos.cli.batch_results import OtherBatch, open_results
from ccos.domain.batch import mark, named
from ccos.domain.errors import BadInput
from ccos.domain.ticket import Ticket
from support.ccos_command import Command, Home


def write_tickets(path: Path, count: int, *, name: str = "k", subject: str = "환불") -> None:
    rows = [
        {"external_id": f"{name}-{n}", "subject": subject, "description": f"{n}번 주문 환불은 언제 되나요?"}
        for n in range(count)
    ]
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n", "utf-8")


def lines_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def drafts_stored(home: Home, names: str) -> Counter[str]:
    """How many drafts each ticket has whose name begins so."""
    with psycopg.connect(home.server.urls.superuser) as admin:
        rows = admin.execute(
            "SELECT t.external_id FROM ccos.draft d JOIN ccos.ticket t ON t.id = d.ticket_id"
            " WHERE t.external_id LIKE %s AND d.state NOT IN ('failed', 'superseded')",
            (f"{names}%",),
        ).fetchall()
    return Counter(row[0] for row in rows)


def test_results_are_lines_and_a_second_run_drafts_nothing(ccos: Command, shop: str) -> None:
    source, out = ccos.folder / "ten.jsonl", ccos.folder / "ten.out"
    write_tickets(source, 10, name="ten")
    ran = ccos("draft", "--batch", "ten.jsonl", "--out", "ten.out", "--json", "--tenant", shop)
    assert ran.code == 0, ran.err
    assert ran.json["totals"]["tickets"] == 10
    rows = lines_of(out)
    assert sorted(row["line"] for row in rows) == list(range(1, 11))
    assert {row["external_id"] for row in rows} == {f"ten-{n}" for n in range(10)}
    assert all(row["reply"] and row["tier"] == "tier_3" and row["attempts"] for row in rows)
    before = out.read_bytes()
    again = ccos("draft", "--batch", "ten.jsonl", "--out", "ten.out", "--tenant", shop)
    assert again.code == 0 and out.read_bytes() == before
    assert "10 results are in ten.out already" in again.err and "--restart" in again.err
    anew = ccos("draft", "--batch", "ten.jsonl", "--out", "ten.out", "--restart", "--json", "--tenant", shop)
    assert anew.json["totals"]["tickets"] == 10
    assert {row["id"] for row in lines_of(out)}.isdisjoint(row["id"] for row in rows)


def test_a_run_that_was_killed_goes_on_and_drafts_no_ticket_twice(
    ccos: Command, ccos_home: Home, shop: str
) -> None:
    source, out = ccos.folder / "kill.jsonl", ccos.folder / "kill.out"
    write_tickets(source, 60, name="kill")
    arguments = ("draft", "--batch", "kill.jsonl", "--out", "kill.out", "--tenant", shop)
    with ccos.running(*arguments) as running:
        process = running.process
        until = time.monotonic() + 60
        while time.monotonic() < until and (not out.exists() or out.read_bytes().count(b"\n") < 7):
            time.sleep(0.02)
        process.kill()
        process.wait()
    kept = out.read_bytes().count(b"\n")
    assert 7 <= kept < 60, "it was killed in the middle"
    with out.open("ab") as file:
        file.write(b'{"line":59,"ticket":"ha')  # as a machine that lost its power leaves it
    ran = ccos(*arguments, "--json", seconds=120)
    assert ran.code == 0, ran.err
    rows = lines_of(out)
    assert sorted(row["line"] for row in rows) == list(range(1, 61))
    assert ran.json["totals"]["kept"] == kept and ran.json["totals"]["tickets"] == 60 - kept
    stored = drafts_stored(ccos_home, "kill-")
    assert len(stored) == 60 and set(stored.values()) == {1}


def test_ctrl_c_lets_begun_drafts_end_and_says_how_to_go_on(ccos: Command, shop: str) -> None:
    source, out = ccos.folder / "stop.jsonl", ccos.folder / "stop.out"
    write_tickets(source, 60, name="stop")
    arguments = ("draft", "--batch", "stop.jsonl", "--out", "stop.out", "--tenant", shop)
    with ccos.running(*arguments) as running:
        process = running.process
        until = time.monotonic() + 60
        while time.monotonic() < until and (not out.exists() or out.read_bytes().count(b"\n") < 5):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        rows = lines_of(out)
        assert 5 <= len(rows) < 60 and f"Stopped: {len(rows)} results are in stop.out" in running.err
    assert ccos(*arguments, seconds=120).code == 0
    assert len(lines_of(out)) == 60


def test_lines_that_are_no_ticket_are_told_and_the_rest_is_drafted(ccos: Command, shop: str) -> None:
    (ccos.folder / "odd.jsonl").write_text(
        '{"subject": "환불 언제?"}\n{\n\n{"subject": "교환 되나요?"}\n', "utf-8"
    )
    arguments = ("draft", "--batch", "odd.jsonl", "--out", "odd.out", "--json", "--tenant", shop)
    ran = ccos(*arguments, "--at-once", "2")
    assert "Drafting: 2 of 2" in ran.err, "neither the blank line nor the bad one is waited for"
    assert ran.code == 1 and "Line 2" in ran.err and ran.json["totals"]["bad_lines"] == 1
    assert sorted(row["line"] for row in lines_of(ccos.folder / "odd.out")) == [1, 4]
    (ccos.folder / "none.jsonl").write_text("x\n")
    none = ccos("draft", "--batch", "none.jsonl", "--out", "none.out", "--tenant", shop)
    assert none.code == 2 and "No line is a ticket" in none.err and "result already" not in none.err
    again = ccos("draft", "--batch", "odd.jsonl", "--out", "odd.out", "--json", "--tenant", shop)
    assert again.json["totals"]["tickets"] == 0, "a ticket without a name is known again, too"


def test_a_ticket_that_could_not_be_drafted_has_no_result_and_is_drafted_by_the_next_run(
    ccos: Command, ccos_home: Home, shop: str
) -> None:
    write_tickets(ccos.folder / "ill.jsonl", 3, name="ill")
    arguments = ("draft", "--batch", "ill.jsonl", "--out", "ill.out", "--tenant", shop)
    with psycopg.connect(ccos_home.server.urls.superuser, autocommit=True) as admin:
        admin.execute(
            "CREATE FUNCTION pg_temp.ill() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN IF NEW.external_id = 'ill-1' THEN RAISE 'ill'; END IF; RETURN NEW; END $$"
        )
        admin.execute(
            "CREATE TRIGGER ill BEFORE INSERT ON ccos.ticket FOR EACH ROW EXECUTE FUNCTION pg_temp.ill()"
        )
        try:
            ran = ccos(*arguments)
        finally:
            admin.execute("DROP TRIGGER ill ON ccos.ticket")
    assert ran.code == 1 and "Line 2: The database could not" in ran.err and "without a result: 1;" in ran.err
    assert sorted(row["line"] for row in lines_of(ccos.folder / "ill.out")) == [1, 3]
    assert ccos(*arguments).code == 0
    assert sorted(row["line"] for row in lines_of(ccos.folder / "ill.out")) == [1, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--batch", "in.jsonl", "--out", "in.jsonl"), "is read by this command"),
        (("--batch", "in.jsonl", "--out", "no/such/folder.out"), "There is no folder"),
        (("--batch", "in.jsonl", "--out", "other.out"), "holds something else"),
        (("--batch", "in.batch", "--out", "in"), "is read by this command"),
        (("--batch", "missing.jsonl", "--out", "kept.out", "--restart"), "There is no file missing.jsonl"),
        (("in.jsonl", "--out", "x.out"), "are for a --batch"),
        (("--batch", "in.jsonl", "--restart"), "--restart is for a --batch with --out"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(ccos: Command, arguments: tuple[str, ...], said: str) -> None:
    write_tickets(ccos.folder / "in.jsonl", 1, name="in")
    write_tickets(ccos.folder / "in.batch", 1, name="in")
    (ccos.folder / "other.out").write_text('{"a": 1}\n')
    (ccos.folder / "kept.out").write_text('{"line":1,"ticket":"ab"}\n')
    before = contents(ccos.folder)
    ran = ccos("draft", *arguments)
    assert ran.code == 2 and said in ran.err and "Traceback" not in ran.err
    assert contents(ccos.folder) == before, "nothing was written over"


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.is_file()}


def test_lines_about_one_ticket_each_get_a_draft_of_their_own_words(ccos: Command, shop: str) -> None:
    rows = [
        {"external_id": "twice", "subject": "환불", "description": "1번 주문 환불은 언제 되나요?"},
        {
            "external_id": "twice",
            "subject": "Exchange",
            "description": "Can I exchange the shoes of order 2?",
        },
        {"external_id": "twice", "subject": "환불", "description": "1번 주문 환불은 언제 되나요?"},
        {"external_id": "once", "subject": "환불", "description": "3번 주문 환불은 언제 되나요?"},
    ]
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (ccos.folder / "twice.jsonl").write_text(text, "utf-8")
    arguments = ("--batch", "twice.jsonl", "--out", "twice.out", "--tenant", shop, "--at-once", "4")
    assert ccos("draft", *arguments).code == 0
    rows = sorted(lines_of(ccos.folder / "twice.out"), key=lambda row: row["line"])
    assert ["안녕하세요" in row["reply"] for row in rows] == [True, False, True, True]
    assert len({row["id"] for row in rows}) == 4


def test_a_pipe_is_read_as_it_comes_and_not_waited_for_at_the_end(ccos: Command, shop: str) -> None:
    write_tickets(ccos.folder / "two.jsonl", 2, name="pipe")
    os.mkfifo(ccos.folder / "pipe")
    with ccos.running("draft", "--batch", "pipe", "--out", "pipe.out", "--tenant", shop) as running:
        with (ccos.folder / "pipe").open("wb", buffering=0) as pipe:
            pipe.write((ccos.folder / "two.jsonl").read_bytes())
            out = ccos.folder / "pipe.out"
            running.wait_until(lambda: out.exists() and out.read_bytes().count(b"\n") == 2)
            assert running.end(signal.SIGINT) == 130, running.err
        assert "Stopped: 2 results are in pipe.out" in running.err


def test_results_that_cannot_be_written_leave_no_draft_behind_that_says_it_is_being_made(
    ccos: Command, ccos_home: Home, shop: str
) -> None:
    """A limit on the size of files is met as a full disk is."""
    write_tickets(ccos.folder / "full.jsonl", 12, name="full")
    words = ["draft", "--batch", "full.jsonl", "--out", "full.out", "--tenant", shop, "--at-once", "4"]
    program = (
        "import resource, sys; from ccos.cli import main;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000)); sys.argv[1:] = {words!r}; sys.exit(main())"
    )
    ran = subprocess.run(
        [sys.executable, "-B", "-c", program],
        cwd=ccos.folder,
        env=ccos.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 1 and "What is in it is whole" in ran.stderr, ran.stderr
    assert "Traceback" not in ran.stderr
    assert 1 <= len(lines_of(ccos.folder / "full.out")) < 12
    with psycopg.connect(ccos_home.server.urls.superuser) as admin:
        left = admin.execute(
            "SELECT count(*) FROM ccos.draft d JOIN ccos.ticket t ON t.id = d.ticket_id"
            " WHERE t.external_id LIKE 'full-%' AND d.state IN ('queued', 'running')"
        ).fetchone()
    assert left == (0,)
    assert ccos(*words).code == 0
    assert sorted(row["line"] for row in lines_of(ccos.folder / "full.out")) == list(range(1, 13))


def test_results_of_other_tickets_are_not_gone_on_with(ccos: Command, shop: str) -> None:
    write_tickets(ccos.folder / "one.jsonl", 2, name="one")
    write_tickets(ccos.folder / "two.jsonl", 2, name="two")
    assert ccos("draft", "--batch", "one.jsonl", "--out", "r.out", "--tenant", shop).code == 0
    before = (ccos.folder / "r.out").read_bytes()
    ran = ccos("draft", "--batch", "two.jsonl", "--out", "r.out", "--tenant", shop)
    assert ran.code == 2 and "another ticket for line 1" in ran.err
    assert (ccos.folder / "r.out").read_bytes() == before


def test_two_runs_do_not_share_a_file(tmp_path: Path) -> None:
    ticket, tenant, at = Ticket(subject="환불"), uuid4(), datetime(2026, 3, 1, tzinfo=UTC)
    with open_results(tmp_path / "r", restart=False) as results:
        assert results.begin(tenant, at) == at
        results.add(1, ticket, {"reply": "네"})
        with (
            pytest.raises(BadInput, match="another run"),
            open_results(tmp_path / "r", restart=False),
        ):
            pass
    with open_results(tmp_path / "r", restart=False) as results:
        assert results.begin(tenant, at + timedelta(hours=1)) == at, "the batch began with its first run"
        assert results.has(1, ticket) and not results.has(2, ticket)
        with pytest.raises(OtherBatch, match="another ticket for line 1"):
            results.has(1, Ticket(subject="교환"))


def test_a_batch_that_was_killed_before_its_first_line_began_with_its_first_run(tmp_path: Path) -> None:
    tenant, at = uuid4(), datetime(2026, 3, 1, tzinfo=UTC)
    later = at + timedelta(hours=1)
    with open_results(tmp_path / "r", restart=False) as results:
        results.begin(tenant, at)
    with open_results(tmp_path / "r", restart=False) as results:
        assert results.begin(tenant, later) == at
    with open_results(tmp_path / "r", restart=True) as results:
        assert results.begin(tenant, later) == later
    (tmp_path / "r").unlink()
    with open_results(tmp_path / "r", restart=False) as results:
        assert results.begin(tenant, later + timedelta(hours=1)) > later, (
            "who takes the file away begins anew"
        )


def test_results_of_another_tenant_are_not_gone_on_with(tmp_path: Path) -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    with open_results(tmp_path / "r", restart=False) as results:
        results.begin(uuid4(), at)
    with open_results(tmp_path / "r", restart=False) as results, pytest.raises(OtherBatch, match="--tenant"):
        results.begin(uuid4(), at)
    with open_results(tmp_path / "r", restart=True) as results:
        assert results.begin(uuid4(), at) == at


@pytest.mark.parametrize("words", ["the only copy of something", '{"a": 1}', "1\n2\n", "[" * 100_000 + "\n"])
def test_a_file_of_somebody_else_stays_as_it_is(tmp_path: Path, words: str) -> None:
    (tmp_path / "mine").write_text(words)
    with pytest.raises(OtherBatch), open_results(tmp_path / "mine", restart=False):
        pass
    (tmp_path / "r.batch").write_text(words)
    with pytest.raises(BadInput, match="is another file"), open_results(tmp_path / "r", restart=True):
        pass
    assert (tmp_path / "mine").read_text() == (tmp_path / "r.batch").read_text() == words
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mine", "r.batch"]


@pytest.mark.parametrize("cut", [b'{"li', b'{"line":2,"ticket":"ha', b"\0" * 40])
def test_what_was_half_written_is_cut_off(tmp_path: Path, cut: bytes) -> None:
    whole = b'{"line":1,"ticket":"ab"}\n'
    (tmp_path / "r").write_bytes(whole + cut)
    with open_results(tmp_path / "r", restart=False) as results:
        assert results.kept == 1
    assert (tmp_path / "r").read_bytes() == whole


def test_what_no_later_run_could_go_on_with_takes_no_results(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", Path("/dev/null"), Path("-")):
        with pytest.raises(BadInput, match="is no file"), open_results(place, restart=False):
            pass
    assert [each.name for each in tmp_path.iterdir()] == ["pipe"]


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    """A limit on the size of files is met in the middle of a line, as a full disk is."""
    program = (
        "import resource, signal, sys; from pathlib import Path; from datetime import UTC, datetime;"
        "from ccos.cli.batch_results import open_results; from ccos.domain.ticket import Ticket;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        "from ccos.cli.run import guarded; from uuid import uuid4;"
        "ctx = open_results(Path(sys.argv[1]), restart=False); r = ctx.__enter__();"
        "r.begin(uuid4(), datetime.now(UTC));"
        "sys.exit(guarded(lambda: [r.add(n, Ticket(subject=str(n)), {'reply': '네' * 60}) for n in range(1, 9)]))"
    )
    out = tmp_path / "r"
    ran = subprocess.run(
        [sys.executable, "-c", program, str(out)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1 and "What is in it is whole" in ran.stderr and "Traceback" not in ran.stderr
    rows = lines_of(out)
    assert 1 <= len(rows) < 8 and [row["line"] for row in rows] == list(range(1, len(rows) + 1))


def test_a_ticket_without_a_name_gets_one_that_stays(tmp_path: Path) -> None:
    ticket = Ticket(subject="환불", description="언제?")
    one = named(ticket, 7)
    assert one.external_id == f"batch-{mark(ticket)}-7" and named(one, 8) is one
    assert named(ticket, 8).external_id != one.external_id
