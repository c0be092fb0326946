"""Plots of an evaluation, drawn in SVG: one frame, and what is put into it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

WIDTH, HEIGHT = 380, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 42

STYLE = """
* { box-sizing: border-box; }
:root { color-scheme: light dark; --good: #2f8f6b; --bad: #c0503a; --main: #3b6fb6; --plain: #8a8f98;
  --other: #8a5fb0; }
body { font: 15px/1.5 system-ui, "Noto Sans KR", "Malgun Gothic", sans-serif; margin: 1.5rem auto;
  max-width: 1080px; padding: 0 1rem; word-break: keep-all; overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; line-height: 1.3; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); gap: 1.2rem;
  padding: 0; }
.facts li { list-style: none; } .facts b { display: block; font-size: 1.6rem; line-height: 1.2; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 0 2rem; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--main); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid #8884; white-space: nowrap; }
th { vertical-align: bottom; line-height: 1.3; overflow-wrap: normal; min-width: 4.5em; white-space: normal; }
th:first-child, td:first-child { text-align: left; }
svg { display: block; width: 100%; max-width: 460px; height: auto; }
svg text { font: 12px system-ui, "Noto Sans KR", sans-serif; fill: currentColor; }
svg .grid { stroke: #8883; } svg .axis { stroke: #888; } svg .ideal { stroke: #888; stroke-dasharray: 4 4; }
svg .line { fill: none; stroke-width: 2; } svg .whisker { stroke-width: 1.5; }
.note { opacity: .75; font-size: .9rem; margin: .2rem 0; }
.warning { border-left: 4px solid #c0503a; padding-left: .8rem; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .3rem 0; font-size: .9rem; }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .4em; }
.terms { font-size: .9rem; margin: .8rem 0; } .terms dt { font-weight: 600; margin-top: .5rem; }
.terms dd { margin: 0; opacity: .8; }
@page { size: A4 landscape; margin: 12mm; }
@media print {
  :root { color-scheme: light; print-color-adjust: exact; font-size: 10pt; }
  body { margin: 0; max-width: none; padding: 0; font-size: 1rem; }
  .scroll { overflow: visible; }
  table { font-size: 9pt; } thead { display: table-header-group; }
  th, td { padding: .15rem .35rem; min-width: 0; }
  td { white-space: normal; overflow-wrap: normal; } td:first-child { overflow-wrap: anywhere; }
  tr, .plots section, .facts li { break-inside: avoid; } h2, h2 + .note { break-after: avoid; }
}
"""

Point = tuple[float, float]


class Frame:
    """A plot of two axes; `across` and `up` are their ends, in the data's own measure. The one across begins
    at 0, the one up at `low`."""

    def __init__(
        self,
        x_name: str,
        y_name: str,
        *,
        across: float = 1.0,
        low: float = 0.0,
        up: float = 1.0,
        ticks: bool = True,
    ) -> None:
        """Without `ticks` the axis below has `label`s instead of numbers."""
        self._across, self._low, self._up = across, low, up
        self._drawn: list[str] = []
        floor, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        for step in (0.0, 0.25, 0.5, 0.75, 1.0):
            height = low + step * (up - low)
            x, y = self._x(step * across), self._y(height)
            self._drawn += [
                f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>',
                f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_tick(height, up - low)}</text>',
            ]
            if ticks:
                anchor = "end" if step == 1 else "middle"  # the last one must not stick out
                words = _tick(step * across, across)
                self._drawn.append(
                    f'<text x="{x:.1f}" y="{floor + 16}" text-anchor="{anchor}">{words}</text>'
                )
        self._drawn += [
            f'<line class="axis" x1="{LEFT}" y1="{floor}" x2="{right}" y2="{floor}"/>',
            f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_name)}</text>',
        ]
        self._y_name = y_name

    def label(self, x: float, words: str) -> None:
        """Words below the axis, one to a line where there are several."""
        for line, word in enumerate(words.split()):
            y = HEIGHT - BOTTOM + 14 + 12 * line
            self._drawn.append(
                f'<text x="{self._x(x):.1f}" y="{y}" text-anchor="middle" style="font-size: 11px">'
                f"{escape(word)}</text>"
            )

    def line(self, points: Iterable[Point], colour: str) -> None:
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
        self._drawn.append(f'<polyline class="line" points="{path}" style="stroke: var(--{colour})"/>')

    def ideal(self, start: Point, end: Point) -> None:
        (x1, y1), (x2, y2) = start, end
        self._drawn.append(
            f'<line class="ideal" x1="{self._x(x1):.1f}" y1="{self._y(y1):.1f}"'
            f' x2="{self._x(x2):.1f}" y2="{self._y(y2):.1f}"/>'
        )

    def dot(self, at: Point, colour: str, tip: str, *, radius: float = 4.0) -> None:
        self._drawn.append(
            f'<circle cx="{self._x(at[0]):.1f}" cy="{self._y(at[1]):.1f}" r="{radius:.1f}"'
            f' style="fill: var(--{colour})"><title>{escape(tip)}</title></circle>'
        )

    def whisker(self, x: float, low: float, high: float, colour: str) -> None:
        self._drawn.append(
            f'<line class="whisker" x1="{self._x(x):.1f}" y1="{self._y(low):.1f}" x2="{self._x(x):.1f}"'
            f' y2="{self._y(high):.1f}" style="stroke: var(--{colour})"/>'
        )

    def bar(self, start: float, end: float, low: float, high: float, colour: str, tip: str) -> None:
        x, y = self._x(start) + 1, self._y(high)
        width, height = max(1.0, self._x(end) - x - 1), self._y(low) - y
        self._drawn.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
            f' style="fill: var(--{colour})"><title>{escape(tip)}</title></rect>'
        )

    def render(self, title: str, description: str, legend: Sequence[tuple[str, str]] = ()) -> str:
        """The plot under its title, with words that say what is to be seen."""
        named = "".join(
            f'<span><i style="background: var(--{colour})"></i>{escape(name)}</span>'
            for colour, name in legend
        )
        return (
            f'<section><h2>{escape(title)}</h2><p class="note">{escape(description)}</p>'
            f'{f"""<p class="legend">{named}</p>""" if named else ""}'
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
            f"<title>{escape(self._y_name)}</title>{''.join(self._drawn)}</svg></section>"
        )

    def _x(self, value: float) -> float:
        return LEFT + min(max(value / self._across, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        share = (value - self._low) / (self._up - self._low)
        return HEIGHT - BOTTOM - min(max(share, 0.0), 1.0) * (HEIGHT - TOP - BOTTOM)


def thinned(points: Sequence[Point], most: int = 400) -> list[Point]:
    """No more points than can be seen, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    step = (len(points) - 1) / (most - 1)
    return [points[round(place * step)] for place in range(most)]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table that scrolls in a box of its own where it is too wide; the cells are escaped."""
    heads = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<div class="scroll" tabindex="0"><table><thead><tr>{heads}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def runs(values: Sequence[float]) -> list[int]:
    """The last place of each run of equals in sorted values."""
    ends = [place for place, (one, other) in enumerate(pairwise(values)) if one != other]
    return [*ends, len(values) - 1] if values else []


def _tick(value: float, reach: float) -> str:
    """A number of an axis that is so long, with so many digits that no two of its five read the same."""
    if reach >= 40:
        return f"{value:,.0f}"
    digits = max(0, 1 - math.floor(math.log10(reach / 4))) if reach > 0 else 2
    shown = f"{value:.{digits}f}"
    return shown.rstrip("0").rstrip(".") if digits else shown
