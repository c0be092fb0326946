"""What holds for the service as a whole: health, metrics, the contract, headers, and a database that goes away."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime

import psycopg
import pytest
from psycopg import sql

from ccos.cli.serve import address, listen
from ccos.domain.tenant import Role
from ccos.store.migrate import migrate
from support.live import Company, Live, eventually, plain_settings, serving
from support.postgres import fresh_database, to_database

ROUTES = {
    "/api/tickets": {"get", "post"},
    "/api/tickets/{ticket_id}": {"get"},
    "/api/tickets/{ticket_id}/drafts": {"post"},
    "/api/tickets/{ticket_id}/outcome": {"put"},
    "/api/batches": {"get", "post"},
    "/api/batches/{batch_id}": {"get", "delete"},
    "/api/batches/{batch_id}/results": {"get"},
    "/api/drafts/{draft_id}": {"get"},
    "/api/drafts/{draft_id}/decision": {"delete", "post"},
    "/api/drafts/{draft_id}/events": {"get"},
    "/api/generate": {"post"},
    "/api/drafts/{draft_id}/evidence": {"get"},
    "/api/kb": {"get"},
    "/api/kpis": {"get"},
    "/api/experiments": {"get", "post"},
    "/api/experiments/{name}": {"get"},
    "/api/experiments/{name}/start": {"post"},
    "/api/experiments/{name}/stop": {"post"},
    "/api/experiments/{name}/promote": {"delete", "post"},
    "/api/kb/{external_id}": {"delete", "get", "put"},
    "/api/kb/search": {"get"},
    "/api/kb/categories": {"get", "put"},
    "/api/kb/gaps": {"get"},
    "/api/kb/gaps/refresh": {"post"},
    "/api/kb/gaps/{gap_id}": {"get"},
    "/api/kb/gaps/{gap_id}/propose": {"post"},
    "/api/kb/gaps/{gap_id}/accept": {"post"},
    "/api/kb/gaps/{gap_id}/dismiss": {"post"},
    "/api/kb/sources": {"get", "post"},
    "/api/kb/sources/{name}": {"delete"},
    "/api/kb/sources/{name}/sync": {"post"},
    "/api/budgets": {"get"},
    "/api/tiers": {"get"},
    "/api/health/llm-tiers": {"get"},
    "/v1/chat/completions": {"post"},
    "/v1/messages": {"post"},
    "/v1/models": {"get"},
    "/v1/models/{name}": {"get"},
    "/livez": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
}


def test_the_health_of_the_tiers_is_told_from_memory(live: Live):
    with live.client() as http:
        answer = http.get("/api/health/llm-tiers")
    told = answer.json()
    assert set(told) == {"overall_status", "healthy_tiers", "tiers", "timestamp"}
    assert told["overall_status"] == "degraded" and told["healthy_tiers"] == "1/4"
    assert set(told["tiers"]) == {"tier_0", "tier_1", "tier_2", "tier_3"}
    assert told["tiers"]["tier_0"]["status"] == "disabled"
    assert told["tiers"]["tier_3"]["status"] == "healthy"
    for tier in told["tiers"].values():
        assert {"status", "latency", "quality_score", "cost", "breaker", "last_success"} <= set(tier)
    assert datetime.fromisoformat(told["timestamp"]).tzinfo is not None


def test_alive_and_ready(live: Live):
    with live.client() as http:
        assert http.get("/livez").json() == {"status": "alive"}
        assert http.get("/readyz").json() == {"status": "ready"}


def test_the_contract_names_every_route_with_a_summary_and_its_faults(live: Live):
    with live.client() as http:
        contract = http.get("/openapi.json").json()
    assert contract["openapi"].startswith("3.")
    assert {path: set(methods) for path, methods in contract["paths"].items()} == ROUTES
    ids = [
        operation["operationId"] for methods in contract["paths"].values() for operation in methods.values()
    ]
    assert len(set(ids)) == len(ids)
    for path, methods in contract["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"] and operation["description"], (method, path)
            if path.startswith("/api/") and "health" not in path:
                assert operation["security"], (method, path)
                assert set(operation["responses"]["422"]["content"]) == {"application/problem+json"}
                assert {"401", "404", "503"} <= set(operation["responses"])
    refs = set(_references(contract))
    assert refs and all(_resolves(contract, ref) for ref in refs)
    assert "HTTPValidationError" not in contract["components"]["schemas"]  # it is not what is sent


def _references(node):
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _resolves(contract, ref):
    node = contract
    for part in ref.removeprefix("#/").split("/"):
        node = node.get(part)
    return node is not None


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_no_page_that_loads_from_elsewhere_is_served(live: Live, path):
    with live.client() as http:
        assert http.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/livez", "/api/tickets", "/nothing", "/metrics"])
def test_every_answer_is_careful_and_has_an_id(live: Live, path):
    with live.client() as http:
        first, second = http.get(path), http.get(path)
    assert first.headers["x-ccos-request-id"] != second.headers["x-ccos-request-id"]
    assert first.headers["x-content-type-options"] == "nosniff"
    assert first.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert first.headers["referrer-policy"] == "no-referrer"


def test_metrics_count_by_route_template_and_name_no_tenant_and_no_id(live: Live, company: Company):
    with company.client() as http:
        before = _metrics(http)
        taken = http.post("/api/tickets", json={"subject": "교환되나요?"}).json()
        http.get(f"/api/tickets/{taken['ticket_id']}")
        http.get("/made-up-4711")
        http.post("/api/generate", json={"prompt": "안녕하세요"})

        def drafted():
            return http.get(f"/api/drafts/{taken['draft_id']}").json()["state"] not in ("queued", "running")

        eventually(drafted)
        after = _metrics(http)
    grown = {name for name, value in after.items() if value > before.get(name, 0)}
    assert (
        'ccos_http_request_seconds_count{method="GET",route="/api/tickets/{ticket_id}",status="200"}' in grown
    )
    assert 'ccos_http_request_seconds_count{method="POST",route="/api/tickets",status="202"}' in grown
    assert 'ccos_http_request_seconds_count{method="GET",route="unmatched",status="404"}' in grown
    assert any(name.startswith('ccos_drafts_total{degraded="false",state=') for name in grown)
    assert any(name.startswith("ccos_attempts_total") and 'tier="tier_3"' in name for name in grown)
    whole = "\n".join(after)
    for secret in (taken["ticket_id"], str(company.tenant.id), company.tenant.slug, "4711"):
        assert secret not in whole


def _metrics(http):
    text = http.get("/metrics").text
    lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}


def test_what_breaks_inside_is_a_problem_without_its_words(live: Live, company: Company, monkeypatch, capsys):
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("customer 010-0000-4711 said something")

    monkeypatch.setattr("ccos.store.tickets.page", broken)
    with company.client() as http:
        answer = http.get("/api/tickets")
        assert answer.status_code == 500 and answer.json()["code"] == "internal"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-ccos-request-id"] and answer.headers["x-content-type-options"] == "nosniff"
    said = "".join(capsys.readouterr())
    assert "request.broke" in said and "RuntimeError" in said and "broken" in said
    assert "4711" not in said + answer.text


@contextmanager
def closed(server, name):
    """While this lasts nobody can use the database: its connections are cut and new ones refused."""
    admin = psycopg.connect(to_database(server.urls.superuser, "postgres"), autocommit=True)
    with closing(admin):
        allow = sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}")
        admin.execute(allow.format(sql.Identifier(name), sql.SQL("false")))
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (name,)
        )
        try:
            yield
        finally:
            admin.execute(allow.format(sql.Identifier(name), sql.SQL("true")))


def test_without_its_database_it_says_when_to_come_back_and_recovers_by_itself(embedded_server, tmp_path):
    with fresh_database(embedded_server, "live_gone") as urls:
        migrate(urls.owner)
        with serving(plain_settings(urls, tmp_path)) as live:
            key = live.company().keys[Role.ADMIN]
            paths = ("/api/tickets", "/readyz", "/", "/livez", "/api/health/llm-tiers")
            with (
                live.client(key) as http,
                closed(embedded_server, "live_gone"),
                ThreadPoolExecutor() as together,
            ):
                listed, ready, page, alive, tiers = together.map(http.get, paths)
                for answer in (listed, ready):
                    assert answer.status_code == 503, answer.text
                    assert answer.json()["code"] == "store.unavailable"
                    assert answer.headers["content-type"] == "application/problem+json"
                    assert int(answer.headers["retry-after"]) > 0
                assert alive.status_code == tiers.status_code == 200
                assert page.status_code == 503 and "데이터베이스가 응답하지 않습니다" in page.text
            with live.client(key) as http:
                eventually(lambda: http.get("/api/tickets").status_code == 200)
                taken = http.post("/api/tickets", json={"subject": "다시 되나요?"})
                assert taken.status_code == 202
                draft = f"/api/drafts/{taken.json()['draft_id']}"
                eventually(lambda: http.get(draft).json()["state"] not in ("queued", "running"))


def test_the_door_is_known_to_be_tcp_so_that_small_answers_are_not_held_back():
    with listen("127.0.0.1", 0) as door:
        assert door.proto == socket.IPPROTO_TCP
        assert address(door) == f"http://127.0.0.1:{door.getsockname()[1]}"
