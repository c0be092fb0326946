"""What an operator sees of servers and local models: health, metrics and GET /api/tiers, with real processes."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ccos.domain.tenant import Role
from ccos.store.migrate import migrate
from support.live import Company, Live, eventually, plain_settings, serving
from support.model_servers import ModelServer, model_server
from support.postgres import fresh_database
from support.tiny_gguf import build_tiny_gguf

ASKED = {"prompt": "주문한 책은 언제 오나요?", "mode": "outage"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("a model folder") / "m.gguf")


class Site:
    """Two servers of tier 1 from ccos.toml, and a file for tier 2."""

    def __init__(self, live: Live, servers: dict[str, ModelServer]) -> None:
        self.live, self.servers = live, servers
        self.company = live.company()

    def health(self, tier: str) -> dict[str, Any]:
        with self.live.client() as http:
            return http.get("/api/health/llm-tiers").json()["tiers"][tier]

    def server(self, name: str) -> dict[str, Any]:
        (provider,) = self.health("tier_1")["providers"]
        return next(each for each in provider["servers"] if each["name"] == name)

    def local(self) -> dict[str, Any]:
        (provider,) = self.health("tier_2")["providers"]
        return provider["local"]

    def ask(self) -> None:
        with self.company.client() as http:
            assert http.post("/api/generate", json=ASKED).status_code == 200

    def look(self) -> None:
        """What a served process does every 20 seconds."""
        self.live.run(self.live.ccos.service.probe())

    def metrics(self) -> dict[str, float]:
        with self.live.client() as http:
            text = http.get("/metrics").text
        lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}


@pytest.fixture
def site(embedded_server, file: Path, tmp_path: Path, monkeypatch) -> Iterator[Site]:
    monkeypatch.setenv("SERVER_KEY_OF_TESTS", "only-for-tests")
    with (
        model_server(file, tmp_path / "a") as a,
        model_server(file, tmp_path / "b") as b,
        fresh_database(embedded_server, "live_tiers") as urls,
    ):
        listed = "".join(
            f'[[tier_1]]\nname = "{name}"\nbase_url = "{server.url}"\nmodel = "tiny"\nslots = 2\n'
            'api_key_env = "SERVER_KEY_OF_TESTS"\n\n'
            for name, server in (("gpu-a", a), ("gpu-b", b))
        )
        (tmp_path / "ccos.toml").write_text(listed, "utf-8")
        migrate(urls.owner)
        settings = plain_settings(urls, tmp_path, tinyllama_model_path=file, tinyllama_context_tokens=2048)
        monkeypatch.chdir(tmp_path)
        with serving(settings) as live:
            found = Site(live, {"gpu-a": a, "gpu-b": b})
            eventually(lambda: found.local()["state"] == "up", seconds=60)
            yield found


def test_a_server_that_dies_is_seen_and_its_tier_goes_on(site: Site) -> None:
    assert {site.server(name)["state"] for name in site.servers} == {"never_reached"}, "nobody has looked"
    site.look()
    assert {site.server(name)["state"] for name in site.servers} == {"up"}
    for _ in range(3):
        site.ask()
    assert all(site.server(name)["last_error"] is None for name in site.servers)
    assert sum(site.server(name)["requests"] for name in site.servers) >= 3

    site.servers["gpu-a"].kill()

    def seen() -> dict[str, Any] | None:
        site.ask()
        found = site.server("gpu-a")
        return found if found["last_error"] else None

    dead = eventually(seen)
    assert (dead["state"], dead["last_error"]) == ("unreachable", "provider.down")
    assert dead["failures"] >= 1 and dead["last_error_at"]
    assert site.server("gpu-b")["state"] == "up"
    assert site.health("tier_1")["status"] == "healthy", "one server is enough"
    told = site.metrics()
    assert told['ccos_server_failures_total{reason="provider.down",server="gpu-a",tier="tier_1"}'] >= 1
    assert told['ccos_server_up{server="gpu-a",tier="tier_1"}'] == 0
    assert told['ccos_server_up{server="gpu-b",tier="tier_1"}'] == 1
    assert told['ccos_server_resting{server="gpu-b",tier="tier_1"}'] == 0
    assert told['ccos_server_requests_total{server="gpu-b",tier="tier_1"}'] >= 1
    assert told['ccos_server_in_flight{server="gpu-b",tier="tier_1"}'] == 0


def test_a_server_that_a_look_finds_away_is_shown_so_and_asked_last(site: Site) -> None:
    site.look()
    site.servers["gpu-a"].kill()
    site.look()
    assert site.server("gpu-a")["state"] == "unreachable" and site.health("tier_1")["status"] == "healthy"
    for _ in range(3):
        site.ask()
    assert (site.server("gpu-a")["requests"], site.server("gpu-a")["failures"]) == (0, 0)
    site.servers["gpu-b"].kill()
    site.look()
    assert site.health("tier_1")["error"] == "provider.unreachable"
    site.ask()
    assert site.server("gpu-a")["last_error"] == "provider.down", "with nobody else it is asked all the same"


def test_a_model_whose_process_is_killed_is_seen_to_come_back(site: Site) -> None:
    before = site.local()
    assert (before["restarts"], before["recycles"], before["slots_busy"], before["waiting"]) == (0, 0, 0, 0)
    assert 0 < before["memory_bytes"] < before["memory_ceiling_bytes"]
    assert before["context_tokens"] == 2048 and before["threads"] >= 1 and before["adapters"] == 0
    process = site.live.ccos.models[0].status.pid
    assert process is not None
    os.kill(process, signal.SIGKILL)
    gone = eventually(lambda: found if (found := site.local())["restarts"] else None)
    assert gone["state"] in ("restarting", "loading", "up")
    back = eventually(lambda: found if (found := site.local())["state"] == "up" else None, seconds=60)
    assert back["restarts"] == 1 and "retry_at" not in back
    told = site.metrics()
    of = '{name="tiny",tier="tier_2"}'
    assert told[f"ccos_local_model_restarts_total{of}"] == 1 and told[f"ccos_local_model_up{of}"] == 1
    assert told[f"ccos_local_model_memory_bytes{of}"] < told[f"ccos_local_model_memory_ceiling_bytes{of}"]
    assert (told[f"ccos_local_model_slots{of}"], told[f"ccos_local_model_queue_length{of}"]) == (2, 0)


def test_tokens_of_a_local_model_are_counted_and_those_it_had_kept(site: Site) -> None:
    with site.company.client() as http:
        for _ in range(2):
            body = {"model": "ccos/tier_2", "messages": [{"role": "user", "content": "환불해 주세요. " * 20}]}
            http.post("/v1/chat/completions", json=body)
    of = '{name="tiny",tier="tier_2"}'
    told = site.metrics()
    assert told[f"ccos_local_model_generated_tokens_total{of}"] > 0
    assert (
        0
        < told[f"ccos_local_model_prompt_tokens_cached_total{of}"]
        < told[f"ccos_local_model_prompt_tokens_total{of}"]
    )
    assert site.local()["tokens_in"] == told[f"ccos_local_model_prompt_tokens_total{of}"]


def test_the_tiers_say_what_they_are_made_of_and_folders_to_administrators_only(site: Site, file: Path):
    with site.company.client(Role.ADMIN) as http:
        text = http.get("/api/tiers").text
    with site.company.client(Role.AGENT) as http:
        told = http.get("/api/tiers").json()
        shown = http.get("/api/tiers").text + http.get("/api/health/llm-tiers").text
    assert str(file) in text and str(file.parent) not in shown
    for secret in ("only-for-tests", "127.0.0.1"):
        assert secret not in text and secret not in shown
    assert [(each["tier"], each["name"]) for each in told["tiers"]] == [
        ("tier_0", "CLOUD_PREMIUM"),
        ("tier_1", "LOCAL_MINIMAX"),
        ("tier_2", "LOCAL_TINYLLAMA"),
        ("tier_3", "RULE_BASED"),
    ]
    assert told["mode"] == "cost_first" and told["required_quality"]["kb_synthesis"] == 0.8
    cloud, pool, tiny, rules = told["tiers"]
    assert cloud["providers"] == [] and cloud["status"] == "disabled"
    assert [each["name"] for each in pool["providers"][0]["servers"]] == ["gpu-a", "gpu-b"]
    assert pool["providers"][0]["slots"] == 4 and pool["threshold"] == 0.7
    assert tiny["providers"][0]["local"]["slots"] == 2 and "path" not in tiny["providers"][0]["local"]
    assert rules["providers"][0]["local"] is None and rules["providers"][0]["servers"] == []


def test_the_tiers_need_a_key_and_any_role_will_do(company: Company, live: Live) -> None:
    with live.client() as http:
        assert http.get("/api/tiers").status_code == 401
    for role in Role:
        with company.client(role) as http:
            assert http.get("/api/tiers").status_code == 200
