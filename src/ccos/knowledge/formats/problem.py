"""What could not be imported, or not whole: one sentence with its place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """`line` counts from 1; None where the whole file is meant."""

    file: str
    sentence: str
    line: int | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.sentence}"


class Unreadable(Exception):
    """A file or a record that gives no item; carries the sentence to report."""
