"""Drafting many tickets, and what is shown of it: used by `demo` and by `draft --batch`."""

from __future__ import annotations

import asyncio
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from ccos.cli.terminal import plain
from ccos.domain.draft import Draft, DraftState, Outcome
from ccos.domain.errors import CcosError, Conflict, DatabaseUnavailable
from ccos.domain.tenant import Tenant
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode, Task
from ccos.store import drafts as draft_store
from ccos.store import tickets as ticket_store
from ccos.tiers.request import Priority

if TYPE_CHECKING:
    from ccos.wiring import Ccos

TIER_NAMES = {"tier_0": "cloud", "tier_1": "local", "tier_2": "tiny", "tier_3": "rules"}
STATE_STYLES = {
    DraftState.READY: "green",
    DraftState.NEEDS_REVIEW: "yellow",
    DraftState.ABSTAINED: "cyan",
    DraftState.FAILED: "red",
}


_ENDED = (DraftState.READY, DraftState.NEEDS_REVIEW, DraftState.ABSTAINED)

PATIENCE_SECONDS = 60.0
"""How long a ticket waits for a database that is away: a killed server is back within seconds."""


async def draft_all(
    ccos: Ccos, tenant: Tenant, wanted: Sequence[Ticket], *, mode: Mode | None, seconds: float, at_once: int
) -> AsyncIterator[tuple[Ticket, Draft]]:
    """Stores and drafts each ticket, `at_once` at a time, and gives them back in the order they came."""
    free = asyncio.Semaphore(at_once)

    async def one(ticket: Ticket) -> Draft:
        async with free:
            return await _patiently(ccos, tenant, ticket, mode, seconds)

    tasks = [asyncio.create_task(one(ticket)) for ticket in wanted]
    try:
        for ticket, task in zip(wanted, tasks, strict=True):
            try:
                yield ticket, await task
            except CcosError as fault:
                yield ticket, _lost(ticket, fault)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # their rows say so while the database is open


async def _patiently(
    ccos: Ccos,
    tenant: Tenant,
    ticket: Ticket,
    mode: Mode | None,
    seconds: float,
    since: datetime | None = None,
) -> Draft:
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while True:
        try:
            return await _drafted(ccos, tenant, ticket, mode, seconds, since)
        except DatabaseUnavailable:
            if asyncio.get_running_loop().time() > deadline:
                raise
            await asyncio.sleep(1.0)


