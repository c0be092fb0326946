"""`ccos kb stats`, `check` and `reindex` as a person uses them, beside running servers."""

from __future__ import annotations

import json
import re
import signal
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from support.ccos_command import Command, Home
from support.opensearch_server import opensearch_server

TEXT = "반품 상품이 도착하면 영업일 3일 안에 결제하신 수단으로 환불해 드립니다. 카드는 승인이 취소됩니다."
OLD = "2020-01-01T00:00:00Z"


def shop_of(ccos: Command, slug: str, *items: dict[str, Any]) -> str:
    assert ccos("tenants", "create", slug, slug).code == 0
    if items:
        (ccos.folder / "kb.jsonl").write_text("\n".join(json.dumps(each) for each in items))
        ran = ccos("kb", "import", "kb.jsonl", "--tenant", slug)
        assert ran.code == 0, ran.err
    return slug


def test_an_empty_shop_is_told_what_to_do_and_is_no_failure(ccos: Command) -> None:
    slug = shop_of(ccos, "emptyshop")
    stats = ccos("kb", "stats", "--tenant", slug)
    assert stats.code == 0 and "`ccos kb import PATH`" in stats.out
    check = ccos("kb", "check", "--tenant", slug, "--strict")
    assert check.code == 0 and check.out.startswith("emptyshop: nothing is there to check;")
    told = ccos("kb", "stats", "--tenant", slug, "--json").json
    assert (told["kb"], told["pools"]["kb"]["items"], told["most_cited"], told["nodes"]) == (0, 0, [], [])
    assert ccos("kb", "check", "--tenant", slug, "--json").json["findings"] == []
    assert ccos("kb", "stats", "--tenant", "nobody-there").code == 2


def test_what_is_wrong_is_found_and_counted(ccos: Command) -> None:
    soon = (datetime.now(UTC) + timedelta(days=3)).isoformat()
    slug = shop_of(
        ccos,
        "untidyshop",
        {"id": "a", "title": "환불", "body": f"{TEXT} [나](b) [다](gone)\u001b[2J", "locale": "ko"},
        {"id": "b", "title": "또 환불", "body": TEXT, "updated_at": OLD, "visibility": "internal"},
        {"id": "c", "title": "행사", "body": "가을 행사 쿠폰은 한 사람이 한 번만 쓸 수 있는 쿠폰입니다.", "valid_until": soon},
        {"id": "d", "title": "빈 글", "body": "곧 올립니다."},
        {"id": "T-1", "kind": "case", "title": "환불이 늦어요", "body": TEXT},
    )  # fmt: skip
    check = ccos("kb", "check", "--tenant", slug)
    assert check.code == 0 and "\u001b" not in check.out and not check.err.count("Traceback")
    assert "a has a link that leads to no article: gone" in check.out
    told = ccos("kb", "check", "--tenant", slug, "--json", "--strict")
    assert told.code == 1
    found = {(each["check"], each["pool"], each["id"]) for each in told.json["findings"]}
    assert found == {
        ("duplicate", "kb", "a"),
        ("link", "kb", "a"),
        ("stale", "kb", "b"),
        ("expired", "kb", "c"),
        ("empty", "kb", "d"),
    }
    assert told.json["counts"]["duplicate"] == 1 and told.json["checked"] == 5
    only = ccos("kb", "check", "--tenant", slug, "--json", "--only", "stale", "--days", "9999").json
    assert (only["findings"], only["counts"]) == ([], {"stale": 0})
    assert ccos("kb", "check", "--tenant", slug, "--only", "uncited", "--strict").code == 0

    stats = ccos("kb", "stats", "--tenant", slug, "--json").json
    pool = stats["pools"]["kb"]
    assert (pool["items"], stats["pools"]["case"]["items"], stats["cases"]) == (4, 1, 1)
    assert (pool["locales"]["ko"], pool["visibility"]["internal"], pool["ages"]["older"]) == (1, 1, 1)
    assert pool["passages"] >= 4 and pool["tokens"] > 50 and pool["never_cited"] == 0
    shown = ccos("kb", "stats", "--tenant", slug)
    assert "Procedures: 4 items" in shown.out and "internal 1" in shown.out
    assert "No server has searched" in shown.out


def test_links_to_the_web_are_asked_only_when_it_is_said_and_never_inside(ccos: Command) -> None:
    slug = shop_of(ccos, "linkshop", {"id": "a", "title": "안내", "body": f"{TEXT} http://127.0.0.1:9/x"})
    assert ccos("kb", "check", "--tenant", slug, "--json").json["findings"] == []
    [finding] = ccos("kb", "check", "--tenant", slug, "--json", "--links").json["findings"]
    assert (finding["check"], finding["detail"]) == ("link", "http://127.0.0.1:9/x")
    assert "private network" in finding["sentence"]


