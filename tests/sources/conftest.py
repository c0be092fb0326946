from collections.abc import Iterator

import pytest

from ccos.store.embedded import EmbeddedServer
from support.ccos_command import ccos, ccos_home  # noqa: F401
from support.live import Company, Live, live_ccos
from support.postgres import embedded_server  # noqa: F401
from support.store import database, store_urls, tenant  # noqa: F401


@pytest.fixture(scope="session")
def live(embedded_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:  # noqa: F811
    with live_ccos(embedded_server, tmp_path_factory.mktemp("sources-home")) as live:
        yield live


@pytest.fixture
def company(live: Live) -> Company:
    return live.company()
