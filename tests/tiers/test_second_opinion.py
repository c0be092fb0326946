"""The whole chain with a judge in it: who is asked, what its word does, and what it costs."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

from ccos.domain.certificate import Certificate
from ccos.domain.draft import Outcome
from ccos.domain.errors import ProviderDown
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Prompt
from ccos.domain.tier import Mode, Task, Tier
from ccos.domain.verdict import Promise, Verdict
from ccos.quality.judging import CRITERIA, Rates
from ccos.quality.promises import Promises
from ccos.tiers.board import Board
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.judges import Judges
from ccos.tiers.ledger import Entry
from ccos.tiers.relay import Relay
from ccos.tiers.request import Context
from ccos.tiers.second_opinion import SecondOpinion, Unsure
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.testing import ScriptedProvider, Step
from support.judging import passage, prompt

ASKED = prompt(passage("반품은 수령 후 7일 이내에 신청하실 수 있습니다."), asked="반품은 언제까지 되나요?")
GOOD, BAD = (
    json.dumps({name: {"met": met, "quote": "수령 후 7일 이내에"} for name in CRITERIA}, ensure_ascii=False)
    for met in (True, False)
)
RATES = Rates(true_positive=0.85, true_negative=0.85, labels=400, good=200, bad=200)


class FixedGate:
    """Finds every reply of one quality; verdicts of the judge are in good form."""

    def __init__(self, quality: float, promises: Promises | None = None) -> None:
        self.quality, self.promises = quality, promises

    def judge(self, prompt: Prompt, answer, *, tenant_id=None, tier=None) -> Verdict:
        if answer.provider == "rules":
            return Verdict(0.1, "fixed", answer.text)
        promise = self.promises and self.promises.promise(
            tenant_id, prompt.task, tier, scorer="fixed", quality=self.quality
        )
        return Verdict(self.quality, "fixed", answer.text, promise=promise)


def chain(quality: float, *says: Step, judge_model: str = "claude-x", rates: Rates = RATES, promises=None):
    author = ScriptedProvider(Tier.LOCAL_MINIMAX, ["7일 이내에 신청해 주세요."], model="qwen-7b")
    judge = ScriptedProvider(
        Tier.CLOUD_PREMIUM, list(says), name="cloud", model=judge_model, cost=MicroUsd(700)
    )
    rules = ScriptedProvider(Tier.RULE_BASED, ["확인 후 안내드리겠습니다."], name="rules")
    opinion = SecondOpinion([Judges({judge_model: rates})], promises)
    budget = MemoryBudget(MicroUsd(10**9))
    service = MultiTierLLMService(
        [judge, author, rules],
        FixedGate(quality, promises),
        budget,
        opinion=opinion,
        dice=random.Random(1),
    )
    return service, judge, budget


async def generate(service: MultiTierLLMService, **context):
    return await service.generate_with_fallback(ASKED, Context(**context))


async def test_a_yes_lifts_an_unsure_reply_over_the_bar_and_is_paid_for() -> None:
    service, _judge, budget = chain(0.5, GOOD)
    made = await generate(service)
    assert made.accepted and made.tier is Tier.LOCAL_MINIMAX
    assert made.quality_score == pytest.approx(0.85, abs=0.01)
    assert made.verdict.scores[0][0] == "second_opinion" and made.verdict.scores[0][1] > 0
    assert [(a.task, a.tier, a.outcome) for a in made.attempts] == [
        (Task.JUDGEMENT, Tier.CLOUD_PREMIUM, Outcome.ACCEPTED),
        (Task.SOLUTION_DRAFT, Tier.LOCAL_MINIMAX, Outcome.ACCEPTED),
    ]
    assert made.spent == 700 and not made.fallback_used
    assert budget.spent == 700


async def test_a_no_refuses_a_reply_that_would_have_passed() -> None:
    service, _judge, _ = chain(0.75, BAD, "다른 답변입니다.")
    made = await generate(service)
    mine = [a for a in made.attempts if a.tier is Tier.LOCAL_MINIMAX]
    assert [(a.outcome, a.reason) for a in mine] == [(Outcome.REFUSED_BY_GATE, "quality.low")]
    assert mine[0].quality == pytest.approx(0.35, abs=0.02)


@pytest.mark.parametrize("quality", [0.1, 0.95])
async def test_a_sure_gate_asks_nobody(quality: float) -> None:
    service, _judge, _ = chain(quality, "답변", "답변")
    made = await generate(service)
    assert all(a.task is not Task.JUDGEMENT for a in made.attempts)


@pytest.mark.parametrize(
    ("model", "rates"),
    [
        ("qwen-plus", RATES),  # its own family
        (
            "claude-x",
            Rates(true_positive=0.6, true_negative=0.5, labels=400, good=200, bad=200),
        ),  # no better than a coin
        ("claude-x", Rates(true_positive=0.9, true_negative=0.9, labels=50, good=25, bad=25)),  # hardly tried
    ],
)
async def test_who_is_not_heard(model: str, rates: Rates) -> None:
    service, judge, _ = chain(0.75, BAD, judge_model=model, rates=rates)
    made = await generate(service)
    assert made.accepted and made.quality_score == 0.75
    assert judge.calls == []


@pytest.mark.parametrize("said", ["좋은 답변 같습니다.", ProviderDown(cause="reset")])
async def test_a_judge_that_fails_changes_nothing(said: Step) -> None:
    service, *_ = chain(0.75, said, said)
    made = await generate(service)
    assert made.accepted and made.tier is Tier.LOCAL_MINIMAX and made.quality_score == 0.75
    assert not made.degraded and made.reason.startswith("cost_first")


async def test_what_must_stay_here_is_shown_to_no_cloud() -> None:
    service, judge, _ = chain(0.75, BAD)
    made = await generate(service, pii="local_only")
    assert made.accepted and judge.calls == []


async def test_words_that_are_already_out_are_past_an_opinion() -> None:
    service, judge, _ = chain(0.75, BAD)
    made = await generate(service, relay=Relay(lambda _piece: None))
    assert made.accepted and judge.calls == []


async def test_a_shipped_certificate_promises_no_more_for_a_yes_and_less_for_a_no() -> None:
    levels = [
        Certificate(Task.SOLUTION_DRAFT, None, required, at, 300, 100, 5, 0.1, "fixed", "shipped")
        for required, at in ((0.7, 0.6), (0.8, 0.8))
    ]
    promises = Promises(levels)
    lifted, *_ = chain(0.65, GOOD, promises=promises)
    made = await generate(lifted)
    assert made.quality_score > 0.9 and made.verdict.promise == Promise(0.7, 0.0)
    lowered, *_ = chain(0.85, BAD, "다른 답변", promises=promises)
    refused = [a for a in (await generate(lowered)).attempts if a.tier is Tier.LOCAL_MINIMAX]
    assert refused[0].outcome is Outcome.REFUSED_BY_GATE


class Odd:
    """An adviser that breaks its promise, or is still thinking when nobody waits any more."""

    name = "odd"

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault, self.asked = fault, asyncio.Event()

    async def log_odds(self, unsure: Unsure) -> float | None:
        self.asked.set()
        if self.fault is not None:
            raise self.fault
        await asyncio.sleep(3600)
        return None


class Noted:
    """A ledger that keeps what it is told."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def note(self, entry: Entry) -> None:
        self.entries.append(entry)