def test_reindex_builds_here_when_no_server_runs(ccos: Command, ccos_home: Home) -> None:
    slug = shop_of(ccos, "quietshop", {"id": "a", "title": "환불", "body": TEXT})
    ran = ccos("kb", "reindex", "--tenant", slug)
    assert ran.code == 0 and ran.out == "The index of quietshop was built anew here.\n", ran.err
    again = ccos("kb", "reindex", "--tenant", slug, "--json").json
    assert (again["generation"], again["here"], again["nodes"]) == (2, True, [])
    asked = ccos("kb", "reindex", "--tenant", slug, "--no-wait")
    assert asked.code == 0 and "generation 3" in asked.out
    marks = [json.loads(path.read_text()) for path in Path(ccos.home, "index").glob("*/*/*/ccos.json")]
    assert 2 in {mark["generation"] for mark in marks}
    [hit] = ccos("kb", "search", "환불", "--tenant", slug, "--json").json["results"]
    assert hit["id"] == "a"


def test_reindex_removes_what_is_left_in_opensearch_of_tenants_that_are_gone(ccos: Command) -> None:
    slug = shop_of(ccos, "cleanshop", {"id": "a", "title": "환불", "body": TEXT})
    plain = ccos("kb", "reindex", "--orphans", "--tenant", slug)
    assert plain.code == 2 and "CCOS_OPENSEARCH_URL" in plain.err and "Traceback" not in plain.err
    with opensearch_server() as fake:
        there = {"CCOS_OPENSEARCH_URL": fake.url, "CCOS_OPENSEARCH_INDEX": "desk"}
        assert ccos("kb", "reindex", "--tenant", slug, **there).code == 0
        own = next(name for name in fake.indexes if name.endswith("-kb"))
        gone = "0" * 32
        for name in (f"desk-{gone}-4-case", f"desk2-{gone}-4-case"):
            fake.indexes[name] = fake.indexes[own]
        told = ccos("kb", "reindex", "--orphans", "--tenant", slug, "--json", **there).json
        assert told["orphans"] == [str(UUID(gone))]
        assert f"desk-{gone}-4-case" not in fake.indexes and f"desk2-{gone}-4-case" in fake.indexes
        assert any(name.split("-")[1] == own.split("-")[1] for name in fake.indexes if name.endswith("-kb"))
        again = ccos("kb", "reindex", "--orphans", "--tenant", slug, **there)
        assert again.code == 0 and "Removed from OpenSearch: nothing." in again.out


class Server:
    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self._url}{path}",
            method="GET" if body is None else "PUT",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)

    def ids(self, query: str) -> list[str]:
        return [hit["id"] for hit in self.call(f"/api/kb/search?q={urllib.parse.quote(query)}")]

    def metric(self, name: str) -> float:
        with urllib.request.urlopen(f"{self._url}/metrics", timeout=20) as response:
            found = re.findall(rf"^{re.escape(name)} (\S+)$", response.read().decode(), re.MULTILINE)
        return float(found[0]) if found else 0.0


@pytest.fixture
def two_servers(ccos: Command) -> Iterator[tuple[str, Server, Server]]:
    """Two `ccos serve` on one database."""
    slug = shop_of(ccos, "twoserver", {"id": "a", "title": "환불", "body": TEXT})
    key = ccos("keys", "create", "--role", "integration", "--tenant", slug, "--json").json["key"]
    with ExitStack() as stack:
        servers = []
        for _ in range(2):
            running = stack.enter_context(ccos.running("serve", "--port", "0", "--no-worker"))
            url = re.search(r"http://\S+:\d+", running.wait_for("http://"))
            assert url is not None
            servers.append((running, Server(url[0].rstrip("/."), key)))
        yield slug, servers[0][1], servers[1][1]
        for running, _ in servers:
            assert running.end(signal.SIGTERM) == 0


def test_both_servers_find_each_change_at_once_and_rebuild_without_a_pause(
    ccos: Command, two_servers: tuple[str, Server, Server]
) -> None:
    slug, first, second = two_servers
    for n in range(5):
        first.call(f"/api/kb/new-{n}", {"title": f"새글{n}번", "body": f"{TEXT} 새글{n}번"})
        assert second.ids(f"새글{n}번")[0] == first.ids(f"새글{n}번")[0] == f"new-{n}"

    nodes: list[dict[str, Any]] = []
    until = time.monotonic() + 60
    while len(nodes) < 2 or any(each["behind"] for each in nodes):
        assert time.monotonic() < until, nodes
        nodes = ccos("kb", "stats", "--tenant", slug, "--json").json["nodes"]
    assert {(each["state"], each["generation"], each["running"]) for each in nodes} == {("ready", 0, True)}
    assert all(each["bytes"] > 0 for each in nodes)

    with ccos.running("kb", "reindex", "--tenant", slug, "--json") as reindex:
        searched = 0
        while reindex.process.poll() is None:
            assert first.ids("환불")[0] and second.ids("환불")[0]
            searched += 1
        assert searched > 0 and reindex.process.wait(60) == 0, reindex.err
        done = json.loads(reindex.out)
    assert [(each["state"], each["generation"]) for each in done["nodes"]] == [("ready", 1)] * 2
    assert first.metric('ccos_searches_total{source="index"}') > 5
    assert second.metric('ccos_searches_total{source="store"}') == 0
