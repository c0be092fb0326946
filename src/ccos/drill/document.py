"""The drill as one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ccos import __version__
from ccos.drill.faults import FAULTS
from ccos.drill.figures import by_phase, judged, of_fault, promises
from ccos.drill.records import Record, Sample
from ccos.drill.telling import why_not
from ccos.drill.words import Words
from ccos.settings import Given

Settings = Sequence[Given]


def document(record: Record, settings: Settings) -> dict[str, Any]:
    """Everything that was measured: amounts in USD, times in seconds, shares in [0, 1], null where not."""
    phases = by_phase(record)
    found = promises(record.samples, record.outages, record)
    return {
        "verdict": judged(record, found),
        "not_measured_because": why_not(record, Words("en")),
        "drill": {
            "ccos": __version__,
            "began_at": record.began_at.isoformat(timespec="seconds"),
            "tier": record.tier.value,
            "mode": record.mode.value,
            "seconds": record.seconds,
            "concurrency": record.concurrency,
            "simulated": record.simulated,
            "interrupted": record.interrupted,
            "lasted_seconds": round(record.lasted_seconds, 3),
            "skipped_seconds": round(record.skipped_seconds, 3),
            "spend_at_most_usd": record.spend_at_most_usd,
            "spent_usd": record.spent_usd,
            "out_of_money": record.out_of_money,
            "providers": [asdict(part) for part in record.parts],
        },
        "promises": [asdict(promise) for promise in found],
        "phases": {name: asdict(figures) for name, figures in phases.items()},
        "faults": [
            {
                "name": outage.fault,
                "title": FAULTS[outage.fault].title_en,
                "outage": {name: value for name, value in asdict(outage).items() if name != "fault"},
                "phases": {
                    name: asdict(figures)
                    for name, figures in by_phase(record, outage.fault).items()
                    if name != "before"
                },
                "promises": [asdict(promise) for promise in of_fault(record, outage)],
            }
            for outage in record.outages
        ],
        "drafts": [_draft(sample) for sample in record.samples],
        "settings": changed(settings),
    }


def changed(settings: Settings) -> list[dict[str, str]]:
    """The settings that somebody gave, secrets as "set"."""
    return [
        {"name": each.variable, "value": each.text, "source": each.source}
        for each in settings
        if each.source != "default"
    ]


def _draft(sample: Sample) -> dict[str, Any]:
    shown = asdict(sample)
    return {**shown, "at": round(sample.at, 3), "in_time": sample.in_time}
