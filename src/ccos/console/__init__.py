"""The console: pages for the people who review drafts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI


def mount(app: FastAPI) -> None:
    """Adds the pages and their static files to an application made by api/app.py."""
    from ccos.console import dashboard, deciding, pages, signing
    from ccos.console.files import OurFiles
    from ccos.console.making import Making

    app.state.making = Making()
    app.include_router(signing.router)
    app.include_router(pages.router)
    app.include_router(deciding.router)
    app.include_router(dashboard.router)
    app.mount("/static", OurFiles(), name="static")
