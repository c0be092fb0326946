"""A page with one picture: seconds of each request, by when it ended. One file, nothing from outside."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence

Point = tuple[float, float]
"""When a request ended, in seconds from the start, and how many seconds it took."""

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 420, 70, 20, 50, 50
FASTEST, SLOWEST = 0.001, 100.0
STYLE = "body{font:14px sans-serif;margin:2em}text{font-size:12px}"


def scatter(title: str, series: Mapping[str, tuple[str, Sequence[Point]]], marks: Mapping[str, float]) -> str:
    """`series` is a colour and points by name, `marks` moments that get an upright line, by name.

    The seconds a request took are on a logarithmic scale from a millisecond to 100 s.
    """
    last = max((at for _, points in series.values() for at, _ in points), default=1.0)
    parts: list[str] = []

    def x(at: float) -> float:
        return LEFT + at / last * (WIDTH - LEFT - RIGHT)

    def y(seconds: float) -> float:
        share = math.log(min(max(seconds, FASTEST), SLOWEST) / FASTEST) / math.log(SLOWEST / FASTEST)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def words(at: float, height: float, text: str, anchor: str) -> None:
        said = html.escape(text)
        parts.append(f'<text x="{at:.1f}" y="{height:.1f}" text-anchor="{anchor}">{said}</text>')

    def line(x1: float, y1: float, x2: float, y2: float, colour: str) -> None:
        ends = f'x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"'
        parts.append(f'<line {ends} stroke="{colour}"/>')

    for exponent in range(-3, 3):
        height = y(10.0**exponent)
        line(LEFT, height, WIDTH - RIGHT, height, "#ddd")
        words(LEFT - 8, height + 4, f"{10.0**exponent:g} s", "end")
    for at in range(0, int(last) + 1, max(5, 5 * round(last / 60))):
        words(x(at), HEIGHT - BOTTOM + 20, f"{at} s", "middle")
    for n, (name, (colour, points)) in enumerate(series.items()):
        for at, seconds in points:
            parts.append(f'<circle cx="{x(at):.1f}" cy="{y(seconds):.1f}" r="2" fill="{colour}"/>')
        parts.append(f'<circle cx="{LEFT + 10 + 220 * n}" cy="20" r="5" fill="{colour}"/>')
        words(LEFT + 20 + 220 * n, 24, name, "start")
    for name, at in marks.items():
        line(x(at), TOP, x(at), HEIGHT - BOTTOM, "#333")
        words(x(at) + 5, TOP + 12, name, "start")
    said = html.escape(title)
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" role="img" aria-label="{said}"'
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{said}</title><style>{STYLE}</style>\n'
        f"<h1>{said}</h1>\n<svg {box}>{''.join(parts)}</svg></html>\n"
    )
