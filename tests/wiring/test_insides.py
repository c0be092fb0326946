"""How a server's state is named, and what of a sentence is for everybody."""

from datetime import UTC, datetime

import pytest

from ccos.providers.pool_server import Load
from ccos.wiring.insides import file_names_only, server_document, server_state

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("load", "state"),
    [
        (Load("a"), "never_reached"),
        (Load("a", failures=3, reachable=False), "never_reached"),
        (Load("a", reached=True, reachable=True), "up"),
        (Load("a", reached=True, reachable=False), "unreachable"),
        (Load("a", reached=True, reachable=True, failures=1), "resting"),
        (Load("a", reached=True, reachable=False, failures=1), "unreachable"),
    ],
)
def test_the_state_of_a_server(load: Load, state: str) -> None:
    assert server_state(load) == state


def test_when_a_resting_server_is_tried_again_and_that_it_may_be_now() -> None:
    resting = Load("a", reached=True, failures=1, rests_until=112.5)
    shown = server_document(resting, now=100.0, at=AT)
    assert (shown["retry_in_seconds"], shown["retry_at"]) == (12.5, "2026-11-22T09:00:12.500000+00:00")
    assert server_document(resting, now=200.0, at=AT)["retry_in_seconds"] == 0
    assert "retry_at" not in server_document(Load("a", reached=True, rests_until=112.5), now=100.0, at=AT)
    away = Load("a", reached=True, reachable=False, failures=1, rests_until=112.5)
    assert "retry_at" not in server_document(away, now=100.0, at=AT), "it is asked when a look finds it"


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        (
            "There is no model file at /srv/models/m.gguf any more",
            "There is no model file at m.gguf any more",
        ),
        ("'/srv/m.gguf': cut off", "'m.gguf': cut off"),
        ("/a b/m.gguf is cut off", "m.gguf is cut off"),
        ("ask http://10.0.0.5:8000/v1/models and/or wait 3 s/4 s", None),
        ("/v1", None),
    ],
)
def test_folders_are_left_out_and_nothing_else(sentence: str, shown: str | None) -> None:
    assert file_names_only(sentence, ["/a b/m.gguf"]) == (sentence if shown is None else shown)
