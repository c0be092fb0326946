"""Every fault an upstream can have, through the whole chain: who answers, how soon, after how many requests.

    python benchmarks/faults.py [--fast] [--format anthropic] [--json FILE]

The primary is a fake upstream on a socket that misbehaves; `two clouds` has a second one in the same tier
that is well, `one cloud` has only a local model below it. Each fault is met by one draft with 20 s, in
quality_first, with the limits of the product. Beside it, in the same run, the official `openai` client with
its default retries asks an upstream with the same fault and is given the same 20 s. A row is `ok` when the
answer is whole, in time, and came from where `tests/support/wire_faults.py` says, after as many requests as
it says. `--fast` makes all waits a tenth: for a look at the logic, not at the seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import structlog

from ccos.domain.draft import Outcome
from ccos.domain.tier import Mode
from ccos.providers.exchange import FIRST_TOKEN_SECONDS, STALL_SECONDS
from ccos.providers.prices import load as load_prices
from ccos.tiers.breaker import Breaker
from ccos.tiers.request import Context, Generation
from support.fake_upstream import SIXTY, Does, FakeUpstream
from support.wire_faults import ALSO_AFTER, PROMPT, RECOVERY, Fault, House, Kind, faults, open_house

try:
    from openai import AsyncOpenAI, OpenAIError
except ImportError:
    AsyncOpenAI = None

DEADLINE = 20.0
DOWN_SECONDS, BACK_SECONDS, BURST = 60.0, 30.0, 20
CONTEXT = Context(mode=Mode.QUALITY_FIRST, seconds=DEADLINE)


@dataclass(frozen=True)
class Met:
    """What came of one fault in one place. `calls` reached the faulty upstream, `others` those behind it."""

    answer: bool
    whole: bool
    source: str
    seconds: float
    calls: int
    others: int
    right: bool
    note: str = ""

    def __str__(self) -> str:
        said = "whole" if self.whole else "part" if self.answer else "none"
        return f"{said:5} {self.source:22.22} {self.seconds:6.2f} {self.calls:3}+{self.others}"


async def meet(fault: Fault, kind: Kind, scale: float, *, alone: bool) -> Met:
    """One draft through the chain."""
    async with open_house(fault, kind, alone=alone, **limits(scale)) as house:
        made = await house.service.generate_with_fallback(PROMPT, CONTEXT)
        winner, failed, calls = fault.expected(alone)
        told = tuple(a.reason for a in made.attempts if a.outcome is Outcome.FAILED)
        whole = made.response == house.whole
        right = (
            whole
            and made.latency < DEADLINE
            and (made.provider, told, house.primary.answers_asked) == (winner, failed, calls)
            and not await house.left_on_hold()
        )
        return Met(
            bool(made.response),
            whole,
            source(made),
            made.latency,
            house.primary.answers_asked,
            behind(house),
            right,
            ", ".join(told),
        )


async def recover(kind: Kind, scale: float, *, alone: bool) -> Met:
    """An outage under steady traffic; then twenty requests at the moment when one probe may be sent."""
    usual = Breaker()
    rests = {"rest_seconds": usual.rest_seconds, "longest_rest_seconds": usual.longest_rest_seconds}
    breaker = replace(usual, **{name: seconds * scale for name, seconds in rests.items()})
    down, back = DOWN_SECONDS * scale, BACK_SECONDS * scale
    fault = Fault(RECOVERY, ("ok",), "primary")
    more = {**limits(scale), "down_for": down, "breaker": breaker}
    async with open_house(fault, kind, alone=alone, **more) as house:
        answers: list[tuple[float, Generation]] = []

        async def ask() -> None:
            made = await house.service.generate_with_fallback(PROMPT, CONTEXT)
            answers.append((time.monotonic(), made))

        while house.primary.is_down:
            await ask()
            await asyncio.sleep(scale)
        while_down = house.primary.answers_asked
        while house.service.pulses()[0][1].breaker.state(time.monotonic()) == "open":
            await asyncio.sleep(0.01 * scale)
        await asyncio.gather(*(ask() for _ in range(BURST)))
        herd = house.primary.answers_asked - while_down
        for _ in range(5):
            await ask()
        up = house.primary.down_until
        first = min((at for at, made in answers if at > up and made.provider == "primary"), default=None)
        returned = float("inf") if first is None else first - up
        served = sum(made.response == house.whole for _, made in answers)
        right = served == len(answers) and returned <= back and herd == 1
        note = (
            f"{served} of {len(answers)} served, {while_down} requests reached it while it was down, "
            f"{herd} of {BURST} at once when it was let in again, back {returned:.1f} s after it was well"
        )
        return Met(
            True,
            served == len(answers),
            source(answers[-1][1]),
            max(made.latency for _, made in answers),
            house.primary.answers_asked,
            behind(house),
            right,
            note,
        )


async def meet_raw(fault: Fault, scale: float) -> Met:
    """The same fault, met by the official client alone."""
    script = (replace(d if isinstance(d, Does) else Does(d), text=SIXTY) for d in fault.does)
    async with FakeUpstream(*script) as upstream:
        url = fault.url(upstream) if fault.url else upstream.origin
        async with AsyncOpenAI(base_url=f"{url}/v1", api_key="sk-none") as client:
            text, error, seconds = await ask_raw(client, DEADLINE * scale)
        whole = text == SIXTY
        right = whole or (fault.does == ("content_filtered",) and error is not None)
        said = error or ("gpt-4o" if whole or not text else f"{len(text):,} characters")
        return Met(bool(text), whole, said, seconds, upstream.answers_asked, 0, right)


async def recover_raw(scale: float) -> Met:
    """The same outage, met by the official client alone."""
    down, back = DOWN_SECONDS * scale, BACK_SECONDS * scale
    async with (
        FakeUpstream(Does(text=SIXTY), down_for=down) as upstream,
        AsyncOpenAI(base_url=f"{upstream.origin}/v1", api_key="sk-none") as client,
    ):
        begun, served, slowest, asked = time.monotonic(), 0, 0.0, 0
        while time.monotonic() < begun + down + back:
            text, _, seconds = await ask_raw(client, DEADLINE * scale)
            asked, served, slowest = asked + 1, served + (text == SIXTY), max(slowest, seconds)
            await asyncio.sleep(scale)
        source = f"{served} of {asked} served"
        return Met(served > 0, served == asked, source, slowest, upstream.answers_asked, 0, served == asked)


async def ask_raw(client: AsyncOpenAI, deadline: float) -> tuple[str, str | None, float]:
    """The text that came within the deadline, the error if there was one, and the seconds."""
    begun, text, error = time.monotonic(), "", None
    messages = [{"role": t.role, "content": t.text} for t in PROMPT.turns]
    try:
        async with asyncio.timeout(deadline):
            stream = await client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
            async for chunk in stream:
                text += (chunk.choices[0].delta.content or "") if chunk.choices else ""
    except TimeoutError:
        error = "out of time"
    except OpenAIError as fault:
        error = type(fault).__name__
    except Exception as fault:  # what the client lets through from below it is a finding too
        error = f"{type(fault).__name__} (raw)"
    return text, error, time.monotonic() - begun


def limits(scale: float) -> dict[str, float]:
    """The product's own, unless they are scaled."""
    if scale == 1.0:
        return {}
    return {"first_token_seconds": FIRST_TOKEN_SECONDS * scale, "stall_seconds": STALL_SECONDS * scale}


