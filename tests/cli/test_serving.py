"""`ccos serve` and `ccos worker` as processes: what was taken in is drafted, whoever is stopped meanwhile."""

from __future__ import annotations

import json
import re
import signal
import urllib.request
from typing import Any

import psycopg

from support.ccos_command import Command, Home, silent_server


def call(url: str, key: str, body: object = None) -> Any:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


def test_a_ticket_is_drafted_by_the_worker_that_comes_after_one_that_was_stopped(
    ccos: Command, ccos_home: Home, shop: str
) -> None:
    key = ccos("keys", "create", "--role", "integration", "--tenant", shop, "--json").json["key"]
    with ccos.running("serve", "--port", "0", "--no-worker") as server, silent_server() as silent:
        url = re.findall(r"http://\S+", server.wait_for("Serving on http"))[0]
        taken = call(f"{url}/api/tickets", key, {"external_id": "q-1", "subject": "환불 언제 되나요"})
        assert taken["state"] == "queued"

        def state() -> str:
            draft = call(f"{url}/api/drafts/{taken['draft_id']}", key)
            assert draft["state"] in ("queued", "running") or draft["reply"]
            return str(draft["state"])

        with ccos.running("worker", MINIMAX_BASE_URL=silent) as worker:
            worker.wait_for("Waiting for tickets")
            worker.wait_until(lambda: state() == "running")
            assert worker.end(signal.SIGTERM) == 0  # within its grace, although the model never answers
            said = worker.err
        assert state() == "running"
        with ccos.running("worker") as successor:
            successor.wait_until(lambda: state() in ("ready", "needs_review", "abstained"))
            assert successor.end(signal.SIGTERM) == 0
            said += successor.err
        assert server.end(signal.SIGTERM) == 0
        said += server.err
        assert "Traceback" not in said and key not in said and "환불" not in said
    with psycopg.connect(ccos_home.server.urls.superuser) as admin:
        left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ccos' AND datname = 'ccos'"
        assert admin.execute(left).fetchone() == (0,)


def test_a_page_that_listens_is_let_go_when_the_server_ends(ccos: Command, shop: str) -> None:
    """A line that were cut in the middle could not be read to its end."""
    key = ccos("keys", "create", "--role", "agent", "--tenant", shop, "--json").json["key"]
    with ccos.running("serve", "--port", "0") as server:
        url = re.findall(r"http://\S+", server.wait_for("Serving on http"))[0]
        asked = urllib.request.Request(f"{url}/live", headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(asked, timeout=20) as line:
            assert line.readline() == b"retry: 3000\n"
            assert server.end(signal.SIGTERM) == 0
            assert line.read().endswith(b"\n\n")


def test_ctrl_c_ends_the_server_too(ccos: Command) -> None:
    with ccos.running("serve", "--port", "0") as server:
        server.wait_for("Serving on http")
        assert server.end(signal.SIGINT) == 130
        assert "Traceback" not in server.err and not server.out
