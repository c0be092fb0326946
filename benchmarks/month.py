"""A simulated month with known truth: whether the figures page tells it, and how fast.

    nice -n 10 python benchmarks/month.py [--tickets 1000] [--days 30] [--seed 1] [--keep HOME] [--json]

A desk of `--tickets` a day over `--days` days, put straight into the tables of an empty database. Drafts come
from four tiers whose approval is known; on day 12 the cloud is silent for six hours, and from day 20 to 22 a
bad prompt takes 15 points off the local model's approval. What the figures say is then read the way the page
reads it, and printed beside the truth: each share with its 95 % interval, and of all the intervals how many
hold the truth. `--keep` leaves the month in the embedded database of that folder, to be looked at with
`CCOS_HOME=HOME ccos serve`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from ccos.domain.money import MicroUsd, usd
from ccos.domain.tenant import Role
from ccos.domain.tier import Tier
from ccos.learning import kpis
from ccos.learning.kpis import Share
from ccos.store import embedded, keys, ledger, tenants
from ccos.store.database import Database, Tx
from ccos.store.ledger import Line, Sums
from ccos.store.migrate import APP_ROLE, migrate
from ccos.store.values import json_of, new_id
from ccos.wiring.kpis import Figures, read_figures

ZONE = ZoneInfo("Asia/Seoul")
CLOUD, LOCAL, TINY, RULES = Tier
MIX = {CLOUD: 0.20, LOCAL: 0.70, TINY: 0.06, RULES: 0.04}
WITHOUT_CLOUD = {LOCAL: 0.88, TINY: 0.07, RULES: 0.05}
APPROVAL = {CLOUD: 0.92, LOCAL: 0.86, TINY: 0.70, RULES: 0.55}
SECONDS = {CLOUD: 2.6, LOCAL: 1.1, TINY: 0.35, RULES: 0.01}
PREMIUM_USD = 500 / 30_000
"""What the premium model takes for a draft: 500 USD a month at 1,000 a day."""
OUTAGE_DAY, OUTAGE_HOURS = 12, (10, 16)
BAD_DAYS, BAD_POINTS = range(20, 23), 0.15
EDITED_OF_USED, LATE, REOPENED = 0.10, 0.05, 0.03
INTENTS = {"refund_status": 0.35, "exchange": 0.25, "delivery_status": 0.25, "coupon": 0.15}
BATCH = 2_000


@dataclass
class Truth:
    """What each share would be with endless tickets, by what it is a share of."""

    hits: Counter[str] = field(default_factory=Counter)
    of: Counter[str] = field(default_factory=Counter)

    def add(self, names: Iterable[str], chance: float) -> None:
        for name in names:
            self.hits[name] += chance  # type: ignore[assignment]
            self.of[name] += 1

    def __getitem__(self, name: str) -> float:
        return self.hits[name] / self.of[name]


@dataclass
class Month:
    rows: list[dict[str, Any]]
    lines: dict[date, list[tuple[Line, Sums]]]
    truth: Truth
    spent_usd: float
    premium_usd: float
    outage: tuple[datetime, datetime]
    during: int


def month(tenant_id: UUID, first: date, days: int, tickets: int, agents: Sequence[str], seed: int) -> Month:
    dice, truth = random.Random(seed), Truth()
    rows: list[dict[str, Any]] = []
    spent: Counter[tuple[date, Tier]] = Counter()
    dark = datetime.combine(first + timedelta(days=OUTAGE_DAY - 1), datetime.min.time(), ZONE)
    outage = dark + timedelta(hours=OUTAGE_HOURS[0]), dark + timedelta(hours=OUTAGE_HOURS[1])
    during = 0
    for day in range(1, days + 1):
        begins = datetime.combine(first + timedelta(days=day - 1), datetime.min.time(), ZONE)
        for _ in range(tickets):
            at = begins + timedelta(hours=min(max(dice.gauss(14, 3.5), 0), 23.9))
            out = outage[0] <= at < outage[1]
            during += out
            mix = WITHOUT_CLOUD if out else MIX
            tier = dice.choices(list(mix), list(mix.values()))[0]
            bad = tier is LOCAL and day in BAD_DAYS
            chance = APPROVAL[tier] - (BAD_POINTS if bad else 0)
            intent = dice.choices(list(INTENTS), list(INTENTS.values()))[0]
            late = dice.random() < LATE
            if not late:
                truth.add(("all", f"tier {tier.value}", f"intent {intent}", f"day {at.date()}"), chance)
            rows.append(_row(dice, at, tier, chance, intent, out=out, late=late, agents=agents))
            spent[at.date(), tier] += 1
    lines: dict[date, list[tuple[Line, Sums]]] = {}
    for (day_of, tier), n in spent.items():
        cost = round(n * PREMIUM_USD * 1e6) if tier is CLOUD else 0
        line = Line(
            tenant_id, day_of, "draft", "solution_draft", tier.value, tier.value, f"model-{tier.value}"
        )
        sums = Sums(calls=n, answers=n, spent_micro_usd=cost, premium_micro_usd=round(n * PREMIUM_USD * 1e6))
        lines.setdefault(day_of, []).append((line, sums))
    paid = sum(n for (_, tier), n in spent.items() if tier is CLOUD)
    return Month(rows, lines, truth, paid * PREMIUM_USD, len(rows) * PREMIUM_USD, outage, during)


def _row(
    dice: random.Random,
    at: datetime,
    tier: Tier,
    chance: float,
    intent: str,
    *,
    out: bool,
    late: bool,
    agents: Sequence[str],
) -> dict[str, Any]:
    """A ticket, its draft, its attempts and what became of it."""
    used = dice.random() < chance
    edited = used and dice.random() < EDITED_OF_USED
    verdict = None if late else ("edited" if edited else "approved") if used else "rejected"
    seconds = SECONDS[tier] * math.exp(dice.gauss(0, 0.35))
    attempts = [(tier, "accepted", "accepted")]
    if out:
        attempts.insert(0, (CLOUD, "failed", "provider.timeout"))
    return {
        "ticket": str(new_id()),
        "draft": str(new_id()),
        "at": at.astimezone(UTC).isoformat(),
        "state": "expired" if verdict is None else verdict,
        "body": {
            "tier": tier.value,
            "model": f"model-{tier.value}",
            "reply": "안녕하세요, 고객님. 확인해 드리겠습니다.",
            "quality": min(0.99, max(0.01, dice.gauss(chance, 0.02))),
            "fallback_used": out,
            "latency_seconds": seconds,
            "stages": {"queue": dice.expovariate(5), "retrieve": 0.03, "resolve": seconds - 0.03},
            "triage": {"intent": intent, "language": "ko"},
            "state": "ready",
        },
        "verdict": verdict,
        "changed": dice.uniform(0.05, 0.5) if edited else 0.0,
        "decided_at": (at + timedelta(minutes=dice.expovariate(1 / 20))).astimezone(UTC).isoformat(),
        "seconds": dice.lognormvariate(3.4, 0.6),
        "agent": dice.choice(agents),
        "csat": dice.choice((None, None, 3, 4, 5, 5)) if used else None,
        "reopened": used and dice.random() < REOPENED,
        "reason": "" if used else dice.choice(("incorrect_information", "policy", "wrong_tone")),
        "attempts": [
            {"id": str(new_id()), "ordinal": n, "tier": t.value, "outcome": outcome, "reason": reason}
            for n, (t, outcome, reason) in enumerate(attempts)
        ],
    }


_INTO = (
    """
    INSERT INTO ticket (tenant_id, id, body, subject, status, created_at)
    SELECT %(tenant)s, ticket, '{"subject": "환불 문의", "channel": "email"}', '환불 문의', 'closed', at
      FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (ticket uuid, at timestamptz)""",
    """
    INSERT INTO draft (tenant_id, id, ticket_id, state, degraded, body, created_at, updated_at, opened_at)
    SELECT %(tenant)s, draft, ticket, state, false, body, at, at, at
      FROM jsonb_to_recordset(%(rows)s::jsonb)
           AS r (draft uuid, ticket uuid, state text, body jsonb, at timestamptz)""",
    """
    INSERT INTO attempt (tenant_id, id, draft_id, ordinal, task, tier, provider, model, outcome, reason,
                         tokens_in, tokens_out, cost_micro_usd, latency_seconds, at)
    SELECT %(tenant)s, (a ->> 'id')::uuid, draft, (a ->> 'ordinal')::int, 'solution_draft', a ->> 'tier',
           a ->> 'tier', 'model-' || (a ->> 'tier'), a ->> 'outcome', a ->> 'reason', 900, 150, 0, 1.0, at
      FROM jsonb_to_recordset(%(rows)s::jsonb) AS r (draft uuid, at timestamptz, attempts jsonb),
           jsonb_array_elements(attempts) AS a""",
    """
    INSERT INTO decision (tenant_id, id, draft_id, verdict, reason, decided_at, decided_by, changed, seconds,
                          csat, reopened_at)
    SELECT %(tenant)s, draft, draft, verdict, reason, decided_at, agent, changed, seconds, csat,
           CASE WHEN reopened THEN decided_at + interval '1 day' END
      FROM jsonb_to_recordset(%(rows)s::jsonb)
           AS r (draft uuid, verdict text, reason text, decided_at timestamptz, agent text, changed float8,
                 seconds float8, csat int, reopened boolean)
     WHERE verdict IS NOT NULL""",
)


async def put(tx: Tx, rows: Sequence[dict[str, Any]]) -> None:
    for statement in _INTO:
        await tx.run(statement, rows=json_of(list(rows)))


def shares(found: Figures) -> Iterator[tuple[str, Share]]:
    """Every share that the page shows and whose truth is known."""
    yield "all", kpis.outcomes(found.decided).approval
    for by in ("tier", "intent", "day"):
        for name, each in kpis.grouped(found.decided, by).items():  # type: ignore[arg-type]
            yield f"{by} {name}", each.approval


def told(month: Month, found: Figures, seconds: float) -> dict[str, Any]:
    compared = [(name, month.truth[name], share) for name, share in shares(found) if month.truth.of[name]]
    inside = sum(share.interval.low <= truth <= share.interval.high for _, truth, share in compared)
    outages = [
        {
            "tier": each.tier.value,
            "began_late_minutes": (each.began - month.outage[0]).total_seconds() / 60,
            "ended_late_minutes": (each.ended - month.outage[1]).total_seconds() / 60,
            "drafts": drafts.drafts,
            "answered": drafts.answered,
        }
        for each, drafts in found.outages
    ]
    premium = found.costs.whole.premium
    return {
        "shares": [
            {"of": name, "truth": round(truth, 4), "seen": round(share.hits / share.n, 4), "n": share.n,
             "low": round(share.interval.low, 4), "high": round(share.interval.high, 4)}
            for name, truth, share in compared
        ],
        "intervals": len(compared),
        "holding_the_truth": inside,
        "outages": outages,
        "drafts_in_the_outage": month.during,
        "calibration": [
            {"predicted": round(each.predicted, 3), "approved": round(each.approved / each.n, 3), "n": each.n}
            for each in found.calibration
        ],
        "spent_usd": {"truth": round(month.spent_usd, 2), "seen": round(usd(found.costs.whole.spent), 2)},
        "premium_usd": {"truth": round(month.premium_usd, 2), "seen": round(usd(premium), 2)},
        "saved": {
            "truth": round(1 - month.spent_usd / month.premium_usd, 4),
            "seen": None if found.money.saved is None else round(found.money.saved, 4),
        },
        "read_seconds": round(seconds, 2),
    }  # fmt: skip


async def measure(
    home: Path, *, tickets: int, days: int, seed: int, say: Callable[[str], None]
) -> dict[str, Any]:
    server = embedded.start(home)
    try:
        await asyncio.to_thread(migrate, server.urls.owner)
        owner = Database(server.urls.owner, connections=1)
        database = Database(server.urls.app, role=APP_ROLE, statement_seconds=120)
        await owner.open()
        await database.open()
        try:
            async with owner.unbound() as tx:
                tenant = await tenants.create(tx, f"month-{new_id().hex[:6]}", "무른달")
            async with database.tenant(tenant.id) as tx:
                key, _ = await keys.create(tx, Role.SUPERVISOR, "팀장")
                agents = [
                    str((await keys.create(tx, Role.AGENT, name))[1].id) for name in ("하나", "두진", "세라")
                ]
            last = datetime.now(ZONE).date()
            first = last - timedelta(days=days - 1)
            made = month(tenant.id, first, days, tickets, agents, seed)
            for start in range(0, len(made.rows), BATCH):
                async with database.tenant(tenant.id) as tx:
                    await put(tx, made.rows[start : start + BATCH])
                say(f"{start + len(made.rows[start : start + BATCH])} of {len(made.rows)} tickets")
            for day, lines in made.lines.items():
                async with database.tenant(tenant.id) as tx:
                    await ledger.add(tx, new_id(), 1, lines)
                    await tx.run(
                        "INSERT INTO spend_day (tenant_id, day, spent_micro_usd)"
                        " VALUES (%(tenant)s, %(day)s, %(spent)s)",
                        day=day,
                        spent=sum(sums.spent_micro_usd for _, sums in lines),
                    )
            began = time.perf_counter()
            async with database.tenant(tenant.id) as tx:
                found = await read_figures(tx, first, last, zone=str(ZONE), limit=MicroUsd(50_000_000))
            seconds = time.perf_counter() - began
            say(f"tenant {tenant.slug}, supervisor's key {key}")
            return told(made, found, seconds)
        finally:
            await database.close()
            await owner.close()
    finally:
        server.close()


def show(found: dict[str, Any]) -> None:
    print(f"{'approval of':<28} {'truth':>7} {'seen':>7} {'95 % interval':>17} {'n':>7}")
    for each in found["shares"]:
        outside = "" if each["low"] <= each["truth"] <= each["high"] else "  outside"
        shown = f"{each['low']:.3f} - {each['high']:.3f}"
        print(
            f"{each['of']:<28} {each['truth']:7.3f} {each['seen']:7.3f} {shown:>17} {each['n']:>7}{outside}"
        )
    print(f"{found['holding_the_truth']} of {found['intervals']} intervals hold the truth")
    for name in ("spent_usd", "premium_usd", "saved"):
        print(f"{name:<28} {found[name]['truth']:7} {found[name]['seen']:7}")
    for outage in found["outages"]:
        print("outage", json.dumps(outage), f"drafts in truth {found['drafts_in_the_outage']}")
    for each in found["calibration"]:
        print(f"predicted {each['predicted']:.3f} approved {each['approved']:.3f} n {each['n']}")
    print(f"read in {found['read_seconds']} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tickets", type=int, default=1_000)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()

    def say(words: str) -> None:
        print(words, file=sys.stderr)

    def run(home: Path) -> dict[str, Any]:
        wanted = {"tickets": given.tickets, "days": given.days, "seed": given.seed}
        return asyncio.run(measure(home, **wanted, say=say))

    if given.keep is not None:
        found = run(given.keep)
    else:
        with tempfile.TemporaryDirectory(prefix="ccos-month-") as home:
            found = run(Path(home))
    print(json.dumps(found)) if given.json else show(found)


if __name__ == "__main__":
    main()
