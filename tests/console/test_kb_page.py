"""The knowledge page: search, the gaps and what is decided about them, what there is, where it comes from."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from ccos.api.caller import COOKIE
from ccos.domain.draft import Draft, DraftState
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.store import decisions, drafts, tickets
from support.browser import BROWSER, WITHOUT, Visitor
from support.live import Company

QUESTIONS = ("선물 포장 되나요?", "선물포장 가능한가요")
ANSWER = "선물 포장은 결제 화면에서 2,000원에 고르실 수 있습니다."
ARTICLES = (
    ("refund-3", {"title": "환불 기간", "body": "## 카드\n\n1. 3영업일이 걸립니다.\n2. **휴일**은 뺍니다."}),
    ("inside-1", {"title": "환불 예외 승인", "body": "팀장이 승인합니다.", "visibility": "internal"}),
    (
        "evil",
        {
            "title": "<script>x</script>",
            "body": "환불 <img src=x onerror=alert(1)>",
            "url": "https://a.example",
        },
    ),
)


async def ask(tx):
    for n, text in enumerate(QUESTIONS):
        ticket = (await tickets.put(tx, Ticket(subject=text, channel="chat"))).ticket
        draft = await drafts.queue(tx, ticket.id)
        run = await drafts.start(tx, draft.id)
        made = Draft(id=draft.id, ticket_id=ticket.id, state=DraftState.ABSTAINED, reply="확인하겠습니다.")
        await drafts.finish(tx, made, run=run)
        if n == 0:
            await decisions.decide(tx, draft.id, "edited", text=ANSWER)


@pytest.fixture
def shop(company: Company) -> Company:
    company.within(ask)
    with company.client() as http:
        for name, article in ARTICLES:
            assert http.put(f"/api/kb/{name}", json=article).status_code == 200
        assert http.post("/api/kb/gaps/refresh").status_code == 200
    return company


def reading(company: Company, role: Role = Role.SUPERVISOR):
    return company.live.client(cookies={COOKIE: company.keys[role]}, follow_redirects=False)


def gap_of(company: Company) -> str:
    with company.client() as http:
        (gap,) = http.get("/api/kb/gaps").json()["gaps"]
    return str(gap["id"])


def test_agents_search_and_see_gaps_but_decide_nothing(shop: Company):
    with reading(shop, Role.AGENT) as http:
        page = http.get("/kb", params={"q": "환불이 언제 되나요"}).text
        assert "환불 기간" in page and "내부" in page and QUESTIONS[0] in page
        assert 'value="propose"' not in page
        same = {"sec-fetch-site": "same-origin"}
        assert http.post(f"/kb/gaps/{gap_of(shop)}", data={"do": "propose"}, headers=same).status_code == 403
    with reading(shop, Role.INTEGRATION) as http:
        assert QUESTIONS[0] not in http.get("/kb").text


def test_nothing_there_says_what_to_do(company: Company):
    with reading(company) as http:
        page = http.get("/kb", params={"q": "환불"}).text
    for words in ("찾은 문서가 없습니다", "모인 질문이 없습니다", "ccos kb sources add"):
        assert words in page


def test_words_of_an_article_are_words_and_old_versions_can_be_read(shop: Company):
    with shop.client() as http:
        changed = ARTICLES[0][1] | {"body": "## 카드\n\n5영업일이 걸립니다."}
        http.put("/api/kb/refund-3", json=changed)
    with reading(shop, Role.AGENT) as http:
        evil = http.get("/kb/item", params={"id": "evil"}).text
        assert (
            "<script>x" not in evil
            and "<img" not in evil.split("<main", 1)[1]
            and 'href="https://a.example"' in evil
        )
        now = http.get("/kb/item", params={"id": "refund-3"}).text
        assert "5영업일" in now and "예전 판" not in now
        before = http.get("/kb/item", params={"id": "refund-3", "version": 1}).text
        assert "3영업일" in before and "예전 판" in before and "<ol" in before
        assert http.get("/kb/item", params={"id": "none"}).status_code == 404
    with reading(shop.live.company()) as stranger:
        assert stranger.get("/kb/item", params={"id": "refund-3"}).status_code == 404


def test_a_gap_that_was_settled_meanwhile_is_told_and_left(shop: Company):
    gap = gap_of(shop)
    with shop.client() as http:
        http.post(f"/api/kb/gaps/{gap}/dismiss", json={"reason": "안 합니다"})
    with reading(shop) as http:
        same = {"sec-fetch-site": "same-origin"}
        answer = http.post(f"/kb/gaps/{gap}", data={"do": "accept"}, headers=same)
        assert answer.status_code == 409 and "그사이 다른 사람이" in answer.text
        gone = "00000000-0000-0000-0000-000000000000"
        assert http.post(f"/kb/gaps/{gone}", data={"do": "propose"}, headers=same).status_code == 404


browsing = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(BROWSER is None, reason=WITHOUT),
]


class TestPage:
    pytestmark = browsing

    @pytest.mark.parametrize("width", [1280, 390])
    async def test_a_question_becomes_an_article_that_is_found(
        self, visitor: Visitor, shop: Company, width: int
    ):
        page = await visitor.page(shop, "/kb", role=Role.SUPERVISOR, width=width)
        await page.click(".gap summary")
        await page.click("text=문서 초안 쓰기")
        text = page.locator(".gap textarea")
        await expect(text).to_have_value(re.compile("2,000원"))
        await text.fill("# 선물 포장\n\n(여기에 답을 적어 주세요)")
        await page.click("text=고객에게도 공개")
        await expect(page.locator(".notice")).to_contain_text("완성되지 않았습니다")
        await page.locator(".gap textarea").fill("# 선물 포장\n\n결제 화면에서 2,000원에 고릅니다.")
        await page.click("text=고객에게도 공개")
        await expect(page.locator(".gap")).to_contain_text("받아들임")
        await page.fill("#kb-q", "선물 포장 돼요?")
        await page.keyboard.press("Enter")
        await expect(page.locator(".evidence .e-title").first).to_have_text("선물 포장")
        await page.click(".evidence .e-foot a")
        await expect(page.locator("h1")).to_have_text("선물 포장")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        visitor.complaints[:] = [c for c in visitor.complaints if "422" not in c]
