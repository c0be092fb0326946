"""`ccos serve` and `ccos worker` as processes: a ticket that was taken in is drafted, and both end cleanly."""

from __future__ import annotations

import json
import re
import signal
import time
import urllib.request
from typing import Any

import psycopg

from support.ccos_command import Command, Home


def call(url: str, key: str, body: object = None) -> Any:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


def test_a_queued_ticket_is_drafted_by_a_worker_beside_the_server(
    ccos: Command, ccos_home: Home, shop: str
) -> None:
    key = ccos("keys", "create", "--role", "integration", "--tenant", shop, "--json").json["key"]
    with ccos.running("serve", "--port", "0", "--no-worker") as server, ccos.running("worker") as worker:
        url = re.findall(r"http://\S+", server.wait_for("Serving on http"))[0]
        worker.wait_for("Waiting for tickets")
        taken = call(f"{url}/api/tickets", key, {"external_id": "q-1", "subject": "환불 언제 되나요"})
        assert taken["state"] == "queued"
        deadline = time.monotonic() + 30
        while (draft := call(f"{url}/api/drafts/{taken['draft_id']}", key))["state"] in ("queued", "running"):
            assert time.monotonic() < deadline, draft["state"]
            time.sleep(0.1)
        assert draft["tier"] == "tier_3" and draft["reply"]

        assert worker.end(signal.SIGTERM) == 0
        assert server.end(signal.SIGTERM) == 0
        assert "Traceback" not in server.err + worker.err
        assert key not in server.err + worker.err and "환불" not in server.err + worker.err
    with psycopg.connect(ccos_home.server.urls.superuser) as admin:
        left = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'ccos' AND datname = 'ccos'"
        assert admin.execute(left).fetchone() == (0,)


def test_ctrl_c_ends_the_server_too(ccos: Command) -> None:
    with ccos.running("serve", "--port", "0") as server:
        server.wait_for("Serving on http")
        assert server.end(signal.SIGINT) == 130
        assert "Traceback" not in server.err and not server.out
