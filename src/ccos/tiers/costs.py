"""What was spent, what the accepted answers had cost on the premium model, and where the month is going.

Pure sums over the two ledgers: the day's money (what the limit counts) and the rows of calls.
"""

from __future__ import annotations

import calendar
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import dropwhile
from typing import Any

from ccos.domain.money import ZERO, MicroUsd, usd
from ccos.store.ledger import Line, Sums
from ccos.store.spend import SpendDay

FULL_DAYS = 7
"""Days a forecast looks back on."""
DRIFT_TOLD, DRIFT_CALLS = 0.2, 20
"""From this share on, over so many calls, the two counts of the same calls are told as a warning."""

Rows = Sequence[tuple[Line, Sums]]
Provider = tuple[str, str, str]
"""Tier, provider, model."""


@dataclass(frozen=True, slots=True)
class DayCosts:
    """`spent` is what the limit counted, `sums` what the ledger of calls has of the day, `held` what is still
    on hold for its calls.
    """

    day: date
    spent: MicroUsd
    sums: Sums
    held: MicroUsd = ZERO

    @property
    def premium(self) -> MicroUsd:
        return MicroUsd(self.sums.premium_micro_usd)

    @property
    def saved(self) -> MicroUsd:
        return MicroUsd(self.premium - self.spent)

    @property
    def filled(self) -> bool:
        return bool(self.spent or self.held or self.sums.calls or self.sums.answers)

    @property
    def not_in_ledger(self) -> MicroUsd:
        """Charged for calls that the ledger misses: their process was killed before it wrote them, or holds
        that it left were charged whole.
        """
        return MicroUsd(self.spent - self.sums.spent_micro_usd)


@dataclass(frozen=True, slots=True)
class Drift:
    """One provider's calls of one day, counted by us and by it."""

    day: date
    provider: Provider
    sums: Sums

    @property
    def share(self) -> float | None:
        return drift(self.sums)

    @property
    def told(self) -> bool:
        share = self.share
        return share is not None and abs(share) > DRIFT_TOLD and self.sums.reported_calls >= DRIFT_CALLS

    def sentence(self) -> str:
        share = self.share or 0.0
        more = "more" if share > 0 else "less"
        return (
            f"On {self.day} {'/'.join(self.provider)} reported {abs(share):.0%} {more} than we estimated for "
            f"the same {self.sums.reported_calls} calls; check its price."
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """The month's spending: `low` and `high` lie two standard deviations of such a sum away."""

    month: MicroUsd
    low: MicroUsd
    high: MicroUsd
    so_far: MicroUsd
    days_looked_back: int
    days_left: int

    def made(self) -> str:
        return (
            f"spent so far this month, plus the mean of the last {self.days_looked_back} full days for each "
            f"of {self.days_left} days left; the range is two standard deviations of that sum"
        )


@dataclass(frozen=True, slots=True)
class Costs:
    """Of the days from `first` to `last`, both included, each of them in `days`."""

    first: date
    last: date
    days: tuple[DayCosts, ...]
    by_provider: Mapping[Provider, Sums]
    drifts: tuple[Drift, ...]
    drafts: int
    spent_on_drafts: MicroUsd
    forecast: Forecast | None

    @property
    def empty(self) -> bool:
        return not self.by_provider and not any(day.spent or day.held for day in self.days)

    @property
    def whole(self) -> DayCosts:
        """All days as one."""
        sums = sum((day.sums for day in self.days), Sums())
        spent, held = (sum(getattr(day, name) for day in self.days) for name in ("spent", "held"))
        return DayCosts(self.last, MicroUsd(spent), sums, MicroUsd(held))

    @property
    def filled(self) -> tuple[DayCosts, ...]:
        """The days from the first with anything on it."""
        return tuple(dropwhile(lambda day: not day.filled, self.days))

    @property
    def warnings(self) -> list[str]:
        return [each.sentence() for each in self.drifts if each.told]


def drift(sums: Sums) -> float | None:
    """Reported over estimated, less one, over the calls that reported; None where none was paid for."""
    estimated = sums.estimated_of_reported_micro_usd
    return sums.reported_micro_usd / estimated - 1 if estimated else None


def costs(spent: Iterable[SpendDay], rows: Rows, *, first: date, last: date) -> Costs:
    """Everything about the days asked for; earlier days that are given serve the forecast alone.

    Days of several tenants add up.
    """
    money: dict[date, int] = {}
    held: dict[date, int] = {}
    for each in spent:
        money[each.day] = money.get(each.day, 0) + each.spent
        held[each.day] = held.get(each.day, 0) + each.reserved
    wanted = [(line, sums) for line, sums in rows if first <= line.day <= last]
    by_day: dict[date, Sums] = {}
    by_provider: dict[Provider, Sums] = {}
    by_both: dict[tuple[date, Provider], Sums] = {}
    drafts = on_drafts = 0
    for line, sums in wanted:
        who = (line.tier, line.provider, line.model)
        by_day[line.day] = by_day.get(line.day, Sums()) + sums
        by_provider[who] = by_provider.get(who, Sums()) + sums
        by_both[line.day, who] = by_both.get((line.day, who), Sums()) + sums
        if line.source == "draft":
            on_drafts += sums.spent_micro_usd
            drafts += sums.answers if line.task == "solution_draft" else 0
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return Costs(
        first,
        last,
        tuple(
            DayCosts(day, MicroUsd(money.get(day, 0)), by_day.get(day, Sums()), MicroUsd(held.get(day, 0)))
            for day in days
        ),
        dict(sorted(by_provider.items())),
        tuple(Drift(day, who, sums) for (day, who), sums in sorted(by_both.items(), key=lambda kv: kv[0])),
        drafts,
        MicroUsd(on_drafts),
        forecast(money, today=last),
    )


def forecast(spent: Mapping[date, int], *, today: date) -> Forecast | None:
    """What the month of `today` will have cost; None before the first full day with money on it.

    Days before anything was ever spent say nothing; later ones without spending do.
    """
    begun = min((day for day, amount in spent.items() if amount), default=today)
    back = [today - timedelta(days=n) for n in range(1, FULL_DAYS + 1)]
    looked = [spent.get(day, 0) for day in back if day >= begun]
    if not looked:
        return None
    left = calendar.monthrange(today.year, today.month)[1] - today.day
    so_far = sum(n for day, n in spent.items() if (day.year, day.month) == (today.year, today.month))
    rest = statistics.fmean(looked) * left
    spread = 2 * statistics.pstdev(looked) * math.sqrt(left)
    return Forecast(
        MicroUsd(round(so_far + rest)),
        MicroUsd(round(so_far + max(rest - spread, 0))),
        MicroUsd(round(so_far + rest + spread)),
        MicroUsd(so_far),
        len(looked),
        left,
    )


def saved_share(whole: DayCosts) -> float | None:
    """Saved of what the premium model would have cost; None where that is not known."""
    return whole.saved / whole.premium if whole.premium else None


def ledgers_document(found: Costs) -> dict[str, Any]:
    """The two counts of the same calls, and what was charged without a call in the ledger."""
    whole = found.whole
    return {
        "estimated_usd": usd(MicroUsd(whole.sums.estimated_of_reported_micro_usd)),
        "reported_usd": usd(MicroUsd(whole.sums.reported_micro_usd)),
        "reported_calls": whole.sums.reported_calls,
        "drift": _rounded(drift(whole.sums)),
        "not_in_ledger_usd": usd(whole.not_in_ledger),
        "by_provider": [_provider_document(who, sums) for who, sums in found.by_provider.items()],
        "warnings": found.warnings,
    }


def day_document(day: DayCosts) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "spent_usd": usd(day.spent),
        "premium_usd": usd(day.premium),
        "saved_usd": usd(day.saved),
        "calls": day.sums.calls,
        "answers": day.sums.answers,
        "cached": day.sums.cached,
        "failed": day.sums.failed,
    }


