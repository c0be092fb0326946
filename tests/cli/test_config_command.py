"""`ccos config check`: every setting with its source, no secret, a line per mistake, notes for what is off."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ccos.settings import Settings, given, load, variable
from ccos.wiring import advice
from support.ccos_command import Command
from support.tiny_gguf import build_tiny_gguf


def test_every_setting_is_shown_with_its_source_and_no_secret(ccos: Command) -> None:
    (ccos.folder / ".env").write_text("CCOS_PORT=81\nOPENAI_MODEL=from-file\nANTHROPIC_API_KEY=hidden-file\n")
    ran = ccos(
        "config",
        "check",
        "--json",
        OPENAI_API_KEY="hidden-key",
        OPENAI_MODEL="gpt-4o",
        OPENAI_BASE_URL="https://me:hidden-password@gateway.example/v1?token=hidden-token",
        DATABASE_URL="postgresql://me:hidden-db@db/ccos",
        CCOS_MODE="",
    )
    assert ran.code == 0 and "hidden" not in ran.out + ran.err
    rows = {row["name"]: (row["value"], row["source"]) for row in ran.json["settings"]}
    assert list(rows) == [variable(field) for field in Settings.model_fields]
    assert rows["CCOS_PORT"] == ("81", ".env")
    assert rows["OPENAI_MODEL"] == ("gpt-4o", "environment")  # the environment wins
    assert rows["OPENAI_API_KEY"] == ("set", "environment") and rows["ANTHROPIC_API_KEY"] == ("set", ".env")
    assert rows["OPENAI_BASE_URL"] == ("https://...@gateway.example/v1?...", "environment")
    assert rows["CCOS_MODE"] == ("cost_first", "default")  # empty counts as not set


def test_mistakes_are_a_line_each_and_the_table_is_still_there(ccos: Command) -> None:
    (ccos.folder / ".env").write_text("CCOS_POTR=1\n")
    ran = ccos("config", "check", TIER_1_THRESHOLD="-1", CCOS_TIMEZONE="Seoul")
    assert ran.code == 2
    assert ran.err.splitlines() == [
        "ccos: CCOS_POTR in the file .env is not a setting of CCOS: did you mean CCOS_PORT?",
        "ccos: TIER_1_THRESHOLD: Input should be greater than or equal to 0.",
        "ccos: CCOS_TIMEZONE: is not a time zone name such as Asia/Seoul.",
    ]
    assert any(line.split() == ["CCOS_TIMEZONE", "Seoul", "environment"] for line in ran.out.splitlines())


def test_a_file_of_settings_that_is_no_text_is_told(ccos: Command) -> None:
    (ccos.folder / ".env").write_bytes(b"\xff\xfe")
    ran = ccos("config", "check")
    assert ran.code == 2 and ran.sentence == "The file .env is not UTF-8 text; save it as UTF-8."


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes settings out of nothing but what a test gives."""
    monkeypatch.chdir(tmp_path)
    for field in Settings.model_fields:
        monkeypatch.delenv(variable(field), raising=False)

    def make(**variables: str) -> Settings:
        monkeypatch.setenv("CCOS_HOME", str(tmp_path / "home"))
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load()

    return make


def test_nothing_set_is_nothing_wrong_and_says_which_tiers_are_off(settings: Any) -> None:
    found = settings()
    assert advice.problems(found) == []
    assert [note.split(" is off:")[0] for note in advice.notes(found)] == ["tier_0", "tier_1", "tier_2"]
    assert {each.source for each in given() if each.field != "home"} == {"default"}


def test_a_good_model_file_and_a_known_model_get_no_note(settings: Any, tmp_path: Path) -> None:
    model = build_tiny_gguf(tmp_path / "tiny.gguf")
    found = settings(
        OPENAI_API_KEY="k", MINIMAX_MODEL_PATH=str(model), TINYLLAMA_BASE_URL="http://127.0.0.1:1/v1"
    )
    assert advice.notes(found) == []


