"""What tickets say never reaches the logs, not even inside an exception."""

from __future__ import annotations

import asyncio
import json
import logging
import warnings
from datetime import datetime, timedelta

import pytest
import structlog

from ccos.wiring.logs import set_up_logs

WORDS = "구두를 반품하고 싶습니다"


def breaks():
    raise ValueError(f"cannot read {WORDS!r}")


@pytest.fixture
def set_up(monkeypatch):
    """Sets the logs up as a command does, on a root logger that nobody else listens to."""
    root, before = logging.getLogger(), structlog.get_config()
    level = root.level

    def do(shape):
        monkeypatch.setattr(root, "handlers", [])
        set_up_logs(shape)

    yield do
    logging.captureWarnings(False)
    root.setLevel(level)
    structlog.configure(**before)


@pytest.mark.parametrize("shape", ["console", "json"])
def test_our_lines_say_where_it_broke_and_not_what_it_said(shape, set_up, capsys):
    set_up(shape)
    try:
        breaks()
    except ValueError as fault:
        structlog.get_logger().exception("stage.broke", stage="retrieve")
        structlog.get_logger().error("again", exc_info=fault)
    said = capsys.readouterr().err
    assert "구두" not in said and "cannot read" not in said
    assert said.count("ValueError") == 2 and "test_wordless_logs.py:" in said and "breaks" in said


def test_lines_of_other_libraries_do_so_too(set_up, capsys):
    set_up("json")
    try:
        breaks()
    except ValueError:
        logging.getLogger("procrastinate.worker").error("Job %s failed", 7, exc_info=True)
    said = capsys.readouterr().err
    assert "구두" not in said and "cannot read" not in said
    told = json.loads(said)
    assert (told["level"], told["logger"], told["event"]) == ("error", "procrastinate.worker", "Job 7 failed")
    assert told["error"] == "ValueError" and "breaks" in told["at"]


def test_every_line_of_the_json_format_is_one_object_of_the_same_shape(set_up, capsys):
    set_up("json")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request\nreceived.")
    structlog.get_logger("ccos.tiers.board").warning("breaker.opened", provider="openai")
    structlog.get_logger().info("설정")
    warnings.showwarning(DeprecationWarning("old"), DeprecationWarning, "file.py", 1)
    told = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["level"], line["logger"]) for line in told] == [
        ("warning", "uvicorn.error"),
        ("warning", "ccos.tiers.board"),
        ("info", "ccos"),
        ("warning", "py.warnings"),
    ]
    assert told[0]["event"] == "Invalid HTTP request\nreceived." and told[2]["event"] == "설정"
    for line in told:
        assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)


def test_lines_of_other_libraries_have_a_time_for_people_too(set_up, capsys):
    set_up("console")
    try:
        breaks()
    except ValueError:
        logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=True)
    time, said = capsys.readouterr().err.split(" ", 1)
    assert datetime.fromisoformat(time).utcoffset() == timedelta(0)
    assert said.startswith("ERROR uvicorn.error Exception in ASGI application (ValueError at ")
    assert "구두" not in said


def test_a_task_nobody_waited_for_is_told_without_its_exceptions_words(set_up, capsys):
    set_up("json")

    async def broken():
        breaks()

    loop = asyncio.new_event_loop()
    task = loop.create_task(broken())
    loop.run_until_complete(asyncio.wait([task]))
    fault = task.exception()
    loop.call_exception_handler(
        {"message": "Task exception was never retrieved", "future": task, "exception": fault}
    )
    loop.close()
    said = capsys.readouterr().err
    assert "never retrieved" in said and "ValueError" in said and "구두" not in said


def test_a_pool_that_cannot_connect_says_so_once_in_a_while(set_up, capsys):
    set_up("console")
    set_up("console")
    pool = logging.getLogger("psycopg.pool")
    for n in range(5):
        pool.warning("error connecting in %r: %s", "ccos-store", n)
    pool.warning("another thing")
    assert [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()] == [
        "WARNING psycopg.pool error connecting in 'ccos-store': 0",
        "WARNING psycopg.pool another thing",
    ]
