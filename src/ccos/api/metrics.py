"""What `/metrics` tells: requests, drafts, attempts. Labels are closed sets: no tenant, no path, no words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from prometheus_client import Counter, Histogram

from ccos.domain.draft import Attempt, Draft

REQUESTS = Histogram(
    "ccos_http_request_seconds",
    "Seconds from a request's arrival to the start of its answer.",
    ("method", "route", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0),
)
DRAFTS = Counter("ccos_drafts", "Drafts made in this process.", ("tier", "state", "degraded"))
DRAFT_SECONDS = Histogram(
    "ccos_draft_seconds",
    "Seconds one draft took, all tasks together.",
    ("tier",),
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0),
)
ATTEMPTS = Counter(
    "ccos_attempts",
    "Calls of providers, and providers that were passed over.",
    ("task", "tier", "provider", "outcome", "reason"),
)
SPENT = Counter("ccos_spent_usd", "USD spent on attempts.", ("tier", "provider"))
SEARCHES = Counter(
    "ccos_searches",
    "Searches of knowledge by what answered: index, former (index that no longer follows), store.",
    ("source",),
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_CODE = re.compile(r"[a-z0-9_.]{1,60}")


def count_request(method: str, route: str, status: int, seconds: float) -> None:
    """`route` is a template, never a path."""
    REQUESTS.labels(method if method in _METHODS else "other", route, str(status)).observe(seconds)


def count_draft(draft: Draft) -> None:
    """One draft that was made, and every attempt behind it."""
    tier = draft.tier.value if draft.tier else "none"
    DRAFTS.labels(tier, draft.state.value, str(draft.degraded).lower()).inc()
    DRAFT_SECONDS.labels(tier).observe(draft.latency_seconds)
    count_attempts(draft.attempts)


def count_search(source: str) -> None:
    """`source` is one of three words: index, former, store."""
    SEARCHES.labels(source).inc()


def count_attempts(attempts: Iterable[Attempt]) -> None:
    for a in attempts:
        code = a.reason.partition(" ")[0]
        reason = code if _CODE.fullmatch(code) else "other"
        ATTEMPTS.labels(a.task.value, a.tier.value, a.provider, a.outcome.value, reason).inc()
        if a.cost_usd:
            SPENT.labels(a.tier.value, a.provider).inc(a.cost_usd)
