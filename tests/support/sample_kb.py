"""Reads the sample tenant's files for its tests, apart from the product's own importer."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from ccos import sample

NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
RESIDENT_NUMBER_SHAPE = re.compile(r"(?<!\d)\d{6}\s*-\s*[1-8]\d{6}(?!\d)")


@dataclass(frozen=True)
class Article:
    fields: dict[str, str]
    body: str

    @property
    def tags(self) -> list[str]:
        return [tag.strip() for tag in self.fields["tags"].strip("[]").split(",")]

    @property
    def outdated_since(self) -> date | None:
        until = self.fields.get("valid_until")
        return date.fromisoformat(until) if until else None

    @property
    def numbers(self) -> set[str]:
        return set(NUMBER.findall(self.body))


@cache
def articles() -> dict[str, Article]:
    found = {}
    with sample.kb_folder() as folder:
        for path in sorted(folder.glob("*.md")):
            _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
            fields = dict(line.split(": ", 1) for line in head.strip().splitlines())
            found[path.stem] = Article(fields, body)
    return found


@cache
def cases() -> list[dict[str, Any]]:
    with sample.cases_path() as path:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def alikeness(one: str, other: str) -> float:
    """Share of five-character pieces two texts have in common, from 0 to 1."""
    a, b = ({text[i : i + 5] for i in range(len(text) - 4)} for text in (one, other))
    return len(a & b) / len(a | b) if a | b else 0.0


def is_hangul_text(text: str) -> bool:
    return bool(re.search("[가-힣]", text))
