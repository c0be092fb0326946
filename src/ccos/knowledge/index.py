"""The full-text index of one tenant on this machine: a cache that may be deleted at any time.

Everything here blocks, so callers run it in a thread. What cannot be opened, or is of another format, starts
empty and is filled anew from the change feed; files that break later raise `Damaged`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import tantivy

from ccos.domain.evidence import EvidenceKind, Visibility
from ccos.domain.knowledge import Shelved
from ccos.knowledge import korean
from ccos.knowledge.chunking import first_line
from ccos.knowledge.querying import MOST_JAMO, MOST_WORDS, Terms, inverse_frequency, rarest

FORMAT = 3
"""Raise it when the schema or the terms change: an index of another format is built anew."""

JAMO, TITLE = 0.3, 1.5
"""What a jamo gram counts against a word, and the title against the body."""

_REMEMBERED = 100_000
"""Terms whose document frequency is kept; a long ticket asks for thousands, most of them common."""

_MARK = "ccos.json"
_HEAP_BYTES = 50_000_000
_FREQUENCIES = "freq"


class Damaged(Exception):
    """The files of the index can no longer be read or written."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage found; `item` is the same for all passages of one item."""

    item: str
    external_id: str
    title: str
    heading: str
    text: str
    url: str | None
    visibility: Visibility
    updated_at: datetime | None
    valid_until: datetime | None
    score: float


