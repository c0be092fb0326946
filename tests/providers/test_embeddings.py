"""/v1/embeddings on the wire: what is asked, what is believed, what is refused."""

from __future__ import annotations

import json

import pytest

from ccos.domain.errors import BadSetting, ProviderDown, ProviderError, ProviderRefused, ProviderTimeout
from ccos.providers.embeddings import BATCH, Embedded, Embeddings
from ccos.providers.http import open_session
from support.fake_embeddings import WIDTH, fake_embeddings, vector


async def ask(url: str, *texts: str, seconds: float = 5.0, key: str | None = None) -> Embedded:
    async with open_session(keepalive_seconds=0) as session:
        client = Embeddings(session=session, base_url=url, model="bag", api_key=key)
        return await client.vectors(texts, seconds=seconds)


@pytest.mark.parametrize("as_floats", [False, True])
async def test_each_text_gets_its_own_vector_in_order(as_floats: bool) -> None:
    texts = [f"{n}번째 문장입니다" for n in range(2 * BATCH + 1)]
    with fake_embeddings(as_floats=as_floats) as fake:
        found = await ask(fake.url, *texts, key="secret")
    assert [list(each) for each in found.vectors] == [vector(text) for text in texts]
    assert fake.calls == 3 and found.tokens == 7 * len(texts)
    assert set(fake.keys) == {"Bearer secret"} and len(found.vectors[0]) == WIDTH


@pytest.mark.parametrize(
    ("ends", "cause"),
    [
        (("connect", "connect"), "connect"),
        ((None, "connect"), "partly_answered"),  # what came through may be on the bill
        (("reset", "connect"), "partly_answered"),
    ],
)
async def test_of_several_requests_a_fault_is_the_fault_of_all(ends, cause: str) -> None:
    class Parted(Embeddings):
        async def _batch(self, texts, seconds):
            end = ends[texts[0].startswith("last")]
            if end is not None:
                raise ProviderDown(cause=end)
            return Embedded(tuple(vector(text) for text in texts))

    async with open_session(keepalive_seconds=0) as session:
        client = Parted(session=session, base_url="http://127.0.0.1:9", model="bag")
        with pytest.raises(ProviderDown) as told:
            await client.vectors(["first"] * BATCH + ["last"] * BATCH, seconds=5)
    assert told.value.facts["cause"] == cause


@pytest.mark.parametrize("path", ["", "/v1", "/v1/", "/v1/embeddings"])
async def test_the_base_url_may_be_written_as_people_write_it(path: str) -> None:
    with fake_embeddings() as fake:
        assert len((await ask(fake.url.removesuffix("/v1") + path, "가")).vectors) == 1


def row(embedding: object, index: object = 0) -> dict[str, object]:
    return {"index": index, "embedding": embedding}


@pytest.mark.parametrize(
    "body",
    [
        {"data": []},
        {"data": [row([0.1], 1)]},
        {"data": [row([])]},
        {"data": [row([0.0, 0.0])]},
        {"data": [row([1e39])]},
        {"data": [row(["0.1"])]},
        {"data": [row({"a": 1})]},
        {"data": [row("not base64!")]},
        {"data": [row("AAA=")]},
        {"data": [row("AADAfw==")]},  # not a number
        {"data": [row([0.1] * 20_000)]},
        {"data": "x"},
        {"error": "x"},
        [],
        "<html>",
    ],
    ids=lambda body: json.dumps(body)[:40],
)
async def test_nonsense_counts_as_silence(body: object) -> None:
    with (
        fake_embeddings(body=(body if isinstance(body, str) else json.dumps(body)).encode()) as fake,
        pytest.raises(ProviderDown),
    ):
        await ask(fake.url, "가")


async def test_without_usage_tokens_are_unknown() -> None:
    with fake_embeddings(body=json.dumps({"data": [row([0.5, 1])], "usage": None}).encode()) as fake:
        found = await ask(fake.url, "가")
    assert found.tokens is None and list(found.vectors[0]) == [0.5, 1.0]


@pytest.mark.parametrize(("status", "fault"), [(503, ProviderDown), (401, ProviderRefused)])
async def test_statuses_are_the_same_errors_as_elsewhere(status: int, fault: type[ProviderError]) -> None:
    with fake_embeddings(fault=status) as fake, pytest.raises(fault):
        await ask(fake.url, "가", "나")


async def test_a_slow_server_is_not_waited_for() -> None:
    with fake_embeddings(seconds=0.5) as fake, pytest.raises(ProviderTimeout):
        await ask(fake.url, *map(str, range(3 * BATCH)), seconds=0.1)


async def test_a_url_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(BadSetting):
        await ask("ftp://somewhere", "가")
