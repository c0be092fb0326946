import asyncio
import random
from dataclasses import fields, replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccos.domain.evidence import Evidence, EvidenceKind, Visibility
from ccos.domain.prompt import Answer, Grounds, Prompt, Turn
from ccos.domain.tenant import TenantSettings
from ccos.domain.ticket import Customer, Message, Ticket
from ccos.domain.tier import Task
from ccos.domain.verdict import Verdict, Veto
from ccos.tiers.cache import AnswerCache, Kept, Key

SHOP, OTHER = UUID(int=1), UUID(int=2)
CLOUD = "tier_0/openai/gpt-4o/ab12"

EVIDENCE = Evidence(
    n=1,
    kind=EvidenceKind.KB,
    id="refund",
    title="환불",
    snippet="영업일 3일 안에 환불해 드립니다.",
    score=1.0,
    updated_at=datetime(2026, 11, 1, tzinfo=UTC),
)
TICKET = Ticket(
    id="t1",
    subject="환불",
    description="환불 되나요?",
    customer=Customer(name="김하늘"),
    conversation_history=(Message(role="customer", text="안녕하세요", at=datetime(2026, 11, 2, tzinfo=UTC)),),
)
GROUNDS = Grounds(ticket=TICKET, evidence=(EVIDENCE,), intent="refund", intent_confidence=0.8)
PROMPT = Prompt(Task.SOLUTION_DRAFT, "짧게 답하세요.", (Turn("user", "환불 되나요?"),), GROUNDS)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def kept(text: str = "네, 됩니다.", **payload: object) -> Kept:
    return Kept(Answer(text, "openai", "gpt-4o"), Verdict(0.8, "baseline", text, payload=payload or None))


def key(cache: AnswerCache, prompt: Prompt = PROMPT, tenant: UUID = SHOP, *, required: float = 0.7) -> Key:
    found = cache.key(prompt, tenant, CLOUD, required_quality=required)
    assert found is not None
    return found


def asked(text: str) -> Prompt:
    return replace(PROMPT, turns=(Turn("user", text),))


# What makes two questions the same


@pytest.mark.parametrize(
    "spelling",
    [
        "환불 되나요?  \r\n주문 7번",
        "환불 되나요?\r주문 7번\t",
        "\u1112\u116a\u11ab\u1107\u116e\u11af 되나요?\n주문 7번",
    ],
)
def test_how_a_question_is_encoded_makes_no_difference(spelling):
    cache = AnswerCache()
    assert key(cache, asked(spelling)) == key(cache, asked("환불 되나요?\n주문 7번"))


@pytest.mark.parametrize(
    "other",
    [
        "환불 안 되나요?",
        "환불되나요?",
        "환불 되나요",
        "환불  되나요?",
        "환불 되나요?\n",
        " 환불 되나요?",
        "환불 되나요? 7",
        "환불 되나요？",
    ],
)
def test_whatever_could_change_the_meaning_does(other):
    cache = AnswerCache()
    assert key(cache, asked(other)) != key(cache)


def test_capitals_and_digits_count():
    cache = AnswerCache()
    spellings = ["coupon A1", "coupon a1", "coupon A2", "coupon A01"]
    assert len({key(cache, asked(text)) for text in spellings}) == len(spellings)


