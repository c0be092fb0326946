"""Every way an upstream can fail, as one list, and a service whose first cloud provider fails that way."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from ccos.domain.money import MicroUsd
from ccos.domain.prompt import Answer, Prompt, Turn
from ccos.domain.tier import Task, Tier
from ccos.domain.verdict import Verdict
from ccos.providers.anthropic_wire import AnthropicMessages
from ccos.providers.http import open_session
from ccos.providers.openai_wire import OpenAIChat
from ccos.providers.rules import RuleBased
from ccos.tiers.board import Board
from ccos.tiers.breaker import Breaker
from ccos.tiers.budget import MemoryBudget
from ccos.tiers.privacy import Masked
from ccos.tiers.provider import Provider
from ccos.tiers.service import MultiTierLLMService
from support.fake_upstream import NO_SUCH_HOST, SIXTY, Does, FakeUpstream

PROMPT = Prompt(Task.SOLUTION_DRAFT, "짧게 답하세요.", (Turn("user", "언제 도착하나요?"),))
LIMIT = MicroUsd(10**9)
OTHER_MODEL, OTHER_USAGE = "gpt-4o-mini-2024-07-18", (11, 7)
Kind = Literal["openai", "anthropic"]
Winner = Literal["primary", "other", "local"]
ALSO_AFTER = 16


@dataclass(frozen=True)
class Fault:
    """What the primary does, and what must come of it.

    `by` is who answers when the tier has another provider that is well, `alone` when it has none: then it is
    the local tier. `failed` are the reasons of the primary's attempts before an answer, `calls` how many
    requests for an answer reach it; both may differ when it is `alone`.
    """

    name: str
    does: tuple[Does | str, ...]
    by: Winner
    failed: tuple[str, ...] = ()
    calls: int = 1
    alone: Winner = "local"
    alone_failed: tuple[str, ...] | None = None
    alone_calls: int | None = None
    other: Does | str = "ok"
    url: Callable[[FakeUpstream], str] | None = None

    def expected(self, alone: bool) -> tuple[Winner, tuple[str, ...], int]:
        """Who answers, after which failures of the primary, and how many requests reach it."""
        if not alone:
            return self.by, self.failed, self.calls
        failed = self.failed if self.alone_failed is None else self.alone_failed
        return self.alone, failed, self.calls if self.alone_calls is None else self.alone_calls


DOWN, BUSY, LATE = "provider.down", "provider.busy", "provider.timeout"


def faults(scale: float = 1.0) -> tuple[Fault, ...]:
    """The list; the first ALSO_AFTER - 1 are the ones to survive, the sixteenth is `RECOVERY` below.

    `scale` shortens what the upstream waits; the clients' limits are to be shortened alike.
    """
    once = Does("rate_limited", retry_after=f"{scale:g}")
    late = Does("slow_first_token", delay=20 * scale)
    stalls = Does("stall", after=40, delay=30 * scale)
    cut = Does("cut", after=40)

    def sideways(name: str, does: Does | str, *, reason: str = DOWN, **more: Any) -> Fault:
        return Fault(name, (does,), "other", (reason,), **more)

    def quick(name: str, does: str) -> Fault:
        """One second try at once, in vain."""
        return Fault(name, (does,), "other", (DOWN, DOWN), 2)

    def next_tier(name: str, does: Does | str, reason: str) -> Fault:
        return Fault(name, (does,), "local", (reason,))

    def well(name: str, does: Does | str) -> Fault:
        return Fault(name, (does,), "primary", alone="primary")

    listed = (
        Fault("429 with Retry-After once", (once, "ok"), "other", (BUSY,), alone="primary", alone_calls=2),
        sideways("429 always", Does("rate_limited", retry_after="60"), reason=BUSY),
        Fault("500 once", ("e500", "ok"), "primary", (DOWN,), 2, alone="primary"),
        quick("503 always", "e503"),
        quick("reset before headers", "reset"),
        next_tier("no response", "silent", LATE),
        next_tier("first token after 20 s", late, LATE),
        sideways("stream cut at 40 of 60 tokens", cut),
        next_tier("stream stalls for 30 s", stalls, LATE),
        sideways("malformed chunk", "malformed"),
        well("no [DONE]", "no_done"),
        next_tier("context length 400", "context_too_long", "provider.context_too_long"),
        next_tier("content filter 400", "content_filtered", "provider.content_filtered"),
        sideways("cut, and the fallback refuses prefill", cut, other="refuses_prefill"),
        quick("the fallback names its own model and usage", "e503"),
    )
    also = (
        quick("connection closed before headers", "hangs_up"),
        sideways("reset in the middle of the stream", "reset_midway"),
        sideways("HTML with status 200", "html"),
        sideways("truncated body", "truncated_body"),
        sideways("wrong Content-Length", "short_length"),
        sideways("empty content", "empty"),
        sideways("null content", "null"),
        well("missing usage", "no_usage"),
        sideways("a 2 MB answer", "huge"),
        sideways("401", "unauthorized", reason="provider.refused"),
        sideways("529", "overloaded"),
        quick("502 always", "e502"),
        sideways("name not found", "ok", url=lambda upstream: NO_SUCH_HOST, calls=0),
        sideways("TLS failure", "ok", url=lambda upstream: upstream.without_tls, calls=0),
    )
    assert len(listed) == ALSO_AFTER - 1
    return listed + also


RECOVERY = "primary down for 60 s, then healthy"


class OpenGate:
    """Lets every answer pass that says something: what arrives is looked at by the caller."""

    def judge(self, prompt: Prompt, answer: Answer, **_who: object) -> Verdict:
        return Verdict(0.9 if answer.text else 0.0, "open", answer.text)


@dataclass(frozen=True)
class House:
    """A service and the upstreams behind it. `whole` is the text each of them gives when it is well."""

    service: MultiTierLLMService
    primary: FakeUpstream
    other: FakeUpstream | None
    local: FakeUpstream
    budget: MemoryBudget

    whole = SIXTY

    async def left_on_hold(self) -> bool:
        """Whether some of the day's money is still kept back for a call that is over."""
        return await self.budget.reserve(None, MicroUsd(LIMIT - self.budget.spent)) is None


