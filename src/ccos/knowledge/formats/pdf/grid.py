"""Tables by their ruled lines: segments to grids, points to cells."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

NEAR = 3.0
"""Points that drawn lines may miss each other by and still meet."""

_MOST_RULES = 1_500
_LEAST_CELL = (10.0, 6.0)
"""Width and height in points that cells have on average: less is graph paper."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal or vertical line at `at`, from `start` to `end` along the other axis."""

    at: float
    start: float
    end: float

    def covers(self, point: float) -> bool:
        return self.start - NEAR <= point <= self.end + NEAR


@dataclass(frozen=True, slots=True)
class Grid:
    """Row edges run from the bottom up, as coordinates of a page do."""

    columns: tuple[float, ...]
    rows: tuple[float, ...]
    across: tuple[Rule, ...]
    upright: tuple[Rule, ...]

    @property
    def height(self) -> int:
        return len(self.rows) - 1

    @property
    def width(self) -> int:
        return len(self.columns) - 1

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """Row from the top and column; a merged cell is its upper left one. None outside the table."""
        column, row = bisect_right(self.columns, x) - 1, bisect_right(self.rows, y) - 1
        if not (0 <= column < self.width and 0 <= row < self.height):
            return None
        while column and not _ruled(self.upright, self.columns[column], y):
            column -= 1
        while row < self.height - 1 and not _ruled(self.across, self.rows[row + 1], x):
            row += 1
        return self.height - 1 - row, column


def grids(across: Sequence[Rule], upright: Sequence[Rule]) -> list[Grid]:
    """The tables that the lines draw: lines that touch, around two rows of two cells or more."""
    across, upright = _merged(across), _merged(upright)
    if len(across) > _MOST_RULES or len(upright) > _MOST_RULES:
        return []  # a drawing
    group = list(range(len(across) + len(upright)))

    def root(at: int) -> int:
        while group[at] != at:
            group[at] = group[group[at]]
            at = group[at]
        return at

    for i, flat in enumerate(across):
        for j, tall in enumerate(upright, start=len(across)):
            if flat.covers(tall.at) and tall.covers(flat.at):
                group[root(i)] = root(j)
    found = []
    for each in sorted({root(at) for at in range(len(group))}):
        flats = tuple(rule for at, rule in enumerate(across) if root(at) == each)
        talls = tuple(rule for at, rule in enumerate(upright, start=len(across)) if root(at) == each)
        rows, columns = _edges(rule.at for rule in flats), _edges(rule.at for rule in talls)
        if len(rows) >= 3 and len(columns) >= 3:
            grid = Grid(columns, rows, flats, talls)
            wide, high = (columns[-1] - columns[0]) / grid.width, (rows[-1] - rows[0]) / grid.height
            if wide >= _LEAST_CELL[0] and high >= _LEAST_CELL[1]:
                found.append(grid)
    return found


def _ruled(rules: Iterable[Rule], at: float, point: float) -> bool:
    return any(abs(rule.at - at) <= NEAR and rule.start <= point <= rule.end for rule in rules)


def _edges(places: Iterable[float]) -> tuple[float, ...]:
    edges: list[float] = []
    for place in sorted(places):
        if not edges or place - edges[-1] > NEAR:
            edges.append(place)
    return tuple(edges)


def _merged(rules: Iterable[Rule]) -> list[Rule]:
    """Lines drawn cell by cell, or as both edges of a thin box, as the lines they look like."""
    merged: list[Rule] = []
    for rule in sorted(rules, key=lambda rule: (round(rule.at / NEAR), rule.start)):
        last = merged[-1] if merged else None
        if last and abs(last.at - rule.at) <= NEAR and rule.start <= last.end + NEAR:
            merged[-1] = Rule(last.at, last.start, max(last.end, rule.end))
        else:
            merged.append(rule)
    return merged
