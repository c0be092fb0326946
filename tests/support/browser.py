"""A real browser for page tests, where the machine has one."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from ccos.api.caller import COOKIE
from ccos.domain.tenant import Role
from support.live import Company

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
BROWSER = next((path for path in map(shutil.which, _NAMES) if path), None)
WITHOUT = f"no browser on PATH (looked for {', '.join(_NAMES)}); install Chromium to run the page tests"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        browser = await playwright.chromium.launch(executable_path=BROWSER, args=args)
        yield browser
        await browser.close()


class Visitor:
    """Opens pages as somebody of a company, and keeps what the browser complained about."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []
        self.asked: list[str] = []

    async def page(
        self,
        company: Company,
        path: str | None = "/",
        *,
        role: Role | None = Role.AGENT,
        locale: str = "ko-KR",
        dark: bool = False,
        width: int = 1280,
        script: bool = True,
    ) -> Page:
        context = await self._browser.new_context(
            base_url=company.live.url,
            locale=locale,
            color_scheme="dark" if dark else "light",
            viewport={"width": width, "height": 860},
            java_script_enabled=script,
        )
        context.set_default_timeout(10_000)
        self._contexts.append(context)
        if role is not None:
            await context.add_cookies(
                [{"name": COOKIE, "value": company.keys[role], "url": company.live.url}]
            )
        page = await context.new_page()
        page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        page.on("pageerror", lambda fault: self.complaints.append(str(fault)))
        page.on("request", lambda request: self.asked.append(request.url))
        if path is not None:
            await page.goto(path)
        return page

    async def close(self) -> None:
        for context in self._contexts:
            await context.close()
