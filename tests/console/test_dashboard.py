"""The figures page: the truth with its intervals, for managers, drawn and in numbers."""

from __future__ import annotations

import csv
import io
import json

import pytest
from playwright.async_api import expect

from ccos.api.caller import COOKIE
from ccos.domain.draft import Attempt, DraftState, Outcome
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Task, Tier
from ccos.store import decisions, drafts
from support.browser import BROWSER, WITHOUT, Visitor
from support.live import Company

REPLY = "네, 교환해 드립니다."


def decided(
    company: Company, verdict: str, how_many: int = 1, *, intent: str = "exchange", **body: object
) -> None:
    for _ in range(how_many):
        ticket = company.ticket(Ticket(subject="교환", channel="email"))
        given = {"reply": REPLY, "tier": Tier.LOCAL_MINIMAX, "model": "ours@aa", "latency_seconds": 0.5}
        draft = company.draft(
            ticket, DraftState.READY, **{**given, "triage": {"intent": intent, "language": "ko"}, **body}
        )
        if verdict == "expired":
            company.within(lambda tx, id=ticket: drafts.expire(tx, id))
        elif verdict:
            more = {"reason": "wrong_tone"} if verdict == "rejected" else {}
            company.within(lambda tx, id=draft.id, more=more: decisions.decide(tx, id, verdict, **more))  # type: ignore[misc,arg-type]


@pytest.fixture
def busy(company: Company) -> Company:
    """Thirty approved, ten rejected, two answered by hand, one that went to the rules because a cloud hung."""
    decided(company, "approved", 29)
    decided(company, "rejected", 10)
    decided(company, "expired", 2)
    hung = Attempt(
        task=Task.SOLUTION_DRAFT, tier=Tier.CLOUD_PREMIUM, provider="openai", model="gpt",
        outcome=Outcome.FAILED, reason="provider.timeout",
    )  # fmt: skip
    decided(
        company,
        "approved",
        tier=Tier.RULE_BASED,
        fallback_used=True,
        attempts=(hung,),
        intent="refund_status",
    )
    return company


def reading(company: Company, role: Role = Role.SUPERVISOR):
    return company.live.client(cookies={COOKIE: company.keys[role]}, follow_redirects=False)


def test_an_outage_is_told_with_what_became_of_the_drafts_meanwhile(company: Company):
    hung = Attempt(
        task=Task.SOLUTION_DRAFT, tier=Tier.CLOUD_PREMIUM, provider="openai", model="gpt",
        outcome=Outcome.FAILED, reason="provider.timeout",
    )  # fmt: skip
    decided(company, "approved", 3, attempts=(hung,))
    with reading(company) as http:
        page = " ".join(http.get("/dashboard").text.split())
        (told,) = http.get("/api/kpis").json()["outages"]
    assert (told["tier"], told["asked"], told["silent"], told["answered"]) == ("tier_0", 3, 3, told["drafts"])
    assert "3 / 3" in page and "100.0%" in page and "10분" in page


def test_the_days_money_and_what_nobody_could_answer_are_told(busy: Company):
    with reading(busy) as http:
        page = http.get("/dashboard").text
    assert '<meter min="0" max="1" low="0.7" high="0.85" optimum="0" value="0.0"' in page
    assert "여유 있습니다." in page and "답하지 못한 질문이 쌓이지 않았습니다." in page


def test_what_was_predicted_stands_beside_what_was_approved(company: Company):
    decided(company, "approved", 3, quality=0.9)
    decided(company, "rejected", 1, quality=0.92)
    with reading(company) as http:
        (told,) = http.get("/api/kpis").json()["calibration"]
        page = http.get("/dashboard").text
    assert (told["n"], told["predicted"], told["approved"], told["thin"]) == (4, 0.905, 0.75, True)
    assert '<th scope="row">90.5%</th><td class="num">75.0%</td>' in page


@pytest.mark.parametrize("path", ["/dashboard", "/dashboard.csv"])
@pytest.mark.parametrize(("role", "status"), [(Role.AGENT, 403), (Role.INTEGRATION, 403), (Role.SUPERVISOR, 200), (Role.ADMIN, 200)])  # fmt: skip
def test_figures_of_people_and_money_are_for_managers(company: Company, path, role, status):
    with reading(company, role) as http:
        assert http.get(path).status_code == status
        assert ('href="/dashboard"' in http.get("/").text) is (status == 200)


