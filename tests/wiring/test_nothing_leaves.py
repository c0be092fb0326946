"""Every byte a cloud receives, read: a ticket full of personal data goes through the whole product."""

from __future__ import annotations

import json
import re

import pytest

from ccos.domain.errors import Unreadable
from ccos.domain.prompt import Prompt, Turn
from ccos.domain.ticket import Customer, Message, Ticket
from ccos.domain.tier import Mode, Task, Tier
from ccos.quality.pii import find, recognisers
from ccos.settings import Settings
from ccos.store import drafts
from ccos.tiers import privacy
from ccos.tiers.request import Context
from support.fake_upstream import Does, FakeUpstream
from support.shop import draft, shop

PERSONAL = {
    "phone": "010-2345-6789",
    "spoken": "공일공 구팔칠육 오사삼이",
    "abroad": "+82 10 7777 6666",
    "home": "02-345-6789",
    "card": "4111-1111-1111-1111",
    "account": "110-345-678912",
    "business": "220-81-62517",
    "passport": "M123B4567",
    "license": "11-23-456789-01",
    "customs": "P123456789012",
    "email": "bora.kim@example.com",
    "road": "서울 강남구 달빛로 123, 101동 1203호",
    "lot": "새빛동 123-45번지",
    "plate": "123가4567",
    "birth": "1990.04.17",
    "name": "김보라",
    "other": "박서준",
}
PARTS = {
    name: re.findall(r"[0-9]{4,}|[A-Za-z]{4,}|[가-힣]{2,}로|달빛|새빛동|김보라|박서준|구팔칠육", value)
    for name, value in PERSONAL.items()
}
DESCRIPTION = (
    "반품비가 얼마인가요? 저는 {name}이고 연락처는 {phone}, 급하면 {spoken} 또는 {abroad}, 집은 {home}입니다. "
    "카드 {card}로 결제했고 환불은 신한은행 {account} 예금주 {other} 로 해 주세요. 사업자등록번호 {business}, "
    "여권 {passport}, 면허 {license}, 통관부호 {customs}, 메일은 {email}로 주세요. "
    "주소는 {road}이고 예전 주소는 {lot}, 차량은 {plate}, 생년월일 {birth} 입니다."
).format(**PERSONAL)
FULL = Ticket(
    external_id="full",
    subject="{name} 반품 문의 {phone}".format(**PERSONAL),
    description=DESCRIPTION,
    customer=Customer(name=PERSONAL["name"], email=PERSONAL["email"], phone=PERSONAL["phone"]),
    conversation_history=(
        Message(role="customer", text="{other} 씨에게 {phone}로 전화 주세요. 반품비는요?".format(**PERSONAL)),
        Message(role="agent", text="{name} 고객님, {email}로 안내드렸습니다.".format(**PERSONAL)),
        Message(
            role="customer", text="반품비가 얼마인지 다시 알려 주세요. {other}입니다.".format(**PERSONAL)
        ),
    ),
)
LEFT_ALONE = "1588-1234"


def everything(cloud: FakeUpstream) -> str:
    """All bytes that came: as they were written, and with JSON's escapes undone."""
    raw = "\n".join(seen._raw.decode("utf-8", "replace") for seen in cloud.seen)
    return raw + "\n" + "\n".join(json.dumps(seen.body, ensure_ascii=False) for seen in cloud.seen)


OURS = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<![\d.])\d\.\d{4,}|127\.0\.0\.1:\d+")
"""Ids, seconds, shares and our own address: digits drawn by chance, which now and then spell a customer's."""


def holds_nobody(text: str) -> None:
    text = OURS.sub("", text)
    digits = re.sub(r"\D", "", text)
    for name, value in PERSONAL.items():
        assert value not in text, name
        for part in PARTS[name]:
            assert part not in text, (name, part)
        long = re.sub(r"\D", "", value)
        assert len(long) < 8 or long not in digits, name


