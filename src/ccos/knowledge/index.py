"""The full-text index of one tenant on this machine: a cache that may be deleted at any time.

Everything here blocks, so callers run it in a thread. What cannot be opened, read or written raises
`Damaged`; `following.py` then has it built anew from the change feed.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Self
from uuid import UUID

import tantivy

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Shelved
from ccos.knowledge import cards, korean
from ccos.knowledge.cards import Hit
from ccos.knowledge.engine import Damaged, best_of_items
from ccos.knowledge.filtering import EVERYTHING, Filter
from ccos.knowledge.querying import Question
from ccos.knowledge.recipe import WHOLE, Recipe
from ccos.knowledge.view import FREQUENCIES, View

FORMAT = 6
"""Raise it when the schema or the terms change: an index of another format is built anew."""

_REMEMBERED = 100_000
"""Terms whose document frequency is kept; a long ticket asks for thousands, most of them common."""

_DEEPEST = 1_000
"""Passages that are looked at, at most."""

_MARK = "ccos.json"
_HEAP_BYTES = 50_000_000


class TenantIndex:
    """Both pools of a tenant, in one folder.

    `seq` is the change number up to which the index is complete. It is written after the passages, so that a
    process that dies in between only repeats work. `generation` is the build that it is. All raise `Damaged`.
    """

    def __init__(self, folder: Path, *, format: int = FORMAT, generation: int = 0, seq: int = 0) -> None:
        self.folder = folder
        self.outdated = format != FORMAT
        """Its terms or its schema are another version's: it may be read, if that works, and not written."""
        self.generation = generation
        self.seq = seq
        with _damage():
            self._pools = {kind: _Pool(folder / kind.value) for kind in EvidenceKind}

    @classmethod
    def open(cls, folder: Path) -> Self:
        """The index that is there."""
        with _damage():
            mark = json.loads((folder / _MARK).read_bytes())
            facts = {"generation": int(mark.get("generation", 0)), "seq": int(mark["seq"])}
            format = int(mark["format"])
        return cls(folder, format=format, **facts)

    @classmethod
    def create(cls, folder: Path, generation: int) -> Self:
        """An empty one, whatever was there."""
        with _damage():
            shutil.rmtree(folder, ignore_errors=True)
            for kind in EvidenceKind:
                (folder / kind.value).mkdir(parents=True)
                tantivy.Index(_schema(), path=str(folder / kind.value))
        index = cls(folder, generation=generation)
        with _damage():
            index._mark(0)
        return index

    @property
    def bytes(self) -> int:
        """What it takes on the disk."""
        with _damage():
            return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    def intact(self) -> bool:
        """False once somebody deleted the files under us."""
        return (self.folder / _MARK).exists()

    def apply(
        self, shelved: Collection[Shelved], gone: Collection[UUID], seq: int, *, more: bool = False
    ) -> None:
        """Puts items in their newest form and takes archived and `gone` ones out; complete up to `seq`.

        With `more` to come nobody searches it until `finish`, and what is only needed for searching waits.
        """
        with _damage():
            for kind, pool in self._pools.items():
                own = [each for each in shelved if each.item.kind == kind]
                pool.apply(own, gone, more=more)
            self._mark(seq)

    def finish(self) -> None:
        """After applying with `more`: it can be searched."""
        with _damage():
            for pool in self._pools.values():
                pool.finish()

    def search(self, kind: EvidenceKind, question: Question, limit: int, recipe: Recipe = WHOLE) -> list[Hit]:
        """About `limit` passages, best first; several of one item are possible."""
        with _damage():
            return self._pools[kind].search(question, limit, recipe)

    async def ranked(
        self,
        kind: EvidenceKind,
        asked: Sequence[Question],
        limit: int,
        now: datetime,
        recipe: Recipe,
        only: Filter = EVERYTHING,
    ) -> list[list[Hit]]:
        """For each question the best passage of each of the `limit` best items: those valid at `now`."""
        return await asyncio.to_thread(
            lambda: [self._items(kind, each, limit, now, recipe, only) for each in asked]
        )

    def _items(
        self, kind: EvidenceKind, asked: Question, limit: int, now: datetime, recipe: Recipe, only: Filter
    ) -> list[Hit]:
        """Looks deeper while one item's passages, or ones that may not be found, fill the top."""
        depth = 3 * limit
        while True:
            hits = self.search(kind, asked, depth, recipe)
            best = best_of_items(hits, now, only)
            if len(best) >= limit or len(hits) < depth or depth >= _DEEPEST:
                return best[:limit]
            depth *= 4

    def holds(self, terms: Collection[str]) -> frozenset[str]:
        """Which of the word terms stand in any passage or title of either pool."""
        with _damage():
            return frozenset(term for term in terms if any(pool.holds(term) for pool in self._pools.values()))

    async def holding(self, terms: Collection[str]) -> frozenset[str]:
        return await asyncio.to_thread(self.holds, terms)

    def _mark(self, seq: int) -> None:
        fresh = self.folder / (_MARK + ".new")
        fresh.write_text(json.dumps({"format": FORMAT, "seq": seq, "generation": self.generation}))
        fresh.replace(self.folder / _MARK)
        self.seq = seq