CHANGES: dict[str, Prompt] = {
    "task": replace(PROMPT, task=Task.KB_SYNTHESIS),
    "system": replace(PROMPT, system="길게 답하세요."),
    "turns": replace(PROMPT, turns=(Turn("assistant", "환불 되나요?"),)),
    "more turns": replace(PROMPT, turns=(*PROMPT.turns, Turn("assistant", "네."))),
    "schema": replace(PROMPT, schema={"type": "object"}),
    "schema order": replace(PROMPT, schema={"type": "object", "maximum": 10**30}),
    "max_tokens": replace(PROMPT, max_tokens=801),
    "temperature": replace(PROMPT, temperature=0.21),
    "grounds": replace(PROMPT, grounds=Grounds()),
    "tenant_id": replace(PROMPT, tenant_id=OTHER),
}
GROUND_CHANGES: dict[str, Grounds] = {
    "ticket": replace(GROUNDS, ticket=None),
    "customer": replace(GROUNDS, ticket=TICKET.model_copy(update={"customer": Customer(name="김바다")})),
    "category": replace(GROUNDS, ticket=TICKET.model_copy(update={"category": "결제"})),
    "evidence": replace(GROUNDS, evidence=()),
    "language": replace(GROUNDS, language="en"),
    "intent": replace(GROUNDS, intent="exchange"),
    "intent_confidence": replace(GROUNDS, intent_confidence=0.81),
    "settings": replace(GROUNDS, settings=TenantSettings(banned_phrases=("절대",))),
    "recorded_actions": replace(GROUNDS, recorded_actions=("refund accepted",)),
    **{
        f"evidence {name}": replace(GROUNDS, evidence=(EVIDENCE.model_copy(update={name: value}),))
        for name, value in {
            "n": 2,
            "id": "refunds",
            "snippet": "영업일 7일 안에 환불해 드립니다.",
            "title": "반품",
            "visibility": Visibility.INTERNAL,
            "updated_at": datetime(2026, 11, 2, tzinfo=UTC),
        }.items()
    },
}


def test_each_part_of_a_prompt_and_its_grounds_makes_another_key():
    cache = AnswerCache()
    prompts = [PROMPT, *CHANGES.values(), *(replace(PROMPT, grounds=g) for g in GROUND_CHANGES.values())]
    assert len({key(cache, prompt) for prompt in prompts}) == len(prompts)


def test_no_field_was_added_to_a_prompt_without_a_thought_for_its_key():
    assert {f.name for f in fields(Prompt)} <= CHANGES.keys()
    assert {f.name for f in fields(Grounds)} <= GROUND_CHANGES.keys()


def test_what_no_answer_depends_on_makes_no_other_key():
    cache = AnswerCache()
    again = TICKET.model_copy(
        update={
            "id": "t2",
            "external_id": "Z-9",
            "created_at": datetime(2026, 11, 9, tzinfo=UTC),
            "conversation_history": (Message(role="customer", text="안녕하세요"),),
        }
    )
    passage = EVIDENCE.model_copy(update={"score": 0.3})
    assert key(cache, replace(PROMPT, grounds=replace(GROUNDS, ticket=again, evidence=(passage,)))) == key(
        cache
    )


def test_tenant_deployment_and_the_bar_belong_to_the_key():
    cache = AnswerCache()
    first = key(cache)
    assert key(cache, tenant=OTHER) != first
    assert key(cache, tenant=OTHER)[16:] != first[16:]
    assert key(cache, required=0.9) != first
    assert cache.key(PROMPT, SHOP, "tier_0/openai/gpt-4o/cd34", required_quality=0.7) != first


WORDS = st.text(alphabet="ab환\n:1", max_size=6)


@given(WORDS, WORDS, WORDS)
def test_text_that_moves_from_one_part_to_the_next_is_another_question(system, one, two):
    cache = AnswerCache()
    parts = [(system, one + two), (system + one, two), (system, one, two), (system + one + two, "")]
    prompts = [replace(PROMPT, system=s, turns=tuple(Turn("user", t) for t in texts)) for s, *texts in parts]
    assert len({key(cache, prompt) for prompt in prompts}) == len(set(parts))


def test_where_one_turn_ends_and_the_next_begins_is_part_of_the_question():
    cache = AnswerCache()
    talks = [("x", "yuserz"), ("xusery", "z")]
    prompts = [replace(PROMPT, turns=tuple(Turn("user", text) for text in talk)) for talk in talks]
    assert key(cache, prompts[0]) != key(cache, prompts[1])


