"""What operators read of breakers and keys: a line when something turned, and none besides."""

import pytest
from structlog.testing import capture_logs

from ccos.domain.errors import ProviderDown, ProviderRefused
from ccos.tiers.board import Board
from ccos.tiers.seldom import Seldom

NAME = "tier_0/openai/models/gpt/1a2b"
NAMED = {"tier": "tier_0", "provider": "openai", "model": "models/gpt"}


@pytest.fixture
def board():
    return Board([NAME])


@pytest.fixture
def logs():
    with capture_logs() as told:
        yield told


def fail(board, now, admitted_at=None, fault=None):
    at = now if admitted_at is None else admitted_at
    board.note(NAME, lambda p: p.after_failure(fault or ProviderDown(), now=now, at=now, admitted_at=at))


def test_a_breaker_that_opens_and_closes_is_a_line_each(board, logs):
    for n in range(8):
        fail(board, n)
    assert logs == [
        {"event": "breaker.opened", "log_level": "warning", **NAMED, "reason": "provider.down",
         "rest_seconds": 5.0, "elsewhere": False},
    ]  # fmt: skip
    board.note(NAME, lambda p: p.admit(9.5))
    fail(board, 10, admitted_at=9.5)
    assert len(logs) == 1, "a probe that failed turned nothing"
    board.note(NAME, lambda p: p.admit(30))
    board.note(NAME, lambda p: p.after_success(1.0, 0.0, at=31, admitted_at=30))
    board.note(NAME, lambda p: p.after_success(1.0, 0.0, at=32, admitted_at=31.5))
    assert logs[1:] == [
        {"event": "breaker.closed", "log_level": "info", **NAMED, "open_seconds": 27.0, "elsewhere": False}
    ]


def test_answers_that_come_too_late_are_named_as_the_reason(board, logs):
    fail(board, 0)
    for n in range(1, 20):
        board.note(NAME, lambda p, n=n: p.after_success(20, 0.0, at=n, admitted_at=1, first_token_seconds=19))
    assert [(told["event"], told["reason"]) for told in logs] == [("breaker.opened", "provider.slow")]


def test_calls_that_were_outrun_are_timeouts(board, logs):
    for n in range(5):
        board.note(NAME, lambda p, n=n: p.after_outrun(n, now=n + 1.0))
    assert [(told["event"], told["reason"]) for told in logs] == [("breaker.opened", "provider.timeout")]


def test_a_refused_key_is_told_once_with_what_to_do(board, logs):
    for n in range(3):
        fail(board, n, fault=ProviderRefused(status=401))
    (told,) = logs
    assert (told["event"], told["log_level"], told["reason"]) == (
        "provider.disabled",
        "warning",
        "key.refused",
    )
    assert "restart" in told["what"] and told["provider"] == "openai"


def test_what_is_seldom_said_counts_what_it_left_out_for_each_thing():
    now = [0.0]
    seldom = Seldom(10.0, clock=lambda: now[0])
    assert seldom.due("openai", "down") == 0 and seldom.due("openai", "busy") == 0
    now[0] = 9.9
    assert [seldom.due("openai", "down") for _ in range(3)] == [None] * 3
    now[0] = 10.0
    assert seldom.due("openai", "down") == 3 and seldom.due("openai", "busy") == 0
    now[0] = 3.0
    assert seldom.due("openai", "down") == 0, "a clock that was set back silences nobody"
