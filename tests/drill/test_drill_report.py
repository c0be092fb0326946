"""The report as one file: what it shows, and that a browser has nothing to complain about."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from playwright.async_api import Browser

from ccos.domain.draft import DraftState
from ccos.drill.faults import FAULTS
from ccos.drill.page import page
from ccos.drill.records import Outage, Part, Record
from ccos.drill.svg import Log, nice
from ccos.drill.words import _WORDS, Words
from ccos.settings import Given
from support.browser import BROWSER, WITHOUT
from support.drilling import CLOUD, RULES, record, sample, tried, whole_drill

KEY = Given("openai_api_key", "OPENAI_API_KEY", "environment", "set")


def several() -> Record:
    made = [sample("before", tier=CLOUD, at=0.5)]
    outages = []
    for n, name in enumerate(("dns", "no_response", "bad_quality"), start=1):
        down = tried(CLOUD, "failed", "provider.down")
        made += [sample("during", down, fault=name, at=10.0 * n, seconds=0.02 * n)]
        made += [sample("after", fault=name, at=10.0 * n + 5, tier=CLOUD)]
        outages.append(Outage(name, 10.0 * n, 10.0 * n + 1, asked=n, looked=True, back_seconds=0.5, probes=1))
    return record(*made, outages=tuple(outages))


def stopped_at_once() -> Record:
    return record(interrupted=True)


def lost() -> Record:
    return record(
        sample("during", state=None, replied=False, tier=None, quality=None, scorer=None, seconds=30.0),
        outages=(Outage("reset", 0.0),),
        interrupted=True,
    )


DRILLS = {"whole": whole_drill, "several": several, "stopped at once": stopped_at_once, "lost": lost}


@pytest.mark.parametrize("drill", DRILLS.values(), ids=DRILLS)
@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_drill_has_a_page_that_holds_together_by_itself(drill: Any, language: Any) -> None:
    text = page(drill(), [KEY], language)
    assert f'<html lang="{language}">' in text
    assert "http://" not in text and "https://" not in text and "<script" not in text
    assert (
        "nan"
        not in re.sub(r"<style>.*?</style>", "", text, flags=re.S).replace("finance", "").lower().split()
    )
    for plot in re.findall(r"<svg.*?</svg>", text, re.S):
        drawn = ElementTree.fromstring(plot)  # well formed
        assert drawn.find("title") is not None and drawn.find("desc") is not None


def test_the_page_says_each_figure_and_what_was_asked_of_it() -> None:
    text = page(whole_drill(), [KEY], "en")
    assert "Every promise that was measured holds." in text
    assert "100.0%" in text and "at least 99.9%" in text
    assert "6.2 s" in text and "at most 30.0 s" in text
    assert "with 66.7% of them accepted" in text  # quality never without its coverage
    assert "test-scorer" in text and "OPENAI_API_KEY" in text and "provider" in text
    assert "503, always" in text and "Simulated" not in text


def test_a_broken_promise_and_a_drill_that_was_stopped_are_said_first() -> None:
    text = page(lost(), [], "en")
    assert "of the promises measured did not hold" in text
    assert "The drill was stopped before its end" in text
    assert "Nothing was measured." in page(record(parts=()), [], "en")
    assert "No draft was made" in page(stopped_at_once(), [], "en")


def test_why_nothing_was_measured_is_said_in_the_verdict() -> None:
    away = record(sample("before", tried(CLOUD, "skipped", "budget.exhausted"), tried(RULES, "accepted")))
    assert "tier_0 wrote none of 1 drafts without a fault (budget.exhausted 1)" in page(away, [], "en")
    assert "초안 1건을 하나도 쓰지 않아(budget.exhausted 1)" in page(away, [], "ko")


def test_what_is_simulated_is_called_so_everywhere() -> None:
    whole = whole_drill()
    whole.parts = (Part(CLOUD, "simulated", "simulated-model", paid=True, simulated=True),)
    english, korean = page(whole, [], "en"), page(whole, [], "ko")
    assert "Simulated tier_0" in english and "is simulated" in english and "play money" in english
    assert "모의 tier_0" in korean and "가상의 금액" in korean


def test_what_others_wrote_is_shown_and_not_run() -> None:
    whole = whole_drill()
    whole.parts = (Part(CLOUD, "x", "<img src=x onerror=alert(1)>", paid=True), Part(RULES, "r", "r", False))
    whole.samples.append(sample(ticket="<b>bold</b>", state=DraftState.READY))
    text = page(whole, [Given("x", "X", ".env", "<script>alert(1)</script>")], "en")
    assert "<img" not in text and "<b>bold" not in text and "<script" not in text
    assert "&lt;script&gt;" in text


def test_both_languages_say_everything() -> None:
    for key, (english, korean) in _WORDS.items():
        assert english and korean
        assert set(re.findall(r"{(\w+)}", english)) == set(re.findall(r"{(\w+)}", korean)), key
    for name in FAULTS:
        assert Words("en").fault(name) != Words("ko").fault(name)


def test_scales_hold_their_values() -> None:
    scale = Log([0.02, 15.0], 100.0, 0.0)
    assert scale.ticks == [0.01, 0.1, 1.0, 10.0, 100.0]
    assert scale(0.01) == 100.0 and scale(100.0) == 0.0 and scale(1.0) == pytest.approx(50.0)
    assert scale(0.0) == 100.0 and scale(1e9) == 0.0
    assert [nice(v) for v in (0.0, 0.07, 0.2, 0.3, 9.0)] == [1.0, 0.1, 0.2, 0.5, 10.0]


@pytest.mark.skipif(BROWSER is None, reason=WITHOUT)
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("drill", [whole_drill, several], ids=["one fault", "several"])
@pytest.mark.parametrize("width", [1240, 420])
async def test_a_browser_opens_it_without_complaint_and_shows_the_figures(
    browser: Browser, drill: Any, width: int, tmp_path: Path
) -> None:
    file = tmp_path / "drill.html"
    file.write_text(page(drill(), [KEY], "ko"), encoding="utf-8")
    complaints: list[str] = []
    opened = await browser.new_page(viewport={"width": width, "height": 900})
    opened.on("console", lambda said: complaints.append(said.text))
    opened.on("pageerror", lambda fault: complaints.append(str(fault)))
    await opened.goto(file.as_uri())
    assert await opened.title() == "장애 훈련: tier_0"
    assert await opened.locator("svg").count() == (5 if drill is whole_drill else 7)
    assert await opened.get_by_text("제시간에 나온 초안").first.is_visible()
    assert await opened.get_by_role("img", name="구간별 품질").is_visible()
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert await opened.evaluate(wide)
    outside = """() => [...document.querySelectorAll('svg')].flatMap(svg => {
        const whole = svg.getBoundingClientRect();
        return [...svg.querySelectorAll('text')].filter(t => {
            const box = t.getBoundingClientRect();
            return box.left < whole.left - 1 || box.right > whole.right + 1 || box.bottom > whole.bottom + 1;
        }).map(t => t.textContent);
    })"""
    assert await opened.evaluate(outside) == []
    await opened.close()
    assert complaints == []