def source(made: Generation) -> str:
    return f"{made.tier.value} {made.model}"


def behind(house: House) -> int:
    return house.local.answers_asked + (house.other.answers_asked if house.other else 0)


def waits(fault: Fault) -> bool:
    """Whether it is about time: such faults run beside each other, the rest alone for honest seconds."""
    return any((isinstance(d, Does) and (d.delay or d.retry_after)) or d == "silent" for d in fault.does)


Row = tuple[str, Met, Met, Met | None]


async def compare(kind: Kind, scale: float, raw: bool) -> list[Row]:
    async def row(fault: Fault) -> Row:
        two = await meet(fault, kind, scale, alone=False)
        one = await meet(fault, kind, scale, alone=True)
        return fault.name, two, one, await meet_raw(fault, scale) if raw else None

    async def recovery() -> Row:
        two, one, bare = await asyncio.gather(
            recover(kind, scale, alone=False),
            recover(kind, scale, alone=True),
            recover_raw(scale) if raw else asyncio.sleep(0),
        )
        return RECOVERY, two, one, bare

    listed = faults(scale)
    await row(Fault("warm up", ("ok",), "primary", alone="primary"))
    slow = [fault for fault in listed if waits(fault)]
    *rows, recovered = await asyncio.gather(*(row(fault) for fault in slow), recovery())
    rows += [await row(fault) for fault in listed if fault not in slow]
    by_name = {row[0]: row for row in rows}
    ordered = [by_name[fault.name] for fault in listed]
    return [*ordered[: ALSO_AFTER - 1], recovered, *ordered[ALSO_AFTER - 1 :]]


