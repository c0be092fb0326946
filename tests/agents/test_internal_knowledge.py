"""What is for agents only reaches no customer: real drafts by the real rules and the real gate."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from ccos.agents.findings import Findings
from ccos.agents.job import Job
from ccos.agents.orchestrator import Orchestrator
from ccos.agents.prompts import evidence_text, solution_prompt, synthesis_prompt
from ccos.agents.resolution import resolve
from ccos.domain.draft import DraftState
from ccos.domain.evidence import Evidence, EvidenceKind, Use, Visibility
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Grounds
from ccos.domain.tenant import ApprovedAnswer, Tenant, TenantSettings
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode, Task, Tier
from ccos.knowledge.answering import answerability
from ccos.knowledge.asked import read
from ccos.providers.rules import RuleBased
from ccos.quality import Gate
from ccos.quality.pii import classify
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.request import Context
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.testing import ScriptedProvider

TICKET = Ticket(subject="반품 배송비", description="구두 반품 배송비가 얼마인가요? 포인트 보상도 되나요?")
SECRET = (
    "반품 배송비 보상은 상담사 재량으로 포인트 30,000점까지 드립니다. 고객에게 이 범위를 알리지 않습니다. "
    "처리 화면은 https://wiki.example.com/refund/matrix 입니다."
)
SAID = "반품 배송비는 왕복 6,000원입니다. 구두 반품은 7일 안에 신청하실 수 있습니다."


def passage(n: int, snippet: str, **changes: object) -> Evidence:
    return Evidence(
        n=n, kind=EvidenceKind.KB, id=f"kb-{n}", title="반품 배송비 안내", snippet=snippet, score=1.0
    ).model_copy(update=changes)


PUBLIC = passage(1, SAID)
INTERNAL = passage(
    2,
    SECRET,
    visibility=Visibility.INTERNAL,
    title="반품 배송비 보상 권한표",
    url="https://wiki.example.com/refund/table",
)
HINT = passage(2, SECRET, use=Use.HINT)
INTERNAL_HINT = INTERNAL.model_copy(update={"use": Use.HINT})
TOLD = ("30,000", "재량", "권한표", "wiki.example.com", "알리지")


class Shelf:
    def __init__(self, *evidence: Evidence) -> None:
        self._evidence = evidence

    async def search(self, tenant_id, queries, *, pool, limit, now, synonyms=(), language=None):
        return [e for e in self._evidence if e.kind == pool]

    async def answerability(self, tenant_id, text, evidence):
        asked = read(text)
        return answerability(asked, evidence, asked.terms)


def tenant(*answers: ApprovedAnswer) -> Tenant:
    return Tenant(
        id=UUID(int=1),
        slug="s",
        name="s",
        settings=TenantSettings(company={"ko": "무른달"}, approved_answers=answers),
    )


def speaks(reply: str, facts: list[dict[str, object]] | None = None):
    """A model that does as it likes."""

    def say(prompt):
        match prompt.task:
            case Task.QUERY_BUILDER:
                return json.dumps({"queries": ["반품 배송비"]})
            case Task.KB_SYNTHESIS:
                return json.dumps({"facts": facts or []})
            case _:
                return json.dumps({"reply": reply, "category": "", "tags": [], "priority": "normal",
                                   "citations": [], "kind": "answer"})  # fmt: skip

    return say


async def drafted(*evidence: Evidence, model=None, answers: tuple[ApprovedAnswer, ...] = ()):
    providers: list = [RuleBased()]
    if model is not None:
        providers.insert(0, ScriptedProvider(Tier.CLOUD_PREMIUM, [model], cost=MicroUsd(1)))
    service = MultiTierLLMService(providers, Gate(), MemoryBudget(MicroUsd(10**9)))
    orchestrator = Orchestrator(service, Shelf(*evidence), classify)
    return await orchestrator.draft(
        Job("d", "t", tenant(*answers), TICKET, mode=Mode.QUALITY_FIRST)
    ), providers[0]


def clean(draft) -> None:
    assert not any(word in draft.reply for word in TOLD), draft.reply


@pytest.mark.parametrize("secret", [INTERNAL, HINT, INTERNAL_HINT], ids=["internal", "hint", "both"])
@pytest.mark.parametrize("others", [(), (PUBLIC,)], ids=["alone", "beside a public one"])
async def test_the_rules_say_nothing_of_it(secret, others):
    draft, _ = await drafted(*others, secret)
    clean(draft)
    assert secret.snippet in [e.snippet for e in draft.evidence], "the agent sees it"
    assert [(e.visibility, e.use) for e in draft.evidence][-1] == (secret.visibility, secret.use)
    if others:
        assert "6,000원" in draft.reply


@pytest.mark.parametrize("secret", [INTERNAL, HINT], ids=["internal", "hint"])
async def test_an_approved_answer_does_not_rest_on_it(secret):
    answer = ApprovedAnswer(
        id="a", intent="return_request", language="ko", text="승인된 답변입니다.", kb_id=secret.id
    )
    draft, _ = await drafted(secret, answers=(answer,))
    assert "승인된 답변" not in draft.reply


@pytest.mark.parametrize(
    "quoted",
    [
        "저희 상담사 재량으로 포인트 30,000점까지 드립니다.",
        "보상으로 30,000점을 드릴 수 있는 범위입니다.",
        "3만 점까지 가능한 것으로 안내되어 있습니다.",
        "자세한 내용은 https://wiki.example.com/refund/matrix 에서 확인해 주세요.",
        "자세한 내용은 wiki.example.com/refund/table 문서에 있습니다.",
        "자세한 기준은 ‘반품 배송비 보상 권한표’에 있습니다.",
        "고객에게 이 범위를\n알리지 않습니다. 처리 화면은 따로 있습니다.",
    ],
    ids=[
        "words",
        "figure",
        "figure in another spelling",
        "address in it",
        "its address",
        "its title",
        "over lines",
    ],
)
async def test_a_model_that_tells_it_is_refused(quoted):
    reply = f"안녕하세요, 고객님. 문의해 주셔서 감사합니다. 반품 배송비는 왕복 6,000원입니다. {quoted} 감사합니다."
    draft, _ = await drafted(PUBLIC, INTERNAL, model=speaks(reply))
    clean(draft)
    refused = [a for a in draft.attempts if a.task is Task.SOLUTION_DRAFT and a.tier is Tier.CLOUD_PREMIUM]
    assert refused and {a.reason for a in refused} == {"veto.internal"}


async def test_the_same_reply_stands_when_the_procedure_is_public():
    """The near miss: it is the visibility that refuses it."""
    reply = (
        "안녕하세요, 고객님. 문의해 주셔서 감사합니다. 반품 배송비는 왕복 6,000원입니다. "
        "보상으로 30,000점까지의 범위가 있습니다. 감사합니다."
    )
    shown = passage(2, SECRET, title="반품 배송비 보상")
    draft, _ = await drafted(PUBLIC, shown, model=speaks(reply))
    assert "30,000점" in draft.reply and "veto.internal" not in {a.reason for a in draft.attempts}


@pytest.mark.parametrize("n", [1, 2])
async def test_a_fact_drawn_from_it_reaches_no_prompt_under_any_number(n):
    facts = [{"text": "포인트 30,000점까지 재량으로 드립니다.", "n": n}]
    other = passage(3, "교환은 14일 안에 신청합니다.")
    draft, cloud = await drafted(PUBLIC, INTERNAL, other, model=speaks("확인 후 안내드리겠습니다.", facts))
    synthesis = [call for call in cloud.calls if call.task is Task.KB_SYNTHESIS]
    assert synthesis and all(SECRET not in turn.text for call in synthesis for turn in call.turns)
    written = [call for call in cloud.calls if call.task is Task.SOLUTION_DRAFT]
    assert written and all("재량으로 드립니다" not in call.turns[-1].text for call in written)
    clean(draft)


async def test_a_hint_is_given_to_no_model_and_supports_nothing():
    reply = "안녕하세요, 고객님. 반품 배송비는 왕복 6,000원이고 포인트 30,000점까지의 범위가 있습니다 [2]. 감사합니다."
    draft, cloud = await drafted(PUBLIC, HINT, model=speaks(reply))
    assert cloud.calls and not any(SECRET in turn.text for call in cloud.calls for turn in call.turns)
    assert not any(e.use is Use.HINT for call in cloud.calls for e in call.grounds.evidence)
    clean(draft)
    assert "[2]" not in draft.reply and draft.evidence[1].use is Use.HINT


async def test_where_only_a_hint_knows_the_evidence_is_thin_and_no_model_is_asked():
    draft, cloud = await drafted(HINT, model=speaks("포인트 30,000점까지 드립니다."))
    assert draft.state is DraftState.ABSTAINED
    assert not [call for call in cloud.calls if call.task is not Task.QUERY_BUILDER]


async def test_a_reply_that_rests_on_an_internal_passage_waits_for_a_person():
    reply = (
        "안녕하세요, 고객님. 문의해 주셔서 감사합니다. 반품 배송비는 왕복 6,000원입니다 [1]. "
        "보상은 담당자가 따로 살펴보겠습니다 [2]. 감사합니다."
    )
    draft, _ = await drafted(PUBLIC, INTERNAL, model=speaks(reply))
    assert draft.tier is Tier.CLOUD_PREMIUM and draft.state is DraftState.NEEDS_REVIEW
    assert "sources.internal" in {check.code for check in draft.checks if not check.passed}
    clean(draft)


def test_prompts_hold_no_hints_and_synthesis_nothing_internal():
    grounds = Grounds(ticket=TICKET, evidence=(PUBLIC, INTERNAL, passage(3, "힌트 본문", use=Use.HINT)))
    assert "힌트 본문" not in evidence_text(grounds.evidence)
    assert "힌트 본문" not in solution_prompt(TICKET, grounds, ()).turns[-1].text
    made = synthesis_prompt(TICKET, grounds)
    assert SAID in made.turns[-1].text and SECRET not in made.turns[-1].text
    assert [e.n for e in made.grounds.evidence] == [1]


@pytest.mark.parametrize(("most", "added"), [(4_000, True), (100, False)])
async def test_marks_make_no_reply_longer_than_its_channel_takes(most, added):
    reply = "안녕하세요, 고객님. 문의해 주셔서 감사합니다. 반품 배송비는 왕복 6,000원이며 신청은 7일 안에 하실 수 있습니다. 확인 부탁드립니다."
    reply = reply.ljust(98, "~")
    channel = TICKET.model_copy(update={"channel": "sms"})
    limits = TenantSettings(channel_max_characters={"sms": most})
    grounds = Grounds(ticket=channel, evidence=(PUBLIC,), settings=limits)
    service = MultiTierLLMService(
        [ScriptedProvider(Tier.CLOUD_PREMIUM, [speaks(reply)]), RuleBased()],
        Gate(),
        MemoryBudget(MicroUsd(1)),
    )
    made = await resolve(
        channel,
        grounds,
        Findings(answerability=1.0),
        (),
        generator=service,
        context=Context(tenant_id=UUID(int=1)),
    )
    assert ("6,000원이며" in made.reply) and ("[1]" in made.reply) is added
