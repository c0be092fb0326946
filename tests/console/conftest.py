from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from ccos.store.embedded import EmbeddedServer
from support.browser import Visitor, browser  # noqa: F401
from support.live import Company, Live, live_ccos
from support.postgres import embedded_server  # noqa: F401


@pytest.fixture(scope="session")
def live(embedded_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:  # noqa: F811
    with live_ccos(embedded_server, tmp_path_factory.mktemp("console-home")) as live:
        yield live


@pytest.fixture
def company(live: Live) -> Company:
    return live.company()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser) -> AsyncIterator[Visitor]:  # noqa: F811
    """Whatever a test opens, the browser must have nothing to complain about, and ask nobody else."""
    visitor = Visitor(browser)
    yield visitor
    await visitor.close()
    assert visitor.complaints == []
