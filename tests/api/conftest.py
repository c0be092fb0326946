from collections.abc import Iterator

import pytest

from ccos.store.embedded import EmbeddedServer
from support.live import Company, Live, live_ccos
from support.postgres import embedded_server  # noqa: F401
from support.v1 import Cloudy, cloudy_ccos


@pytest.fixture(scope="session")
def live(embedded_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:  # noqa: F811
    with live_ccos(embedded_server, tmp_path_factory.mktemp("api-home")) as live:
        yield live


@pytest.fixture
def company(live: Live) -> Company:
    return live.company()


@pytest.fixture(scope="session")
def cloudy_server(
    embedded_server: EmbeddedServer,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cloudy]:
    with cloudy_ccos(embedded_server, tmp_path_factory.mktemp("v1-home")) as cloudy:
        yield cloudy


@pytest.fixture
def cloudy(cloudy_server: Cloudy) -> Cloudy:
    """With a cloud that does well, until the test says otherwise."""
    cloudy_server.cloud_does("ok")
    return cloudy_server
