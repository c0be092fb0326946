"""A day at the desk without the mouse: keys by their place, quiet while somebody types or composes Hangul."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, expect

from ccos.api.caller import COOKIE
from ccos.domain.draft import DraftState
from ccos.domain.evidence import Evidence
from ccos.domain.tenant import Role
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Tier
from ccos.store import decisions, keys
from ccos.store.decisions import Decision
from support.browser import BROWSER, WITHOUT, Visitor
from support.live import Company

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(BROWSER is None, reason=WITHOUT),
]

REPLY = "안녕하세요, 고객님.\n교환은 7일 안에 신청하실 수 있습니다."
EVIDENCE = tuple(
    Evidence.model_validate(
        {
            "n": n,
            "kind": "kb",
            "id": f"kb-{n}",
            "title": f"안내 {n}",
            "snippet": f"{n}번 안내입니다.",
            "score": 1.0,
        }
    )
    for n in (1, 2)
)


def draft(company: Company, subject: str = "교환"):
    ticket = company.ticket(Ticket(subject=subject, description="교환되나요?"))
    return company.draft(
        ticket, DraftState.READY, reply=REPLY, tier=Tier.RULE_BASED, model="rules-1", evidence=EVIDENCE
    )


@pytest.fixture
def three(company: Company):
    """Three tickets with drafts; the page shows the one first that waits for the longest time."""
    return [draft(company, subject) for subject in ("셋째 문의", "둘째 문의", "첫째 문의")]


async def decided(company: Company, draft_id: str) -> Decision | None:
    return await asyncio.to_thread(company.within, lambda tx: decisions.of_draft(tx, draft_id))


async def subject(page: Page) -> str:
    return await page.locator("h1").inner_text()


async def press(page: Page, key: str) -> None:
    """As a person does: once the page is there as a whole."""
    await page.wait_for_load_state()
    await page.keyboard.press(key)


async def composing(page: Page, text: str) -> None:
    """A syllable as an input method shows it while it is not yet finished."""
    session = await page.context.new_cdp_session(page)
    await session.send("Input.imeSetComposition", {"text": text, "selectionStart": 1, "selectionEnd": 1})


async def test_j_and_k_go_through_the_queue_and_stop_at_its_ends(visitor: Visitor, company: Company, three):
    page = await visitor.page(company, "/")
    for key, shown in [
        ("j", "셋째"),
        ("j", "둘째"),
        ("j", "첫째"),
        ("j", "첫째"),
        ("k", "둘째"),
        ("k", "셋째"),
        ("k", "셋째"),
    ]:
        await press(page, key)
        await expect(page.locator("h1")).to_have_text(f"{shown} 문의")


async def test_keys_work_whatever_letters_the_keyboard_is_set_to(visitor: Visitor, company: Company, three):
    page = await visitor.page(company, "/")
    press = (
        "code => document.body.dispatchEvent(new KeyboardEvent('keydown', {code, key: 'ㅓ', bubbles: true}))"
    )
    await page.evaluate(press, "KeyJ")
    await expect(page.locator("h1")).to_have_text("셋째 문의")
    held = "document.body.dispatchEvent(new KeyboardEvent('keydown', {code: 'KeyJ', key: 'j', %s: true, bubbles: true}))"
    for modifier in ("ctrlKey", "metaKey", "altKey", "isComposing", "repeat"):
        await page.evaluate(held % modifier)
    await asyncio.sleep(0.3)
    assert await subject(page) == "셋째 문의"


async def test_a_draft_is_approved_taken_back_and_rejected_by_keys_alone(
    visitor: Visitor, company: Company, three
):
    newest = three[-1]
    page = await visitor.page(company, f"/tickets/{newest.ticket_id}")
    await press(page, "Control+Enter")
    await expect(page.locator(".draft-head")).to_contain_text("승인됨")
    await press(page, "z")
    await expect(page.locator(".draft-head")).to_contain_text("검토 준비됨")
    assert await decided(company, newest.id) is None
    await press(page, "x")
    await press(page, "5")
    await expect(page.locator(".told")).to_contain_text("이유: 말투가 맞지 않음")
    made = await decided(company, newest.id)
    assert made is not None and (made.verdict, made.reason) == ("rejected", "wrong_tone")
    assert made.seconds is not None and made.seconds > 0


async def test_an_edit_is_typed_and_sent_without_the_mouse(visitor: Visitor, company: Company, three):
    newest = three[-1]
    page = await visitor.page(company, f"/tickets/{newest.ticket_id}")
    await press(page, "e")
    await page.keyboard.insert_text(" 무료입니다.")
    await press(page, "j")  # a letter while typing is a letter
    await press(page, "Control+Enter")
    await expect(page.locator(".draft-head")).to_contain_text("수정 승인")
    made = await decided(company, newest.id)
    assert made is not None and made.text == f"{REPLY} 무료입니다.j"
    await page.click("text=고친 곳 보기")
    await expect(page.locator(".diff ins")).to_have_text(" 무료입니다.j")
    await expect(page.locator(".diff del")).to_have_count(0)


async def test_a_syllable_that_is_being_composed_is_no_command(visitor: Visitor, company: Company, three):
    newest = three[-1]
    page = await visitor.page(company, f"/tickets/{newest.ticket_id}")
    await press(page, "e")
    await composing(page, "가")
    await page.evaluate(
        "document.activeElement.dispatchEvent(new KeyboardEvent('keydown',"
        " {code: 'Enter', key: 'Process', keyCode: 229, ctrlKey: true, isComposing: true, bubbles: true}))"
    )
    await asyncio.sleep(0.3)
    assert await decided(company, newest.id) is None
    assert (await page.input_value("#text")).endswith("가")
    await page.keyboard.insert_text("각")  # the input method gives the syllable out
    await press(page, "Control+Enter")
    await expect(page.locator(".draft-head")).to_contain_text("수정 승인")


async def test_digits_open_evidence_and_pick_reasons_only_while_rejecting(
    visitor: Visitor, company: Company, three
):
    newest = three[-1]
    page = await visitor.page(company, f"/tickets/{newest.ticket_id}")
    passage = page.locator("#e2 .passage")
    await press(page, "2")
    await expect(passage).to_be_visible()
    await press(page, "2")
    await expect(passage).to_be_hidden()
    await press(page, "9")  # there is no ninth
    await press(page, "x")
    await press(page, "Escape")
    await press(page, "2")
    await expect(passage).to_be_visible()
    assert await decided(company, newest.id) is None


async def test_help_tells_the_keys_and_turns_them_off_for_good(visitor: Visitor, company: Company, three):
    page = await visitor.page(company, "/")
    await press(page, "?")
    await expect(page.locator("#keys")).to_be_visible()
    await expect(page.locator("#keys")).to_contain_text("다음 문의")
    await press(page, "j")  # nothing happens behind an open window
    await page.uncheck("#keys-on")
    await press(page, "Escape")
    await page.reload()
    await press(page, "j")
    await asyncio.sleep(0.3)
    assert await subject(page) == "문의를 선택해 주세요"
    assert (
        not await page.locator("#approve kbd").count() or not await page.locator("#approve kbd").is_visible()
    )


async def test_nothing_typed_is_lost_when_the_sign_in_runs_out(visitor: Visitor, company: Company, three):
    newest = three[-1]
    path = f"/tickets/{newest.ticket_id}"
    page = await visitor.page(company, path)
    await press(page, "e")
    await page.fill("#text", "교환해 드리겠습니다. 오래 고민해 쓴 답입니다.")
    good = await asyncio.to_thread(company.within, lambda tx: keys.create(tx, Role.AGENT))
    await page.context.clear_cookies(name=COOKIE)
    await press(page, "Control+Enter")
    await page.fill("#key", good[0])
    await page.click("main button")
    await expect(page).to_have_url(company.live.url + path)
    await expect(page.locator("#text")).to_have_value("교환해 드리겠습니다. 오래 고민해 쓴 답입니다.")
    await expect(page.locator(".kept")).to_contain_text("되살렸습니다")
    await page.click("text=처음 초안으로")
    await expect(page.locator("#text")).to_have_value(REPLY)
    await page.reload()
    await expect(page.locator("#text")).to_be_hidden()
    visitor.complaints[:] = [c for c in visitor.complaints if "401" not in c]


async def test_nothing_typed_is_lost_when_the_connection_is(visitor: Visitor, company: Company, three):
    page = await visitor.page(company, f"/tickets/{three[-1].ticket_id}")
    await press(page, "e")
    await page.fill("#text", "끊기기 전에 쓴 답입니다.")
    await page.context.set_offline(True)
    await press(page, "Control+Enter")
    await asyncio.sleep(0.5)
    await page.context.set_offline(False)
    await page.goto(f"/tickets/{three[-1].ticket_id}")
    await expect(page.locator("#text")).to_have_value("끊기기 전에 쓴 답입니다.")
    await page.locator("#text").focus()
    await press(page, "Control+Enter")
    await expect(page.locator(".reply.used")).to_contain_text("끊기기 전에 쓴 답입니다.")
    visitor.complaints[:] = [c for c in visitor.complaints if "ERR_INTERNET" not in c]


async def test_somebody_elses_decision_shows_up_beside_what_is_being_typed(
    visitor: Visitor, company: Company, three
):
    newest = three[-1]
    page = await visitor.page(company, f"/tickets/{newest.ticket_id}")
    await press(page, "e")
    await page.fill("#text", "내가 쓰던 답")
    await asyncio.to_thread(company.within, lambda tx: decisions.decide(tx, newest.id, "approved"))
    await expect(page.locator(".told-now")).to_contain_text(
        "다른 사람이 처리했습니다: 승인됨", timeout=15_000
    )
    await expect(page.locator("#text")).to_have_value("내가 쓰던 답")
    await page.click("text=지금 상태 보기")
    await expect(page.locator(".draft-head")).to_contain_text("승인됨")
    await expect(page.locator(".undo")).to_have_count(0)  # it was somebody else's
