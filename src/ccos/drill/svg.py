"""Plots as inline SVG: rectangles, lines and words, each plot with a title and a description for readers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from itertools import count
from typing import Literal

Anchor = Literal["start", "middle", "end"]

_ids = count(1)


class Canvas:
    """Collects shapes in the order they are drawn. Lengths are in pixels of the view box."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._parts: list[str] = []

    def rect(self, x: float, y: float, width: float, height: float, *, cls: str, tip: str = "") -> None:
        box = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}"'
        self._parts.append(f'<rect {box} class="{cls}">{_tip(tip)}</rect>')

    def line(self, x1: float, y1: float, x2: float, y2: float, *, cls: str) -> None:
        ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        self._parts.append(f'<line {ends} class="{cls}"/>')

    def dot(self, x: float, y: float, radius: float, *, cls: str, tip: str = "") -> None:
        self._parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" class="{cls}">{_tip(tip)}</circle>'
        )

    def text(self, x: float, y: float, words: str, *, anchor: Anchor = "start", cls: str = "") -> None:
        where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
        self._parts.append(f'<text {where} class="{cls}">{escape(words)}</text>')

    def render(self, title: str, description: str) -> str:
        name = f"plot{next(_ids)}"
        return (
            f'<svg viewBox="0 0 {self.width:g} {self.height:g}" role="img" '
            f'aria-labelledby="{name}-title {name}-desc">'
            f'<title id="{name}-title">{escape(title)}</title>'
            f'<desc id="{name}-desc">{escape(description)}</desc>{"".join(self._parts)}</svg>'
        )


def _tip(words: str) -> str:
    return f"<title>{escape(words)}</title>" if words else ""


class Log:
    """A logarithmic scale from pixels `low` to `high`, over whole decades around `values`."""

    def __init__(self, values: Sequence[float], low: float, high: float) -> None:
        positive = [v for v in values if v > 0] or [1.0]
        self._first = math.floor(math.log10(min(positive)))
        self._last = max(self._first + 1, math.ceil(math.log10(max(positive))))
        self._low, self._high = low, high

    def __call__(self, value: float) -> float:
        at = math.log10(max(value, 10.0**self._first))
        share = (min(at, self._last) - self._first) / (self._last - self._first)
        return self._low + share * (self._high - self._low)

    @property
    def ticks(self) -> list[float]:
        return [10.0**n for n in range(self._first, self._last + 1)]


def nice(most: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten that `most` fits under; 1 for nothing."""
    if most <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= most * (1 - 1e-9))