def test_a_key_holds_no_text_and_is_another_one_in_another_process():
    cache = AnswerCache()
    assert len(key(cache)) == 16 + 32
    assert key(cache)[16:] != key(AnswerCache())[16:]


def test_without_a_tenant_or_with_a_high_temperature_nothing_is_kept():
    cache = AnswerCache()
    assert cache.key(PROMPT, None, CLOUD, required_quality=0.7) is None
    assert cache.key(replace(PROMPT, temperature=0.31), SHOP, CLOUD, required_quality=0.7) is None
    assert cache.key(replace(PROMPT, temperature=0.3), SHOP, CLOUD, required_quality=0.7) is not None


def test_a_text_that_is_no_proper_unicode_still_has_a_key():
    cache = AnswerCache()
    assert key(cache, asked("\ud800")) != key(cache, asked("\ud801"))


# What is kept, and for how long


def test_an_answer_comes_back_whole():
    cache = AnswerCache()
    whole = Kept(
        Answer(
            "네.", "openai", "gpt-4o", tokens_in=7, tokens_out=3, first_token_seconds=0.2, approved=("네.",)
        ),
        Verdict(0.8, "baseline", "네.", scores=(("length", 0.5),), payload={"citations": [1], "kind": None}),
    )
    cache.put(key(cache), whole)
    assert cache.get(key(cache)) == whole
    assert cache.get(key(cache, tenant=OTHER)) is None


def test_what_a_reader_does_to_an_answer_does_not_change_what_is_kept():
    cache = AnswerCache()
    cache.put(key(cache), kept(tags=["환불"]))
    found = cache.get(key(cache))
    assert found is not None and found.verdict.payload is not None
    found.verdict.payload["tags"] = []
    assert cache.get(key(cache)) == kept(tags=["환불"])


@pytest.mark.parametrize(
    "unsound",
    [
        replace(kept(), verdict=Verdict(0.9, "baseline", "x", vetoes=(Veto("empty", "Empty.", "escalate"),))),
        *(
            replace(kept(), answer=replace(kept().answer, finish_reason=why))
            for why in ("length", "other", "content_filter")
        ),
        kept("\ud800"),
        kept(amount=10**30),
        kept("가" * 40_000),
    ],
    ids=["vetoed", "cut short", "no known end", "filtered", "no unicode", "huge number", "too large"],
)
def test_what_is_not_fit_to_be_given_again_is_not_kept(unsound):
    cache = AnswerCache(max_bytes=100_000)
    cache.put(key(cache), unsound)
    assert (cache.get(key(cache)), cache.entries, cache.size_bytes) == (None, 0, 0)


def test_an_answer_is_given_until_its_time_is_over_however_often_it_is_asked_for():
    clock = Clock()
    cache = AnswerCache(seconds=60, clock=clock)
    cache.put(key(cache), kept())
    for _ in range(2):
        clock.now += 29.9
        assert cache.get(key(cache)) == kept()
    clock.now += 0.3
    assert cache.get(key(cache)) is None
    assert (cache.entries, cache.size_bytes) == (0, 0)


def test_the_bytes_are_bounded_and_what_was_not_asked_for_goes_first():
    cache = AnswerCache(max_bytes=20_000)
    keys = [key(cache, asked(str(n))) for n in range(30)]
    for n, each in enumerate(keys):
        cache.put(each, kept(f"{n:04}" * 100))
        cache.get(keys[0])
        assert cache.size_bytes <= 20_000
    alive = [n for n, each in enumerate(keys) if cache.get(each)]
    assert alive == [0, *range(30 - len(alive) + 1, 30)] and 5 < len(alive) < 29
    assert cache.entries == len(alive)


def test_a_newer_answer_takes_the_place_of_the_older():
    cache = AnswerCache()
    cache.put(key(cache), kept("가" * 1_000))
    cache.put(key(cache), kept("나"))
    assert cache.get(key(cache)) == kept("나")
    assert cache.entries == 1 and cache.size_bytes < 1_000


