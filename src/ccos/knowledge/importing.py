"""Brings files into a tenant's knowledge. Importing the same again changes nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

from ccos.domain.errors import BadKnowledge
from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage
from ccos.knowledge import chunking, formats
from ccos.knowledge.anonymous import anonymous
from ccos.knowledge.formats import Options, Problem, Reading
from ccos.knowledge.shelf import Shelf

BATCH = 200
"""Items stored in one transaction."""

Progress = Callable[[Literal["reading", "storing"], int, int], None]
"""Told the step, how much of it is done, and how much there is. May be called from another thread."""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """`skipped` counts files of kinds that are not imported; `problems` are sentences with their places."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    archived: int = 0
    skipped: int = 0
    problems: tuple[Problem, ...] = ()


async def import_path(
    path: Path,
    shelf: Shelf,
    tenant_id: UUID,
    *,
    options: Options | None = None,
    archive_missing: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Imports a file or a folder; solved cases are stored without the people in them.

    With `archive_missing`, items of the imported kinds that are not in `path` are archived, unless something
    there could not be read: an unreadable file is not a deleted one. Raises `BadKnowledge` when nothing at
    `path` can be imported, and whatever the shelf raises; batches stored before that stay.
    """
    tell = progress or (lambda _step, _done, _all: None)
    entries, reading = await asyncio.to_thread(_prepared, path, options or Options(), tell)
    outcomes: Counter[str] = Counter()
    for start in range(0, len(entries), BATCH):
        batch = entries[start : start + BATCH]
        outcomes.update(put.outcome for put in await shelf.put(tenant_id, batch))
        tell("storing", start + len(batch), len(entries))
    archived, problems = 0, list(reading.problems)
    if archive_missing and reading.unread:
        problems.append(Problem(path.name, "Nothing was archived, because not everything could be read."))
    elif archive_missing:
        archived = await _archive(shelf, tenant_id, [item for item, _ in entries])
    return ImportReport(
        added=outcomes["created"],
        changed=outcomes["changed"],
        unchanged=outcomes["unchanged"],
        archived=archived,
        skipped=reading.skipped,
        problems=tuple(problems),
    )


def _prepared(
    path: Path, options: Options, tell: Progress
) -> tuple[list[tuple[Item, Sequence[Passage]]], Reading]:
    reading = formats.read(path, options, lambda done, total: tell("reading", done, total))
    entries: list[tuple[Item, Sequence[Passage]]] = []
    for item in reading.items.values():
        try:
            stored = anonymous(item)
        except BadKnowledge as fault:
            reading.unread += 1
            reading.problems.append(Problem(f"{path.name}: {item.external_id}", fault.sentence))
            continue
        entries.append((stored, chunking.passages(stored.title, stored.body)))
    return entries, reading


async def _archive(shelf: Shelf, tenant_id: UUID, items: Sequence[Item]) -> int:
    present: dict[EvidenceKind, set[str]] = {}
    for item in items:
        present.setdefault(item.kind, set()).add(item.external_id)
    return sum([await shelf.archive_missing(tenant_id, kind, ids) for kind, ids in present.items()])
