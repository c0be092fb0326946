"""Where the indexes of a tenant lie in OpenSearch: one build that serves, and perhaps one that grows.

A build is one index per pool, `PREFIX-TENANT-NUMBER-POOL`; the aliases `PREFIX-TENANT-POOL` name the build in
service and are moved in one step, which also removes the former. How far a build is stands in a document of
its own, `mark`, that is written after the passages.

Numbers of changes are the versions of documents: what a writer that was cut off still sends is refused by
whatever came later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Shelved
from ccos.knowledge import cards, korean
from ccos.knowledge.engine import Away, Damaged
from ccos.knowledge.filtering import Filter, categories, languages, spelt
from ccos.knowledge.opensearch import WRITE_SECONDS, OpenSearch, lines

FORMAT = 2
"""Raise it when the fields or the terms change: an index of a lower format is built anew."""

FILTERED = 2
"""The format from which on documents have what a `Filter` asks for."""

FIELDS = ("words", "jamo", "title_words", "title_jamo")

_WRITING = "-writing"
"""Ends the alias of each index for writing: what is sent to an alias that is gone makes no new index."""

_BULK_BYTES = 5_000_000
_TEXT = {"type": "text", "analyzer": "whitespace", "index_options": "freqs", "similarity": "ccos"}


@dataclass(frozen=True, slots=True)
class Build:
    """Complete up to change `seq`; `format` and `generation` say what it was built as."""

    number: int
    format: int
    generation: int
    seq: int


class Builds:
    """Of one tenant. Raises `Away` and `Damaged`; only who holds the tenant's lease may write."""

    def __init__(self, cluster: OpenSearch, prefix: str, tenant_id: UUID, *, shards: int = 1) -> None:
        self.cluster = cluster
        self.tenant = tenant_id.hex
        self.shards = shards
        self._prefix = f"{prefix}-{tenant_id.hex}"

    def name(self, build: Build | int, kind: EvidenceKind) -> str:
        number = build if isinstance(build, int) else build.number
        return f"{self._prefix}-{number}-{kind.value}"

    async def serving(self) -> Build | None:
        """The build that the aliases name, None when there is none."""
        return await self._marked(f"{self._prefix}-{EvidenceKind.KB.value}")

    async def begin(self, serving: Build | None, generation: int, newest: int) -> Build:
        """A build to go on with: the one that was begun, when it may be, else an empty one.

        `newest` is the newest change there is: an index that knows of later ones was of another database.
        """
        number = serving.number + 1 if serving is not None else 1
        begun = await self._marked(self.name(number, EvidenceKind.KB))
        if (
            begun is not None
            and begun.format == FORMAT
            and begun.generation >= generation
            and begun.seq <= newest
        ):
            return begun
        await self.abandon(number)
        for kind in EvidenceKind:
            name = self.name(number, kind)
            await self._write("PUT", f"/{name}", _index(name, self.shards))
        empty = Build(number, FORMAT, generation, 0)
        await self._mark(empty)
        return empty

    async def apply(
        self, build: Build, shelved: Collection[Shelved], gone: Collection[UUID], seq: int
    ) -> Build:
        """The build with items in their newest form, without archived and `gone` ones, complete to `seq`."""
        for kind in EvidenceKind:
            name = self.name(build, kind)
            own = [each for each in shelved if each.item.kind == kind]
            touched = [*gone, *(each.id for each in own)]
            if not touched:
                continue
            for body in _packed(_documents(self.tenant, own, seq)):
                _stored(await self._write("POST", f"/{name}{_WRITING}/_bulk?require_alias=true", body))
            await self._write("POST", f"/{name}/_refresh")
            await self._remove(name, touched, seq)
        done = replace(build, seq=seq)
        await self._mark(done)
        return done

    async def switch(self, build: Build, former: Build | None) -> None:
        """From now on `build` serves, and the former is gone."""
        added = [
            {"add": {"index": self.name(build, kind), "alias": f"{self._prefix}-{kind.value}"}}
            for kind in EvidenceKind
        ]
        removed = [
            {"remove_index": {"index": self.name(former, kind)}}
            for kind in EvidenceKind
            if former is not None
        ]
        try:
            await self._write("POST", "/_aliases", {"actions": added + removed})
        except Damaged:
            if former is None:
                raise
            await self.abandon(former.number)  # a part of it was gone already
            await self._write("POST", "/_aliases", {"actions": added})

    async def abandon(self, number: int) -> None:
        """What was being built goes."""
        for kind in EvidenceKind:
            await self._write("DELETE", f"/{self.name(number, kind)}", missing=True)

    async def size(self, build: Build) -> int:
        """Bytes that it takes on the disks of the cluster, replicas too."""
        names = ",".join(self.name(build, kind) for kind in EvidenceKind)
        stats = await self.cluster.call("GET", f"/{names}/_stats/store", seconds=WRITE_SECONDS)
        return int(stats.get("_all", {}).get("total", {}).get("store", {}).get("size_in_bytes", 0))

    async def _marked(self, index: str) -> Build | None:
        """One whose mark is lost or cannot be read is of no format that is known."""
        found = await self.cluster.call("GET", f"/{index}/_doc/mark", missing=True)
        if not found:
            return None
        try:
            number = int(str(found["_index"]).rsplit("-", 2)[1])
        except (LookupError, ValueError) as fault:
            raise Damaged("what has the name of the index is none of ours") from fault
        try:
            mark = found["_source"]["mark"]
            return Build(number, int(mark["format"]), int(mark["generation"]), int(mark["seq"]))
        except (LookupError, TypeError, ValueError):
            return Build(number, 0, 0, 0)

    async def _mark(self, build: Build) -> None:
        mark = {"format": build.format, "generation": build.generation, "seq": build.seq}
        name = self.name(build, EvidenceKind.KB)
        path = f"/{name}/_doc/mark?version_type=external_gte&version={build.seq + 1}"
        await self._write("PUT", path, {"mark": mark})

    async def _remove(self, name: str, items: Sequence[UUID], seq: int) -> None:
        """Passages of these items that were not written with `seq`."""
        older = [
            {"term": {"tenant": self.tenant}},
            {"terms": {"item": [each.hex for each in items]}},
            {"range": {"seq": {"lt": seq}}},
        ]
        path = f"/{name}/_delete_by_query?refresh=true&conflicts=proceed"
        removed = await self._write("POST", path, {"query": {"bool": {"filter": older}}})
        if removed.get("timed_out") or removed.get("failures") or removed.get("version_conflicts"):
            raise Away("OpenSearch did not remove all that it should")

    async def _write(
        self, method: str, path: str, body: dict[str, Any] | bytes | None = None, *, missing: bool = False
    ) -> dict[str, Any]:
        return await self.cluster.call(method, path, body, seconds=WRITE_SECONDS, missing=missing)


