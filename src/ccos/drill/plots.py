"""The plots of the report, each drawn from a drill's record or its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ccos.domain.tier import Tier
from ccos.drill.figures import QUALITY_AIM, Figures
from ccos.drill.records import PHASES, Phase, Record, Sample
from ccos.drill.svg import Canvas, Log, nice
from ccos.drill.words import Words

WIDTH, LEFT, RIGHT, TOP = 960.0, 56.0, 12.0, 34.0
NARROW = 470.0
TIERS = (*(tier.value for tier in Tier), "none")
_COLUMNS = 10
"""Most columns of a stretch in the plot of one fault; with several faults each stretch is one column."""


@dataclass(frozen=True, slots=True)
class Plot:
    """`rows` are the same figures as a table, its head first."""

    title: str
    description: str
    svg: str
    rows: tuple[tuple[str, ...], ...] = ()
    wide: bool = True


@dataclass(frozen=True, slots=True)
class _Stretch:
    """One phase of one fault, with its place on the axis."""

    fault: str
    phase: Phase
    samples: tuple[Sample, ...]
    start: float
    end: float
    x: float
    width: float

    def at(self, moment: float) -> float:
        """The pixel of a moment; dots keep off the edges."""
        share = (moment - self.start) / (self.end - self.start) if self.end > self.start else 0.5
        return self.x + self.width * (0.02 + 0.96 * min(max(share, 0.0), 1.0))


def mix_over_time(record: Record, words: Words) -> Plot:
    """Stacked shares of the tiers, phase by phase."""
    canvas, stretches = _time_axis(record, words, 260)
    top, bottom = TOP, canvas.height - 52
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * (bottom - top)
        canvas.line(LEFT, y, WIDTH - RIGHT, y, cls="grid")
        canvas.text(LEFT - 8, y + 4, f"{share:.0%}", anchor="end", cls="tick")
    most = _COLUMNS if len(record.outages) <= 1 else 1
    rows = []
    for each in stretches:
        groups = _groups(each.samples, most)
        width = (each.width - 8) / len(groups) if most > 1 else each.width
        for place, samples in enumerate(groups):
            x, y = each.x + place * width + (4 if most > 1 else 0), bottom
            for tier, drafts in _mix(samples).items():
                height = drafts / len(samples) * (bottom - top)
                y -= height
                tip = f"{words(each.phase)}: {words(tier)} {drafts}/{len(samples)}"
                canvas.rect(x + 0.5, y, width - 1, height, cls=f"bar {tier}", tip=tip)
        mixed = _mix(each.samples)
        rows.append((_name(each, words), *(str(mixed.get(tier, 0)) for tier in TIERS)))
    head = (words("phase"), *(words(tier) for tier in TIERS))
    _legend(canvas, [(tier, words(tier)) for tier in TIERS if tier in _mix(record.samples)])
    title, description = words("mix_title"), f"{words('mix_desc')} {_axis_note(record, words)}"
    return Plot(title, description, canvas.render(title, description), (head, *rows))


def latency_over_time(record: Record, words: Words) -> Plot:
    """A dot a draft."""
    canvas, stretches = _time_axis(record, words, 300)
    top, bottom = TOP, canvas.height - 52
    scale = Log([*(s.seconds for s in record.samples), record.seconds], bottom, top)
    for tick in scale.ticks:
        canvas.line(LEFT, scale(tick), WIDTH - RIGHT, scale(tick), cls="grid")
        canvas.text(LEFT - 8, scale(tick) + 4, f"{tick:g}", anchor="end", cls="tick")
    deadline = scale(record.seconds)
    canvas.line(LEFT, deadline, WIDTH - RIGHT, deadline, cls="aim")
    label = f"{words('deadline')} {words('seconds', x=f'{record.seconds:g}')}"
    canvas.text(WIDTH - RIGHT - 4, deadline - 5, label, anchor="end", cls="tick")
    radius = 3.5 if len(record.samples) <= 300 else 2.2
    rows = []
    for each in stretches:
        for sample in each.samples:
            tip = f"{sample.ticket}: {sample.seconds:.3f} s"
            tier = _tier(sample)
            canvas.dot(each.at(sample.at), scale(sample.seconds), radius, cls=f"dot {tier}", tip=tip)
        taken = sorted(s.seconds for s in each.samples)
        middle = taken[len(taken) // 2]
        rows.append((_name(each, words), f"{taken[0]:.3f}", f"{middle:.3f}", f"{taken[-1]:.3f}"))
    _legend(canvas, [(tier, words(tier)) for tier in TIERS if tier in _mix(record.samples)])
    title, description = words("latency_title"), f"{words('latency_desc')} {_axis_note(record, words)}"
    head = (words("phase"), "min", words("p50"), words("max"))
    return Plot(title, description, canvas.render(title, description), (head, *rows))


def shares_by_phase(phases: Mapping[str, Figures], words: Words) -> Plot:
    """Came in time, useful, ready."""
    canvas = Canvas(WIDTH, 250)
    kinds = (("in_time", "s1"), ("useful", "s2"), ("ready", "s3"))
    shown = {name: found for name, found in phases.items() if found.drafts}
    top, bottom = TOP + 16, canvas.height - 30
    _shares_axis(canvas, top, bottom, WIDTH)
    rows = []
    room = (WIDTH - LEFT - RIGHT) / max(1, len(shown))
    for place, (name, found) in enumerate(shown.items()):
        values = (found.answered or 0.0, found.useful or 0.0, found.ready or 0.0)
        wide = min(62.0, room * 0.8 / 3)
        start = LEFT + place * room + (room - 3 * wide) / 2
        for n, ((kind, cls), value) in enumerate(zip(kinds, values, strict=True)):
            y = bottom - value * (bottom - top)
            canvas.rect(start + n * wide + 3, y, wide - 6, bottom - y, cls=f"bar {cls}", tip=words(kind))
            canvas.text(start + n * wide + wide / 2, y - 5, percent(value), anchor="middle", cls="value")
        canvas.text(LEFT + place * room + room / 2, bottom + 19, words(name), anchor="middle", cls="label")
        rows.append((words(name), *(percent(value) for value in values)))
    _legend(canvas, [(cls, words(kind)) for kind, cls in kinds])
    title, description = words("shares_title"), words("shares_desc")
    head = (words("phase"), *(words(kind) for kind, _ in kinds))
    return Plot(title, description, canvas.render(title, description), (head, *rows))


def quality_by_phase(phases: Mapping[str, Figures], words: Words) -> Plot:
    """The mean score, never without the share of drafts it speaks of."""
    canvas = Canvas(NARROW, 250)
    shown = {name: found for name, found in phases.items() if found.drafts}
    top, bottom = 24.0, canvas.height - 46
    for value in (0.0, 0.5, 1.0):
        y = bottom - value * (bottom - top)
        canvas.line(LEFT, y, NARROW - RIGHT, y, cls="grid")
        canvas.text(LEFT - 8, y + 4, f"{value:g}", anchor="end", cls="tick")
    rows = []
    room = (NARROW - LEFT - RIGHT) / max(1, len(shown))
    for place, (name, found) in enumerate(shown.items()):
        middle, useful = LEFT + (place + 0.5) * room, percent(found.useful)
        if found.quality is not None:
            y = bottom - found.quality * (bottom - top)
            canvas.rect(middle - room * 0.28, y, room * 0.56, bottom - y, cls="bar s2")
            canvas.text(middle, y - 5, f"{found.quality:.2f}", anchor="middle", cls="value")
        canvas.text(middle, bottom + 18, words(name), anchor="middle", cls="label")
        canvas.text(middle, bottom + 35, f"{words('useful')} {useful}", anchor="middle", cls="tick")
        quality = "–" if found.quality is None else f"{found.quality:.3f}"
        rows.append((words(name), quality, useful, ", ".join(found.scorers)))
    aim = bottom - QUALITY_AIM * (bottom - top)
    canvas.line(LEFT, aim, NARROW - RIGHT, aim, cls="aim")
    title, description = words("quality_title"), words("quality_desc")
    head = (words("phase"), words("quality"), words("useful"), "scorer")
    return Plot(title, description, canvas.render(title, description), (head, *rows), wide=False)


def cost_by_phase(phases: Mapping[str, Figures], words: Words) -> Plot:
    """What 100 drafts cost, and how much of it went into attempts that were not used."""
    canvas = Canvas(NARROW, 250)
    shown = {name: found for name, found in phases.items() if found.drafts}
    hundred = {
        name: (100 * found.failed_cost_usd / found.drafts, 100 * found.cost_usd / found.drafts)
        for name, found in shown.items()
    }
    top, bottom = TOP + 10, canvas.height - 46
    most = nice(max((max(pair) for pair in hundred.values()), default=0.0))
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * (bottom - top)
        canvas.line(LEFT, y, NARROW - RIGHT, y, cls="grid")
        canvas.text(LEFT - 8, y + 4, f"${share * most:g}", anchor="end", cls="tick")
    rows = []
    room = (NARROW - LEFT - RIGHT) / max(1, len(shown))
    for place, (name, (in_vain, spent)) in enumerate(hundred.items()):
        middle, used = LEFT + (place + 0.5) * room, max(0.0, spent - in_vain)
        y = bottom
        for cls, value in (("s2", used), ("bad", min(in_vain, spent))):
            height = value / most * (bottom - top)
            y -= height
            canvas.rect(middle - room * 0.28, y, room * 0.56, height, cls=f"bar {cls}")
        canvas.text(middle, y - 5, f"${spent:.3f}", anchor="middle", cls="value")
        canvas.text(middle, bottom + 18, words(name), anchor="middle", cls="label")
        rows.append((words(name), f"${used:.4f}", f"${in_vain:.4f}", f"${spent:.4f}"))
    _legend(canvas, [("s2", words("cost_used")), ("bad", words("cost_in_vain"))])
    title, description = words("cost_title"), words("cost_desc")
    head = (words("phase"), words("cost_used"), words("cost_in_vain"), words("cost"))
    return Plot(title, description, canvas.render(title, description), (head, *rows), wide=False)


def mix_by_fault(during: Mapping[str, Figures], words: Words) -> Plot:
    """One bar a fault."""
    left, row = 230.0, 24.0
    canvas = Canvas(WIDTH, TOP + row * len(during) + 26)
    room = WIDTH - left - RIGHT - 8
    for n, (fault, found) in enumerate(during.items()):
        y, x = TOP + n * row, left
        canvas.text(left - 10, y + 16, f"{n + 1}. {words.fault(fault)}", anchor="end", cls="label")
        for tier in TIERS:
            drafts = found.tiers.get(tier, 0)
            wide = drafts / max(1, found.drafts) * room
            if drafts:
                canvas.rect(x, y + 3, wide, row - 6, cls=f"bar {tier}", tip=f"{words(tier)} {drafts}")
                if wide > 44:
                    canvas.text(x + wide / 2, y + 16, str(drafts), anchor="middle", cls="inside")
            x += wide
    for share in (0.0, 0.5, 1.0):
        canvas.text(left + share * room, canvas.height - 8, f"{share:.0%}", anchor="middle", cls="tick")
    _legend(canvas, [(t, words(t)) for t in TIERS if any(t in f.tiers for f in during.values())])
    title, description = words("fault_mix_title"), words("fault_mix_desc")
    return Plot(title, description, canvas.render(title, description))


def latency_by_fault(during: Mapping[str, Figures], seconds: float, words: Words) -> Plot:
    """Median, 95th percentile and slowest draft of each fault."""
    left, row = 230.0, 24.0
    canvas = Canvas(WIDTH, 14 + row * len(during) + 26)
    shown = [f for f in during.values() if f.seconds_max is not None]
    values = [v for f in shown for v in (f.seconds_p50, f.seconds_max) if v is not None]
    bottom = canvas.height - 26
    scale = Log([*values, seconds], left, WIDTH - RIGHT - 30)
    for tick in scale.ticks:
        canvas.line(scale(tick), 10, scale(tick), bottom, cls="grid")
        canvas.text(scale(tick), bottom + 16, f"{tick:g}", anchor="middle", cls="tick")
    canvas.line(scale(seconds), 10, scale(seconds), bottom, cls="aim")
    canvas.text(scale(seconds), 9, words("deadline"), anchor="middle", cls="tick")
    for n, (fault, found) in enumerate(during.items()):
        y = 14 + n * row + row / 2
        canvas.text(left - 10, y + 4, f"{n + 1}. {words.fault(fault)}", anchor="end", cls="label")
        if found.seconds_p50 is None or found.seconds_p95 is None or found.seconds_max is None:
            continue
        p50, p95, most = scale(found.seconds_p50), scale(found.seconds_p95), scale(found.seconds_max)
        canvas.rect(p50, y - 4, p95 - p50, 8, cls="bar pale")
        canvas.line(most, y - 7, most, y + 7, cls="mark")
        canvas.dot(p50, y, 4.5, cls="dot s2", tip=f"p50 {found.seconds_p50} s")
    title, description = words("fault_latency_title"), words("fault_latency_desc")
    return Plot(title, description, canvas.render(title, description))


def percent(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0%}" if value in (0.0, 1.0) else f"{value:.1%}"


def _time_axis(record: Record, words: Words, height: float) -> tuple[Canvas, list[_Stretch]]:
    """The stretches side by side, outage and recovery shaded, with how long each lasted."""
    canvas = Canvas(WIDTH, height)
    stretches = _stretches(record)
    bottom, several = height - 52, len(record.outages) > 1
    number = 0
    for each in stretches:
        if each.phase in ("during", "recovery"):
            down = bottom + 46 if not several else bottom + 24
            canvas.rect(each.x, TOP - 6, each.width, down - TOP + 6, cls=f"shade {each.phase}")
        middle = each.x + each.width / 2
        lasted = words("seconds", x=f"{each.end - each.start:.1f}")
        if not several:
            canvas.text(middle, bottom + 20, words(each.phase), anchor="middle", cls="label")
            canvas.text(middle, bottom + 38, lasted, anchor="middle", cls="tick")
        elif each.phase == "during":
            number += 1
            canvas.text(middle, bottom + 18, str(number), anchor="middle", cls="label")
    if several:
        canvas.text(
            (LEFT + WIDTH - RIGHT) / 2, bottom + 38, words("axis_faults"), anchor="middle", cls="tick"
        )
    return canvas, stretches


def _axis_note(record: Record, words: Words) -> str:
    return words("axis_note_faults" if len(record.outages) > 1 else "axis_note")


def _stretches(record: Record) -> list[_Stretch]:
    groups: dict[tuple[str, Phase], list[Sample]] = {}
    faults = dict.fromkeys(["", *record.faults])
    for fault in faults:
        for phase in PHASES:
            own = [s for s in record.samples if s.fault == fault and s.phase == phase]
            if own:
                groups[fault, phase] = own
    width = (WIDTH - LEFT - RIGHT) / max(1, len(groups))
    return [
        _Stretch(
            fault,
            phase,
            tuple(own),
            min(s.at for s in own),
            max(s.at + s.seconds for s in own),
            LEFT + n * width,
            width,
        )
        for n, ((fault, phase), own) in enumerate(groups.items())
    ]


def _groups(samples: Sequence[Sample], most: int) -> list[Sequence[Sample]]:
    """The drafts in the order they were begun, in up to `most` groups of nearly the same size."""
    ordered = sorted(samples, key=lambda s: s.at)
    count = min(most, len(ordered))
    ends = [round(n * len(ordered) / count) for n in range(count + 1)]
    return [ordered[a:b] for a, b in pairwise(ends)]


def _name(stretch: _Stretch, words: Words) -> str:
    return f"{words.fault(stretch.fault)}: {words(stretch.phase)}" if stretch.fault else words(stretch.phase)


def _tier(sample: Sample) -> str:
    return sample.tier.value if sample.tier else "none"


def _mix(samples: Sequence[Sample]) -> dict[str, int]:
    """Drafts by tier, the strongest first."""
    counted = Counter(map(_tier, samples))
    return {tier: counted[tier] for tier in TIERS if counted[tier]}


def _shares_axis(canvas: Canvas, top: float, bottom: float, width: float) -> None:
    for share in (0.0, 0.5, 1.0):
        y = bottom - share * (bottom - top)
        canvas.line(LEFT, y, width - RIGHT, y, cls="grid")
        canvas.text(LEFT - 8, y + 4, f"{share:.0%}", anchor="end", cls="tick")


def _legend(canvas: Canvas, entries: Sequence[tuple[str, str]]) -> None:
    """Squares and names above the plot. A Hangul syllable is about twice as wide as a letter."""
    x = LEFT
    for cls, name in entries:
        canvas.rect(x, 4, 12, 12, cls=f"bar {cls}")
        canvas.text(x + 17, 14, name, cls="tick")
        x += 34 + sum(12.0 if "가" <= c <= "힣" else 6.8 for c in name)