def advised(adviser: Odd, ledger: Noted) -> tuple[MultiTierLLMService, MemoryBudget]:
    author = ScriptedProvider(Tier.CLOUD_PREMIUM, ["7일 이내에 신청해 주세요."], cost=MicroUsd(7_000))
    rules = ScriptedProvider(Tier.RULE_BASED, ["확인 후 안내드리겠습니다."], name="rules")
    budget = MemoryBudget(MicroUsd(10**9))
    service = MultiTierLLMService(
        [author, rules], FixedGate(0.75), budget, ledger=ledger, opinion=SecondOpinion([adviser])
    )
    return service, budget


async def test_a_fault_of_an_adviser_is_no_word_on_the_answer() -> None:
    service, _ = advised(Odd(ValueError("odd")), Noted())
    made = await generate(service)
    assert made.accepted and made.tier is Tier.CLOUD_PREMIUM and made.quality_score == 0.75


async def test_an_answer_that_is_there_stays_in_the_books_when_nobody_waits_for_the_opinion() -> None:
    adviser, ledger = Odd(), Noted()
    service, budget = advised(adviser, ledger)
    work = asyncio.create_task(generate(service))
    await adviser.asked.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert budget.spent == 7_000
    assert [(e.outcome, e.spent) for e in ledger.entries] == [(Outcome.CANCELLED, 7_000)]