class _Pool:
    def __init__(self, folder: Path) -> None:
        self._index = tantivy.Index.open(str(folder))
        self._index.config_reader("manual")
        self._schema = self._index.schema
        self._writer: tantivy.IndexWriter | None = None
        self._held = self._refresh()

    def apply(self, shelved: Sequence[Shelved], gone: Collection[UUID], *, more: bool) -> None:
        if not shelved and not (gone and self._held):
            return
        writer = self._writer or self._index.writer(_HEAP_BYTES, 1)
        for item_id in [*gone, *(each.id for each in shelved)]:
            writer.delete_documents_by_term("item", item_id.hex)
        for each in shelved:
            for document in _documents(each):
                writer.add_document(document)
        writer.commit()
        self._writer, self._held = writer, True
        if not more:
            self.finish()

    def finish(self) -> None:
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.wait_merging_threads()
            self._held = self._refresh()

    def search(self, question: Question, limit: int, recipe: Recipe) -> list[Hit]:
        return View(self._schema, *self._snapshot).search(question, limit, recipe)

    def holds(self, term: str) -> bool:
        having = self._snapshot[1]
        return bool(having("words", term) or having("title_words", term))

    def _refresh(self) -> bool:
        """Searches see what was committed; whether that is anything."""
        self._index.reload()
        searcher = self._index.searcher()
        self._snapshot = searcher, lru_cache(_REMEMBERED)(searcher.doc_freq)
        return bool(searcher.num_docs)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("item", tokenizer_name="raw", index_option="basic")
    for field in ("words", "jamo", "title_words", "title_jamo"):
        builder.add_text_field(field, tokenizer_name="whitespace", index_option=FREQUENCIES)
    builder.add_bytes_field("card", stored=True)
    return builder.build()


def _documents(shelved: Shelved) -> Iterator[tantivy.Document]:
    if shelved.archived:
        return
    item = shelved.item
    title = item.title if cards.is_titled(shelved) else ""
    title_words, title_jamo = " ".join(korean.words(title)), " ".join(korean.jamo(title))
    for ordinal, passage in enumerate(shelved.passages, start=1):
        text = f"{passage.heading}\n{passage.body}"
        document = tantivy.Document()
        document.add_text("item", shelved.id.hex)
        document.add_text("words", " ".join(korean.words(text)))
        document.add_text("jamo", " ".join(korean.jamo(text)))
        document.add_text("title_words", title_words)
        document.add_text("title_jamo", title_jamo)
        document.add_bytes("card", cards.written(shelved, ordinal, passage))
        yield document


@contextmanager
def _damage() -> Iterator[None]:
    """The engine answers broken files with ValueError, OSError, or a Rust panic, which is no Exception."""
    try:
        yield
    except (ValueError, OSError, LookupError, TypeError) as fault:
        raise Damaged(str(fault)) from fault
    except BaseException as fault:
        if type(fault).__name__ == "PanicException":
            raise Damaged("the index engine panicked") from fault
        raise