def _index(name: str, shards: int) -> dict[str, Any]:
    """Settings and fields of an index: terms come split, and are scored as tantivy scores them.

    Nothing but the card is kept to be read: PostgreSQL has the rest.
    """
    return {
        "aliases": {f"{name}{_WRITING}": {}},
        "settings": {
            "index": {
                "number_of_shards": shards,
                "refresh_interval": "-1",
                "similarity": {"ccos": {"type": "BM25", "k1": 1.2, "b": 0.75}},
            }
        },
        "mappings": {
            "dynamic": "strict",
            "_source": {"includes": ["card", "mark"]},
            "properties": {
                "tenant": {"type": "keyword"},
                "item": {"type": "keyword"},
                "seq": {"type": "long"},
                "valid_until": {"type": "date"},
                "updated_at": {"type": "date"},
                "visibility": {"type": "keyword"},
                "languages": {"type": "keyword"},
                "categories": {"type": "keyword"},
                "card": {"type": "keyword", "index": False, "doc_values": False},
                "mark": {"type": "object", "enabled": False},
            }
            | dict.fromkeys(FIELDS, _TEXT),
        },
    }


def _documents(tenant: str, shelved: Collection[Shelved], seq: int) -> Iterator[bytes]:
    for each in shelved:
        if each.archived:
            continue
        title = each.item.title if cards.is_titled(each) else ""
        titles = {"title_words": " ".join(korean.words(title)), "title_jamo": " ".join(korean.jamo(title))}
        facts = _facts(each.item)
        for ordinal, passage in enumerate(each.passages, start=1):
            text = f"{passage.heading}\n{passage.body}"
            action = {"_id": f"{each.id.hex}-{ordinal}", "version": seq, "version_type": "external_gte"}
            document = {
                "tenant": tenant,
                "item": each.id.hex,
                "seq": seq,
                "words": " ".join(korean.words(text)),
                "jamo": " ".join(korean.jamo(text)),
                "card": cards.written(each, ordinal, passage).decode(),
            }
            yield lines([{"index": action}, document | titles | facts])


def _facts(item: Item) -> dict[str, Any]:
    """What searches ask of an item beside its words; what it does not tell is left out."""
    told = {
        "visibility": item.visibility.value,
        "valid_until": item.valid_until and item.valid_until.isoformat(),
        "updated_at": item.updated_at and item.updated_at.isoformat(),
        "languages": item.locale and languages(item.locale),
        "categories": item.category and categories(item.category),
    }
    return {name: value for name, value in told.items() if value}


def conditions(only: Filter) -> list[dict[str, Any]]:
    """The filter as the cluster applies it.

    Its dates are of whole milliseconds, so that it lets through what was updated within the one that is told.
    """
    asked: list[dict[str, Any]] = []
    if only.visibility is not None:
        asked.append({"term": {"visibility": only.visibility.value}})
    if only.locale is not None:
        asked.append({"term": {"languages": spelt(only.locale)}})
    if only.category is not None:
        asked.append({"term": {"categories": only.category}})
    if only.updated_after is not None:
        asked.append({"range": {"updated_at": {"gte": only.updated_after.isoformat()}}})
    return asked


def _packed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    body = b""
    for piece in pieces:
        if body and len(body) + len(piece) > _BULK_BYTES:
            yield body
            body = b""
        body += piece
    if body:
        yield body


def _stored(answer: dict[str, Any]) -> None:
    """409 is no failure: a later form of the passage is there already."""
    if not answer.get("errors"):
        return
    results = [result for each in answer.get("items", []) for result in each.values()]
    failed = [each for each in results if each.get("status", 500) >= 300 and each.get("status") != 409]
    if any(each.get("status") == 429 or each.get("status", 500) >= 500 for each in failed):
        raise Away("OpenSearch did not take in all passages")
    if failed:
        error = failed[0].get("error")
        kind = error.get("type", "") if isinstance(error, dict) else ""
        raise Damaged(f"{len(failed)} passages were refused: {kind}")
