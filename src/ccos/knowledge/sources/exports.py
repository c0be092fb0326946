"""Exports: what the products' own API answers or export files look like when somebody saved them as JSON.

A file or a folder of `.json`, `.jsonl` and `.ndjson`. It is read whole: each pass over it is a full one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ccos.domain.errors import SourceUnreadable
from ccos.domain.evidence import EvidenceKind
from ccos.domain.source import SourceKind, SourceSpec
from ccos.knowledge.sources import chatwoot, zammad, zendesk
from ccos.knowledge.sources.fields import Record, identity, record, records, text
from ccos.knowledge.sources.port import Gathered, Page, Position

MOST_BYTES = 512_000_000
ITEMS_A_PAGE = 500
_ENDINGS = frozenset({".json", ".jsonl", ".ndjson"})


class Export:
    def __init__(self, spec: SourceSpec) -> None:
        self.kind = spec.content
        self._spec = spec

    async def pages(self, since: str | None, position: Position | None) -> AsyncIterator[Page]:  # noqa: ARG002
        """All of it again after it was cut off: what is stored already is the same. Raises
        `SourceUnreadable` for what is no export of the product."""
        into = await asyncio.to_thread(_gathered, self._spec)
        everything = into.page()
        for start in range(0, len(everything.items), ITEMS_A_PAGE):
            yield Page(everything.items[start : start + ITEMS_A_PAGE], total=len(everything.items))
        yield Page(kept=everything.kept, gone=everything.gone, notes=everything.notes)


def gathered(
    product: SourceKind, kind: EvidenceKind, documents: Iterable[Any], locale: str | None
) -> Gathered:
    """Items of the documents of one export. Raises `SourceUnreadable` when nothing in them is known."""
    into = Gathered(kind)
    if not _READERS[product, kind](list(documents), into, locale):
        what = "solved tickets" if kind is EvidenceKind.CASE else "articles"
        raise SourceUnreadable(f"There are no {what} of {product.value} in the export; check its kind.")
    return into


def _gathered(spec: SourceSpec) -> Gathered:
    root = Path(spec.address)
    if not root.exists():
        raise SourceUnreadable("There is no such file or folder on this machine; check the source's path.")
    inside = (each for each in root.rglob("*") if each.suffix.lower() in _ENDINGS and each.is_file())
    files = sorted(inside) if root.is_dir() else [root]
    if sum(each.stat().st_size for each in files) > MOST_BYTES:
        raise SourceUnreadable(f"The export is over {MOST_BYTES // 1_000_000} MB; split it.")
    documents = [document for each in files for document in _documents(each)]
    return gathered(spec.kind, spec.content, documents, spec.options.locale)


def _documents(file: Path) -> Iterator[Any]:
    """One document, or one for each line. Raises `SourceUnreadable`."""
    try:
        content = file.read_bytes().decode("utf-8-sig")
        if file.suffix.lower() == ".json":
            try:
                yield json.loads(content)
                return
            except json.JSONDecodeError as fault:
                if not fault.msg.startswith("Extra data"):
                    raise  # lines with the wrong ending begin with a whole document, others are broken
        for line in content.splitlines():
            if line.strip():
                yield json.loads(line)
    except (UnicodeDecodeError, ValueError, RecursionError) as fault:
        raise SourceUnreadable(f"{file.name} is not whole JSON; export it again.") from fault
    except OSError as fault:
        raise SourceUnreadable(f"{file.name} cannot be read ({fault.strerror}).") from fault


def _under(documents: Iterable[Any], *names: str) -> list[Record]:
    """Records of lists under these names, wherever they are the document or in a list of documents."""
    found: list[Record] = []
    for document in documents:
        for each in records(document) if isinstance(document, list) else [record(document)]:
            for name in names:
                found += records(each.get(name))
    return found


def _bare(documents: Iterable[Any], *fields: str) -> list[Record]:
    """Records that stand by themselves, in a list or one to a line, and have these fields."""
    rows = (
        each
        for document in documents
        for each in (records(document) if isinstance(document, list) else [record(document)])
    )
    return [each for each in rows if all(name in each for name in fields)]


def _zendesk_articles(documents: list[Any], into: Gathered, locale: str | None) -> bool:
    places = zendesk.Places.of(_under(documents, "sections"), _under(documents, "categories"))
    found = _under(documents, "articles") or _bare(documents, "id", "body", "section_id")
    for each in found:
        if locale is None or text(each.get("locale")).lower() == locale.lower():
            zendesk.article(each, places, into)
    return bool(found)


def _zendesk_tickets(documents: list[Any], into: Gathered, _locale: str | None) -> bool:
    found = _under(documents, "tickets") or _bare(documents, "id", "status", "comments")
    users = _under(documents, "users")
    comments: dict[str, list[Record]] = {}
    for each in _under(documents, "comments"):
        comments.setdefault(identity(each.get("ticket_id")), []).append(each)
    for each in found:
        own = records(each.get("comments")) or comments.get(identity(each.get("id")), [])
        known = [*users, *(record(each.get(side)) for side in ("requester", "submitter", "assignee"))]
        authors = {identity(comment.get("author_id")) for comment in own} | {
            identity(each.get("requester_id"))
        }
        zendesk.ticket(each, own, [user for user in known if identity(user.get("id")) in authors], into)
    return bool(found)


def _zammad_answers(documents: list[Any], into: Gathered, locale: str | None) -> bool:
    """The tree and the answers with their contents, in one file or in several."""
    assets: dict[str, dict[str, Any]] = {}
    for document in documents:
        kept = record(record(document).get("assets")) or record(document)
        for name, each in kept.items():
            if name.startswith("KnowledgeBase"):
                assets.setdefault(name, {}).update(record(each))
    if not assets:
        return False
    tree = zammad.Tree.of(assets, _bare(documents, "id", "locale"))
    contents = tree.all("KnowledgeBaseAnswerTranslationContent")
    for answer in tree.answers():
        zammad.translations(answer, tree, contents, into, now=datetime.now(UTC), locale=locale)
    return True


def _zammad_tickets(documents: list[Any], into: Gathered, _locale: str | None) -> bool:
    found = _under(documents, "tickets") or _bare(documents, "id", "state", "articles")
    for each in found:
        zammad.ticket(each, records(each.get("articles")), into)
    return bool(found)


def _chatwoot_articles(documents: list[Any], into: Gathered, locale: str | None) -> bool:
    found = [each for each in _under(documents, "payload", "articles") if "content" in each]
    found = found or _bare(documents, "id", "title", "content")
    for each in found:
        said = text(each.get("locale")) or text(record(each.get("category")).get("locale"))
        if locale is None or said.lower() == locale.lower():
            chatwoot.article(each, into, portal=text(record(each.get("portal")).get("slug")))
    return bool(found)


def _chatwoot_conversations(documents: list[Any], into: Gathered, _locale: str | None) -> bool:
    inner = [record(each).get("data") for each in documents if isinstance(each, dict)]
    found = _under([*documents, *inner], "payload", "conversations")
    found = [each for each in found if "messages" in each] or _bare(documents, "id", "status", "messages")
    for each in found:
        chatwoot.conversation(each, records(each.get("messages")), into)
    return bool(found)


_Reader = Callable[[list[Any], Gathered, str | None], bool]
_READERS: dict[tuple[SourceKind, EvidenceKind], _Reader] = {
    (SourceKind.ZENDESK, EvidenceKind.KB): _zendesk_articles,
    (SourceKind.ZENDESK, EvidenceKind.CASE): _zendesk_tickets,
    (SourceKind.ZAMMAD, EvidenceKind.KB): _zammad_answers,
    (SourceKind.ZAMMAD, EvidenceKind.CASE): _zammad_tickets,
    (SourceKind.CHATWOOT, EvidenceKind.KB): _chatwoot_articles,
    (SourceKind.CHATWOOT, EvidenceKind.CASE): _chatwoot_conversations,
}
