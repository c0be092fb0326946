"""Triage on the sample tickets: hard ones, in dialect, sarcasm and two languages; floors, not boasts."""

from __future__ import annotations

from collections import Counter

from ccos import sample
from ccos.agents.resolution import field_changes
from ccos.agents.triage import triage
from ccos.domain.prompt import Grounds
from ccos.domain.verdict import Verdict


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


def test_the_confidence_shown_is_how_often_triage_is_right() -> None:
    """Discounted once more by triage's accuracy, the shown confidence would be eleven points too low."""
    settings = sample.settings()
    expected = {intent: each.name for each in settings.categories if each.active for intent in each.intents}
    shown: dict[str, list[float]] = {"category": [], "priority": []}
    right: dict[str, list[bool]] = {"category": [], "priority": []}
    for ticket, gold in zip(sample.tickets(), sample.gold(), strict=True):
        seen = triage(ticket, pii=gold.pii)
        grounds = Grounds(settings=settings, intent=seen.intent, intent_confidence=seen.intent_confidence)
        payload = {"category": expected.get(seen.intent), "priority": seen.priority.value}
        bare = ticket.model_copy(update={"category": None, "priority": None})
        for change in field_changes(bare, grounds, Verdict(0.9, "test", "", payload=payload)):
            meant = expected.get(gold.intent) if change.name == "category" else gold.priority.value
            shown[change.name].append(change.confidence)
            right[change.name].append(change.new == meant)
    for name, chances in shown.items():
        assert len(chances) >= 50
        assert abs(sum(chances) / len(chances) - sum(right[name]) / len(right[name])) <= 0.08, name
    assert abs(sum(shown["category"]) / len(shown["category"]) - 0.9) <= 0.03
