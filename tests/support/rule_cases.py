"""Small builders for the tests of the rule tier."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ccos.domain.evidence import Evidence, EvidenceKind, Visibility
from ccos.domain.prompt import Grounds, Language, Prompt, Turn
from ccos.domain.tenant import ApprovedAnswer, Category, TenantSettings
from ccos.domain.ticket import Customer, Ticket
from ccos.domain.tier import Task
from ccos.providers.rules import RuleBased

SETTINGS = TenantSettings(
    company={"ko": "가온상점", "en": "Gaon Shop"},
    contact={
        "ko": "상담 시간은 평일 오전 9시부터 오후 6시까지입니다.",
        "en": "We answer on weekdays from 9 to 6.",
    },
    categories=(
        Category(name="반품", intents=("return_request",)),
        Category(name="쉬는 분류", intents=("exchange",), active=False),
        Category(name="교환", intents=("exchange",)),
    ),
    tags=("파손", "배송비", "쿠폰", "제주·도서"),
)

RETURN_PASSAGE = """## 반품 배송비

단순 변심 반품은 상품을 받으신 날부터 **7일 이내**에 신청해 주시기 바랍니다. 반품 배송비는 왕복 6,000원입니다.

## 신청 순서

1. 마이페이지에서 반품 신청을 누릅니다.
2. 회수 주소를 확인합니다.
"""

APPROVED = ApprovedAnswer(
    id="return-ko",
    intent="return_request",
    language="ko",
    kb_id="kb-return",
    text="안녕하세요, {customer_name} 고객님. {company} 고객센터입니다. 반품은 받으신 날부터 7일 이내에 신청해 주시면 됩니다. "
    "주문번호 {order_number} 건은 마이페이지에서 확인하실 수 있습니다. 추가로 궁금하신 점은 문의해 주세요. 감사합니다.",
)


def passage(
    snippet: str,
    *,
    n: int = 1,
    id: str = "kb-return",
    title: str = "반품 배송비",
    visibility: Visibility = Visibility.PUBLIC,
    kind: EvidenceKind = EvidenceKind.KB,
) -> Evidence:
    return Evidence(n=n, kind=kind, id=id, title=title, snippet=snippet, score=1.0, visibility=visibility)


def grounds(
    text: str,
    *evidence: Evidence,
    subject: str = "",
    intent: str = "return_request",
    language: Language = "ko",
    name: str | None = None,
    settings: TenantSettings = SETTINGS,
) -> Grounds:
    ticket = Ticket(subject=subject, description=text, customer=Customer(name=name))
    return Grounds(ticket=ticket, evidence=evidence, language=language, intent=intent, settings=settings)


def approving(on: Grounds, answers: Sequence[ApprovedAnswer]) -> Grounds:
    """The same grounds for a tenant with these approved answers."""
    return replace(on, settings=on.settings.model_copy(update={"approved_answers": tuple(answers)}))


async def said(
    task: Task, on: Grounds, answers: Sequence[ApprovedAnswer] = (), turns: tuple[Turn, ...] = ()
) -> Any:
    """The parsed JSON a task gives."""
    prompt = Prompt(task, "", turns, approving(on, answers), schema={"type": "object"})
    return json.loads((await RuleBased().answer(prompt, seconds=1)).text)


async def draft(on: Grounds, answers: Sequence[ApprovedAnswer] = ()) -> Any:
    return await said(Task.SOLUTION_DRAFT, on, answers)