def test_a_tenant_is_forgotten_alone():
    cache = AnswerCache()
    for tenant in (SHOP, OTHER):
        cache.put(key(cache, tenant=tenant), kept())
    cache.forget(SHOP)
    assert cache.get(key(cache)) is None
    assert cache.get(key(cache, tenant=OTHER)) == kept()
    cache.forget(OTHER)
    assert (cache.entries, cache.size_bytes) == (0, 0)


def test_a_cache_of_no_size_keeps_nothing():
    cache = AnswerCache(max_bytes=0)
    cache.put(key(cache), kept())
    assert cache.get(key(cache)) is None


# One call for equal requests


class Own:
    """What an attempt came to, for its own caller alone."""

    def __init__(self, inner: Kept | None) -> None:
        self.inner = inner


def keeps(made: Own) -> Kept | None:
    return made.inner


class Calls:
    """Attempts of equal requests, each of which ends when the test says so."""

    def __init__(self, cache: AnswerCache, *, seconds: float = 60.0) -> None:
        self.cache, self.seconds = cache, seconds
        self.made: list[asyncio.Future[Own]] = []

    async def attempt(self) -> Own:
        self.made.append(asyncio.get_running_loop().create_future())
        return await self.made[-1]

    async def ask(self, *, seconds: float | None = None, prompt: Prompt = PROMPT) -> asyncio.Task[Own | Kept]:
        waits = self.seconds if seconds is None else seconds
        share = self.cache.share(key(self.cache, prompt), self.attempt, keeps, seconds=waits)
        task = asyncio.create_task(share)
        await asyncio.sleep(0)
        return task

    @property
    def at_rest(self) -> bool:
        return not self.cache._flights


async def turns() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


@pytest.fixture
def calls() -> Calls:
    return Calls(AnswerCache())


async def test_equal_requests_at_once_cost_one_call(calls):
    tasks = [await calls.ask() for _ in range(10)]
    assert len(calls.made) == 1
    own = Own(kept())
    calls.made[0].set_result(own)
    first, *others = await asyncio.gather(*tasks)
    assert first is own and others == [kept()] * 9
    assert await (await calls.ask()) == kept()
    assert len(calls.made) == 1 and calls.at_rest


async def test_other_questions_do_not_wait_for_it(calls):
    await calls.ask()
    await calls.ask(prompt=asked("환불 안 되나요?"))
    assert len(calls.made) == 2
    for call in calls.made:
        call.set_result(Own(None))
    await turns()
    assert calls.at_rest


async def test_a_refused_answer_is_nobody_elses_and_the_next_tries_for_itself(calls):
    first, second, third = [await calls.ask() for _ in range(3)]
    calls.made[0].set_result(Own(None))
    await turns()
    assert (await first).inner is None
    assert len(calls.made) == 2 and not second.done() and not third.done()
    calls.made[1].set_result(Own(kept()))
    assert (await second).inner == kept() and await third == kept()
    assert calls.at_rest


async def test_a_failure_is_its_own_callers_alone(calls):
    first, second = [await calls.ask() for _ in range(2)]
    calls.made[0].set_exception(RuntimeError("down"))
    await turns()
    with pytest.raises(RuntimeError, match="down"):
        await first
    calls.made[1].set_exception(RuntimeError("still down"))
    with pytest.raises(RuntimeError, match="still down"):
        await second
    assert calls.at_rest and calls.cache.entries == 0


async def test_an_answer_that_may_not_be_kept_is_not_given_to_others_either(calls):
    first, second = [await calls.ask() for _ in range(2)]
    cut = replace(kept(), answer=replace(kept().answer, finish_reason="length"))
    calls.made[0].set_result(Own(cut))
    await turns()
    assert (await first).inner is cut and len(calls.made) == 2
    second.cancel()
    await turns()
    assert calls.at_rest


