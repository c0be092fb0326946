"""What every command has: help without weight, usage errors, completion, one sentence for a fault."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from support.ccos_command import Command

HEAVY = ("pydantic", "langgraph", "fastapi", "uvicorn", "psycopg", "rich", "aiohttp", "xllamacpp", "tantivy")


def loaded_by(*arguments: str) -> set[str]:
    """The top-level packages in memory at the end of the command."""
    program = (
        "import sys, json\n"
        f"sys.argv = ['ccos', *{list(arguments)!r}]\n"
        "from ccos.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert "Usage: ccos" in done.stdout
    return set(json.loads(done.stderr))


@pytest.mark.parametrize("arguments", [["--help"], ["kb", "--help"], ["tenants", "create", "-h"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    assert not loaded_by(*arguments) & set(HEAVY)


def test_a_misspelt_command_gets_the_nearest_name(ccos: Command) -> None:
    ran = ccos("tennants")
    assert ran.code == 2 and "Did you mean 'tenants'?" in ran.err and not ran.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["draft"], "Give one ticket file, or --batch"),
        (["draft", "a.json", "--batch", "b.jsonl"], "Give one ticket file, or --batch"),
        (["draft", "a.json", "--hint", "x" * 501], "--hint has more than 500 characters"),
        (["draft", "a.json", "--mode", "fast"], "'fast' is not one of"),
        (["keys", "create"], "Missing option '--role'"),
        (["serve", "--port", "70000"], "70000 is not in the range"),
    ],
)
def test_wrong_use_is_told_before_anything_starts(ccos: Command, arguments: list[str], words: str) -> None:
    ran = ccos(*arguments, CCOS_HOME="/dev/null/none")
    assert ran.code == 2 and words in ran.err


def test_a_home_that_cannot_be_written_is_told(ccos: Command) -> None:
    ran = ccos("keys", "list", CCOS_HOME="/dev/null/none")
    assert ran.code == 1
    assert ran.sentence.startswith("The database cannot be kept in /dev/null/none (Not a directory)")
    assert "CCOS_HOME" in ran.sentence


def test_a_database_url_that_cannot_be_read_is_told_without_its_password(ccos: Command) -> None:
    ran = ccos("tenants", "list", DATABASE_URL="mysql://me:hidden@127.0.0.1/none")
    assert ran.code == 2 and "hidden" not in ran.err
    assert ran.sentence.startswith("The database URL cannot be read; write it like postgresql://")


def test_every_mistake_in_the_settings_is_a_line(ccos: Command) -> None:
    ran = ccos("tenants", "list", CCOS_MOD="x", TIER_0_THRESHOLD="2", OPENAI_BASE_URL="ftp://x")
    assert ran.code == 2 and not ran.out
    assert ran.err.splitlines() == [
        "ccos: CCOS_MOD is not a setting of CCOS: did you mean CCOS_MODE?",
        "ccos: TIER_0_THRESHOLD: Input should be less than or equal to 1.",
        "ccos: OPENAI_BASE_URL: must begin with http:// or https://.",
    ]


def test_a_port_in_use_is_told_before_the_database_is_opened(ccos: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = ccos("serve", "--port", str(port), CCOS_HOME="/dev/null/none")
    assert ran.code == 2
    assert ran.sentence == (
        f"Cannot listen on 127.0.0.1 port {port} (Address already in use); choose another with --port or CCOS_PORT."
    )


def test_output_that_nobody_takes_is_no_traceback(ccos: Command) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "ccos", "config", "check", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=ccos.environment(),
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode() == "ccos: The output cannot be used: No space left on device.\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_is_printed_for_each_shell(ccos: Command, shell: str) -> None:
    ran = ccos("completion", shell)
    assert ran.code == 0 and not ran.err
    assert f"_CCOS_COMPLETE={shell}_complete" in ran.out


def test_bash_can_read_its_script(ccos: Command) -> None:
    script = ccos("completion", "bash").out
    shown = 'eval "$(cat)"; complete -p ccos'
    done = subprocess.run(
        ["bash", "-c", shown], input=script, capture_output=True, text=True, timeout=30, check=True
    )
    assert "-F _ccos_completion ccos" in done.stdout and not done.stderr


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("ccos d", {"demo", "draft", "db", "drill"}),
        ("ccos kb s", {"search", "show", "sources", "stats"}),
        ("ccos keys create --role a", {"admin", "agent"}),
        ("ccos draft --mode o", {"outage"}),
        ("ccos draft --h", {"--hint", "--help"}),
    ],
)
def test_the_shell_completes_commands_options_and_values(
    ccos: Command, words: str, offered: set[str]
) -> None:
    last = len(words.split(" ")) - 1
    ran = ccos(_CCOS_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(last))
    assert {line.partition(",")[2] for line in ran.out.splitlines()} == offered


def test_a_reader_that_leaves_early_is_no_failure(ccos: Command, tmp_path: Path) -> None:
    ticket = tmp_path / "ticket.json"
    ticket.write_text('{"subject": "환불 언제 되나요?"}', encoding="utf-8")
    line = f"{sys.executable} -m ccos draft {ticket} 2>/dev/null | head -1; exit ${{PIPESTATUS[0]}}"
    for _ in range(2):
        done = subprocess.run(["bash", "-c", line], env=ccos.environment(), check=False, timeout=60)
        assert done.returncode == 0


@pytest.mark.parametrize("seconds", ["nan", "-1", "soon"])
def test_seconds_are_a_number_in_range(ccos: Command, seconds: str) -> None:
    ran = ccos("draft", "-", "--seconds", seconds, input='{"subject": "x"}')
    assert ran.code == 2 and "--seconds" in ran.err and ran.out == ""
