"""The experiments page: from the form to a verdict, for managers only, in words and drawn."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from playwright.async_api import expect

from ccos.api.caller import COOKIE
from ccos.console.experiments import later
from ccos.domain.choices import Choices
from ccos.domain.tenant import Role
from ccos.learning.experiments.reading import Point
from ccos.store import experiments, tenants
from support.browser import BROWSER, WITHOUT, Visitor
from support.experiments import definition, drafts, keep
from support.live import Company

FORM = {"name": "fast", "knob": "mode", "value": "latency_first", "metric": "approval", "share": "100"}
BETTER = {"control": 0.60, "warm": 0.85}


def http_of(company: Company, role: Role = Role.SUPERVISOR, language: str = "ko"):
    return company.live.client(
        cookies={COOKIE: company.keys[role], "ccos_lang": language},
        follow_redirects=True,
        event_hooks={"request": [lambda request: request.headers.update({"origin": company.live.url})]},
    )


@pytest.fixture
def http(company: Company):
    with http_of(company) as http:
        yield http


def filled(company: Company, made=(), **more) -> None:
    """A running experiment with these drafts."""
    wanted = definition(**more)

    async def go(tx):
        await experiments.create(tx, wanted)
        await keep(tx, await experiments.start(tx, wanted.name), made)

    company.within(go)


def text_of(answer) -> str:
    return " ".join(answer.text.split())


def test_the_form_makes_and_starts_one(http, company: Company):
    assert "아직 실험이 없습니다" in http.get("/experiments").text
    page = http.post("/experiments", data=FORM | {"hypothesis": "빠르면 <b>충분</b>하다", "language": "ko"})
    assert page.status_code == 200 and page.url.path == "/experiments/fast"
    assert "진행 중" in page.text and "빠르면 &lt;b&gt;충분&lt;/b&gt;하다" in page.text
    assert "아직 모릅니다" in page.text and "속도 우선" in page.text
    assert 'href="/experiments/fast"' in http.get("/experiments").text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"value": "very fast"}, "만들 수 없습니다"),
        ({"name": "Ünfast"}, "만들 수 없습니다"),
        ({"share": "half"}, "만들 수 없습니다"),
        ({"metric": "joy"}, "만들 수 없습니다"),
        ({"knob": "cloud_allowed", "value": "true"}, "만들 수 없습니다"),
        ({"knob": "tier_1", "value": "gpt-nobody"}, "시작할 수 없습니다"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_is_kept(http, changed, said):
    page = http.post("/experiments", data=FORM | changed)
    assert page.status_code == 422 and said in page.text and 'role="alert"' in page.text
    assert (FORM | changed)["name"] in page.text and (FORM | changed)["value"] in page.text


def test_a_second_of_the_same_name_or_knob_waits(http):
    http.post("/experiments", data=FORM)
    assert http.post("/experiments", data=FORM).status_code == 409
    again = http.post("/experiments", data=FORM | {"name": "faster"})
    assert again.status_code == 409 and "같은 것을 바꾸는" in again.text


def test_a_better_arm_is_promoted_and_taken_back(http, company: Company):
    arms = [{"name": "control"}, {"name": "warm", "change": {"guidance": "따뜻하게 씁니다."}}]
    filled(company, drafts(definition(), 1_200, BETTER), arms=arms)
    page = http.get("/experiments/tone")
    assert "warm 방식이 더 낫습니다. 적용해도 됩니다." in page.text
    promoted = http.post("/experiments/tone", data={"do": "promote", "arm": "warm"})
    assert "적용됨" in promoted.text and "적용 취소" in promoted.text

    async def choices(tx):
        return (await tenants.by_id(tx, tx.tenant_id)).settings.choices

    assert company.within(choices) == Choices(guidance="따뜻하게 씁니다.")
    http.post("/experiments/tone", data={"do": "back"})
    assert company.within(choices) == Choices()
    stale = http.post("/experiments/tone", data={"do": "back"})
    assert stale.status_code == 409 and "그사이 상태가 바뀌었습니다" in stale.text


def test_what_is_not_known_says_how_many_are_missing(http, company: Company):
    filled(company, drafts(definition(), 600, {"control": 0.75, "warm": 0.75}))
    page = text_of(http.get("/experiments/tone"))
    assert "아직 모릅니다: 약 4," in page and "건 더 필요합니다." in page
    assert "600)" in page  # n of the interval


def test_few_are_greyed(http, company: Company):
    filled(company, drafts(definition(), 40, BETTER))
    page = http.get("/experiments/tone").text
    assert page.count('class="thin"') >= 2 and "data-chart" not in page


def test_a_broken_ratio_hides_the_result_and_says_why(http, company: Company):
    made = [one for n, one in enumerate(drafts(definition(), 1_500, BETTER)) if one.arm == "control" or n % 3]
    filled(company, made)
    page = http.get("/experiments/tone").text
    assert "정한 비율대로 나뉘지 않았습니다" in page and "숨김" in page
    assert "data-chart" not in page and "%p (95% 구간" not in page


def test_harm_is_told_with_its_guardrail(http, company: Company):
    made = drafts(definition(), 800, BETTER, more={"warm": {"vetoed": True}})
    filled(company, made)
    page = text_of(http.get("/experiments/tone"))
    assert "멈추세요: warm 방식이 해를 끼칩니다 (규칙에 걸린 답변)." in page
    assert http.post("/experiments/tone", data={"do": "stop"}).text.count("중지") >= 2


def test_a_reading_in_seconds_and_in_english(company: Company):
    made = [
        replace(one, seconds=(one.seconds or 0) + 30 * (one.arm == "warm"))
        for one in drafts(definition(), 600, BETTER)
    ]
    filled(company, made, metric="seconds_to_decide", least_effect=10)
    with http_of(company, language="en") as http:
        page = text_of(http.get("/experiments/tone"))
    assert "warm is worse than the control. It may be stopped." in page and "seconds to decide" in page


@pytest.mark.parametrize("path", ["/experiments", "/experiments/tone"])
@pytest.mark.parametrize(
    ("role", "status"), [(Role.AGENT, 403), (Role.INTEGRATION, 403), (Role.SUPERVISOR, 200)]
)
def test_only_managers_see_them(company: Company, path, role, status):
    filled(company)
    with http_of(company, role) as http:
        assert http.get(path).status_code == status
        assert ('href="/experiments"' in http.get("/").text) is (status == 200)
        if status == 403:
            assert http.post("/experiments", data=FORM).status_code == 403


def test_what_is_not_there(http):
    assert http.get("/experiments/none").status_code == 404


def test_the_wide_beginning_is_not_drawn():
    points = [Point(float(n), n, 0.0, -10 / n, 10 / n) for n in (10, 20, 100, 200)]
    assert [point.n for point in later(points)] == [100, 200]
    assert list(later(points[:1])) == points[:1] and later([]) == []


@pytest.mark.skipif(BROWSER is None, reason=WITHOUT)
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("dark", [False, True])
async def test_the_interval_is_drawn(visitor: Visitor, company: Company, dark: bool):
    filled(company, drafts(definition(), 1_000, BETTER))
    page = await visitor.page(company, "/experiments/tone", role=Role.SUPERVISOR, dark=dark)
    figure = page.locator("figure[data-chart]")
    told = json.loads(await figure.get_attribute("data-chart") or "")
    assert told["kind"] == "interval" and told["unit"] == "points" and len(told["x"]) > 10
    await expect(figure.locator("canvas")).to_be_visible()
    await expect(figure.locator(".u-legend")).to_contain_text("warm")


@pytest.mark.skipif(BROWSER is None, reason=WITHOUT)
@pytest.mark.asyncio(loop_scope="session")
async def test_one_is_started_by_hand(visitor: Visitor, company: Company):
    page = await visitor.page(company, "/experiments", role=Role.SUPERVISOR)
    await page.get_by_label("이름").fill("brief")
    await page.get_by_label("바꾸는 것").select_option("guidance")
    await page.get_by_label("새 값").fill("세 문장을 넘기지 않습니다.")
    await page.get_by_role("button", name="시작").click()
    await page.wait_for_url("**/experiments/brief")
    await expect(page.get_by_text("세 문장을 넘기지 않습니다.")).to_be_visible()
