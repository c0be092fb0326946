"""What a page must bear: endless threads, pastes of megabytes, words that run the other way, wrong clocks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from ccos.api.caller import COOKIE
from ccos.domain.draft import DraftState
from ccos.domain.tenant import Role
from ccos.domain.ticket import Message, Ticket
from ccos.store import decisions
from support.browser import BROWSER, WITHOUT, Visitor
from support.live import Company

browsing = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(BROWSER is None, reason=WITHOUT),
]
NOW = datetime.now(UTC)


def thread(length: int) -> Ticket:
    said = tuple(
        Message(
            role="customer" if n % 2 else "agent", text=f"{n}번째 말", at=NOW - timedelta(minutes=length - n)
        )
        for n in range(length)
    )
    return Ticket(subject="긴 이야기", description="처음 말", conversation_history=said, created_at=NOW)


def ready(company: Company, ticket: Ticket) -> str:
    ticket_id = company.ticket(ticket)
    company.draft(ticket_id, DraftState.READY, reply="네, 확인했습니다.")
    return ticket_id


class TestThread:
    pytestmark = browsing

    async def test_the_newest_of_five_thousand_messages_are_there_at_once_and_the_rest_when_asked_for(
        self, visitor: Visitor, company: Company
    ):
        ticket = await asyncio.to_thread(ready, company, thread(5_000))
        page = await visitor.page(company, f"/tickets/{ticket}")
        said = page.locator(".thread .said")
        await expect(said).to_have_count(21)
        await expect(said.first).to_contain_text("처음 말")
        await expect(said.last).to_contain_text("4999번째 말")
        await expect(page.locator(".earlier")).to_have_text("앞선 메시지 4,980개 보기")
        await page.click(".earlier a")
        await expect(said).to_have_count(221)
        await expect(said.nth(1)).to_contain_text("4780번째 말")
        await expect(page.locator(".earlier")).to_have_text("앞선 메시지 4,780개 보기")

    async def test_all_of_them_without_scripts(self, visitor: Visitor, company: Company):
        ticket = await asyncio.to_thread(ready, company, thread(300))
        page = await visitor.page(company, f"/tickets/{ticket}", script=False)
        await page.click(".earlier a")
        await expect(page.locator(".thread .said")).to_have_count(301)
        await expect(page.locator(".earlier")).to_have_count(0)

    async def test_a_pasted_log_of_five_thousand_lines_leaves_the_page_readable(
        self, visitor: Visitor, company: Company
    ):
        log = "\n".join(f"{n} 오류 없음" for n in range(5_000))
        ticket = await asyncio.to_thread(ready, company, Ticket(subject="로그", description=log))
        page = await visitor.page(company, f"/tickets/{ticket}")
        box = await page.locator(".thread .words.long").bounding_box()
        assert box is not None and box["height"] < 600
        await page.locator(".thread .words.long").focus()
        await expect(page.locator(".thread .words.long")).to_contain_text("4999 오류 없음")


def test_a_step_back_cannot_be_asked_for_outside_the_thread(company: Company):
    ticket = ready(company, thread(30))
    with company.live.client(cookies={COOKIE: company.keys[Role.AGENT]}, follow_redirects=False) as http:
        assert http.get(f"/tickets/{ticket}/thread?before=0").text.count("said ") == 0
        assert http.get(f"/tickets/{ticket}/thread?before=10").text.count('class="said ') == 10
        assert http.get(f"/tickets/{ticket}/thread?before=5000").text.count('class="said ') == 30
        assert http.get(f"/tickets/{ticket}/thread?before=-1").status_code == 422
    with company.live.company().client() as stranger:
        assert stranger.get(f"/tickets/{ticket}/thread?before=10").status_code == 404


class TestTyping:
    pytestmark = browsing

    async def test_a_paste_of_ten_megabytes_is_refused_with_a_word_and_nothing_is_cut(
        self, visitor: Visitor, company: Company
    ):
        ticket = await asyncio.to_thread(ready, company, Ticket(subject="붙여넣기"))
        page = await visitor.page(company, f"/tickets/{ticket}")
        await page.wait_for_load_state()
        await page.keyboard.press("e")
        paste = (
            "([line, times]) => { const f = document.getElementById('text'); f.value = line.repeat(times);"
        )
        paste += " f.dispatchEvent(new InputEvent('input', {bubbles: true})); return f.validationMessage }"
        line = "가" * 99 + "\n"
        said = await page.evaluate(paste, [line, 35_000])  # 10 MB as they are sent
        assert said == "답변은 100,000자까지 보낼 수 있습니다. 줄여 주세요."
        await page.keyboard.press("Control+Enter")
        assert await page.evaluate("document.getElementById('text').value.length") == 3_500_000
        assert await page.evaluate(paste, ["교환해 드립니다.", 1]) == ""
        await page.keyboard.press("Control+Enter")
        await expect(page.locator("#reply-used")).to_have_text("교환해 드립니다.")

    async def test_right_to_left_words_run_their_way_beside_korean_ones(
        self, visitor: Visitor, company: Company
    ):
        arabic = "مرحبا، أريد استرداد المال 😀"
        ticket = await asyncio.to_thread(ready, company, Ticket(subject=arabic, description=arabic))
        page = await visitor.page(company, f"/tickets/{ticket}")
        direction = "e => getComputedStyle(e).direction"
        assert await page.locator(".thread .words").first.evaluate(direction) == "rtl"
        assert await page.locator("#subject").evaluate(direction) == "rtl"
        assert await page.locator(".reply .words").first.evaluate(direction) == "ltr"
        await expect(page.locator("h1")).to_have_text(arabic)


class TestClocks:
    pytestmark = browsing

    async def test_a_ticket_from_tomorrow_and_a_browser_of_last_year_are_borne(
        self, visitor: Visitor, company: Company
    ):
        """Taking back is counted from the answer, not by what the browser takes for the time."""
        ticket = await asyncio.to_thread(
            ready, company, Ticket(subject="내일", created_at=NOW + timedelta(days=1))
        )
        page = await visitor.page(company, None)
        await page.add_init_script("const now = Date.now; Date.now = () => now() - 365 * 86_400_000;")
        await page.goto(f"/tickets/{ticket}")
        await expect(page.locator("a.row time")).to_have_text("방금")
        await page.click("#approve button")
        await page.click(".undo button")
        await expect(page.locator("#approve button")).to_be_visible()


def test_a_decision_of_a_draft_from_tomorrow_takes_no_negative_time(company: Company):
    ticket = ready(company, Ticket(subject="내일", created_at=NOW + timedelta(days=1)))

    async def later(tx):
        await tx.run(
            "UPDATE draft SET opened_at = now() + interval '1 day', created_at = now() + interval '1 day'"
        )
        row = await tx.row("SELECT id FROM draft WHERE ticket_id = %(id)s::uuid", id=ticket)
        await decisions.decide(tx, str(row["id"]), "approved", decided_by="hana")
        return await tx.row("SELECT seconds FROM decision")

    assert company.within(later)["seconds"] in (None, 0.0)
