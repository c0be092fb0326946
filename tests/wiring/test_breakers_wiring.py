"""Who shares a breaker with whom, and that it outlives the process."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from uuid import uuid4

import pytest

from ccos.domain.errors import ProviderDown
from ccos.domain.money import MicroUsd
from ccos.domain.tier import Tier
from ccos.settings import Settings
from ccos.tiers.testing import ScriptedProvider
from ccos.wiring.breakers import open_board
from ccos.wiring.providers import open_providers
from ccos.wiring.upstreams import fingerprint


def fail(board, deployment):
    loop = asyncio.get_running_loop()
    now = loop.time()
    for _ in range(5):
        board.note(deployment, lambda p: p.after_failure(ProviderDown(), now=now, at=0, admitted_at=now))


def is_open(board, deployment):
    return board.pulse(deployment).breaker.opened_at is not None


@pytest.fixture
def settings(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    return lambda **fields: Settings(**{"CCOS_HOME": tmp_path / "home", **fields})


@pytest.fixture
def cloud():
    found = ScriptedProvider(Tier.CLOUD_PREMIUM, ["q1"], cost=MicroUsd(1))
    found.card = replace(found.card, credential=uuid4().hex[:8])
    return found


@pytest.fixture
def local():
    return ScriptedProvider(Tier.LOCAL_MINIMAX, ["q1"], name=f"local-{uuid4().hex[:8]}")


async def test_the_clouds_breaker_outlives_the_process_and_a_local_models_does_not(database, cloud, local):
    both = [cloud, local]
    async with AsyncExitStack() as stack:
        before = await open_board(both, database, stack)
        for provider in both:
            fail(before, provider.card.deployment)
        async with asyncio.timeout(5), AsyncExitStack() as other:
            while not is_open(await open_board(both, database, other), cloud.card.deployment):
                await asyncio.sleep(0.01)
    async with AsyncExitStack() as stack:
        after = await open_board(both, database, stack)
        assert is_open(after, cloud.card.deployment) and not is_open(after, local.card.deployment)


async def test_a_model_without_a_price_is_known_before_anybody_asks(database, settings):
    asked = settings(openai_api_key="k", openai_model="our-own-model")
    async with AsyncExitStack() as stack:
        providers, _ = await open_providers(asked, stack)
        board = await open_board(providers, database, stack)
        reasons = [board.pulse(p.card.deployment).disabled_reason for p in providers]
    assert reasons == ["provider.no_price", None]


async def test_another_key_or_server_is_another_deployment(settings):
    async def deployments(**fields):
        async with AsyncExitStack() as stack:
            providers, _ = await open_providers(settings(**fields), stack)
            return [p.card.deployment for p in providers]

    first = await deployments(openai_api_key="sk-first", anthropic_api_key="sk-first")
    again = await deployments(openai_api_key="sk-first", anthropic_api_key="sk-first")
    other = await deployments(openai_api_key="sk-other", anthropic_api_key="sk-other")
    moved = await deployments(
        openai_api_key="sk-first",
        anthropic_api_key="sk-first",
        openai_base_url="https://elsewhere.example/v1",
    )
    assert first == again and first[0] != first[1]
    assert not set(first[:2]) & set(other) and first[0] != moved[0] and first[1] == moved[1]
    assert not any("sk-first" in deployment for deployment in first)


async def test_a_model_server_is_told_by_where_it_is(settings):
    async with AsyncExitStack() as stack:
        providers, _ = await open_providers(settings(minimax_base_url="http://10.0.0.7:8000"), stack)
        named, _ = await open_providers(
            settings(minimax_base_url="http://10.0.0.7:8000", minimax_model="m"), stack
        )
    assert (
        providers[0].card.credential == named[0].card.credential == fingerprint("http://10.0.0.7:8000", None)
    )


def test_a_fingerprint_does_not_depend_on_what_stands_before_the_host():
    plain = fingerprint("https://models.example/v1", "k")
    assert plain == fingerprint("https://user:secret@models.example/v1/", "k")
    assert plain != fingerprint("https://models.example/v1", "other")
    assert len(plain) == 8 and int(plain, 16) >= 0


def test_a_loopback_server_is_another_one_on_every_machine(monkeypatch):
    urls = ["http://127.0.0.1:8080", "http://localhost:8080", "http://[::1]:8080", "http://10.0.0.7:8080"]
    here = [fingerprint(url, None) for url in urls]
    monkeypatch.setattr("socket.gethostname", lambda: "another-machine")
    there = [fingerprint(url, None) for url in urls]
    assert [a == b for a, b in zip(here, there, strict=True)] == [False, False, False, True]
