"""The drill as one HTML file that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ccos.domain.prompt import Language
from ccos.drill import plots, telling
from ccos.drill.document import Settings, changed
from ccos.drill.faults import FAULTS
from ccos.drill.figures import Promise, by_phase, judged, of_fault, promises
from ccos.drill.plots import Plot, percent
from ccos.drill.records import Record
from ccos.drill.words import Words


def page(record: Record, settings: Settings, language: Language) -> str:
    """The report of a drill, one that was stopped early or has no drafts included."""
    words = Words(language)
    templates = Environment(
        loader=PackageLoader("ccos.drill"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return templates.get_template("report.html").render(
        t=words,
        record=record,
        lead=_lead(record, words),
        verdict=_verdict(record, words),
        badge=words("simulated_badge", tier=record.tier.value) if record.simulated else "",
        promises=[_promise(p, words) for p in promises(record.samples, record.outages, record)],
        plots=[{**_shown(plot), "svg": Markup(plot.svg)} for plot in _plots(record, words)],  # noqa: S704
        phases=_phases(record, words),
        faults=_faults(record, words) if len(record.outages) > 1 else [],
        notes=_notes(record, words),
        settings=changed(settings),
    )


def _lead(record: Record, words: Words) -> str:
    faults = (
        words("one_fault", title=words.fault(record.faults[0]))
        if len(record.faults) == 1
        else words("many_faults", n=len(record.faults))
    )
    when = record.began_at.strftime("%Y-%m-%d %H:%M UTC")
    return words("lead", faults=faults, tier=words(record.tier.value), drafts=len(record.samples), when=when)


def _verdict(record: Record, words: Words) -> dict[str, str]:
    found = promises(record.samples, record.outages, record)
    broken = sum(promise.verdict == "fail" for promise in found)
    said = {"fail": "not_held", "pass": "all_held", "not_measured": "nothing_measured"}
    kind, why = judged(record, found), telling.why_not(record, words)
    told = [words(said[kind], n=broken)] if kind != "not_measured" or why is None else []
    return {"kind": kind, "words": " ".join([*told, *([why] if why else [])])}


def _promise(promise: Promise, words: Words) -> dict[str, str]:
    return {
        "name": words(promise.name),
        "kind": promise.verdict,
        "mark": telling.MARKS[promise.verdict],
        "verdict": words(promise.verdict),
        "figure": telling.figure(promise, words),
        "beside": telling.beside(promise, words),
        "aim": telling.aim(promise, words),
        "counted": telling.counted(promise, words),
    }


def _shown(plot: Plot) -> dict[str, Any]:
    return {"title": plot.title, "description": plot.description, "rows": plot.rows, "wide": plot.wide}


def _plots(record: Record, words: Words) -> list[Plot]:
    if not record.samples:
        return []
    phases = by_phase(record)
    found = [
        plots.mix_over_time(record, words),
        plots.latency_over_time(record, words),
        plots.shares_by_phase(phases, words),
        plots.quality_by_phase(phases, words),
        plots.cost_by_phase(phases, words),
    ]
    if len(record.outages) > 1:
        during = {name: by_phase(record, name)["during"] for name in record.faults}
        found.append(plots.mix_by_fault(during, words))
        found.append(plots.latency_by_fault(during, record.seconds, words))
    return found


def _phases(record: Record, words: Words) -> list[dict[str, str]]:
    return [
        {
            "phase": words(name),
            "drafts": str(found.drafts),
            "in_time": percent(found.answered),
            "useful": percent(found.useful),
            "ready": percent(found.ready),
            "quality": telling.score(found.quality),
            "p50": telling.seconds(found.seconds_p50),
            "p95": telling.seconds(found.seconds_p95),
            "max": telling.seconds(found.seconds_max),
            "switch": percent(found.switched),
            "mix": telling.mix(found),
            "cost": f"${found.cost_usd:.4f}",
            "failed_cost": f"${found.failed_cost_usd:.4f}",
        }
        for name, found in by_phase(record).items()
        if found.drafts
    ]


def _faults(record: Record, words: Words) -> list[dict[str, str]]:
    rows = []
    for number, outage in enumerate(record.outages, start=1):
        found = by_phase(record, outage.fault)["during"]
        kind = judged(record, of_fault(record, outage))
        back = outage.back_seconds
        rows.append(
            {
                "number": str(number),
                "fault": words.fault(outage.fault),
                "name": outage.fault,
                "kind": kind,
                "verdict": f"{telling.MARKS[kind]} {words(kind)}",
                "in_time": percent(found.answered),
                "useful": percent(found.useful),
                "ready": percent(found.ready),
                "quality": telling.score(found.quality),
                "p95": telling.seconds(found.seconds_p95),
                "switch": percent(found.switched),
                "calls": str(outage.asked),
                "back_after": words("seconds", x=f"{back:.1f}") if back is not None else "–",
                "reasons": telling.reasons(found),
            }
        )
    return rows


def _notes(record: Record, words: Words) -> list[str]:
    tickets = len({s.ticket for s in record.samples})
    scorers = sorted({s.scorer for s in record.samples if s.scorer})
    found = [words("note_injected"), words("note_sample", n=tickets)]
    found += [
        words("note_simulated", name=f"{part.tier.value} ({part.model})")
        for part in record.parts
        if part.simulated
    ]
    if scorers:
        found.append(words("note_scorer", scorer=", ".join(scorers)))
    if any(part.paid for part in record.parts):
        found.append(words("note_charged"))
    if record.out_of_money:
        found.append(words("note_out_of_money", most=f"${record.spend_at_most_usd:.2f}"))
    if record.skipped_seconds:
        lasted, skipped = f"{record.lasted_seconds:.0f}", f"{record.skipped_seconds:.0f}"
        found.append(words("note_skipped", s=skipped, lasted=lasted))
    if any(FAULTS[name].mended_by_restart for name in record.faults):
        found.append(words("note_restart"))
    if len(record.outages) > 1:
        found.append(words("note_shared_before"))
    return found
