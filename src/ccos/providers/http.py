"""Where a model server is, what opens its door, and the session that goes there."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from yarl import URL

from ccos.domain.errors import BadSetting

_ROUTE = re.compile(r"(/chat/completions|/chat|/completions|/messages|/models)?/*$")
"""Of a URL that was copied whole out of a manual; a base URL ends before it."""


@asynccontextmanager
async def open_session(
    *, unix_socket: Path | None = None, keepalive_seconds: float = 15.0
) -> AsyncIterator[aiohttp.ClientSession]:
    """A session for one base URL: no cookies, no proxies or passwords from the environment, no compression.

    The pool itself never makes a call wait: how many run at once is for the caller to limit.
    """
    connector: aiohttp.BaseConnector
    if unix_socket is None:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=keepalive_seconds, ttl_dns_cache=60)
    else:
        connector = aiohttp.UnixConnector(str(unix_socket), limit=0, keepalive_timeout=keepalive_seconds)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        read_bufsize=65_536,
        headers={"User-Agent": "ccos", "Accept-Encoding": "identity"},
    ) as session:
        yield session


def split_base_url(base_url: str, *, default_path: str = "", drop_suffix: str = "") -> tuple[URL, str | None]:
    """The URL to put paths behind, and the Authorization header for a login that stood in it.

    `default_path` is for a URL without a path. Raises BadSetting, which shows nothing of the URL.
    """
    try:
        url = URL(base_url.strip())
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise BadSetting(
            "The base URL of a model server must look like https://api.example.com/v1; "
            "check the *_BASE_URL settings."
        )
    login = None
    if url.user or url.password:
        login = "Basic " + b64encode(f"{url.user or ''}:{url.password or ''}".encode()).decode()
    path = _ROUTE.sub("", url.path).removesuffix(drop_suffix) or default_path or "/"
    return url.with_user(None).with_path(path, keep_query=True), login


def checked_key(api_key: str | None) -> str | None:
    """The key without blanks around it, None when nothing is left. Raises BadSetting for other characters."""
    key = (api_key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise BadSetting("An API key holds characters that no key has; copy it again into its setting.")
    return key or None
