"""A small server that speaks the part of OpenSearch's REST API that CCOS uses, over real documents.

Written from the published API documentation; it is not OpenSearch. It scores with Lucene's BM25 (lengths
kept in one byte, statistics per shard, as many passages as have the field), shows nothing before a refresh,
keeps external versions, and answers what it does not know with 400. `fault` makes it misbehave.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zlib import crc32


class Refused(Exception):
    def __init__(self, status: int, kind: str) -> None:
        super().__init__(kind)
        self.body = {"error": {"type": kind, "reason": kind}, "status": status}
        self.status = status


def kept_length(length: int) -> int:
    """A length as Lucene keeps it: exact up to 40, then with four significant bits."""
    if length < 24:
        return length
    rest = length - 24
    shift = max(rest.bit_length() - 4, 0)
    return 24 + ((rest >> shift) << shift)


@dataclass
class Document:
    source: dict[str, Any]
    version: int
    shard: int
    terms: dict[str, Counter[str]] = field(default_factory=dict)


@dataclass
class Index:
    settings: dict[str, Any]
    shards: int
    properties: dict[str, Any]
    kept: list[str]
    written: dict[str, Document] = field(default_factory=dict)
    seen: dict[str, Document] = field(default_factory=dict)

    def write(self, key: str, source: dict[str, Any], version: int | None) -> int:
        for name, value in source.items():
            kind = self.properties.get(name)
            if kind is None:
                raise Refused(400, "strict_dynamic_mapping_exception")
            values = value if kind["type"] == "keyword" and isinstance(value, list) else [value]
            if kind["type"] in ("text", "keyword") and not all(isinstance(each, str) for each in values):
                raise Refused(400, "mapper_parsing_exception")
        there = self.written.get(key)
        if version is not None and there is not None and version < there.version:
            raise Refused(409, "version_conflict_engine_exception")
        if version is None:
            version = there.version + 1 if there else 1
        terms = {
            name: Counter(source[name].split())
            for name, kind in self.properties.items()
            if kind["type"] == "text" and source.get(name)
        }
        self.written[key] = Document(source, version, crc32(key.encode()) % self.shards, terms)
        return 200 if there else 201

    def shown(self, document: Document) -> dict[str, Any]:
        return {name: value for name, value in document.source.items() if name in self.kept}

    def of_shard(self, shard: int) -> list[Document]:
        return [each for each in self.seen.values() if each.shard == shard]


@dataclass
class FakeOpenSearch:
    """`calls` holds method and path of each request; `fault` is one of `FAULTS` for paths that hold `where`."""

    url: str = ""
    login: str | None = None
    indexes: dict[str, Index] = field(default_factory=dict)
    aliases: dict[str, set[str]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    fault: str | None = None
    where: str = ""
    slow_seconds: float = 3.0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> tuple[int, Any]:
        parts = path.strip("/").split("/")
        match method, parts:
            case "POST", ["_aliases"]:
                return 200, self._switch(json.loads(body)["actions"])
            case "POST", ["_msearch"]:
                return 200, self._msearch([json.loads(line) for line in body.splitlines()])
            case "POST", ["_mtermvectors"]:
                return 200, {"docs": [self._vectors(each) for each in json.loads(body)["docs"]]}
            case "PUT", [name]:
                return 200, self._create(name, json.loads(body))
            case "DELETE", [name]:
                self._concrete(name, alias=False)
                self._drop(name)
                return 200, {"acknowledged": True}
            case "GET", [pattern, "_alias"]:
                found = [name for name in self.indexes if fnmatchcase(name, pattern)]
                return 200, {name: {"aliases": self._aliases_of(name)} for name in found}
            case "GET", [name, "_doc", key]:
                return self._get(name, key)
            case "PUT", [name, "_doc", key]:
                _only(query, "version", "version_type")
                index = self.indexes[self._concrete(name)]
                return index.write(key, json.loads(body), int(query["version"])), {"result": "updated"}
            case "POST", [name, "_bulk"]:
                _only(query, "require_alias")
                return 200, self._bulk(name, query, [json.loads(line) for line in body.splitlines()])
            case "POST", [name, "_refresh"]:
                index = self.indexes[self._concrete(name)]
                index.seen = dict(index.written)
                return 200, {"_shards": {"total": index.shards, "successful": index.shards, "failed": 0}}
            case "POST", [name, "_delete_by_query"]:
                _only(query, "refresh", "conflicts")
                return 200, self._delete(name, json.loads(body), query)
            case "GET", [name, "_search_shards"]:
                index = self.indexes[self._concrete(name)]
                return 200, {"shards": [[{"shard": crc32(query["routing"].encode()) % index.shards}]]}
            case "GET", [names, "_stats", "store"]:
                found = [self.indexes[self._concrete(each)] for each in names.split(",")]
                size = sum(len(json.dumps(each.source)) for index in found for each in index.written.values())
                return 200, {"_all": {"total": {"store": {"size_in_bytes": size}}}}
        raise Refused(400, "illegal_argument_exception")

    def _aliases_of(self, name: str) -> dict[str, Any]:
        return {alias: {} for alias, of in self.aliases.items() if name in of}

    def _concrete(self, name: str, *, alias: bool = True) -> str:
        if name in self.indexes:
            return name
        of = self.aliases.get(name, set()) if alias else set()
        if len(of) > 1:
            raise Refused(400, "illegal_argument_exception")
        if not of:
            raise Refused(404, "index_not_found_exception")
        return next(iter(of))

    def _create(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        if name in self.indexes or name in self.aliases:
            raise Refused(400, "resource_already_exists_exception")
        settings, mappings = body["settings"]["index"], body["mappings"]
        assert mappings["dynamic"] == "strict"
        for kind in mappings["properties"].values():
            if kind["type"] == "text":
                similarity = settings["similarity"][kind["similarity"]]
                assert similarity == {"type": "BM25", "k1": 1.2, "b": 0.75}
                assert (kind["analyzer"], kind["index_options"]) == ("whitespace", "freqs")
        kept = mappings["_source"]["includes"]
        self.indexes[name] = Index(settings, settings["number_of_shards"], mappings["properties"], kept)
        for alias in body["aliases"]:
            self.aliases.setdefault(alias, set()).add(name)
        return {"acknowledged": True, "shards_acknowledged": True, "index": name}

    def _drop(self, name: str) -> None:
        del self.indexes[name]
        for of in self.aliases.values():
            of.discard(name)

    def _switch(self, actions: list[dict[str, Any]]) -> dict[str, Any]:
        for each in actions:
            [(verb, what)] = each.items()
            self._concrete(what["index"], alias=False)
            if verb == "add":
                self.aliases.setdefault(what["alias"], set()).add(what["index"])
            elif verb == "remove_index":
                self._drop(what["index"])
            else:
                raise Refused(400, "illegal_argument_exception")
        return {"acknowledged": True}

    def _get(self, name: str, key: str) -> tuple[int, Any]:
        concrete = self._concrete(name)
        index = self.indexes[concrete]
        document = index.written.get(key)
        if document is None:
            return 404, {"_index": concrete, "_id": key, "found": False}
        return 200, {"_index": concrete, "_id": key, "found": True, "_source": index.shown(document)}

    def _bulk(self, name: str, query: dict[str, str], lines: list[dict[str, Any]]) -> dict[str, Any]:
        items = []
        for action, source in zip(lines[::2], lines[1::2], strict=True):
            what = action["index"]
            try:
                if self.fault == "conflict":
                    raise Refused(400, "mapper_parsing_exception")
                if query.get("require_alias") == "true" and not self.aliases.get(name):
                    raise Refused(404, "index_not_found_exception")
                assert what["version_type"] == "external_gte"
                index = self.indexes[self._concrete(name)]
                items.append({"index": {"status": index.write(what["_id"], source, what["version"])}})
            except Refused as fault:
                items.append({"index": {"status": fault.status, "error": fault.body["error"]}})
        return {"errors": any("error" in each["index"] for each in items), "items": items}

    def _delete(self, name: str, body: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        index = self.indexes[self._concrete(name)]
        gone = [key for key, each in index.seen.items() if _matches(each, body["query"])]
        for key in gone:
            index.written.pop(key, None)
        if query.get("refresh") == "true":
            index.seen = dict(index.written)
        return {"timed_out": False, "deleted": len(gone), "version_conflicts": 0, "failures": []}

    def _vectors(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            name = self._concrete(asked["_index"])
        except Refused as fault:
            return {"_index": asked["_index"], "error": fault.body["error"]}
        index = self.indexes[name]
        documents = index.of_shard(crc32(asked["routing"].encode()) % index.shards)
        vectors = {}
        for wanted in asked["fields"]:
            terms = {}
            for term, count in Counter(asked["doc"][wanted].split()).items():
                having = sum(term in each.terms.get(wanted, ()) for each in documents)
                terms[term] = {"term_freq": count} | ({"doc_freq": having, "ttf": having} if having else {})
            counted = sum(wanted in each.terms for each in documents)
            statistics = {"doc_count": counted or -1, "sum_doc_freq": 0, "sum_ttf": 0}
            vectors[wanted] = {"field_statistics": statistics, "terms": terms}
        return {"_index": name, "found": True, "term_vectors": vectors}

    def _msearch(self, lines: list[dict[str, Any]]) -> dict[str, Any]:
        answers = []
        for header, body in zip(lines[::2], lines[1::2], strict=True):
            try:
                _only(header, "index", "search_type")
                together = header.get("search_type") == "dfs_query_then_fetch"
                answers.append(self._search(self.indexes[self._concrete(header["index"])], body, together))
            except Refused as fault:
                answers.append(fault.body)
        return {"took": 1, "responses": answers}

    def _search(self, index: Index, body: dict[str, Any], together: bool) -> dict[str, Any]:
        _only(body, "query", "size", "_source", "track_total_hits", "timeout")
        query = body["query"]["bool"]
        _only(query, "should", "minimum_should_match", "filter", "must_not")
        hits = []
        for shard in range(index.shards):
            documents = list(index.seen.values()) if together else index.of_shard(shard)
            statistics = [_Statistics(documents, *_term(clause)) for clause in query["should"]]
            for key, each in index.seen.items():
                if each.shard != shard or not _matches(each, {"bool": {**query, "should": []}}):
                    continue
                score = sum(one.score(each) for one in statistics)
                if score > 0:
                    hits.append((score, key, {"card": each.source["card"]}))
        hits.sort(key=lambda each: -each[0])
        lost = 1 if self.fault == "partial" else 0
        return {
            "timed_out": self.fault == "timed out",
            "_shards": {"total": index.shards, "successful": index.shards - lost, "failed": lost},
            "hits": {
                "hits": [
                    {"_id": key, "_score": score, "_source": source}
                    for score, key, source in hits[: body["size"]]
                ]
            },
            "status": 200,
        }


class _Statistics:
    """Lucene's BM25 with the factor k1 + 1 that OpenSearch kept until version 3."""

    def __init__(self, documents: list[Document], name: str, term: str, boost: float) -> None:
        self.name, self.term = name, term
        lengths = [each.terms[name].total() for each in documents if name in each.terms]
        having = sum(term in each.terms.get(name, ()) for each in documents)
        self.average = sum(lengths) / len(lengths) if lengths else 1.0
        self.weight = boost * 2.2 * math.log(1 + (len(lengths) - having + 0.5) / (having + 0.5))

    def score(self, document: Document) -> float:
        count = document.terms.get(self.name, Counter())[self.term]
        if not count:
            return 0.0
        length = kept_length(document.terms[self.name].total())
        return self.weight * count / (count + 1.2 * (0.25 + 0.75 * length / self.average))