class Tally:
    """What came of drafts, counted as they end: a batch of any size needs no more than its figures."""

    def __init__(self) -> None:
        self._states: Counter[str] = Counter()
        self._tiers: Counter[str] = Counter()
        self._counts: Counter[str] = Counter()
        self._cost_usd = 0.0
        self._seconds: list[float] = []

    def add(self, draft: Draft) -> None:
        self._states[draft.state.value] += 1
        self._tiers[draft.tier.value if draft.tier else "none"] += 1
        self._counts["with_reply"] += bool(draft.reply)
        self._counts["degraded"] += draft.degraded
        self._counts["fallback_used"] += draft.fallback_used
        self._counts["model_calls"] += sum(a.outcome is not Outcome.SKIPPED for a in draft.attempts)
        self._cost_usd += draft.cost_usd
        self._seconds.append(draft.latency_seconds)

    @property
    def tickets(self) -> int:
        return len(self._seconds)

    @property
    def without_reply(self) -> int:
        return self.tickets - self._counts["with_reply"]

    def totals(self) -> dict[str, Any]:
        """What a table's foot says, as values. Seconds are per draft."""
        seconds = sorted(self._seconds)
        return {
            "tickets": self.tickets,
            "with_reply": self._counts["with_reply"],
            "states": dict(self._states),
            "tiers": dict(sorted(self._tiers.items())),
            "degraded": self._counts["degraded"],
            "fallback_used": self._counts["fallback_used"],
            "model_calls": self._counts["model_calls"],
            "cost_usd": round(self._cost_usd, 6),
            "seconds_p50": round(statistics.median(seconds), 4) if seconds else None,
            "seconds_p95": round(seconds[max(0, -(-95 * len(seconds) // 100) - 1)], 4) if seconds else None,
        }


async def draft_stream(
    ccos: Ccos,
    tenant: Tenant,
    wanted: Iterable[tuple[int, Ticket]],
    *,
    mode: Mode | None,
    seconds: float,
    at_once: int,
    since: datetime | None,
    stop: asyncio.Event,
) -> AsyncIterator[tuple[int, Ticket, Draft]]:
    """Drafts tickets as they are read, `at_once` at a time, and gives each as it ends, with its number.

    Nothing is begun after `stop`; what has begun still ends. A draft of a ticket that was stored after
    `since` is given as it is.
    """
    running: dict[asyncio.Task[Draft], tuple[int, Ticket]] = {}
    tickets = iter(wanted)
    try:
        while True:
            while len(running) < at_once and not stop.is_set():
                if (following := next(tickets, None)) is None:
                    break
                work = _patiently(ccos, tenant, following[1], mode, seconds, since)
                running[asyncio.create_task(work)] = following
            if not running:
                return
            ended, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                number, ticket = running.pop(task)
                try:
                    made = task.result()
                except CcosError as fault:
                    made = _lost(ticket, fault)
                yield number, ticket, made
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _drafted(
    ccos: Ccos,
    tenant: Tenant,
    ticket: Ticket,
    mode: Mode | None,
    seconds: float,
    since: datetime | None = None,
) -> Draft:
    """The ticket's draft: ours, or that of another process that began one while we did."""
    async with ccos.database.tenant(tenant.id) as tx:
        put = await ticket_store.put(tx, ticket)
        assert put.ticket.id is not None
        known = await draft_store.latest(tx, put.ticket.id) if since is not None else None
    if known is not None and known.state in _ENDED and _made_since(known, since):
        return known
    try:
        return await ccos.drafting.make(
            tenant, put.ticket.id, mode=mode, seconds=seconds, priority=Priority.BATCH
        )
    except Conflict:
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            async with ccos.database.tenant(tenant.id) as tx:
                newest = await draft_store.latest(tx, put.ticket.id)
            if newest is not None and newest.state not in (DraftState.QUEUED, DraftState.RUNNING):
                return newest
            await asyncio.sleep(0.2)
        raise


def _made_since(draft: Draft, since: datetime | None) -> bool:
    return since is not None and draft.created_at is not None and draft.created_at >= since


def _lost(ticket: Ticket, fault: CcosError) -> Draft:
    """The draft of a ticket that could not even be stored, so that it is shown and counted."""
    name = ticket.external_id or ticket.id or ""
    return Draft(id="", ticket_id=name, state=DraftState.FAILED, reason=fault.code, errors=(fault.sentence,))


def shown(ticket: Ticket, made: Draft) -> dict[str, Any]:
    """The draft as JSON, with the desk's own id of its ticket, so that a batch can be matched."""
    return {"external_id": ticket.external_id, **made.model_dump(mode="json")}


def totals(drafts: Sequence[Draft]) -> dict[str, Any]:
    """What a table's foot says, as values. Seconds are per draft."""
    tally = Tally()
    for draft in drafts:
        tally.add(draft)
    return tally.totals()


def table_of(rows: Iterable[tuple[Ticket, Draft]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("ticket", no_wrap=True)
    table.add_column("subject", no_wrap=True, overflow="ellipsis", max_width=30)
    table.add_column("tier", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("score", justify="right")
    table.add_column("ms", justify="right")
    table.add_column("evidence", no_wrap=True, overflow="ellipsis", max_width=34)
    table.add_column("flags", no_wrap=True, overflow="ellipsis")
    for ticket, draft in rows:
        table.add_row(*_row(ticket, draft))
    return table


def _row(ticket: Ticket, draft: Draft) -> list[Text | str]:
    tier = draft.tier.value if draft.tier else "none"
    return [
        Text(plain(ticket.external_id or draft.ticket_id[:8])),
        Text(plain(ticket.subject or next(iter(ticket.customer_text.splitlines()), ""))),
        f"{tier[-1:]} {TIER_NAMES.get(tier, '')}",
        Text(draft.state.value, STATE_STYLES.get(draft.state, "")),
        "" if draft.quality is None else f"{draft.quality:.2f}",
        f"{draft.latency_seconds * 1000:.0f}",
        Text(plain(f"{len(draft.evidence)}: {draft.evidence[0].id}" if draft.evidence else "none")),
        Text(plain(" ".join(flags(draft)))),
    ]


def flags(draft: Draft) -> list[str]:
    """What a person should know at a glance."""
    found = []
    if draft.degraded:
        found.append("degraded")
    if draft.triage.get("pii") in ("maskable", "local_only", "unreadable"):
        found.append(f"pii:{draft.triage['pii']}")
    if draft.triage.get("sentiment") == "negative":
        found.append("upset")
    found += [f"veto:{c.name}" for c in draft.checks if not c.passed and c.detail and c.span is not None]
    refused = [a for a in draft.attempts if a.task is Task.SOLUTION_DRAFT and a.outcome is Outcome.FAILED]
    found += [f"{a.tier.value}:{a.reason}" for a in refused]
    return [*found, *(f"error:{e.split(':')[0]}" for e in draft.errors)]


def summary_text(summary: dict[str, Any]) -> Text:
    """The totals in a few lines."""
    states = ", ".join(f"{n} {state}" for state, n in sorted(summary["states"].items()))
    tiers = ", ".join(f"{n} {TIER_NAMES.get(tier, tier)}" for tier, n in summary["tiers"].items())
    lines = [
        f"{summary['with_reply']} of {summary['tickets']} tickets have a draft: {states}. By tier: {tiers}.",
        f"Seconds a draft: p50 {summary['seconds_p50']}, p95 {summary['seconds_p95']}. "
        f"Cost: ${summary['cost_usd']:.4f}. Degraded: {summary['degraded']}.",
    ]
    if "gold" in summary:
        said = ", ".join(f"{name.replace('_', ' ')} {share}" for name, share in summary["gold"].items())
        lines.append(f"Against the expected answers: {said}.")
    lines.append(
        "A score is the chance that a person sends the draft as it is or lightly edited. A draft is ready "
        "when labels certify it; until people have decided about 30 drafts, most need review."
    )
    return Text("\n" + "\n".join(lines))