def test_a_table_for_a_spreadsheet_holds_the_groups_and_no_formula(busy: Company):
    decided(busy, "approved", intent="=HYPERLINK(1)")
    with reading(busy) as http:
        answer = http.get("/dashboard.csv", params={"by": "intent"})
    assert (
        answer.headers["content-type"].startswith("text/csv")
        and "ccos-intent-" in answer.headers["content-disposition"]
    )
    rows = {row["intent"]: row for row in csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))}
    assert (rows["exchange"]["decided"], rows["exchange"]["rejected"]) == ("39", "10")
    assert float(rows["exchange"]["approval"]) == pytest.approx(29 / 39)
    assert "'=HYPERLINK(1)" in rows and "=HYPERLINK(1)" not in rows


@pytest.mark.parametrize("query", [{"days": "0"}, {"days": "400"}, {"by": "customer"}, {"days": "x"}])
def test_a_span_that_is_none_is_told_on_a_page(company: Company, query):
    with reading(company) as http:
        answer = http.get("/dashboard", params=query)
    assert answer.status_code == 422 and "<html" in answer.text


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.skipif(BROWSER is None, reason=WITHOUT)
class TestPage:
    async def test_promises_stand_beside_what_was_seen(self, visitor: Visitor, busy: Company):
        page = await visitor.page(busy, "/dashboard", role=Role.SUPERVISOR)
        cards = page.locator(".card-kpi")
        approval = cards.filter(has_text="승인율")
        await expect(approval.locator(".kpi-value")).to_have_text("75.0%")
        await expect(approval).to_contain_text("약속 80.0% 이상")
        await expect(approval).to_contain_text("못 지킴 · 59.8%–85.8% · 우연일 수 있음 · n 40")
        await expect(cards.filter(has_text="단계 전환 성공")).to_contain_text("n 1: 판단하기에 적음")
        await expect(page.locator("text=상담사가 먼저 답함 2")).to_be_visible()
        await expect(page.locator("section:has(#why)")).to_contain_text("말투가 맞지 않음")
        await expect(page.locator("section:has(#moves)")).to_contain_text("클라우드 · 시간 초과")
        await expect(page.locator("section:has(#groups) tbody tr")).to_have_count(2)
        rules = page.locator("section:has(#groups) tbody tr").filter(has_text="규칙")
        await expect(rules.locator(".thin").first).to_have_text("100.0%")  # one is too few
        await page.click("section:has(#groups) >> text=의도")
        await expect(page.locator("section:has(#groups) tbody th").first).to_have_text("교환")

    @pytest.mark.parametrize("dark", [False, True])
    async def test_charts_are_drawn_and_their_numbers_can_be_read(
        self, visitor: Visitor, busy: Company, dark
    ):
        page = await visitor.page(busy, "/dashboard?days=7", role=Role.ADMIN, dark=dark)
        await expect(page.locator(".plot canvas")).to_have_count(4)
        painted = await page.evaluate(
            "[...document.querySelectorAll('.plot canvas')].map(c => new Set(c.getContext('2d')"
            ".getImageData(0, 0, c.width, c.height).data).size > 8)"
        )
        assert painted == [True] * 4
        chart = json.loads(str(await page.locator("#chart-tiers").get_attribute("data-chart")))
        told = {line["label"]: line["values"][-1] for line in chart["lines"]}
        assert len(chart["x"]) == 7 and told == {"로컬 모델": 41, "규칙": 1}
        await page.click("#chart-approval summary")
        await expect(page.locator("#chart-approval tbody tr").last).to_contain_text("75.0%")

    async def test_without_scripts_the_numbers_are_there(self, visitor: Visitor, busy: Company):
        page = await visitor.page(busy, "/dashboard", role=Role.SUPERVISOR, script=False)
        await page.click("#chart-tiers summary")
        await expect(page.locator("#chart-tiers tbody tr").last).to_contain_text("41")

    @pytest.mark.parametrize("width", [390, 800])
    async def test_nothing_runs_over_the_edge_of_a_small_screen(self, visitor: Visitor, busy: Company, width):
        page = await visitor.page(busy, "/dashboard", role=Role.SUPERVISOR, width=width)
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    async def test_a_span_without_drafts_says_what_fills_it(self, visitor: Visitor, company: Company):
        page = await visitor.page(company, "/dashboard", role=Role.SUPERVISOR)
        await expect(page.locator(".empty")).to_contain_text("이 기간에는 초안이 없습니다")