@pytest.fixture
def settings(store_urls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def made(**values) -> Settings:
        urls = {"database_url": store_urls.app, "database_owner_url": store_urls.owner}
        return Settings(**{**urls, "CCOS_HOME": tmp_path, **values})

    return made


CLOUDS = {
    "openai": lambda origin: {"openai_base_url": origin, "openai_api_key": "sk-test"},
    "anthropic": lambda origin: {"anthropic_base_url": origin, "anthropic_api_key": "sk-test"},
}


@pytest.mark.parametrize("form", CLOUDS)
async def test_a_ticket_full_of_personal_data_leaves_without_any(settings, form, caplog, capsys):
    async with FakeUpstream() as cloud, shop(settings(**CLOUDS[form](cloud.origin))) as (ccos, tenant):
        made = await draft(ccos, tenant, FULL, mode=Mode.QUALITY_FIRST)
        again = await draft(ccos, tenant, FULL, mode=Mode.QUALITY_FIRST)
        async with ccos.database.tenant(tenant.id) as tx:
            rows = await tx.rows("SELECT args::text AS args FROM jobs.procrastinate_jobs")
            attempts = await drafts.attempts(tx, made.id)
    assert len(cloud.seen) >= 2 and made.reply and again.reply
    sent = everything(cloud)
    holds_nobody(sent)
    assert "[전화번호_1]" in sent and "[이름_1]" in sent and "[주소_1]" in sent
    holds_nobody("\n".join(row["args"] for row in rows))
    holds_nobody("\n".join(map(str, attempts)))
    holds_nobody(caplog.text + capsys.readouterr().err)


async def test_one_value_has_one_placeholder_in_every_call_of_every_draft(settings):
    async with FakeUpstream() as cloud, shop(settings(openai_base_url=cloud.origin)) as (ccos, tenant):
        await draft(ccos, tenant, FULL, mode=Mode.QUALITY_FIRST)
        first = len(cloud.seen)
        later = FULL.model_copy(
            update={
                "conversation_history": (
                    *FULL.conversation_history,
                    Message(
                        role="customer", text="010-5555-4444로도 되고 010-2345-6789도 됩니다. 반품비는요?"
                    ),
                )
            }
        )
        await draft(ccos, tenant, later, mode=Mode.QUALITY_FIRST)
    tickets = [
        re.search(r"<ticket>(.*?)</ticket>", json.dumps(s.body, ensure_ascii=False)) for s in cloud.seen
    ]
    texts = {match[1] for match in tickets if match}
    assert first >= 1 and len(cloud.seen) > first and len(texts) == 1
    assert "[전화번호_5]로도 되고 [전화번호_1]도" in everything(cloud)


@pytest.mark.parametrize(
    "number",
    ["900101-1234568", "９００１０１－１２３４５６８", "9001011234568", "900101 - 1234567", "880515-5123456", "900101-1******",
     "900101-\n1234568", "구공공일공일 일이삼사오육칠", "9 0 0 1 0 1 1 2 3 4 5 6 8"],
)  # fmt: skip
async def test_with_a_resident_number_nothing_at_all_is_received(settings, number):
    async with FakeUpstream() as cloud, shop(settings(openai_base_url=cloud.origin)) as (ccos, tenant):
        ticket = Ticket(subject="반품비", description=f"반품비가 얼마인가요? 제 주민번호는 {number} 입니다")
        made = await draft(ccos, tenant, ticket, mode=Mode.QUALITY_FIRST)
    assert cloud.seen == [] and made.reply and made.tier is Tier.RULE_BASED


async def test_a_recogniser_that_breaks_at_the_door_costs_the_cloud_and_not_the_answer(settings, monkeypatch):
    def broken(text, **_names):
        raise RuntimeError(text)

    prompt = Prompt(Task.CHAT, "system", (Turn("user", "반품비가 얼마인가요?"),))
    async with FakeUpstream() as cloud, shop(settings(openai_base_url=cloud.origin)) as (ccos, tenant):
        monkeypatch.setattr(privacy, "find", broken)
        made = await ccos.service.generate_with_fallback(prompt, Context(tenant.id, Mode.QUALITY_FIRST))
    assert cloud.seen == [] and made.response and made.tier is Tier.RULE_BASED
    assert ("tier_0", "privacy.unreadable") in {(a.tier, a.reason) for a in made.attempts}


async def test_a_draft_shows_the_agent_the_real_values(settings):
    said = "안녕하세요, [이름_1] 고객님. 확인 후 [전화번호 1]로 연락드리겠습니다. 조금만 기다려 주시면 감사하겠습니다."
    prompt = Prompt(
        Task.CHAT, "system", (Turn("user", f"저는 김보라이고 {PERSONAL['phone']}로 전화 주세요"),)
    )
    upstream = FakeUpstream(Does("ok", text=said))
    async with upstream as cloud, shop(settings(openai_base_url=cloud.origin)) as (ccos, tenant):
        made = await ccos.service.generate_with_fallback(prompt, Context(tenant.id, Mode.QUALITY_FIRST))
    holds_nobody(everything(cloud))
    assert made.tier is Tier.CLOUD_PREMIUM
    assert made.response.startswith("안녕하세요, 김보라 고객님. 확인 후 010-2345-6789로")


@pytest.mark.parametrize("where", ["description", "evidence"])
async def test_a_text_the_recognisers_cannot_read_still_gets_its_draft(settings, monkeypatch, where):
    """Everywhere at once: triage, the door, and the gate, which then accepts nothing by itself."""

    def broken(text, **_names):
        raise RuntimeError(text)

    async with FakeUpstream() as cloud, shop(settings(openai_base_url=cloud.origin)) as (ccos, tenant):
        if where == "description":
            monkeypatch.setattr(recognisers, "fold", broken)
        else:
            monkeypatch.setattr(privacy, "mask", broken)
        made = await draft(ccos, tenant, FULL, mode=Mode.QUALITY_FIRST)
    assert cloud.seen == [] and made.reply and made.tier is Tier.RULE_BASED
    assert "privacy.unreadable" in {attempt.reason for attempt in made.attempts}


async def test_a_recogniser_that_takes_too_long_is_a_recogniser_that_failed(monkeypatch):
    times = iter([0.0, 0.0, 3.0])
    monkeypatch.setattr(recognisers.time, "monotonic", lambda: next(times, 3.0))
    with pytest.raises(Unreadable):
        find("010-2345-6789")
