"""Drafting many tickets, and what is shown of it: used by `demo` and by `draft --batch`."""

from __future__ import annotations

import asyncio
import statistics
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from ccos.cli.batch_stream import drafted, lost
from ccos.cli.terminal import plain
from ccos.domain.draft import Draft, DraftState, Outcome
from ccos.domain.errors import CcosError
from ccos.domain.tenant import Tenant
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode, Task

if TYPE_CHECKING:
    from ccos.wiring import Ccos

TIER_NAMES = {"tier_0": "cloud", "tier_1": "local", "tier_2": "tiny", "tier_3": "rules"}
STATE_STYLES = {
    DraftState.READY: "green",
    DraftState.NEEDS_REVIEW: "yellow",
    DraftState.ABSTAINED: "cyan",
    DraftState.FAILED: "red",
}


async def draft_all(
    ccos: Ccos, tenant: Tenant, wanted: Sequence[Ticket], *, mode: Mode | None, seconds: float, at_once: int
) -> AsyncIterator[tuple[Ticket, Draft]]:
    """Stores and drafts each ticket, `at_once` at a time, and gives them back in the order they came."""
    free = asyncio.Semaphore(at_once)

    async def one(ticket: Ticket) -> Draft:
        async with free:
            return await drafted(ccos, tenant, ticket, mode=mode, seconds=seconds)

    tasks = [asyncio.create_task(one(ticket)) for ticket in wanted]
    try:
        for ticket, task in zip(wanted, tasks, strict=True):
            try:
                yield ticket, await task
            except CcosError as fault:
                yield ticket, lost(ticket, fault)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # their rows say so while the database is open


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
