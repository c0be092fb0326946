"""The page of costs in a real browser."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.async_api import Browser

from ccos.cli.cost_page import page_of
from ccos.domain.money import MicroUsd
from ccos.store.ledger import Line, Sums
from ccos.store.spend import SpendDay
from ccos.tiers.costs import costs
from support.browser import BROWSER, WITHOUT, browser  # noqa: F401

TODAY = date(2031, 5, 20)


@pytest.mark.skipif(BROWSER is None, reason=WITHOUT)
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("days", [1, 4, 30, 366])
async def test_a_narrow_screen_shows_the_page_without_moving_it(
    browser: Browser,  # noqa: F811
    tmp_path: Path,
    days: int,
) -> None:
    tenant, many = uuid4(), [TODAY - timedelta(days=n) for n in range(days)]
    rows = [
        (
            Line(
                tenant, day, "draft", "solution_draft", "tier_0", "a-long-provider", "a-very-long-model-name"
            ),
            Sums(calls=9, answers=9, spent_micro_usd=4_000_000, premium_micro_usd=9_000_000),
        )
        for day in many
    ]
    spent = [SpendDay(day, MicroUsd(7), MicroUsd(4_500_000)) for day in many]
    told = costs(spent, rows, first=many[-1], last=TODAY)
    (tmp_path / "costs.html").write_text(page_of(told, "default", "Asia/Seoul", "ko"), encoding="utf-8")
    opened = await browser.new_page(viewport={"width": 400, "height": 900})
    await opened.goto((tmp_path / "costs.html").as_uri())
    assert await opened.evaluate("document.documentElement.scrollWidth") == 400
    seen = await opened.evaluate(
        """() => [...document.querySelectorAll('svg text')].map(t => {
            const box = t.getBoundingClientRect();
            return {height: box.height, left: box.left, right: box.right, words: t.textContent};
        })"""
    )
    assert min(text["height"] for text in seen) >= 11
    labels = [text for text in seen if "-" in text["words"]]
    assert labels[-1]["words"] == f"{TODAY:%m-%d}"
    assert all(a["right"] < b["left"] for a, b in pairwise(labels)), "no label touches the next"
    await opened.close()