async def test_when_the_one_who_leads_is_cancelled_another_takes_over(calls):
    first, second, third = [await calls.ask() for _ in range(3)]
    first.cancel()
    await turns()
    assert first.cancelled() and calls.made[0].cancelled() and len(calls.made) == 2
    calls.made[1].set_result(Own(kept()))
    assert (await second).inner == kept() and await third == kept()
    assert calls.at_rest


async def test_one_who_is_cancelled_at_the_moment_of_taking_over_passes_it_on(calls):
    followers: list[asyncio.Task[Own | Kept]] = []

    async def refused() -> Own:
        followers.extend([await calls.ask(), await calls.ask()])
        return Own(None)

    await calls.cache.share(key(calls.cache), refused, keeps, seconds=60)
    second, third = followers
    second.cancel()  # it has been told to lead, and has not heard it yet
    await turns()
    assert second.cancelled() and len(calls.made) == 1
    calls.made[0].set_result(Own(kept()))
    assert (await third).inner == kept()
    assert calls.at_rest


async def test_one_who_waited_its_time_asks_for_itself_and_its_answer_serves_all(calls):
    slow = await calls.ask()
    impatient = await calls.ask(seconds=0)
    patient = await calls.ask()
    await asyncio.sleep(0.005)
    assert len(calls.made) == 2
    calls.made[1].set_result(Own(kept()))
    assert (await impatient).inner == kept() and await patient == kept()
    assert not slow.done()
    calls.made[0].set_result(Own(None))
    assert (await slow).inner is None
    assert calls.at_rest and calls.cache.get(key(calls.cache)) == kept()


async def test_an_answer_from_before_the_tenant_was_forgotten_is_given_but_not_kept(calls):
    first, second = [await calls.ask() for _ in range(2)]
    calls.cache.forget(SHOP)
    calls.made[0].set_result(Own(kept()))
    assert (await first).inner == kept() and await second == kept()
    assert calls.cache.entries == 0 and calls.at_rest


async def test_another_tenants_change_does_not_touch_it(calls):
    task = await calls.ask()
    calls.cache.forget(OTHER)
    calls.made[0].set_result(Own(kept()))
    await task
    assert calls.cache.entries == 1


async def test_the_call_runs_in_the_task_of_the_one_who_leads(calls):
    seen: list[object] = []

    async def attempt() -> Own:
        seen.append(asyncio.current_task())
        return Own(kept())

    made = await calls.cache.share(key(calls.cache), attempt, keeps, seconds=1)
    assert isinstance(made, Own) and seen == [asyncio.current_task()]


@pytest.mark.parametrize("seed", range(30))
async def test_nobody_is_left_waiting_however_requests_fail_and_are_cancelled(seed):
    dice = random.Random(seed)
    cache = AnswerCache(max_bytes=dice.choice([0, 10_000]))
    prompts = [asked(str(n)) for n in range(3)]
    running = 0

    async def attempt() -> Own:
        nonlocal running
        running += 1
        try:
            for _ in range(dice.randrange(5)):
                await asyncio.sleep(0)
            match dice.randrange(4):
                case 0:
                    raise RuntimeError("down")
                case 1:
                    return Own(None)
                case _:
                    return Own(kept())
        finally:
            running -= 1

    async def ask() -> None:
        question = key(cache, dice.choice(prompts), tenant=dice.choice([SHOP, OTHER]))
        made = await cache.share(question, attempt, keeps, seconds=dice.choice([0, 0.001, 60]))
        assert made == kept() or isinstance(made, Own)

    tasks: list[asyncio.Task[None]] = []
    for _ in range(300):
        tasks.append(asyncio.create_task(ask()))
        for _ in range(dice.randrange(3)):
            dice.choice(tasks).cancel()
        if dice.random() < 0.1:
            cache.forget(SHOP)
        if dice.random() < 0.4:
            await asyncio.sleep(0)
    async with asyncio.timeout(30):
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(end) for end in ends} == {type(None), asyncio.CancelledError, RuntimeError}
    assert cache._flights == {} and running == 0