class TenantIndex:
    """Both pools of a tenant, in one folder.

    `seq` is the change number up to which the index is complete. It is written after the passages, so that a
    process that dies in between only repeats work. Raises `Damaged`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            self._open()
        except Damaged:
            self._clear()

    def intact(self) -> bool:
        """False once somebody deleted the files under us."""
        return (self._folder / _MARK).exists()

    def clear(self) -> None:
        """Starts anew, empty."""
        self._clear()

    def apply(self, shelved: Collection[Shelved], gone: Collection[UUID], seq: int) -> None:
        """Puts items in their newest form and takes archived and `gone` ones out; complete up to `seq`."""
        with _damage():
            for kind, pool in self._pools.items():
                own = [each for each in shelved if each.item.kind == kind]
                pool.apply(own, gone)
            self._mark(seq)

    def search(self, kind: EvidenceKind, terms: Terms, limit: int) -> list[Hit]:
        """Up to `limit` passages, best first; several of one item are possible."""
        with _damage():
            return self._pools[kind].search(terms, limit)

    def _open(self) -> None:
        with _damage():
            mark = json.loads((self._folder / _MARK).read_bytes())
            if mark["format"] != FORMAT:
                raise ValueError("another format")
            self.seq = int(mark["seq"])
            self._pools = {kind: _Pool(self._folder / kind.value) for kind in EvidenceKind}

    def _clear(self) -> None:
        with _damage():
            shutil.rmtree(self._folder, ignore_errors=True)
            for kind in EvidenceKind:
                (self._folder / kind.value).mkdir(parents=True)
            self._pools = {kind: _Pool(self._folder / kind.value) for kind in EvidenceKind}
            self._mark(0)

    def _mark(self, seq: int) -> None:
        fresh = self._folder / (_MARK + ".new")
        fresh.write_text(json.dumps({"format": FORMAT, "seq": seq}))
        fresh.replace(self._folder / _MARK)
        self.seq = seq


class _Pool:
    def __init__(self, folder: Path) -> None:
        self._index = tantivy.Index(_schema(), path=str(folder))
        self._index.config_reader("manual")
        self._schema = self._index.schema
        self._refresh()

    def apply(self, shelved: Sequence[Shelved], gone: Collection[UUID]) -> None:
        if not shelved and not (gone and self._snapshot[0].num_docs):
            return
        writer = self._index.writer(_HEAP_BYTES, 1)
        for item_id in [*gone, *(each.id for each in shelved)]:
            writer.delete_documents_by_term("item", item_id.hex)
        for each in shelved:
            for document in _documents(each):
                writer.add_document(document)
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._refresh()

    def search(self, terms: Terms, limit: int) -> list[Hit]:
        searcher, having = self._snapshot
        query = self._query(terms, searcher.num_docs, having)
        found = searcher.search(query, limit, count=False).hits if query else []
        return [_hit(searcher.doc(address), score) for score, address in found]

    def _refresh(self) -> None:
        searcher = self._index.searcher()
        self._snapshot = searcher, lru_cache(_REMEMBERED)(searcher.doc_freq)

    def _query(self, terms: Terms, total: int, having: Callable[[str, str], int]) -> tantivy.Query | None:
        """A plain union of weighted terms, which the engine can prune; None when nothing can be found.

        The engine scores a title term by its rarity among titles, where every common word is rare; the weight
        takes that back, so that a term is worth the same wherever it is.
        """
        union: list[tuple[tantivy.Occur, tantivy.Query]] = []
        for field, weights, boost, most in (
            ("words", terms.words, 1.0, MOST_WORDS),
            ("jamo", terms.jamo, JAMO, MOST_JAMO),
        ):
            title = f"title_{field}"
            idf = {
                term: inverse_frequency(total, max(having(field, term), having(title, term)))
                for term in weights
            }
            for term, weight in rarest(weights, idf, most).items():
                if having(field, term):
                    union.append(self._weighted(field, term, weight * boost))
                if titled := having(title, term):
                    level = idf[term] / inverse_frequency(total, titled)
                    union.append(self._weighted(title, term, weight * boost * TITLE * level))
        return tantivy.Query.boolean_query(union) if union else None

    def _weighted(self, field: str, term: str, weight: float) -> tuple[tantivy.Occur, tantivy.Query]:
        exact = tantivy.Query.term_query(self._schema, field, term, _FREQUENCIES)
        return tantivy.Occur.Should, tantivy.Query.boost_query(exact, weight)


def _schema() -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("item", tokenizer_name="raw", index_option="basic")
    for field in ("words", "jamo", "title_words", "title_jamo"):
        builder.add_text_field(field, tokenizer_name="whitespace", index_option=_FREQUENCIES)
    builder.add_bytes_field("card", stored=True)
    return builder.build()


def _documents(shelved: Shelved) -> Iterator[tantivy.Document]:
    if shelved.archived:
        return
    item = shelved.item
    made_up = any(item.title == first_line(passage.body) for passage in shelved.passages[:1])
    title = "" if made_up else item.title  # a title taken from the text, for want of one, says nothing more
    title_words, title_jamo = " ".join(korean.words(title)), " ".join(korean.jamo(title))
    for passage in shelved.passages:
        text = f"{passage.heading}\n{passage.body}"
        card = {
            "item": shelved.id.hex,
            "external_id": item.external_id,
            "title": item.title,
            "heading": passage.heading,
            "text": passage.body,
            "url": item.url,
            "visibility": item.visibility.value,
            "updated_at": item.updated_at and item.updated_at.isoformat(),
            "valid_until": item.valid_until and item.valid_until.isoformat(),
        }
        document = tantivy.Document()
        document.add_text("item", shelved.id.hex)
        document.add_text("words", " ".join(korean.words(text)))
        document.add_text("jamo", " ".join(korean.jamo(text)))
        document.add_text("title_words", title_words)
        document.add_text("title_jamo", title_jamo)
        document.add_bytes("card", json.dumps(card, ensure_ascii=False).encode(errors="replace"))
        yield document


def _hit(document: tantivy.Document, score: float) -> Hit:
    card: dict[str, Any] = json.loads(document["card"][0])
    return Hit(
        **card
        | {
            "visibility": Visibility(card["visibility"]),
            "updated_at": _instant(card["updated_at"]),
            "valid_until": _instant(card["valid_until"]),
            "score": score,
        }
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


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