@pytest.mark.parametrize(
    ("variables", "note"),
    [
        ({"MINIMAX_MODEL_PATH": "/none.gguf"}, "MINIMAX_MODEL_PATH: There is no model file at /none.gguf"),
        ({"TINYLLAMA_MODEL_PATH": "/etc/passwd"}, "TINYLLAMA_MODEL_PATH: /etc/passwd is not a GGUF file"),
        ({"OPENAI_API_KEY": "k", "OPENAI_MODEL": "own"}, "OPENAI_MODEL: no price is known for 'own'"),
        (
            {"ANTHROPIC_API_KEY": "k", "ANTHROPIC_MODEL": "own"},
            "ANTHROPIC_MODEL: no price is known for 'own'",
        ),
        ({"OPENAI_API_KEY": "k", "CCOS_CLOUD_PRICE_IN": "1"}, "count only together"),
        ({"OPENAI_API_KEY": "k", "DAILY_LLM_COST_LIMIT": "0"}, "the cloud is never paid"),
        ({"OPENAI_API_KEY": "k", "ENABLE_COST_BASED_FALLBACK": "0"}, "nothing stops what the cloud costs"),
        ({"MINIMAX_BASE_URL": "https://models.example.com/v1"}, "MINIMAX_BASE_URL leaves your network"),
        (
            {"MINIMAX_BASE_URL": "http://10.0.0.5/v1", "MINIMAX_MODEL_PATH": "/x"},
            "MINIMAX_MODEL_PATH is not used",
        ),
        ({"MINIMAX_ENABLE_LOCAL": "false"}, "tier_1 is off: MINIMAX_ENABLE_LOCAL is false."),
        ({"CCOS_HOST": "0.0.0.0"}, "CCOS_HOST 0.0.0.0 is reached from other machines too"),
    ],
)
def test_what_may_not_do_what_was_meant_is_noted(settings: Any, variables: dict[str, str], note: str) -> None:
    assert sum(note in each for each in advice.notes(settings(**variables))) == 1


def test_a_price_that_is_configured_is_a_price(settings: Any) -> None:
    prices = {"CCOS_CLOUD_PRICE_IN": "1", "CCOS_CLOUD_PRICE_OUT": "2"}
    found = settings(OPENAI_API_KEY="k", OPENAI_MODEL="own", **prices)
    assert not [note for note in advice.notes(found) if "price" in note]


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL: The database URL cannot be read"),
        ({"DATABASE_OWNER_URL": "postgresql://x"}, "DATABASE_OWNER_URL is set without DATABASE_URL"),
    ],
)
def test_what_will_fail_is_a_mistake(settings: Any, variables: dict[str, str], problem: str) -> None:
    assert [problem in each for each in advice.problems(settings(**variables))] == [True]


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "ANTHROPIC_API_KEY"])
@pytest.mark.parametrize("key", ["sk-열쇠", "sk-one\nsk-two"])
def test_a_key_that_no_provider_could_read_is_a_mistake_by_its_name(
    settings: Any, name: str, key: str
) -> None:
    (problem,) = advice.problems(settings(**{name: key}))
    assert problem.startswith(f"{name}: ") and "sk-" not in problem


@pytest.mark.parametrize(
    ("limit", "model", "told"),
    [("0.05", "gpt-4o", True), ("5", "gpt-4o", False), ("0.05", "gpt-4o-mini", False)],
)
def test_a_limit_of_a_few_holds_is_noted(settings: Any, limit: str, model: str, told: bool) -> None:
    found = settings(OPENAI_API_KEY="k", OPENAI_MODEL=model, DAILY_LLM_COST_LIMIT=limit)
    small = [note for note in advice.notes(found) if note.startswith("DAILY_LLM_COST_LIMIT is 0.05 USD")]
    assert bool(small) is told
    # gpt-4o: 6,000 tokens at 2.5 and 800 at 10 USD a million
    assert not told or ("about 0.0230 USD" in small[0] and "at least 0.23 USD" in small[0])


def test_a_limit_that_is_not_kept_or_has_no_price_is_not_measured(settings: Any) -> None:
    free = settings(OPENAI_API_KEY="k", DAILY_LLM_COST_LIMIT="0.05", ENABLE_COST_BASED_FALLBACK="0")
    assert advice.small_limit(free, Decimal("0.05"), name="x") == []
    unknown = settings(OPENAI_MODEL="own", ENABLE_COST_BASED_FALLBACK="1")
    assert advice.small_limit(unknown, Decimal("0.05"), name="x") == []


def test_a_home_below_a_file_is_a_mistake(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    found = settings()
    assert advice.problems(found.model_copy(update={"home": tmp_path / "file" / "home"})) == [
        f"CCOS_HOME: {tmp_path / 'file'} is no folder; give one that this user may write to."
    ]


def test_a_path_may_begin_with_the_home_of_the_user(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/kim")
    assert settings(MINIMAX_MODEL_PATH="~/m.gguf").minimax_model_path == Path("/home/kim/m.gguf")
