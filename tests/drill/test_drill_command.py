"""`ccos drill` as a person and a script run it."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from support.ccos_command import Command


@pytest.fixture
def ccos(tmp_path: Path) -> Command:
    """A home of its own without a database: a drill needs none."""
    return Command(tmp_path / "home", tmp_path)


AWAY = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
SHORT = ("--simulate", "--tickets", "4", "--seconds", "5")


def test_a_drill_with_the_database_away_prints_one_document_and_writes_the_report(ccos: Command) -> None:
    ran = ccos(
        "drill", *SHORT, "--fault", "reset", "--fault", "wrong_key", "--json", "--html", "drill.html", **AWAY
    )
    assert ran.code == 0, ran.err
    assert ran.json["verdict"] == "pass" and ran.json["drill"]["simulated"] is True
    assert [fault["name"] for fault in ran.json["faults"]] == ["reset", "wrong_key"]
    assert ran.json["promises"][0] == {
        "name": "answered", "unit": "share", "aim": 0.999, "verdict": "pass", "value": 1.0,
        "of": len(ran.json["drafts"]), "beside": None,
    }  # fmt: skip
    assert {"name": "DATABASE_URL", "value": "set", "source": "environment"} in ran.json["settings"]
    report = (ccos.folder / "drill.html").read_text("utf-8")
    assert "Simulated tier_0" in report and "127.0.0.1:9" not in report
    assert "The report is in drill.html." in ran.err
    kept = {path.name for path in ccos.home.iterdir()} if ccos.home.exists() else set()
    assert kept <= {"compiled"}


def test_the_table_says_each_promise(ccos: Command) -> None:
    ran = ccos("drill", *SHORT)
    assert ran.code == 0, ran.err
    assert "Outage drill of tier_0, simulated" in ran.out
    for line in (
        "✓ Drafts that came in time: 100.0%",
        "✓ Switches to another tier",
        "✓ Back on the tier",
        "– Spent",
    ):
        assert line in ran.out
    made = sum(int(row.split()[1]) for row in ran.out.splitlines()[2:6])
    assert made > 12, "the drafts of the recovery are counted too"
    assert f"ccos: Drilling: {made} of {made}" in ran.err
    assert "attempt.failed" not in ran.err, "what the drill breaks itself is no news"


def test_phases_in_seconds_say_how_far_they_are_now_and_then(ccos: Command) -> None:
    ran = ccos("drill", "--simulate", "--before", "1", "--during", "1", "--after", "0")
    said = [line for line in ran.err.splitlines() if "Drilling" in line]
    assert ran.code == 0 and said == ["ccos: Drilling: 1 so far"]


def test_a_tier_that_never_wrote_is_exit_code_1(ccos: Command) -> None:
    nowhere = {"OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    ran = ccos("drill", "--tickets", "4", "--seconds", "5", "--yes", **nowhere)
    assert ran.code == 1
    assert "– Back on the tier: not measured" in ran.out
    assert "tier_0 wrote none of 4 drafts without a fault (" in ran.out and "provider.down" in ran.out
    assert "attempt.failed" in ran.err, "this failure is the provider's own"
    assert "✓ Drafts that came in time: 100.0%" in ran.out and "✓ Spent: $0.0000" in ran.out


def test_a_promise_that_does_not_hold_is_exit_code_1(ccos: Command) -> None:
    ran = ccos("drill", *SHORT, "--during", "2", "--after", "0.3")  # too short for a breaker's rest
    assert ran.code == 1
    assert "✗ Back on the tier: did not come back" in ran.out and "✓ Drafts that came" in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "tier_0 has no provider to rehearse an outage of; set OPENAI_API_KEY or ANTHROPIC_API_KEY"),
        (("--tier", "tier_1"), "set MINIMAX_MODEL_PATH or MINIMAX_BASE_URL, or add --simulate"),
        (
            ("--simulate", "--fault", "unavailble"),
            "There is no fault 'unavailble': did you mean unavailable?",
        ),
        (("--simulate", "--fault", "zzz"), "`ccos drill --list-faults` shows those there are."),
        (("--simulate", "--fault", "dns", "--all-faults"), "Give --fault or --all-faults, not both."),
        (("--simulate", "--html", "no/such/drill.html"), "There is no folder no/such; make it"),
        (("--simulate", "--mode", "outage"), "The mode outage never asks tier_0"),
        (("--simulate", "--before", "0", "--during", "0", "--after", "0"), "--during 0 leaves no outage"),
    ],
)
def test_bad_input_is_one_sentence(ccos: Command, arguments: tuple[str, ...], said: str) -> None:
    ran = ccos("drill", *arguments)
    assert ran.code == 2 and said in ran.sentence and ran.out == ""


def test_money_is_not_spent_unasked(ccos: Command) -> None:
    ran = ccos("drill", "--spend-at-most", "0.25", OPENAI_API_KEY="sk-test")
    assert ran.code == 2
    assert "up to $0.25" in ran.sentence and "--yes" in ran.sentence and ran.out == ""


def test_the_faults_can_be_listed(ccos: Command) -> None:
    ran = ccos("drill", "--list-faults")
    assert ran.code == 0 and len(ran.out.splitlines()) == 22
    listed = ccos("drill", "--list-faults", "--json").json["faults"]
    assert [fault["name"] for fault in listed] == [line.split()[0] for line in ran.out.splitlines()]


@pytest.mark.parametrize(
    ("stop", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "term"]
)
def test_stopped_it_still_writes_the_report(ccos: Command, stop: signal.Signals, code: int) -> None:
    arguments = ("--simulate", "--tickets", "20", "--during", "300", "--html", "drill.html", "--json")
    with ccos.running("drill", *arguments) as running:
        running.wait_for("Drilling: 1 so far")
        assert running.end(stop) == code
        assert "The drill was stopped before its end" in running.err and "Traceback" not in running.err
        assert '"interrupted": true' in running.out
    assert "stopped before its end" in (ccos.folder / "drill.html").read_text("utf-8")


def test_a_shell_completes_the_names_of_faults(ccos: Command) -> None:
    asked = {"_CCOS_COMPLETE": "bash_complete", "COMP_WORDS": "ccos drill --fault re", "COMP_CWORD": "3"}
    assert ccos(**asked).out.split() == ["plain,reset"]
