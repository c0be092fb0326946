"""The console: pages for the people who review drafts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI


def mount(app: FastAPI) -> None:
    """Adds the pages and their static files to an application made by api/app.py."""
    from ccos.console import dashboard, deciding, experiments, kb, live, pages, signing
    from ccos.console.files import OurFiles
    from ccos.console.making import Making
    from ccos.store.live import listen

    app.state.making = Making()
    app.state.live = live.Live(lambda: listen(app.state.ccos.urls.app))
    app.include_router(signing.router)
    app.include_router(pages.router)
    app.include_router(deciding.router)
    app.include_router(dashboard.router)
    app.include_router(experiments.router)
    app.include_router(kb.router)
    app.include_router(live.router)
    app.mount("/static", OurFiles(), name="static")


def let_go(app: FastAPI) -> None:
    """Ends what would go on for as long as somebody listens: before a server waits for its connections."""
    app.state.leaving.set()
    app.state.live.end()