def document(found: Costs) -> dict[str, Any]:
    """All of it as JSON."""
    whole, coming = found.whole, found.forecast
    return {
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
        "spent_usd": usd(whole.spent),
        "premium_usd": usd(whole.premium),
        "saved_usd": usd(whole.saved),
        "saved_share": _rounded(saved_share(whole)),
        "on_hold_usd": usd(whole.held),
        "drafts": found.drafts,
        "usd_per_draft": round(usd(found.spent_on_drafts) / found.drafts, 6) if found.drafts else None,
        "calls": whole.sums.calls,
        "answers": whole.sums.answers,
        "cached": whole.sums.cached,
        "failed": whole.sums.failed,
        "month": None
        if coming is None
        else {
            "forecast_usd": usd(coming.month),
            "low_usd": usd(coming.low),
            "high_usd": usd(coming.high),
            "spent_usd": usd(coming.so_far),
            "made_from": coming.made(),
        },
        "days": [day_document(day) for day in found.days],
        "ledgers": ledgers_document(found),
    }


def _provider_document(who: Provider, sums: Sums) -> dict[str, Any]:
    tier, provider, model = who
    return {
        "tier": tier,
        "provider": provider,
        "model": model,
        "calls": sums.calls,
        "answers": sums.answers,
        "cached": sums.cached,
        "failed": sums.failed,
        "tokens_in": sums.tokens_in,
        "tokens_out": sums.tokens_out,
        "spent_usd": usd(MicroUsd(sums.spent_micro_usd)),
        "premium_usd": usd(MicroUsd(sums.premium_micro_usd)),
        "estimated_usd": usd(MicroUsd(sums.estimated_of_reported_micro_usd)),
        "reported_usd": usd(MicroUsd(sums.reported_micro_usd)),
        "reported_calls": sums.reported_calls,
        "drift": _rounded(drift(sums)),
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
