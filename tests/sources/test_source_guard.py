"""What an address of the outside may lead to."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pytest
from aiohttp.abc import AbstractResolver
from yarl import URL

from ccos.domain.errors import AddressForbidden, BadSetting, SourceDown, SourceRefused
from ccos.domain.source import SourceKind, SourceSpec
from ccos.knowledge.sources.guard import Guard, public
from ccos.knowledge.sources.opening import open_source
from ccos.knowledge.sources.pages import within
from ccos.knowledge.sources.website import Website
from ccos.knowledge.sources.wire import Wire, open_session, retry_after
from ccos.settings.secrets import secret_at
from support.help_centres import Site, running


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "no address",
    ],
)
def test_what_is_not_everybodys_is_private(address):
    assert not public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_what_is_everybodys_is_public(address):
    assert public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]:8080/",
        "http://[::ffff:127.0.0.1]/",
        "http://192.168.0.1./",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https://user:word@example.com/",
    ],
)
def test_such_an_address_is_refused_before_anything_is_sent(url):
    with pytest.raises(AddressForbidden):
        Guard().check(URL(url))


def test_to_allow_one_private_address_allows_no_other_and_no_other_port():
    guard = Guard(URL("http://10.0.0.5:3000/help"))
    guard.check(URL("http://10.0.0.5:3000/other"))
    for other in ("http://10.0.0.5/", "http://10.0.0.5:5432/", "http://10.0.0.6:3000/"):
        with pytest.raises(AddressForbidden):
            guard.check(URL(other))


class Names(AbstractResolver):
    """A name service that anybody may have filled."""

    def __init__(self, *addresses):
        self.addresses = addresses

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in self.addresses
        ]

    async def close(self):
        pass


async def never(_seconds):
    pass


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("8.8.8.8", "127.0.0.1")])
async def test_a_public_name_that_leads_inside_is_not_connected_to(addresses):
    async with running(Site(pages={"/": "<h1>inside</h1>"})) as site:
        spec = SourceSpec(name="w", kind=SourceKind.WEBSITE, address=f"http://docs.example:{site.port}/")
        async with open_source(spec, None, resolver=Names(*addresses), sleep=never) as source:
            with pytest.raises(AddressForbidden):
                async for _ in source.pages(None, None):
                    pass
        assert site.seen == []


async def test_the_same_name_is_reached_where_it_was_told_to_be_private():
    async with running(Site(pages={"/": "<h1>안</h1><p>우리 것입니다.</p>"})) as site:
        spec = SourceSpec(
            name="w",
            kind=SourceKind.WEBSITE,
            address=f"http://docs.example:{site.port}/",
            options={"allow_private": True},
        )
        async with open_source(spec, None, resolver=Names("127.0.0.1"), sleep=never) as source:
            found = [item async for page in source.pages(None, None) for item in page.items]
        assert [item.title for item in found] == ["안"]


async def test_a_redirect_leads_no_request_to_a_private_address():
    async with running(Site()) as inside, running(Site()) as site:
        inside.pages["/"] = "<h1>metadata</h1>"
        site.pages = {
            "/": '<h1>처음</h1><p>말</p><a href="/x">x</a>',
            "/x": lambda _: _moved(inside.url.replace("127.0.0.1", "localhost")),
        }
        spec = SourceSpec(
            name="w", kind=SourceKind.WEBSITE, address=site.url, options={"allow_private": True}
        )
        async with open_source(spec, None, sleep=never) as source:
            pages = [page async for page in source.pages(None, None)]
        assert [item.title for page in pages for item in page.items] == ["처음"]
        site.pages["/"] = lambda _: _moved(inside.url)
        async with open_source(spec, None, sleep=never) as source:
            with pytest.raises(AddressForbidden):
                async for _ in source.pages(None, None):
                    pass
        assert inside.seen == []


async def test_the_token_goes_to_the_sources_own_origin_only():
    async with running(Site(pages={"/": "x"})) as one, running(Site(pages={"/": "x"})) as two:
        guard = Guard(URL(one.url))
        guard.allows = lambda host, port: True  # both are of this machine
        async with open_session(guard) as session:
            wire = Wire(session, URL(one.url), guard, headers={"Authorization": "Bearer t"}, sleep=never)
            await wire.get(URL(f"{one.url}/"), most_bytes=100)
            await wire.get(URL(f"{two.url}/"), most_bytes=100)
        assert one.logins == {"Bearer t"} and two.logins == {""}


async def test_a_server_that_is_not_there_is_told_in_one_sentence():
    spec = SourceSpec(
        name="w", kind=SourceKind.WEBSITE, address="http://127.0.0.1:9/", options={"allow_private": True}
    )
    async with open_source(spec, None, sleep=never) as source:
        with pytest.raises(SourceDown, match="cannot be reached"):
            async for _ in source.pages(None, None):
                pass


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("https://help.example/a", "https://help.example/a"),
        ("http://help.example/a?b=1", "https://help.example/a?b=1"),
        ("https://help.example:443/a", "https://help.example/a"),
        ("https://help.example:8443/a", None),
        ("http://help.example:443/a", None),
        ("https://www.help.example/a", None),
        ("https://help.example.evil.test/a", None),
    ],
)
def test_which_addresses_are_of_the_same_site(url, inside):
    found = within(URL(url), URL("https://help.example/"))
    assert (found and str(found)) == inside


async def test_a_site_that_sends_us_to_its_other_name_is_that_one_from_then_on_also_after_a_cut():
    async with running(Site()) as site, running(Site()) as old:
        site.pages = {f"/{n}": f'<h1>{n}</h1><p>말</p><a href="/{n + 1}">x</a>' for n in range(15)}
        old.pages = {"/": lambda _: _moved(f"{site.url}/0"), "/robots.txt": "User-agent: *\nAllow: /"}
        guard = Guard(URL(old.url))
        guard.allows = lambda host, port: True  # both are of this machine
        async with open_session(guard) as session:
            crawl = Website(Wire(session, URL(f"{old.url}/"), guard, sleep=never))
            first = await anext(aiter(crawl.pages(None, None)))
            again = Website(Wire(session, URL(f"{old.url}/"), guard, sleep=never))
            rest = [page async for page in again.pages(None, first.position)]
        assert len(first.items) == 10 and sum(len(page.items) for page in rest) == 5
        assert {item.url for item in rest[0].items} == {f"{site.url}/{n}" for n in range(10, 15)}
        assert site.asked("/robots.txt")


async def test_an_address_that_robots_txt_does_not_allow_is_not_fetched():
    async with running(Site(pages={"/robots.txt": "User-agent: ccos\nDisallow: /", "/": "x"})) as site:
        spec = SourceSpec(
            name="w", kind=SourceKind.WEBSITE, address=site.url, options={"allow_private": True}
        )
        async with open_source(spec, None, sleep=never) as source:
            with pytest.raises(SourceRefused, match="robots"):
                await anext(aiter(source.pages(None, None)))
        assert [path for path, _ in site.seen] == ["/robots.txt"]


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("Sun, 01 Mar 2026 12:01:00 GMT", 60.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
        ("9" * 40, None),
        (None, None),
    ],
)
def test_how_long_a_server_asks_us_to_wait(said, seconds):
    assert retry_after(said, NOW) == seconds


def test_a_token_is_read_from_where_it_is_kept(tmp_path):
    kept = tmp_path / "token"
    kept.write_text("  abc\n")
    assert secret_at(f"file:{kept}") == "abc"
    assert secret_at("env:HELP_TOKEN", {"HELP_TOKEN": "xyz"}) == "xyz"


@pytest.mark.parametrize("value", ["", "  ", "토큰", "a\nb"])
def test_what_cannot_be_a_token_is_told_and_not_shown(value):
    with pytest.raises(BadSetting) as raised:
        secret_at("env:HELP_TOKEN", {"HELP_TOKEN": value})
    assert "HELP_TOKEN" in raised.value.sentence and "토큰" not in raised.value.sentence


def test_a_token_in_env_of_the_folder_counts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("Help_Token=from-the-file\n")
    assert secret_at("env:Help_Token") == "from-the-file"
    with pytest.raises(BadSetting, match="cannot be read"):
        secret_at(f"file:{tmp_path / 'none'}")


def _moved(address):
    from aiohttp import web

    return web.Response(status=302, headers={"Location": address})
