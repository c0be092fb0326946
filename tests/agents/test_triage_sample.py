"""Triage on the sample tickets: hard ones, in dialect, sarcasm and two languages; floors, not boasts."""

from __future__ import annotations

from collections import Counter

from ccos import sample
from ccos.agents.triage import triage


def test_the_sample_tickets_are_mostly_read_right() -> None:
    right: Counter[str] = Counter()
    golds = sample.gold()
    for ticket, gold in zip(sample.tickets(), golds, strict=True):
        seen = triage(ticket, pii=gold.pii)
        for field in ("intent", "language", "priority", "sentiment"):
            right[field] += getattr(seen, field) == getattr(gold, field)
    share = {field: count / len(golds) for field, count in right.items()}
    assert share["language"] >= 0.98
    assert share["sentiment"] >= 0.9
    assert share["intent"] >= 0.85
    assert share["priority"] >= 0.7
