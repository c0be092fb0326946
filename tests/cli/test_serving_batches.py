"""A batch survives whatever is killed: every line ends with exactly one result."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import urllib.request
from collections.abc import Callable
from typing import Any

import psycopg

from support.ccos_command import Command, Home, Running
from support.fake_upstream import Does, FakeUpstream

LINES = 26


class Caller:
    def __init__(self, url: str, key: str) -> None:
        self.url, self.key = url, key

    def __call__(self, path: str, body: bytes | None = None) -> bytes:
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/x-ndjson"}
        request = urllib.request.Request(self.url + path, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=20) as response:
            return bytes(response.read())

    def rows(self, batch: str, after: int) -> list[dict[str, Any]]:
        said = self(f"/api/batches/{batch}/results?after={after}")
        return [json.loads(line) for line in said.splitlines()]


def address(server: Running) -> str:
    return str(re.findall(r"http://\S+", server.wait_for("Serving on http"))[0])


def silence_the_dead(home: Home) -> None:
    """Time passes: who was killed has given no sign of life for long enough."""
    with psycopg.connect(home.server.urls.superuser) as admin:
        admin.execute("UPDATE jobs.procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")


async def test_worker_and_server_are_killed_in_the_middle_of_a_batch(
    ccos: Command, ccos_home: Home, shop: str
) -> None:
    key = ccos("keys", "create", "--role", "integration", "--tenant", shop, "--json").json["key"]
    tickets = [{"subject": "환불", "description": f"{n}번 주문 환불 언제 되나요?"} for n in range(1, LINES)]
    body = b"".join(json.dumps(each).encode() + b"\n" for each in [*tickets[:10], "no ticket", *tickets[10:]])
    async with FakeUpstream(Does(), delay=0.3) as cloud:
        settings = {"OPENAI_BASE_URL": cloud.origin, "CCOS_MODE": "quality_first"}

        def first_life() -> tuple[str, list[dict[str, Any]]]:
            with ccos.running("serve", "--port", "0", "--no-worker", **settings) as server:
                call = Caller(address(server), key)
                batch = json.loads(call("/api/batches", body))
                assert (batch["total"], batch["bad_lines"], batch["state"]) == (LINES, 1, "queued")
                with ccos.running("worker", **settings) as worker:
                    worker.wait_until(drafts_some(call, batch["id"]))
                    assert worker.end(signal.SIGKILL)
                seen = call.rows(batch["id"], 0)
                assert server.end(signal.SIGKILL)
            return str(batch["id"]), seen

        def second_life(batch: str, seen: list[dict[str, Any]]) -> list[dict[str, Any]]:
            with ccos.running("serve", "--port", "0", **settings) as server:
                call = Caller(address(server), key)
                server.wait_until(lambda: json.loads(call(f"/api/batches/{batch}"))["state"] == "done")
                seen += call.rows(batch, seen[-1]["line"] if seen else 0)
                assert [row["line"] for row in call.rows(batch, 0)] == list(range(1, LINES + 1))
                assert server.end(signal.SIGTERM) == 0
            return seen

        batch, seen = await asyncio.to_thread(first_life)
        assert len(seen) < LINES, "it was killed before the end"
        silence_the_dead(ccos_home)
        rows = await asyncio.to_thread(second_life, batch, seen)
    assert [row["line"] for row in rows] == list(range(1, LINES + 1))
    assert rows[10]["error"]["code"] == "ticket.invalid"
    drafted = [row for row in rows if "error" not in row]
    assert len({row["id"] for row in drafted}) == LINES - 1
    assert all(row["reply"] and row["state"] in ("ready", "needs_review", "abstained") for row in drafted)
    with psycopg.connect(ccos_home.server.urls.superuser) as admin:
        left = "SELECT count(*) FROM jobs.procrastinate_jobs WHERE queue_name = 'batches' AND status IN ('todo', 'doing')"
        assert admin.execute(left).fetchone() == (0,)


def drafts_some(call: Caller, batch: str) -> Callable[[], bool]:
    """Whether a few more lines are finished than when this was called, and others are being drafted."""
    before = json.loads(call(f"/api/batches/{batch}"))["finished"]

    def look() -> bool:
        report = json.loads(call(f"/api/batches/{batch}"))
        return bool(report["finished"] >= before + 4 and report["states"].get("running"))

    return look
