"""Tables on a terminal of any width: no figure is ever cut."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

_ANY_WIDTH = 10_000


def print_table(out: Console, table: Table) -> None:
    """The table where it fits, perhaps with a word of its headings to a line; else each of its rows as a few
    lines, a heading and its value to a line."""
    heads = [_text(column.header) for column in table.columns]
    if not _fits(out, table):
        for column, head in zip(table.columns, heads, strict=True):
            column.header = head.plain.replace(" ", "\n")
    if _fits(out, table):
        out.print(table)
        return
    if table.title is not None:
        out.print(_text(table.title))
    for row in zip(*(column.cells for column in table.columns), strict=True):
        first, *values = map(_text, row)
        out.print(Text(" ".join(each.plain for each in (heads[0], first) if each.plain), "bold"))
        for head, value in zip(heads[1:], values, strict=True):
            if value.plain:
                out.print(Text("  ").append(f"{head.plain}: " if head.plain else "", "dim").append(value))


def _fits(out: Console, table: Table) -> bool:
    """Whether no cell must be wrapped or cut."""
    wide = out.options.update(width=_ANY_WIDTH, max_width=_ANY_WIDTH)
    return out.measure(table, options=wide).maximum <= out.width


def _text(cell: object) -> Text:
    return cell if isinstance(cell, Text) else Text(str(cell))
