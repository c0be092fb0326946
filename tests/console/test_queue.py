"""The list of tickets: by when a reply is due, in pages, and back to it after each decision."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import expect

from ccos.console.queue import Asked, asked_in, in_order
from ccos.domain.draft import DraftState
from ccos.domain.hours import Hours
from ccos.domain.ticket import Priority, Ticket
from ccos.domain.tier import Tier
from ccos.store.waiting import Waiting
from support.browser import BROWSER, WITHOUT, Visitor
from support.live import Company

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
browsing = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(BROWSER is None, reason=WITHOUT),
]


def waits(n: int, hours_ago: float, priority: Priority | None = None) -> Waiting:
    return Waiting(UUID(int=n), NOW - timedelta(hours=hours_ago), priority, DraftState.READY)


def test_what_is_due_first_comes_first_whenever_it_came():
    """An urgent one that has waited for half an hour goes before a normal one of three hours."""
    given = [waits(1, 3), waits(2, 0.5, Priority.URGENT), waits(3, 5, Priority.LOW), waits(4, 9)]
    assert [each.ticket_id.int for _, each in in_order(given, Hours(), SEOUL)] == [4, 2, 1, 3]


def test_what_is_never_due_comes_last_by_how_long_it_waits():
    hours = Hours(first_reply_minutes={Priority.HIGH: 60})
    given = [waits(1, 1), waits(2, 2), waits(3, 1, Priority.HIGH)]
    placed = in_order(given, hours, SEOUL)
    assert [each.ticket_id.int for _, each in placed] == [3, 2, 1]
    assert [due is None for due, _ in placed] == [False, True, True]


@pytest.mark.parametrize(
    "asked",
    [
        Asked(),
        Asked("환불 100%&view=all", "review"),
        Asked(view="all", after="bWFyaw=="),
        Asked("+", "failed", "x"),
    ],
)
def test_a_list_comes_back_as_it_was_asked_for(asked):
    assert asked_in(asked.query()) == asked


@pytest.mark.parametrize(
    "query", ["", "?view=nothing", "?other=1", "?view=https://evil.example", "%%%", "?q"]
)
def test_what_is_no_list_is_the_first_one(query):
    assert asked_in(query) == Asked()


def test_a_query_says_only_what_is_not_as_usual():
    assert Asked().query() == "" and Asked("a").query(q="") == ""
    assert Asked("환불", "all").query(after="x") == "?q=%ED%99%98%EB%B6%88&view=all&after=x"


def drafted(company: Company, subject: str, state: DraftState = DraftState.READY, **ticket: object) -> str:
    made = company.ticket(Ticket.model_validate({"subject": subject, **ticket}))
    company.draft(made, state, reply="네, 안내해 드리겠습니다.", tier=Tier.RULE_BASED)
    return made


class TestPages:
    pytestmark = browsing

    async def test_a_late_reply_is_seen_at_a_glance_and_the_exact_time_on_demand(
        self, visitor: Visitor, company: Company
    ):
        now = datetime.now(UTC)
        drafted(company, "느긋한 문의", created_at=now, priority="low")
        drafted(company, "급한 문의", created_at=now - timedelta(minutes=20), priority="urgent")
        drafted(company, "늦은 문의", created_at=now - timedelta(hours=11), priority="normal")
        page = await visitor.page(company, "/")
        rows = page.locator("#rows .row")
        await expect(rows).to_have_count(3)
        told = [
            (await row.locator(".row-subject").inner_text(), await row.locator(".due").inner_text())
            for row in await rows.all()
        ]
        assert [subject for subject, _ in told] == ["늦은 문의", "급한 문의", "느긋한 문의"]
        assert told[0][1] == "3시간 지남" and told[1][1] in ("40분 남음", "39분 남음")
        assert told[2][1] in ("23시간 남음", "1일 남음")
        classes = [await row.locator(".due").get_attribute("class") or "" for row in await rows.all()]
        assert [name.split()[-1] for name in classes] == ["overdue", "soon", "due"]
        due = (now - timedelta(hours=3)).astimezone(SEOUL).strftime("%Y-%m-%d %H:%M")
        assert await rows.first.locator(".due").get_attribute("title") == due

    async def test_views_tell_how_many_wait_and_show_only_those(self, visitor: Visitor, company: Company):
        for state in (DraftState.READY, DraftState.READY, DraftState.FAILED, DraftState.APPROVED):
            drafted(company, f"{state.value} 문의", state)
        page = await visitor.page(company, "/")
        views = page.locator(".views a")
        assert [text.split() for text in await views.all_inner_texts()] == [
            ["대기", "3"], ["준비됨", "2"], ["실패", "1"], ["전체"]
        ]  # fmt: skip
        await page.click(".views a:has-text('실패')")
        await expect(page.locator("#rows .row")).to_have_count(1)
        await page.click(".views a:has-text('전체')")
        await expect(page.locator("#rows .row")).to_have_count(4)
        await expect(page.locator(".views [aria-current]")).to_have_text("전체")

    async def test_after_a_decision_one_is_where_one_was_and_goes_on(
        self, visitor: Visitor, company: Company
    ):
        for n in range(3):
            drafted(company, f"{n}번 환불", created_at=datetime(2026, 11, 1 + n, tzinfo=UTC))
            drafted(company, f"{n}번 교환", created_at=datetime(2026, 11, 1 + n, tzinfo=UTC))
        page = await visitor.page(company, "/?q=환불&view=ready")
        twice = "for (let n = 0; n < 2; n++) document.body.dispatchEvent(new KeyboardEvent('keydown',"
        await page.wait_for_load_state()
        await page.evaluate(
            twice + " {code: 'KeyJ', key: 'j', bubbles: true}))"
        )  # before the next page is there
        await expect(page.locator("h1")).to_have_text("1번 환불")
        await page.wait_for_load_state()
        await page.keyboard.press("Control+Enter")
        await expect(page.locator(".draft-head")).to_contain_text("승인됨")
        rows = page.locator("#rows .row-subject")
        await expect(rows).to_have_text(["0번 환불", "1번 환불", "2번 환불"])
        await expect(page.locator(".row[aria-current] .due")).to_have_count(0)  # nobody waits any more
        await page.wait_for_load_state()
        await page.keyboard.press("j")
        await expect(page.locator("h1")).to_have_text("2번 환불")
        await expect(rows).to_have_text(["0번 환불", "2번 환불"])

    async def test_a_long_queue_comes_in_pages_in_order(self, visitor: Visitor, company: Company):
        for n in range(53):
            drafted(company, f"문의 {n:02}", created_at=datetime(2026, 11, 1, n % 24, n, tzinfo=UTC))
        page = await visitor.page(company, "/")
        rows = page.locator("#rows .row-subject")
        await expect(rows).to_have_count(50)
        first = await rows.all_inner_texts()
        await page.click("text=더 보기")
        await expect(rows).to_have_count(53)
        every = await rows.all_inner_texts()
        assert every[:50] == first and len(set(every)) == 53
        plain = await visitor.page(company, "/", script=False)
        await plain.click("text=더 보기")
        assert await plain.locator("#rows .row-subject").all_inner_texts() == every[50:]

    async def test_tickets_that_come_meanwhile_are_told_and_wait_to_be_shown(
        self, visitor: Visitor, company: Company
    ):
        drafted(company, "첫 문의")
        page = await visitor.page(company, "/?view=ready")
        await asyncio.to_thread(drafted, company, "다른 나눔의 문의", DraftState.FAILED)
        look = "window.dispatchEvent(new Event('focus'))"
        await page.evaluate(look)
        await page.wait_for_timeout(500)
        await expect(page.locator(".queue-news")).to_have_text("")
        await asyncio.to_thread(drafted, company, "새 문의")
        await expect(page.locator(".queue-news")).to_contain_text("새 문의 1건 보기")
        await asyncio.to_thread(drafted, company, "또 하나")
        await expect(page.locator(".queue-news")).to_contain_text("새 문의 2건 보기")
        await expect(page.locator("#rows .row")).to_have_count(1)  # nothing moves under the hand
        await page.click(".queue-news a")
        await expect(page.locator("#rows .row")).to_have_count(3)
        await expect(page.locator(".queue-news")).to_have_text("")

    async def test_when_all_is_done_the_list_says_so(self, visitor: Visitor, company: Company):
        drafted(company, "끝난 문의", DraftState.APPROVED)
        page = await visitor.page(company, "/")
        await expect(page.locator("#rows")).to_contain_text("기다리는 문의가 없습니다")
        await page.click("#rows >> text=전체")
        await expect(page.locator("#rows .row")).to_have_count(1)
