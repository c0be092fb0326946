"""The pages as a browser shows them: signing in, the queue, a ticket with its draft, and the decision."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from ccos.api.caller import COOKIE
from ccos.domain.draft import DraftState
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.store import decisions, drafts, keys
from support.browser import BROWSER, WITHOUT, Visitor
from support.live import Company, Live

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(BROWSER is None, reason=WITHOUT),
]

TICKET = Ticket.model_validate(
    {
        "external_id": "T-77",
        "subject": "구두 교환 배송비",
        "description": "구두가 작아요.\n교환 배송비가 얼마인가요?",
        "channel": "email",
        "priority": "high",
        "tags": ["VIP"],
        "customer": {"name": "한지우", "phone": "010-0000-1234"},
        "conversation_history": [
            {"role": "agent", "text": "주문번호를 알려 주시겠어요?", "at": "2026-11-20T02:00:00Z"},
            {"role": "customer", "text": "20261103-004512 입니다."},
        ],
    }
)
LONG_AGO = datetime.now(UTC) - timedelta(days=500)
BODY = {
    "tier": "tier_3",
    "model": "rules-1",
    "quality": 0.82,
    "scorer": "heuristic-baseline",
    "degraded": True,
    "fallback_used": True,
    "reason": "tier_0 provider.timeout",
    "reply": "안녕하세요, 한지우 고객님.\n\n교환은 7일 이내에 신청하실 수 있습니다. [1]",
    "fields": [{"name": "category", "from": "반품", "to": "교환", "confidence": 0.9}],
    "evidence": [
        {"n": 1, "kind": "kb", "id": "exchange", "title": "교환 안내", "snippet": "**7일** 이내에 신청합니다.", "score": 1.0,
         "updated_at": LONG_AGO, "url": "https://help.example.com/exchange"},
        {"n": 2, "kind": "case", "id": "case-1", "title": "사이즈 교환", "snippet": "왕복 6,000원입니다.", "score": 0.9},
        {"n": 3, "kind": "kb", "id": "fee", "title": "면제 기준", "snippet": "1회 면제할 수 있음.", "score": 0.8,
         "visibility": "internal", "updated_at": datetime.now(UTC)},
    ],
    "attempts": [
        {"task": "solution_draft", "tier": "tier_0", "provider": "openai", "model": "gpt", "outcome": "failed",
         "reason": "provider.timeout", "latency_seconds": 5.0},
        {"task": "solution_draft", "tier": "tier_3", "provider": "rules", "model": "rules-1", "outcome": "accepted",
         "reason": "accepted", "quality": 0.82},
    ],
    "checks": [
        {"name": "facts", "passed": False, "detail": "“6,000원” stands nowhere."},
        {"name": "manners", "passed": True},
    ],
    "triage": {"intent": "exchange", "sentiment": "negative", "pii": "maskable", "priority": "high"},
}  # fmt: skip


def body() -> dict[str, object]:
    """The parts of a draft as values of the domain."""
    made = drafts.Draft.model_validate({"id": "d", "ticket_id": "t", "state": "ready", **BODY})
    return {name: getattr(made, name) for name in BODY}


@pytest.fixture
def opened(company: Company) -> str:
    """A ticket with a draft that waits for a person; the path of its page."""
    ticket_id = company.ticket(TICKET)
    company.draft(ticket_id, DraftState.READY, **body())
    return f"/tickets/{ticket_id}"


async def test_signing_in_keeps_the_key_from_scripts_and_goes_where_one_wanted(
    visitor: Visitor, company: Company, opened: str
):
    page = await visitor.page(company, opened, role=None)
    await expect(page).to_have_title("로그인 · CCOS")
    await page.fill("#key", "ccos_" + "x" * 43)
    await page.click("main button")
    await expect(page.locator("[role=alert]")).to_contain_text("로그인할 수 없습니다")
    await page.fill("#key", f" {company.keys[Role.AGENT]}\n")
    await page.click("main button")
    await expect(page.locator("h1")).to_have_text("구두 교환 배송비")
    (cookie,) = [c for c in await page.context.cookies() if c["name"] == COOKIE]
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and not cookie["secure"]
    assert await page.evaluate("document.cookie") == ""
    await page.click("text=로그아웃")
    await expect(page.locator("h1")).to_have_text("로그인")
    assert COOKIE not in [c["name"] for c in await page.context.cookies()]
    await page.goto("/")
    await expect(page.locator("h1")).to_have_text("로그인")
    visitor.complaints[:] = [
        c for c in visitor.complaints if "401" not in c
    ]  # the browser notes the wrong key


CERTIFIED = {"name": "certified", "passed": True, "detail": "English.", "code": "certified.kept",
             "facts": {"kept": 0.7, "labels": 128}}  # fmt: skip
NOT_YET = {"name": "certified", "passed": False, "detail": "English.", "code": "certified.not_yet",
           "facts": {"kept": 0.0, "labels": 0}}  # fmt: skip
INVENTED = {"name": "facts", "passed": False, "detail": "English.", "code": "veto.unsupported",
            "facts": {"said": "<b>3만 원"}}  # fmt: skip


@pytest.mark.parametrize(
    ("state", "checks", "beside", "warned"),
    [
        (DraftState.READY, [CERTIFIED], "70% 이상은 사람이 그대로 또는 조금만 고쳐 보낸다는 것이 라벨 128건으로", ""),
        (DraftState.NEEDS_REVIEW, [NOT_YET], "아직 라벨로 확인되지 않았습니다", ""),
        (DraftState.NEEDS_REVIEW, [INVENTED, NOT_YET | {"code": "certified.refused"}], "품질과 관계없이", "문의와 근거 어디에도 없는 내용입니다. ‘<b>3만 원’"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("width", [1200, 390])
async def test_what_labels_show_of_a_draft_stands_beside_its_quality(
    visitor: Visitor,
    company: Company,
    state: DraftState,
    checks: list[object],
    beside: str,
    warned: str,
    width: int,
):
    made = drafts.Draft.model_validate(
        {
            "id": "d",
            "ticket_id": "t",
            "state": "ready",
            **BODY,
            "quality": 0.5,
            "scorer": "gate-1",
            "checks": checks,
        }
    )
    ticket_id = company.ticket(TICKET)
    company.draft(ticket_id, state, **{name: getattr(made, name) for name in BODY})
    page = await visitor.page(company, f"/tickets/{ticket_id}", width=width)
    told = page.locator("#draft .told")
    await expect(told.locator(".quality")).to_contain_text("0.50")
    await expect(told.locator(".quality + .certificate")).to_contain_text(beside)
    await expect(page.locator(".warnings")).to_have_count(1 if warned else 0)
    if warned:
        await expect(page.locator(".warnings")).to_contain_text(warned)
    assert "English" not in await page.locator("#draft").inner_text()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


async def test_a_ticket_is_shown_with_its_draft_and_everything_behind_it(
    visitor: Visitor, company: Company, opened: str
):
    page = await visitor.page(company, opened)
    ticket, draft = page.locator(".ticket"), page.locator("#draft")
    await expect(ticket.locator("h1")).to_have_text("구두 교환 배송비")
    await expect(ticket).to_contain_text("한지우")
    await expect(ticket.locator(".said")).to_have_count(3)
    await expect(ticket.locator(".said.agent")).to_contain_text("2026-11-20 11:00")
    await expect(draft.locator(".draft-head")).to_contain_text("검토 준비됨")
    await expect(draft.locator(".draft-head")).to_contain_text("T3 규칙")
    await expect(draft.locator(".draft-head")).to_contain_text("클라우드 없이 작성")
    await expect(draft.locator(".told")).to_contain_text("클라우드 단계에서 넘어왔습니다: 시간 초과.")
    await expect(draft.locator(".quality")).to_contain_text(
        "0.82 · heuristic-baseline: 기준 점수이며 확률이 아닙니다"
    )
    await expect(draft.locator(".warnings")).to_contain_text("수치·날짜의 근거 “6,000원” stands nowhere.")
    await expect(draft.locator(".fields tr").last).to_have_text("분류반품→ 교환90%")
    rows = draft.locator(".evidence > li")
    await expect(rows).to_have_count(3)
    await expect(rows.nth(0)).to_contain_text("12개월 넘음")
    await expect(rows.nth(0)).to_have_class("kb")
    await expect(rows.nth(1)).to_contain_text("날짜 없음")
    await expect(rows.nth(1)).to_have_class("case")
    await expect(rows.nth(2)).to_contain_text("내부용")
    await expect(rows.nth(2)).to_have_class("internal")
    await expect(rows.nth(2)).not_to_contain_text("12개월")
    assert await rows.nth(0).locator(".passage strong").is_visible() is False
    await draft.locator("a.cite").click()
    await expect(rows.nth(0).locator(".passage strong")).to_have_text("7일")
    await expect(rows.nth(0).locator("a")).to_have_attribute("href", "https://help.example.com/exchange")
    await draft.get_by_text("시도 기록 2건").click()
    await expect(draft.locator(".attempts .failed")).to_contain_text("openai")
    await expect(page.locator(".row[aria-current]")).to_contain_text("구두 교환 배송비")
    assert all(url.startswith(company.live.url) for url in visitor.asked)


async def test_opening_a_ticket_marks_its_draft_as_seen_and_listing_does_not(
    visitor: Visitor, company: Company, opened: str
):
    async def seen() -> bool:
        query = "SELECT opened_at FROM draft WHERE ticket_id = %(id)s::uuid"
        row = await asyncio.to_thread(company.within, lambda tx: tx.row(query, id=opened.rpartition("/")[2]))
        assert row is not None
        return row["opened_at"] is not None

    page = await visitor.page(company, "/")
    assert not await seen()
    await page.click(".row")
    await expect(page.locator("#draft")).to_be_visible()
    assert await seen()


async def test_a_draft_is_approved_with_one_press(visitor: Visitor, company: Company, opened: str):
    page = await visitor.page(company, opened)
    await page.click("text=승인 >> nth=0")
    await expect(page.locator(".draft-head")).to_contain_text("승인됨")
    await expect(page.locator(".actions")).to_have_count(0)
    await expect(page.locator(".row-chips")).to_contain_text("승인됨")


async def test_an_edit_keeps_both_texts_and_one_that_changes_nothing_is_an_approval(
    visitor: Visitor, company: Company, opened: str
):
    page = await visitor.page(company, opened)
    await page.click("summary:has-text('수정')")
    given = await page.input_value("#text")
    assert given == "안녕하세요, 한지우 고객님.\n\n교환은 7일 이내에 신청하실 수 있습니다."
    await page.fill("#text", "네, 고객님.\n\n바로 교환해 드립니다.")
    await page.click("text=수정본으로 승인")
    await expect(page.locator(".reply.used")).to_contain_text("바로 교환해 드립니다.")
    await page.click("text=원래 초안 보기")
    await expect(page.locator(".more .words").last).to_contain_text("7일 이내")

    other = company.ticket(TICKET.model_copy(update={"external_id": "T-78"}))
    draft = company.draft(other, DraftState.READY, **body())
    await page.goto(f"/tickets/{other}")
    await page.click("summary:has-text('수정')")
    await page.click("text=수정본으로 승인")
    await expect(page.locator(".draft-head")).to_contain_text("승인됨")
    kept = await asyncio.to_thread(company.within, lambda tx: decisions.of_draft(tx, draft.id))
    assert kept is not None and (kept.verdict, kept.text) == ("approved", None)


async def test_a_rejection_needs_a_reason_and_shows_it(visitor: Visitor, company: Company, opened: str):
    page = await visitor.page(company, opened)
    await page.click("summary:has-text('거절')")
    await page.fill("#note", "정책이 <b>바뀜")
    await page.press("#note", "Enter")  # a note is no reason
    await expect(page.locator(".draft-head")).to_contain_text("검토 준비됨")
    await page.click(".reasons button:has-text('오래된 내용')")
    await expect(page.locator(".draft-head")).to_contain_text("거절됨")
    await expect(page.locator(".told")).to_contain_text("이유: 오래된 내용 · 정책이 <b>바뀜")


async def test_a_second_person_who_decides_otherwise_is_told_and_sees_how_it_stands(
    visitor: Visitor, company: Company, opened: str
):
    first, second = await visitor.page(company, opened), await visitor.page(company, opened)
    await first.click("text=승인 >> nth=0")
    await expect(first.locator(".draft-head")).to_contain_text("승인됨")
    await second.click("summary:has-text('거절')")
    await second.click(".reasons button:has-text('기타')")
    await expect(second.locator("[role=alert]")).to_contain_text("다른 사람이 먼저 처리했습니다")
    await expect(second.locator(".draft-head")).to_contain_text("승인됨")
    visitor.complaints[:] = [c for c in visitor.complaints if "409" not in c]


async def test_a_draft_is_made_from_the_page_with_a_hint(visitor: Visitor, company: Company):
    ticket_id = company.ticket(TICKET)
    page = await visitor.page(company, f"/tickets/{ticket_id}")
    await expect(page.locator("#draft")).to_contain_text("아직 초안이 없습니다")
    await page.fill("#hint", "교환 절차를 더 짧게")
    await page.click("button:has-text('지금 초안 만들기')")
    await expect(page.locator(".reply .words").first).to_contain_text("한지우", timeout=15_000)
    await expect(page.locator(".draft-head")).to_contain_text("T3 규칙")
    assert page.url.endswith(ticket_id)


async def test_a_card_follows_its_draft_until_it_is_done_and_then_rests(visitor: Visitor, company: Company):
    ticket_id = company.ticket(TICKET)
    queued = company.draft(ticket_id, DraftState.QUEUED)
    page = await visitor.page(company, f"/tickets/{ticket_id}")
    await expect(page.locator("#draft")).to_have_attribute("aria-busy", "true")
    await expect(page.locator(".told")).to_contain_text("차례를 기다리고 있습니다")
    run = await asyncio.to_thread(company.within, lambda tx: drafts.start(tx, queued.id))
    await expect(page.locator(".told")).to_contain_text("초안을 쓰고 있습니다")
    done = queued.model_copy(update={"state": DraftState.READY, **body()})
    await asyncio.to_thread(company.within, lambda tx: drafts.finish(tx, done, run=run))
    await expect(page.locator(".reply .words").first).to_contain_text("7일 이내")
    await expect(page.locator(".row-chips")).to_contain_text("검토 준비됨")
    await expect(page.locator("button.copy").first).to_be_visible()
    asked = [url for url in visitor.asked if url.endswith("/draft")]
    await asyncio.sleep(2.5)
    assert asked == [url for url in visitor.asked if url.endswith("/draft")]


async def test_a_key_that_is_revoked_meanwhile_leads_to_the_door(visitor: Visitor, company: Company):
    ticket_id = company.ticket(TICKET)
    company.draft(ticket_id, DraftState.QUEUED)
    page = await visitor.page(company, f"/tickets/{ticket_id}")
    await expect(page.locator(".told")).to_contain_text("차례를")

    async def revoke(tx):
        for key in await keys.find_all(tx):
            await keys.revoke(tx, key.id)

    await asyncio.to_thread(company.within, revoke)
    await expect(page.locator("h1")).to_have_text("로그인")
    await page.close()  # what it asked last may be refused a little later
    visitor.complaints[:] = [c for c in visitor.complaints if "401" not in c]


TOLD = {
    DraftState.QUEUED: ("차례를 기다리고 있습니다", False, False),
    DraftState.RUNNING: ("초안을 쓰고 있습니다", False, False),
    DraftState.READY: ("모든 점검을 통과했습니다", True, True),
    DraftState.NEEDS_REVIEW: ("꼼꼼히 확인해 주세요", True, True),
    DraftState.ABSTAINED: ("사람이 판단해야 하는 문의입니다", True, True),
    DraftState.FAILED: ("초안을 만들지 못했습니다", False, True),
    DraftState.SUPERSEDED: ("쓰지 않는 초안입니다", False, True),
    DraftState.EXPIRED: ("먼저 상담사가 답했습니다", False, True),
    DraftState.APPROVED: ("그대로 승인되었습니다", False, False),
    DraftState.EDITED: ("고쳐서 승인되었습니다", False, False),
    DraftState.REJECTED: ("쓰지 않기로 했습니다", False, True),
}


async def test_every_state_says_what_it_means_and_offers_what_can_be_done(visitor: Visitor, company: Company):
    assert set(TOLD) == set(DraftState)
    page = await visitor.page(company, None)
    for state, (told, decidable, again) in TOLD.items():
        ticket_id = company.ticket(TICKET.model_copy(update={"external_id": f"T-{state}"}))
        company.draft(ticket_id, state, **body())
        await page.goto(f"/tickets/{ticket_id}")
        await expect(page.locator(".told")).to_contain_text(told)
        offered = (await page.locator(".actions").count(), await page.locator("form.make").count())
        assert offered == (decidable, again), state


async def test_a_role_that_may_not_decide_sees_no_buttons(visitor: Visitor, company: Company, opened: str):
    page = await visitor.page(company, opened, role=Role.INTEGRATION)
    await expect(page.locator("#draft")).to_contain_text("이 키의 역할로는 승인이나 거절을 할 수 없습니다")
    await expect(page.locator(".actions")).to_have_count(0)


async def test_without_tickets_the_page_says_how_to_begin(visitor: Visitor, company: Company):
    page = await visitor.page(company, "/")
    await expect(page.locator("main h1")).to_have_text("아직 문의가 없습니다")
    await expect(page.locator("main pre")).to_contain_text(f"curl {company.live.url}/api/tickets")
    await expect(page.locator("#rows")).to_contain_text("아직 문의가 없습니다")


async def test_the_queue_is_filtered_while_one_types_and_older_tickets_follow(
    visitor: Visitor, company: Company
):
    for n in range(1, 56):
        at = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=n)
        company.ticket(Ticket(subject=f"문의 {n:02}", created_at=at))
    page = await visitor.page(company, "/?view=all")
    rows = page.locator("#rows .row")
    await expect(rows).to_have_count(50)
    await expect(rows.first).to_contain_text("문의 55")
    await page.click("text=이전 문의 더 보기")
    await expect(rows).to_have_count(55)
    await expect(rows.last).to_contain_text("문의 01")
    await expect(page.locator(".older")).to_have_count(0)
    await page.locator("#q").press_sequentially("문의 3")
    await expect(rows).to_have_count(10)
    await rows.nth(9).click()
    await expect(page.locator("h1")).to_have_text("문의 30")
    await expect(page.locator("#q")).to_have_value("문의 3")
    await expect(page.locator(".row[aria-current]")).to_contain_text("문의 30")
    await page.locator("#q").fill("없는 말")
    await expect(page.locator("#rows")).to_contain_text("찾는 문의가 없습니다")


async def test_everything_but_following_works_without_scripts(
    visitor: Visitor, company: Company, opened: str
):
    for n in range(51):
        company.ticket(Ticket(subject=f"다른 문의 {n}", created_at=datetime(2026, 1, 1, tzinfo=UTC)))
    page = await visitor.page(company, "/?view=all", script=False)
    await page.click("text=이전 문의 더 보기")
    await expect(page.locator("#rows .row")).to_have_count(2)
    await page.click("text=최신 문의로")
    await expect(page.locator("#rows .row")).to_have_count(50)
    await page.fill("#q", "T-77")
    await page.press("#q", "Enter")
    await page.click(".row")
    await page.click("summary:has-text('거절')")
    await page.click(".reasons button:has-text('답이 부족함')")
    await expect(page.locator(".draft-head")).to_contain_text("거절됨")


async def test_english_comes_with_the_browser_or_on_request_and_stays(
    visitor: Visitor, company: Company, opened: str
):
    page = await visitor.page(company, opened, locale="en-US")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator(".draft-head")).to_contain_text("Ready to review")
    page = await visitor.page(company, opened)
    await expect(page.locator("html")).to_have_attribute("lang", "ko")
    await page.click("text=English")
    await expect(page.locator(".actions")).to_contain_text("Approve")
    await page.goto("/")
    await expect(page.locator("h1")).to_have_text("Choose a ticket")


HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(1)>" onmouseover="alert(1) {{ 7*7 }} </textarea></title>'


async def test_hostile_words_are_shown_as_words(visitor: Visitor, company: Company):
    words = {
        "subject": HOSTILE,
        "description": HOSTILE,
        "channel": HOSTILE,
        "tags": [HOSTILE],
        "external_id": HOSTILE,
    }
    more = {"customer": {"name": HOSTILE, "email": HOSTILE, "phone": HOSTILE}, "category": HOSTILE}
    talk = {"conversation_history": [{"role": "customer", "text": HOSTILE}]}
    ticket_id = company.ticket(Ticket.model_validate(words | more | talk))
    evidence = [
        {
            "n": 1,
            "kind": "kb",
            "id": HOSTILE,
            "title": HOSTILE,
            "snippet": HOSTILE,
            "score": 1.0,
            "url": "javascript:alert(1)",
        }
    ]
    hostile = BODY | {"reply": HOSTILE, "evidence": evidence, "model": HOSTILE, "reason": HOSTILE, "errors": [HOSTILE],
                      "checks": [{"name": HOSTILE, "passed": False, "detail": HOSTILE}],
                      "fields": [{"name": HOSTILE, "from": HOSTILE, "to": [HOSTILE], "confidence": 0.5}],
                      "scorer": HOSTILE, "triage": {"intent": HOSTILE}}  # fmt: skip
    made = drafts.Draft.model_validate({"id": "d", "ticket_id": "t", "state": "ready", **hostile})
    company.draft(ticket_id, DraftState.READY, **{name: getattr(made, name) for name in hostile})
    page = await visitor.page(company, None)
    alerts: list[str] = []
    page.on("dialog", lambda dialog: alerts.append(dialog.message))
    await page.goto(f"/tickets/{ticket_id}")
    await expect(page.locator(".reply .words").first).to_have_text(HOSTILE)
    await expect(page.locator(".said .words").first).to_have_text(HOSTILE)
    await page.click("summary:has-text('수정')")
    assert await page.input_value("#text") == HOSTILE
    await page.click(".evidence summary")
    assert await page.locator("script").count() == 5  # ours
    assert (
        await page.locator("main img, main [onerror], main [onmouseover], a[href^='javascript']").count() == 0
    )
    await page.goto(f"/?q={HOSTILE[:40]}")
    await expect(page.locator(".row-subject").first).to_contain_text("<script>")
    assert alerts == []


CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgba(getComputedStyle(e).backgroundColor);
      if (c[3] === 255) return c;
    }
    return [255, 255, 255, 255];
  };
  const low = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest(".skip, .hidden")) continue;
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(ground(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) low.push(`${e.className} ${e.textContent.trim().slice(0, 20)} ${ratio.toFixed(2)}`);
  }
  return low;
}
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_every_word_stands_out_from_its_ground(visitor: Visitor, company: Company, dark: bool):
    page = await visitor.page(company, "/sign-in", role=None, dark=dark)
    assert await page.evaluate(CONTRAST) == []
    for n, state in enumerate(DraftState):
        ticket_id = company.ticket(TICKET.model_copy(update={"external_id": f"T-{n}"}))
        company.draft(ticket_id, state, **body())
    page = await visitor.page(company, f"/tickets/{ticket_id}", dark=dark)
    await page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert await page.evaluate(CONTRAST) == []
    ready = await page.evaluate(
        "[...document.querySelectorAll('.row')].find(r => r.textContent.includes('검토 준비됨')).href"
    )
    await page.goto(ready)
    await page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert await page.evaluate(CONTRAST) == []


async def test_on_a_phone_one_thing_is_shown_at_a_time_and_nothing_is_wider_than_the_screen(
    visitor: Visitor, company: Company, opened: str
):
    page = await visitor.page(company, "/", width=360)
    last, below = await page.locator(".row").last.bounding_box(), await page.locator("main").bounding_box()
    assert last is not None and below is not None and last["y"] + last["height"] <= below["y"]
    await page.click(".row")
    await expect(page.locator("#draft")).to_be_visible()
    await expect(page.locator(".queue")).to_be_hidden()
    await page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await page.click("text=← 문의 목록")
    await expect(page.locator(".queue")).to_be_visible()


async def test_the_keyboard_reaches_everything_and_shows_where_it_is(
    visitor: Visitor, company: Company, opened: str
):
    page: Page = await visitor.page(company, opened)
    reached = []
    for _ in range(30):
        await page.keyboard.press("Tab")
        reached.append(await page.evaluate(
            "(() => { const e = document.activeElement; const s = getComputedStyle(e);"
            " return e !== document.body && [(e.firstChild?.textContent.trim() || e.textContent.trim()).slice(0, 12) || e.id, s.outlineStyle !== 'none']; })()"
        ))  # fmt: skip
    reached = [found for found in reached if found]
    names = [name for name, _ in reached]
    for wanted in ("본문으로 건너뛰기", "q", "승인", "수정", "거절", "hint", "다시 만들기"):
        assert wanted in names, names
    assert [name for name, seen in reached if not seen] == []


async def test_pages_of_other_companies_and_of_no_ticket_are_the_same_404(
    visitor: Visitor, live: Live, company: Company, opened: str
):
    stranger = live.company()
    page = await visitor.page(stranger, None)
    for path in (opened, "/tickets/nonsense"):
        answer = await page.goto(path)
        assert answer is not None and answer.status == 404
        await expect(page.locator("[role=alert]")).to_contain_text("이 주소에는 문의가 없습니다")
    visitor.complaints[:] = [c for c in visitor.complaints if "404" not in c]
