"""No personal data in a log line, whoever puts it there."""

from __future__ import annotations

import json
import logging

import pytest
import structlog

from ccos.wiring import logs
from ccos.wiring.logs import scrubbed, set_up_logs


@pytest.fixture
def lines(monkeypatch, capsys):
    """Does something with logs as a command sets them up; gives the lines that were written."""
    root, before = logging.getLogger(), structlog.get_config()
    level = root.level

    def of(do):
        monkeypatch.setattr(root, "handlers", [])
        set_up_logs("json")
        do()
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    yield of
    logging.captureWarnings(False)
    root.setLevel(level)
    structlog.configure(**before)


def test_what_a_caller_of_the_log_did_not_know_to_be_personal_is_left_out(lines):
    def say():
        structlog.get_logger().warning(
            "desk.said",
            detail="010-2345-6789 김보라 고객님",
            nested={"to": ["bora@example.com", "주민번호 900101-1234568"]},
            fault=ValueError("계좌 110-123-456789"),
        )
        logging.getLogger("httpx").warning("POST %s failed", "http://x/?phone=010-2345-6789")

    ours, theirs = lines(say)
    assert ours["detail"] == "[전화번호] [이름] 고객님"
    assert (
        ours["nested"] == {"to": ["[이메일]", "주민번호 [주민번호]"]} and ours["fault"] == "계좌 [계좌번호]"
    )
    assert theirs["event"] == "POST http://x/?phone=[전화번호] failed"


def test_ids_times_and_figures_stay_whole(lines):
    known = {
        "draft_id": "01980000-1234-7000-8000-010123456789",
        "upstream": "01980000-1234-7000-8000-010123456789",
        "since": "2026-11-03T14:30:00.123456Z",
        "seconds": 0.125,
        "tokens": 1012345678,
        "tier": "tier_0",
        "model": "gpt-4o-2024-08-06",
        "ok": True,
        "left": None,
    }
    (line,) = lines(lambda: structlog.get_logger().info("draft.made", **known))
    assert {name: line[name] for name in known} == known


def test_a_value_that_cannot_be_searched_is_not_written(lines, monkeypatch):
    def broken(text):
        raise RuntimeError(text)

    monkeypatch.setattr(logs, "without_people", broken)
    (line,) = lines(lambda: structlog.get_logger().warning("said", detail="010-2345-6789", state="ready"))
    assert line["detail"] == "[unreadable]" and line["state"] == "ready"


def test_what_cannot_hold_any_is_not_searched(monkeypatch):
    monkeypatch.setattr(logs, "without_people", lambda text: pytest.fail(text))
    for value in ("tier_0 provider.timeout", "14:30", "3 of 12", "설정을 읽었습니다", 0.5):
        assert scrubbed(value) == value
