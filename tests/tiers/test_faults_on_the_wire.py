"""The whole chain over real sockets: for every fault an answer arrives, from the right place, at the right price.

What must come of each fault stands in one table, `support.wire_faults.faults`.
"""

from __future__ import annotations

import asyncio
import time

import pytest

from ccos.domain.draft import Outcome
from ccos.domain.tier import Mode, Tier
from ccos.tiers.relay import Relay
from ccos.tiers.request import Context
from support.wire_faults import OTHER_MODEL, OTHER_USAGE, PROMPT, Fault, Kind, faults, open_house

SCALE = 0.1
FIRST_TOKEN_SECONDS = STALL_SECONDS = 0.3
SECONDS = 8.0
CONTEXT = Context(mode=Mode.QUALITY_FIRST, seconds=SECONDS)
FAULTS = {fault.name: fault for fault in faults(SCALE)}
TIERS = {"primary": Tier.CLOUD_PREMIUM, "other": Tier.CLOUD_PREMIUM, "local": Tier.LOCAL_MINIMAX}

both_formats = pytest.mark.parametrize("kind", ["openai", "anthropic"])


def house(fault: Fault, kind: Kind, *, alone: bool = False, **more):
    limits = {"first_token_seconds": FIRST_TOKEN_SECONDS, "stall_seconds": STALL_SECONDS}
    return open_house(fault, kind, alone=alone, **{**limits, **more})


@both_formats
@pytest.mark.parametrize("alone", [False, True], ids=["with another", "alone"])
@pytest.mark.parametrize("name", FAULTS)
async def test_an_answer_arrives_whatever_the_upstream_does(name: str, alone: bool, kind: Kind) -> None:
    fault = FAULTS[name]
    winner, failed, calls = fault.expected(alone)
    async with house(fault, kind, alone=alone) as opened:
        made = await opened.service.generate_with_fallback(PROMPT, CONTEXT)
        assert made.response == opened.whole and made.accepted and not made.cut
        assert (made.provider, made.tier) == (winner, TIERS[winner])
        assert [a.reason for a in made.attempts if a.outcome is Outcome.FAILED] == list(failed)
        assert made.attempts[-1].reason == "accepted" and made.latency < SECONDS
        assert opened.primary.answers_asked == calls
        assert opened.local.answers_asked == (winner == "local")
        if opened.other is not None:
            assert opened.other.answers_asked == (winner == "other")
        assert opened.budget.spent == made.spent and not await opened.left_on_hold()


@both_formats
async def test_the_fallback_reports_its_own_model_and_usage(kind: Kind) -> None:
    async with house(FAULTS["the fallback names its own model and usage"], kind) as opened:
        made = await opened.service.generate_with_fallback(PROMPT, CONTEXT)
    answered = made.attempts[-1]
    assert (made.model, made.tokens_in, made.tokens_out) == (OTHER_MODEL, *OTHER_USAGE)
    assert (answered.provider, answered.model, answered.tokens_in) == ("other", OTHER_MODEL, 11)
    assert 0 < answered.cost_usd < 0.0001, "priced as the small model it is"


@both_formats
async def test_a_filtered_text_is_not_sent_to_another_cloud_and_the_reason_is_on_record(kind: Kind) -> None:
    async with house(FAULTS["content filter 400"], kind) as opened:
        made = await opened.service.generate_with_fallback(PROMPT, CONTEXT)
        assert opened.other is not None and opened.other.answers_asked == 0
    assert "provider.content_filtered" in made.reason and made.degraded


@both_formats
async def test_a_refused_key_is_not_tried_again(kind: Kind) -> None:
    async with house(FAULTS["401"], kind) as opened:
        await opened.service.generate_with_fallback(PROMPT, CONTEXT)
        made = await opened.service.generate_with_fallback(PROMPT, CONTEXT)
        assert made.provider == "other" and opened.primary.answers_asked == 1
    skipped = {a.provider: a.reason for a in made.attempts if a.outcome is Outcome.SKIPPED}
    assert skipped["primary"] == "key.refused"


@both_formats
async def test_a_hung_cloud_is_left_alone_after_five_requests(kind: Kind) -> None:
    async with house(FAULTS["no response"], kind, alone=True, first_token_seconds=0.05) as opened:
        for _ in range(5):
            await opened.service.generate_with_fallback(PROMPT, CONTEXT)
        made = await opened.service.generate_with_fallback(PROMPT, CONTEXT)
        assert opened.primary.answers_asked == 5 and made.provider == "local"
    assert [a.reason for a in made.attempts] == ["breaker.open", "accepted"]


class Clock:
    """The service's clock, which can be set forward over a breaker's rest."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


@both_formats
async def test_a_cloud_that_comes_back_is_probed_once_and_used_again(kind: Kind) -> None:
    clock = Clock()
    async with house(Fault("down, then well", ("ok",), "primary"), kind, alone=True, clock=clock) as opened:

        async def ask() -> str:
            return (await opened.service.generate_with_fallback(PROMPT, CONTEXT)).provider

        opened.primary.go_down(3600)
        assert [await ask() for _ in range(10)] == ["local"] * 10
        calls = opened.primary.answers_asked
        assert 5 <= calls <= 10, "five requests and their second tries open the breaker"
        clock.ahead += 31
        assert await asyncio.gather(*(ask() for _ in range(8))) == ["local"] * 8
        assert opened.primary.answers_asked == calls + 1, "a probe that failed: one request, no second try"
        opened.primary.down_until = 0.0
        clock.ahead += 31
        answered = await asyncio.gather(*(ask() for _ in range(20)))
        assert answered.count("primary") == 1 and answered.count("local") == 19
        assert opened.primary.answers_asked == calls + 2
        assert await ask() == "primary"


@both_formats
async def test_early_words_stop_where_the_upstream_cut_them_and_nothing_is_spliced_on(kind: Kind) -> None:
    heard: list[str] = []
    context = Context(mode=Mode.QUALITY_FIRST, seconds=SECONDS, relay=Relay(heard.append))
    async with house(FAULTS["stream cut at 40 of 60 tokens"], kind) as opened:
        made = await opened.service.generate_with_fallback(PROMPT, context)
        assert opened.whole.startswith("".join(heard)) and "".join(heard) != opened.whole
        assert made.cut and not made.accepted and len(made.response.split()) == 40
        assert opened.other is not None and opened.other.answers_asked == opened.local.answers_asked == 0
        assert not await opened.left_on_hold()


@both_formats
@pytest.mark.parametrize("name", ["500 once", "503 always", "reset before headers", "first token after 20 s"])
async def test_early_words_are_whole_when_nothing_had_been_said_before_the_fault(
    name: str, kind: Kind
) -> None:
    heard: list[str] = []
    context = Context(mode=Mode.QUALITY_FIRST, seconds=SECONDS, relay=Relay(heard.append))
    async with house(FAULTS[name], kind) as opened:
        made = await opened.service.generate_with_fallback(PROMPT, context)
        assert "".join(heard) == made.response == opened.whole and made.accepted and not made.cut


@both_formats
async def test_a_request_that_is_called_off_hangs_up_and_frees_slot_and_money(kind: Kind) -> None:
    async with house(FAULTS["no response"], kind, alone=True, first_token_seconds=60) as opened:
        asked = asyncio.create_task(opened.service.generate_with_fallback(PROMPT, CONTEXT))
        while not opened.primary.answers_asked:
            await asyncio.sleep(0.01)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        async with asyncio.timeout(5):
            await opened.primary.hung_up.wait()
        assert all(in_flight == 0 for in_flight, _, _ in opened.service.load().values())
        assert not await opened.left_on_hold()
