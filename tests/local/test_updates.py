"""Whether a model's source has another file by now."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ccos.local.registry.manifest import Manifest
from ccos.local.registry.updates import Update, Updates, compared, look_at_all
from ccos.settings import Settings
from ccos.wiring.models import check_updates, open_registry, told_of_updates
from support.file_server import file_server

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MODEL = Manifest(
    name="m", file="m.gguf", sha256="0" * 64, size=100, licence="x", prompt_format="chatml", context_tokens=1,
    source="", added_at=AT.isoformat(), architecture="llama", quantisation="Q8_0", etag='"v1"',
)  # fmt: skip


@pytest.mark.parametrize(
    ("etag", "headers", "state"),
    [
        ('"v1"', {"ETag": '"v1"', "Content-Length": "100"}, "same"),
        ('"v1"', {"ETag": '"v2"', "Content-Length": "100"}, "changed"),
        ('"v1"', {"ETag": '"v2"', "Content-Length": "101"}, "changed"),
        ('"v1"', {"Content-Length": "100"}, "same"),
        ('"v1"', {}, "unknown"),
        ("Mon", {"Last-Modified": "Mon"}, "same"),
        ("Mon", {"Last-Modified": "Tue", "ETag": '"x"'}, "changed"),
        ("", {"Content-Length": "100", "ETag": '"new"'}, "same"),
        ("", {"Content-Length": "7"}, "changed"),
        ("", {"Content-Length": "many"}, "unknown"),
    ],
)
def test_a_source_is_held_against_what_is_known(etag, headers, state):
    assert compared(replace(MODEL, etag=etag), headers).state == state


async def test_sources_are_asked_and_none_that_fails_is_news():
    async with file_server(b"GGUF" + b"x" * 96, etag='"v2"') as server:
        there = replace(MODEL, name="there", source=server.url)
        file = replace(MODEL, name="file", source="/models/m.gguf")
        away = replace(MODEL, name="away", source="http://127.0.0.1:1/m.gguf")
        found = await look_at_all([there, file, away], proxies=False)
        server.faults = ["e404"]
        gone = await look_at_all([there], proxies=False)
    assert [each.state for each in found] == ["changed", "unknown", "unknown"]
    assert gone[0].why == "Its source says 404."


def test_it_is_looked_once_a_day_and_the_last_look_is_kept(tmp_path):
    updates = Updates(tmp_path)
    assert updates.due(AT) and updates.found() == {}
    updates.note([Update("a", "changed", "New."), Update("b", "unknown", "?")], at=AT)
    assert updates.found() == {"a": "New."}
    assert not updates.due(AT + timedelta(hours=23)) and updates.due(AT + timedelta(hours=25))
    assert updates.due(AT - timedelta(hours=1)), "a clock that was put back"
    (tmp_path / "updates.json").write_text("{")
    assert updates.due(AT) and updates.found() == {}


async def test_the_product_looks_only_where_it_is_wanted_and_tells_health(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    async with file_server(b"GGUF" + b"x" * 96, etag='"v2"') as server:
        settings = Settings(CCOS_HOME=home)
        registry = open_registry(settings)
        registry.save(replace(MODEL, source=server.url))
        await check_updates(settings)
        assert not (home / "models" / "updates.json").exists(), "off is the default"
        wanted = Settings(CCOS_HOME=home, CCOS_MODEL_UPDATES="check")
        await check_updates(wanted)
    assert told_of_updates({}, wanted) == {"model_updates": {"m": "Its source has another version now."}}
    assert told_of_updates({}, settings) == {}