@asynccontextmanager
async def open_house(
    fault: Fault,
    kind: Kind,
    *,
    alone: bool,
    first_token_seconds: float | None = None,
    stall_seconds: float | None = None,
    down_for: float = 0.0,
    breaker: Breaker | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[House]:
    """The faulty `primary` of this kind, the `other` kind unless it is `alone`, a local server, the rules."""
    async with AsyncExitStack() as stack:

        async def upstream(*script: Does | str, **more: Any) -> FakeUpstream:
            said = (replace(d if isinstance(d, Does) else Does(d), text=SIXTY) for d in script)
            return await stack.enter_async_context(FakeUpstream(*said, **more))

        async def client(kind: Kind, url: str, tier: Tier, **more: Any) -> Provider:
            make = OpenAIChat if kind == "openai" else AnthropicMessages
            model = "gpt-4o" if kind == "openai" else "claude-sonnet-4-5"
            session = await stack.enter_async_context(open_session())
            return make(session=session, base_url=url, model=model, tier=tier, **more)

        limits = {"first_token_seconds": first_token_seconds, "stall_seconds": stall_seconds}
        primary = await upstream(*fault.does, model=None, down_for=down_for)
        other = None if alone else await upstream(fault.other, model=OTHER_MODEL, usage=OTHER_USAGE)
        local = await upstream("ok", model="local-7b")
        url = fault.url(primary) if fault.url else primary.origin
        cloud = [await client(kind, url, Tier.CLOUD_PREMIUM, name="primary", **limits)]
        if other is not None:
            opposite: Kind = "anthropic" if kind == "openai" else "openai"
            cloud.append(
                await client(opposite, other.origin, Tier.CLOUD_PREMIUM, name="other", price_provider=None)
            )
        free = {"paid": False, "leaves_machine": False}
        below = await client("openai", local.origin, Tier.LOCAL_MINIMAX, name="local", **free)
        providers: list[Provider] = [*map(Masked, cloud), below, RuleBased()]
        board = Board(p.card.deployment for p in providers)
        if breaker is not None:
            for provider in cloud:
                board.note(provider.card.deployment, lambda pulse: replace(pulse, breaker=breaker))
        budget = MemoryBudget(LIMIT)
        service = MultiTierLLMService(providers, OpenGate(), budget, board=board, clock=clock)
        yield House(service, primary, other, local, budget)
