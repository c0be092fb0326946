"""The whole chain with an embedding model in it: what it changes, what it sees, what it costs."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

import pytest

from ccos.domain.certificate import Certificate
from ccos.domain.draft import Outcome
from ccos.domain.errors import ProviderDown, ProviderRefused
from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Prompt, ProviderCard
from ccos.domain.ticket import Customer, Ticket
from ccos.domain.tier import Mode, Task, Tier
from ccos.domain.verdict import Verdict
from ccos.providers.embeddings import Embeddings
from ccos.providers.http import open_session
from ccos.quality.judging import CRITERIA, MOST_LOG_ODDS, Rates
from ccos.quality.likeness import LikenessOdds
from ccos.quality.model import logistic, odds
from ccos.quality.promises import Promises
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.embedder import Embedder
from ccos.tiers.judges import Judges
from ccos.tiers.relay import Relay
from ccos.tiers.request import Context
from ccos.tiers.second_opinion import Adviser, SecondOpinion
from ccos.tiers.service import MultiTierLLMService
from ccos.tiers.testing import ScriptedProvider
from support.fake_embeddings import FakeEmbeddings, fake_embeddings, vector
from support.judging import passage, prompt
from support.likeness_sets import PASSAGE, QUESTION, SAME

ASKED = prompt(passage(PASSAGE), asked=QUESTION)
GOOD = "마음이 바뀌신 경우 물건을 수령하신 날부터 이레 동안 돌려보내실 수 있습니다."
BAD = "회원 등급에 맞는 적립금을 매장에서 사용하실 수 있습니다."
HERE = ProviderCard(Tier.LOCAL_TINYLLAMA, "embedding", "bag")
AWAY = ProviderCard(Tier.CLOUD_PREMIUM, "embedding", "bag", leaves_machine=True)
PAID = ProviderCard(Tier.CLOUD_PREMIUM, "embedding", "bag", paid=True, leaves_machine=True)
ODDS = LikenessOdds(
    slope=10.0,
    intercept=-4.0,
    scorer="fixed",
    labels=200,
    auroc_gate=0.7,
    auroc_likeness=0.8,
    auroc_both=0.85,
    gain=(0.02, 0.2),
)
PLENTY = MicroUsd(10**9)


@dataclass
class FixedGate:
    """Finds every reply of one quality."""

    quality: float
    promises: Promises | None = None

    def judge(self, prompt: Prompt, answer, *, tenant_id=None, tier=None) -> Verdict:
        if answer.provider == "rules":
            return Verdict(0.1, "fixed", answer.text)
        promise = self.promises and self.promises.promise(
            tenant_id, prompt.task, tier, scorer="fixed", quality=self.quality
        )
        return Verdict(self.quality, "fixed", answer.text, promise=promise)


class Slow:
    """Knows every text at once but those with `word` in them, which wait for `ready`."""

    def __init__(self, word: str) -> None:
        self.word, self.ready, self.heard = word, asyncio.Event(), list[str]()

    async def vectors(self, texts: Sequence[str], *, seconds: float):
        self.heard += texts
        if any(self.word in text for text in texts):
            await self.ready.wait()
        return _Found([vector(text, SAME) for text in texts])


@dataclass
class _Found:
    vectors: list[list[float]]
    tokens: int | None = None


@pytest.fixture
def fake() -> Iterator[FakeEmbeddings]:
    with fake_embeddings(same=SAME) as made:
        yield made


@asynccontextmanager
async def embedder(
    fake: FakeEmbeddings, card: ProviderCard = HERE, known: LikenessOdds | None = ODDS, **options
) -> AsyncIterator[Embedder]:
    async with open_session(keepalive_seconds=0) as session:
        client = Embeddings(session=session, base_url=fake.url, model="bag")
        made = Embedder(client, card, known, **{"seconds": 5.0, **options})
        yield made
        await made.aclose()


def chain(adviser: Adviser, text: str, quality: float = 0.5, *more: Adviser, promises=None, judge=None):
    author = ScriptedProvider(Tier.LOCAL_MINIMAX, [text], model="qwen-7b")
    rules = ScriptedProvider(Tier.RULE_BASED, ["확인 후 안내드리겠습니다."], name="rules")
    return MultiTierLLMService(
        [*([judge] if judge else []), author, rules],
        FixedGate(quality, promises),
        MemoryBudget(PLENTY),
        opinion=SecondOpinion([adviser, *more], promises),
        dice=random.Random(1),
    )


async def test_the_same_in_other_words_is_lifted_over_the_bar_at_no_cost(fake) -> None:
    async with embedder(fake) as adviser:
        made = await chain(adviser, GOOD).generate_with_fallback(ASKED)
    assert made.accepted and made.tier is Tier.LOCAL_MINIMAX and made.quality_score > 0.8
    assert made.verdict.scores[0][0] == "likeness"
    assert made.quality_score == pytest.approx(logistic(made.verdict.scores[0][1]))
    assert [a.task for a in made.attempts] == [Task.SOLUTION_DRAFT] and made.spent == 0


async def test_something_else_is_refused_though_the_gate_alone_would_have_passed_it(fake) -> None:
    async with embedder(fake) as adviser:
        made = await chain(adviser, BAD, 0.75).generate_with_fallback(ASKED)
    first = made.attempts[0]
    assert (first.outcome, first.reason) == (Outcome.REFUSED_BY_GATE, "quality.low")
    assert first.quality is not None and first.quality < 0.5


@pytest.mark.parametrize("quality", [0.1, 0.95])
async def test_a_sure_gate_asks_nobody(fake, quality: float) -> None:
    async with embedder(fake) as adviser:
        await chain(adviser, GOOD, quality).generate_with_fallback(ASKED)
    assert fake.calls == 0


@pytest.mark.parametrize(
    "known",
    [None, ODDS.model_copy(update={"labels": 99}), ODDS.model_copy(update={"scorer": "another gate"})],
    ids=["nothing learned", "hardly tried", "learned beside another gate"],
)
async def test_who_did_not_prove_itself_beside_this_gate_is_not_asked(fake, known) -> None:
    async with embedder(fake, known=known) as adviser:
        made = await chain(adviser, GOOD, 0.75).generate_with_fallback(ASKED)
    assert fake.calls == 0 and made.quality_score == 0.75


@pytest.mark.parametrize(
    "trouble",
    [{"fault": 503}, {"fault": 401}, {"body": b"{}"}, {"seconds": 0.4}],
    ids=["down", "key refused", "nonsense", "slow"],
)
async def test_an_outage_changes_nothing_and_is_not_waited_for_again_and_again(fake, trouble) -> None:
    for name, value in trouble.items():
        setattr(fake, name, value)
    async with embedder(fake, seconds=0.1) as adviser:
        service = chain(adviser, GOOD, 0.75)
        for _ in range(12):
            made = await service.generate_with_fallback(ASKED)
            assert made.accepted and made.quality_score == 0.75
            assert made.verdict.scores == () and not made.degraded
        asked = fake.calls
        await service.generate_with_fallback(ASKED)
        assert asked <= 10 and fake.calls == asked  # its breaker opened after five


async def test_a_model_that_is_not_loaded_is_no_opinion() -> None:
    class Loading:
        async def vectors(self, texts: Sequence[str], *, seconds: float):
            raise ProviderDown("The model is being loaded.")

    made = await chain(Embedder(Loading(), HERE, ODDS), GOOD, 0.75).generate_with_fallback(ASKED)
    assert made.accepted and made.quality_score == 0.75


FULL = prompt(
    passage("김보라 고객님 문의는 010-2345-6789 번으로 안내했습니다. " + PASSAGE),
    asked=Ticket(
        description="반품은 언제까지 되나요? 010-2345-6789로 알려 주세요. bora.kim@example.com 입니다.",
        customer=Customer(name="김보라", email="bora.kim@example.com", phone="010-2345-6789"),
    ),
)
REPLY = "김보라 고객님, 마음이 바뀌신 경우 이레 동안 됩니다. 결과는 010-2345-6789로 알려 드립니다."


async def test_a_server_outside_reads_masked_texts_only(fake) -> None:
    async with embedder(fake, AWAY) as adviser:
        made = await chain(adviser, REPLY).generate_with_fallback(FULL)
    heard = " ".join(fake.heard)
    assert made.quality_score != 0.5 and "이레 동안" in heard
    for personal in ("010", "2345", "6789", "보라", "bora", "example.com"):
        assert personal not in heard
    assert heard.count("[전화번호_1]") >= 2  # the same number is the same placeholder everywhere


async def test_texts_are_masked_before_they_are_cut_into_sentences(fake) -> None:
    """What a number is, the words around it say; cut off from them, nobody would know."""
    ticket = Ticket(description=f"{QUESTION} 환불은 국민은행이고요. 123456-01-123456 여기로 부탁드려요?")
    text = f"{GOOD} {'가' * 290} 카드 4111 1111 1111 1111 확인했습니다."
    async with embedder(fake, AWAY) as adviser:
        await chain(adviser, text).generate_with_fallback(prompt(passage(PASSAGE), asked=ticket))
    heard = " ".join(fake.heard)
    assert "이레" in heard
    assert "123456" not in heard and "4111" not in heard


async def test_a_model_of_our_own_reads_texts_as_they_are(fake) -> None:
    async with embedder(fake) as adviser:
        await chain(adviser, REPLY).generate_with_fallback(FULL)
    assert "010-2345-6789" in " ".join(fake.heard)


@pytest.mark.parametrize(
    "context",
    [
        {"pii": "local_only"},
        {"pii": "unreadable"},
        {"cloud_allowed": False},
        {"mode": Mode.OUTAGE},
        {"relay": Relay(lambda _piece: None)},
    ],
    ids=lambda context: next(iter(context)),
)
async def test_what_must_stay_here_is_shown_to_no_server_outside(fake, context) -> None:
    async with embedder(fake, AWAY) as adviser:
        made = await chain(adviser, GOOD, 0.75).generate_with_fallback(ASKED, Context(**context))
    assert fake.calls == 0 and made.quality_score == 0.75


@pytest.mark.parametrize("where", ["answer", "passage", "question"])
async def test_a_resident_number_anywhere_keeps_all_of_it_here(fake, where: str) -> None:
    number = " 번호는 900417-1234568 입니다."
    words = {name: number if name == where else "" for name in ("answer", "passage", "question")}
    asked = prompt(passage(PASSAGE + words["passage"]), asked=QUESTION + words["question"])
    async with embedder(fake, AWAY) as adviser:
        service = chain(adviser, GOOD + words["answer"], 0.75)
        for _ in range(8):  # and that says nothing of the server's health
            await service.generate_with_fallback(asked)
        assert fake.calls == 0
        assert (await service.generate_with_fallback(ASKED)).quality_score != 0.75 or where == "answer"


async def test_passages_are_asked_for_once_and_a_customers_words_every_time(fake) -> None:
    async with embedder(fake) as adviser:
        for _ in range(3):
            await adviser.likeness(ASKED, GOOD, seconds=5)
    assert fake.heard.count("반품 안내") == 1
    assert fake.heard.count(GOOD) == 3


async def test_passages_that_take_longer_than_an_opinion_are_there_for_the_next_one() -> None:
    slow = Slow("단순 변심")
    adviser = Embedder(slow, HERE, ODDS, seconds=0.05)
    service = chain(adviser, GOOD, 0.75)
    first = await service.generate_with_fallback(ASKED)
    assert first.quality_score == 0.75
    slow.ready.set()
    await asyncio.sleep(0)
    second = await service.generate_with_fallback(ASKED)
    assert second.quality_score > 0.9 and slow.heard.count("반품 안내") == 1
    await adviser.aclose()


async def test_closing_ends_what_is_still_being_read() -> None:
    slow = Slow("단순 변심")
    adviser = Embedder(slow, HERE, ODDS, seconds=0.05)
    await chain(adviser, GOOD, 0.75).generate_with_fallback(ASKED)
    await adviser.aclose()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "read passages"]


async def test_another_model_behind_the_same_door_is_noticed(fake) -> None:
    class Grown:
        width = 8

        async def vectors(self, texts: Sequence[str], *, seconds: float):
            return _Found([[*vector(text)[: self.width], 1.0] for text in texts])

    grown = Grown()
    adviser = Embedder(grown, HERE, ODDS)
    await adviser.likeness(ASKED, GOOD, seconds=1)
    grown.width = 16
    with pytest.raises(ProviderDown):
        await adviser.likeness(ASKED, GOOD, seconds=1)
    assert await adviser.likeness(ASKED, GOOD, seconds=1) is not None


async def test_a_paid_server_is_held_against_the_days_money_and_written_down(fake) -> None:
    budget = MemoryBudget(PLENTY)
    async with embedder(fake, PAID, budget=budget, usd_per_million=Decimal("0.5")) as adviser:
        made = await chain(adviser, GOOD).generate_with_fallback(ASKED)
    texts = len(fake.heard)
    assert made.accepted and budget.spent == made.spent == -(-7 * texts // 2)
    call = next(a for a in made.attempts if a.task is Task.JUDGEMENT)
    assert (call.provider, call.model, call.tokens_in) == ("embedding", "bag", 7 * texts)
    assert call.cost_usd == made.spent / 1e6 and not made.fallback_used


@pytest.mark.parametrize(
    ("limit", "price"), [(MicroUsd(1), Decimal("0.5")), (PLENTY, None)], ids=["no money", "no price"]
)
async def test_without_money_or_a_price_it_is_not_called(fake, limit: MicroUsd, price) -> None:
    budget = MemoryBudget(limit)
    async with embedder(fake, PAID, budget=budget, usd_per_million=price) as adviser:
        made = await chain(adviser, GOOD, 0.75).generate_with_fallback(ASKED)
    assert fake.calls == 0 and made.quality_score == 0.75 and budget.spent == made.spent == 0


def judgement(made):
    """What is written down of the paid call."""
    (call,) = (each for each in made.attempts if each.task is Task.JUDGEMENT)
    return call


@pytest.mark.parametrize(
    ("trouble", "reason", "charged"),
    [
        ({"fault": 500}, "provider.down", False),  # a status is a refusal, like with any provider
        ({"fault": 401}, "provider.refused", False),
        ({"body": b"{}"}, "provider.down", True),
        ({"seconds": 1.0}, "provider.timeout", True),
    ],
    ids=["status", "key refused", "nonsense", "too late"],
)
async def test_a_failed_call_that_may_be_billed_is_charged_whole_and_no_other(
    fake, trouble, reason: str, charged: bool
) -> None:
    for name, value in trouble.items():
        setattr(fake, name, value)
    budget = MemoryBudget(PLENTY)
    options = {"budget": budget, "usd_per_million": Decimal(1), "seconds": 0.5}
    async with embedder(fake, PAID, **options) as adviser:
        made = await chain(adviser, GOOD, 0.75).generate_with_fallback(ASKED)
    assert (budget.spent > 100) is charged and made.spent == budget.spent
    assert made.accepted and made.quality_score == 0.75
    call = judgement(made)
    assert (call.outcome, call.reason, call.cost_usd) == (Outcome.FAILED, reason, budget.spent / 1e6)


@pytest.mark.parametrize("cause", ["connect", "dns"])
async def test_a_call_that_never_arrived_costs_nothing_and_is_written_as_failed(cause: str) -> None:
    class Unreachable:
        async def vectors(self, texts: Sequence[str], *, seconds: float):
            raise ProviderDown(cause=cause)

    budget = MemoryBudget(PLENTY)
    adviser = Embedder(Unreachable(), PAID, ODDS, budget=budget, usd_per_million=Decimal(1))
    made = await chain(adviser, GOOD, 0.75).generate_with_fallback(ASKED)
    call = judgement(made)
    assert (call.outcome, call.reason, call.cost_usd) == (Outcome.FAILED, "provider.down", 0.0)
    assert budget.spent == made.spent == 0 and made.accepted


async def test_a_port_that_nobody_listens_at_costs_nothing(fake) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and not listening
        fake.url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        budget = MemoryBudget(PLENTY)
        async with embedder(fake, PAID, budget=budget, usd_per_million=Decimal(1)) as adviser:
            made = await chain(adviser, GOOD, 0.75).generate_with_fallback(ASKED)
    assert judgement(made).outcome is Outcome.FAILED and budget.spent == made.spent == 0


class Broken:
    """Breaks the promise to raise nothing but a ProviderError."""

    fault: BaseException | None = None

    async def vectors(self, texts: Sequence[str], *, seconds: float):
        if self.fault is not None:
            raise self.fault
        return _Found([vector(text, SAME) for text in texts])


@pytest.mark.parametrize("fault", [KeyError("data"), asyncio.CancelledError()], ids=["a bug", "cancelled"])
async def test_whatever_ends_a_probe_gives_its_place_back(fault: BaseException) -> None:
    now, broken = [0.0], Broken()
    budget = MemoryBudget(PLENTY)
    options = {"budget": budget, "usd_per_million": Decimal(1), "clock": lambda: now[0]}
    adviser = Embedder(broken, PAID, ODDS, **options)
    service = chain(adviser, GOOD, 0.75)
    broken.fault = ProviderDown(cause="connect")
    for _ in range(6):
        await service.generate_with_fallback(ASKED)  # its breaker opens
    for _ in range(3):  # each probe ends in a way nobody foresaw, and another one may follow
        now[0] += 3_600
        broken.fault = fault
        spent = budget.spent
        try:
            made = await service.generate_with_fallback(ASKED)
        except asyncio.CancelledError:
            made = None
        assert budget.spent > spent  # it was asked, and what may have been sent is charged
        assert made is None or (made.accepted and judgement(made).outcome is Outcome.FAILED)
    now[0] += 3_600
    broken.fault = None
    assert (await service.generate_with_fallback(ASKED)).quality_score > 0.75


VERDICT = {name: {"met": True, "quote": "상품을 받은 뒤 일주일"} for name in CRITERIA}
YES, NO = (
    json.dumps({name: {**each, "met": met} for name, each in VERDICT.items()}, ensure_ascii=False)
    for met in (True, False)
)
JUDGES = Judges({"claude-x": Rates(true_positive=0.85, true_negative=0.85, labels=400, good=200, bad=200)})


def judge_that_says(text: str) -> ScriptedProvider:
    return ScriptedProvider(Tier.CLOUD_PREMIUM, [text], name="cloud", model="claude-x", cost=MicroUsd(700))


async def test_a_judge_is_not_asked_when_likeness_made_it_sure(fake) -> None:
    judge = judge_that_says(NO)
    async with embedder(fake) as adviser:
        made = await chain(adviser, GOOD, 0.6, JUDGES, judge=judge).generate_with_fallback(ASKED)
    assert made.quality_score > 0.9 and judge.calls == [] and made.spent == 0


async def test_opinions_add_up_and_together_reach_no_further_than_one(fake) -> None:
    weak = ODDS.model_copy(update={"slope": 2.0, "intercept": -0.5})
    judge = judge_that_says(YES)
    async with embedder(fake, known=weak) as adviser:
        made = await chain(adviser, GOOD, 0.4, JUDGES, judge=judge).generate_with_fallback(ASKED)
        said = dict(made.verdict.scores)
        assert said.keys() == {"likeness", "second_opinion"} and all(more > 0 for more in said.values())
        total = odds(made.quality_score) - odds(0.4)
        assert total == pytest.approx(min(sum(said.values()), MOST_LOG_ODDS), abs=1e-6)
        assert total > max(said.values())


async def test_a_shipped_certificate_promises_no_more_for_likeness_and_less_without(fake) -> None:
    levels = [
        Certificate(Task.SOLUTION_DRAFT, None, required, at, 300, 100, 5, 0.1, "fixed", "shipped")
        for required, at in ((0.7, 0.6), (0.8, 0.8))
    ]
    promises = Promises(levels)
    async with embedder(fake) as adviser:
        lifted = await chain(adviser, GOOD, 0.65, promises=promises).generate_with_fallback(ASKED)
        lowered = await chain(adviser, BAD, 0.85, promises=promises).generate_with_fallback(ASKED)
    assert lifted.quality_score > 0.9 and lifted.verdict.promise is not None
    assert lifted.verdict.promise.kept == 0.7
    refused = next(a for a in lowered.attempts if a.tier is Tier.LOCAL_MINIMAX)
    assert refused.outcome is Outcome.REFUSED_BY_GATE


async def test_a_refused_text_raises_for_who_asks_directly(fake) -> None:
    async with embedder(fake, AWAY) as adviser:
        with pytest.raises(ProviderRefused, match="resident number"):
            await adviser.likeness(ASKED, GOOD + " 900417-1234568", seconds=1)
        assert await adviser.likeness(ASKED, "감사합니다.", seconds=1) is None