async def test_an_answer_that_is_outrun_while_it_waits_for_an_opinion_stays_in_the_books() -> None:
    class OfTheCloud(Odd):
        async def log_odds(self, unsure: Unsure) -> float | None:
            return await super().log_odds(unsure) if unsure.tier is Tier.CLOUD_PREMIUM else None

    adviser, ledger, budget = OfTheCloud(), Noted(), MemoryBudget(MicroUsd(10**9))
    providers = [
        ScriptedProvider(Tier.CLOUD_PREMIUM, ["7일 이내에 신청해 주세요."], cost=MicroUsd(7_000)),
        ScriptedProvider(Tier.LOCAL_MINIMAX, ["일주일 안에 신청해 주세요."]),
        ScriptedProvider(Tier.RULE_BASED, ["확인 후 안내드리겠습니다."], name="rules"),
    ]
    board = Board(p.card.deployment for p in providers)
    for _ in range(20):
        board.note(
            providers[0].card.deployment,
            lambda p: p.after_success(0.05, 0.0, at=0.0, admitted_at=0.0),
        )
    service = MultiTierLLMService(
        providers, FixedGate(0.75), budget, board=board, ledger=ledger, opinion=SecondOpinion([adviser])
    )
    made = await generate(service, mode=Mode.LATENCY_FIRST)
    assert made.tier is Tier.LOCAL_MINIMAX and adviser.asked.is_set()
    assert made.spent == budget.spent == 7_000 and not made.degraded
    lost = [e for e in ledger.entries if e.tier is Tier.CLOUD_PREMIUM]
    assert [(e.outcome, e.spent, e.used) for e in lost] == [(Outcome.CANCELLED, 7_000, False)]
    assert (Tier.CLOUD_PREMIUM, Outcome.CANCELLED) in [(a.tier, a.outcome) for a in made.attempts]


@pytest.mark.parametrize(
    ("measured", "asked", "heard"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o-2024-08-06", "gpt-4o", True),
        ("claude-haiku@20240307", "claude-haiku", True),
        ("gpt-4o-mini", "gpt-4o", False),
        ("gpt-4o-mini-2024-07-18", "gpt-4o", False),
        ("claude-sonnet-4-5", "claude-sonnet-4", False),
        ("gpt-4o", "gpt-4o-2024-08-06", False),
    ],
)
async def test_only_a_dated_edition_of_a_model_speaks_with_its_rates(measured, asked, heard) -> None:
    judge = ScriptedProvider(Tier.CLOUD_PREMIUM, [GOOD], name="cloud", model=asked)
    author = ScriptedProvider(Tier.LOCAL_MINIMAX, ["7일 이내에 신청해 주세요."], model="qwen-7b")
    rules = ScriptedProvider(Tier.RULE_BASED, ["확인 후 안내드리겠습니다."], name="rules")
    service = MultiTierLLMService(
        [judge, author, rules],
        FixedGate(0.75),
        MemoryBudget(MicroUsd(10**9)),
        opinion=SecondOpinion([Judges({measured: RATES})]),
    )
    await generate(service)
    assert bool(judge.calls) is heard
