"""One real PostgreSQL for a test session, and databases cut from a template in about a tenth of a second.

Import the fixture in a conftest: `from support.postgres import embedded_server  # noqa: F401`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from ccos.store.embedded import EmbeddedServer, ServerUrls, start


@pytest.fixture(scope="session")
def embedded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """The session's server; its database `ccos` is left untouched, since others are made from it.

    Imported in several places the fixture joins the one server of the session.
    """
    with start(tmp_path_factory.getbasetemp() / "embedded-postgres") as server:
        yield server


@contextmanager
def fresh_database(server: EmbeddedServer, name: str, *, template: str = "ccos") -> Iterator[ServerUrls]:
    """A database made from `template` (to which nobody may be connected), dropped at the end.

    The roles are those of the server, so the owner and the application keep their rights.
    """
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise ValueError(f"{name!r} is no plain database name")
    identifiers = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
    create = "CREATE DATABASE {name} TEMPLATE {template} OWNER ccos_owner"
    drop = "DROP DATABASE IF EXISTS {name} WITH (FORCE)"
    with closing(psycopg.connect(to_database(server.urls.superuser, "postgres"), autocommit=True)) as admin:
        admin.execute(sql.SQL(drop).format(**identifiers))
        admin.execute(sql.SQL(create).format(**identifiers))
        try:
            yield urls_of(server, name)
        finally:
            admin.execute(sql.SQL(drop).format(**identifiers))


def urls_of(server: EmbeddedServer, name: str) -> ServerUrls:
    """The server's three URLs, for another of its databases."""
    urls = server.urls
    return ServerUrls(*(to_database(url, name) for url in (urls.owner, urls.app, urls.superuser)))


def to_database(url: str, name: str) -> str:
    """The same URL for another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