def _term(clause: dict[str, Any]) -> tuple[str, str, float]:
    [(name, what)] = clause["term"].items()
    return name, what["value"], what["boost"]


def _matches(document: Document, query: dict[str, Any]) -> bool:
    [(verb, what)] = query.items()
    if verb == "bool":
        return all(_matches(document, each) for each in what.get("filter", [])) and not any(
            _matches(document, each) for each in what.get("must_not", [])
        )
    [(name, wanted)] = what.items()
    value = document.source.get(name)
    if verb == "term":
        return wanted in value if isinstance(value, list) else value == wanted
    if verb == "terms":
        return value in wanted
    if verb == "range" and value is not None:
        [(order, bound)] = wanted.items()
        if isinstance(value, str):
            value, bound = _milliseconds(value), _milliseconds(bound)
        return {"lt": value < bound, "lte": value <= bound, "gt": value > bound, "gte": value >= bound}[order]
    return False


def _milliseconds(date: str) -> int:
    """As dates are kept: what is finer is cut off."""
    return math.floor(datetime.fromisoformat(date).timestamp() * 1_000)


def _only(given: dict[str, Any], *known: str) -> None:
    if set(given) - set(known):
        raise Refused(400, "illegal_argument_exception")


@contextmanager
def opensearch_server(login: str | None = None) -> Iterator[FakeOpenSearch]:
    """`login` is the Authorization header without which it answers 401."""
    fake = FakeOpenSearch(login=login)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            fake.calls.append(f"{self.command} {parts.path}")
            fault = fake.fault if fake.where in parts.path else None
            if fault == "slow":
                time.sleep(fake.slow_seconds)
            if fault in ("429", "503"):
                self._say(int(fault), {"error": {"type": "busy"}, "status": int(fault)})
                return
            if fake.login is not None and self.headers.get("authorization") != fake.login:
                self._say(401, {"error": {"type": "security_exception"}, "status": 401})
                return
            try:
                with fake.lock:
                    status, answer = fake.answer(self.command, parts.path, query, body)
            except Refused as refused:
                status, answer = refused.status, refused.body
            self._say(status, answer, half=fault == "half")

        do_GET = do_POST = do_PUT = do_DELETE = _handle

        def _say(self, status: int, answer: Any, *, half: bool = False) -> None:
            text = json.dumps(answer).encode()
            with suppress(OSError):  # whoever asked may have gone
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text[: len(text) // 2] if half else text)
            self.close_connection = half

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
