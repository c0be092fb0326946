"""The pages in docs/reference are what docs/generate.py makes of the code as it is."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from ccos.settings import Settings, variable

ROOT = Path(__file__).parents[2]


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _generator()


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_page_is_what_the_code_says(name: str) -> None:
    kept = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert kept == generate.PAGES[name](), f"docs/reference/{name} has drifted; run `make docs`"


def test_nothing_else_lies_among_the_pages() -> None:
    assert {file.name for file in (ROOT / "docs" / "reference").iterdir()} == set(generate.PAGES)


def test_every_setting_has_a_row_and_no_secret_a_default() -> None:
    page = generate.settings_page()
    for field in Settings.model_fields:
        assert page.count(f"| `{variable(field)}` |") == 1
    assert "| `OPENAI_API_KEY` | (none) |" in page


def test_a_closed_list_and_the_range_of_a_number_are_told() -> None:
    page = generate.settings_page()
    assert "`cost_first`, `quality_first`, `latency_first`, `outage` |" in page
    assert "(at least 0, at most 65535)" in page


def test_help_is_the_same_whatever_terminal_it_is_made_in(monkeypatch: pytest.MonkeyPatch) -> None:
    before = generate.cli_page()
    monkeypatch.setenv("COLUMNS", "40")
    assert generate.cli_page() == before
    assert "\n#### ccos kb import\n" in before


def test_the_interface_is_described_without_anything_opened() -> None:
    paths = json.loads(generate.openapi_page())["paths"]
    assert {"/api/tickets", "/api/health/llm-tiers"} <= set(paths)