def report(rows: Sequence[Row]) -> None:
    columns = "answer from                   s  calls"
    print(f"{'':43}| {'two clouds':38}| {'one cloud':38}| {'openai client alone':38}|\n{'fault':43}", end="")
    print(f"| {columns:38}| {columns:38}| {columns:38}| verdict")
    for number, (name, two, one, raw) in enumerate(rows, 1):
        if number == ALSO_AFTER + 1:
            print("also")
        verdict = "ok" if two.right and one.right else "NOT AS EXPECTED: " + "; ".join((two.note, one.note))
        print(f"{number:2} {name:40.40}| {two!s:38}| {one!s:38}| {raw or 'left out'!s:38}| {verdict}")
    _, two, one, _ = rows[ALSO_AFTER - 1]
    print(f"\n{RECOVERY}\n  two clouds: {two.note}\n  one cloud: {one.note}")
    for title, part in (("the list", rows[:ALSO_AFTER]), ("the others", rows[ALSO_AFTER:])):
        said = f"{title}: two clouds {sum(r[1].right for r in part)} of {len(part)}"
        said += f", one cloud {sum(r[2].right for r in part)} of {len(part)} as they should be"
        if all(r[3] for r in part):
            said += f"; the openai client alone {sum(r[3].right for r in part if r[3])}"
        print(said)


def fixed_work() -> float:
    """Milliseconds of one fixed job, the best of five: says how fast, and how busy, this machine is."""

    def job() -> float:
        started = time.perf_counter()
        for i in range(3_000):
            json.dumps({"n": i, "text": "고객님 " * 20})
        return (time.perf_counter() - started) * 1000

    return min(job() for _ in range(5))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--fast", action="store_true", help="all waits a tenth of what they are")
    parser.add_argument("--format", choices=["openai", "anthropic"], default="openai", help="of the primary")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows into this file")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    load_prices()
    load = "/".join(f"{n:.1f}" for n in os.getloadavg())
    print(f"fixed work {fixed_work():.0f} ms, load {load}, Python {sys.version.split()[0]}")
    with_raw = AsyncOpenAI is not None and options.format == "openai"
    if not with_raw:
        print("The openai client is left out: it is not installed, or does not speak the primary's format.")
    rows = asyncio.run(compare(options.format, 0.1 if options.fast else 1.0, with_raw))
    report(rows)
    if options.json:
        told = [
            {"fault": name, "two_clouds": asdict(two), "one_cloud": asdict(one), "raw": raw and asdict(raw)}
            for name, two, one, raw in rows
        ]
        options.json.write_text(json.dumps(told, ensure_ascii=False, indent=1), "utf-8")
    if not all(two.right and one.right for _, two, one, _ in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
