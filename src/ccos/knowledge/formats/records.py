"""From a record (a row, a JSON object, a front matter) to an item: the names people give the fields."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from ccos.domain.evidence import EvidenceKind, Use, Visibility
from ccos.domain.knowledge import LEVELS, Item, category_levels, category_path
from ccos.knowledge.chunking import first_line
from ccos.knowledge.formats.decode import storable
from ccos.knowledge.formats.html import looks_like_html, to_markdown
from ccos.knowledge.formats.instants import instant
from ccos.knowledge.formats.problem import Unreadable

MOST_BYTES = 5_000_000
"""A longer document is a mistake or an attack; procedures are a few thousand characters."""

_NAMES: Mapping[str, tuple[str, ...]] = {
    "external_id": ("external_id", "id", "slug", "article_id", "key", "ticket_id", "번호", "아이디"),
    "title": ("title", "question", "subject", "name", "제목", "질문"),
    "body": ("body", "content", "answer", "text", "body_html", "html", "본문", "내용", "답변", "index_text"),
    "asked": ("description", "ticket", "question", "문의"),
    "resolved": ("resolution", "solution", "reply", "answer", "처리", "답변"),
    "url": ("url", "link", "source_url", "html_url", "링크"),
    "visibility": ("visibility", "공개"),
    "internal": ("internal", "is_internal", "내부"),
    "use": ("use", "용도"),
    "locale": ("locale", "language", "lang", "언어"),
    "updated_at": ("updated_at", "updated", "modified", "modified_at", "last_modified", "date", "수정일"),
    "valid_until": ("valid_until", "expires_at", "expires", "valid_to", "유효기간"),
    "category": ("category", "section", "분류", "카테고리"),
    "tags": ("tags", "labels", "keywords", "태그"),
    "kind": ("kind",),
}
KNOWN_COLUMNS = frozenset({*_NAMES["title"], *_NAMES["body"], *_NAMES["asked"]})

_PUBLIC = frozenset({"public", "published", "everyone", "공개", "전체"})
_YES = frozenset({"true", "yes", "y", "1", "o", "예"})
_NO = frozenset({"false", "no", "n", "0", "x", "아니오"})


@dataclass(frozen=True, slots=True)
class Options:
    """What records are unless they say so, which column is the body, whose clock dates follow."""

    kind: EvidenceKind = EvidenceKind.KB
    body_field: str | None = None
    zone: tzinfo = UTC


def item(
    record: Mapping[str, object],
    options: Options,
    note: Callable[[str], None],
    *,
    fallback_id: str | None = None,
    markup: bool = True,
) -> Item:
    """The item; what could not be read but is not needed goes to `note`. Raises `Unreadable`.

    With `markup`, a body that looks like HTML is made Markdown; else it is Markdown that may show HTML.
    """
    fields = _Fields(record)
    kind = _kind(fields.text("kind"), options.kind)
    body = _body(fields, kind, options.body_field, markup=markup)
    if len(body.encode()) > MOST_BYTES:
        raise Unreadable(f"It is longer than {MOST_BYTES // 1_000_000} MB; split it.")
    title = " ".join(fields.text("title").split())[:500] or first_line(body)
    if not title:
        raise Unreadable(f"It has neither a title nor a body; its fields are: {fields.names()}.")
    if not body:
        raise Unreadable("It has a title but no body.")
    external_id = fields.text("external_id") or fallback_id or hashlib.sha256(title.encode()).hexdigest()[:16]
    if len(external_id) > 300:
        raise Unreadable("Its id is longer than 300 characters.")
    return Item(
        kind=kind,
        external_id=external_id,
        title=title,
        body=body,
        url=_url(fields.text("url"), note),
        visibility=_visibility(fields, note),
        locale=fields.text("locale") or None,
        updated_at=_moment(fields.text("updated_at"), "update date", options.zone, note),
        valid_until=_moment(
            fields.text("valid_until"), "end of validity", options.zone, note, end_of_day=True
        ),
        category=_category(fields, note),
        tags=fields.several("tags"),
        use=_use(fields.text("use").lower(), note),
    )


class _Fields:
    def __init__(self, record: Mapping[str, object]) -> None:
        self._values = {_column(name): value for name, value in record.items()}

    def text(self, field: str) -> str:
        """The first of the field's columns that holds anything."""
        return next(filter(None, map(self._value, _NAMES.get(field, ()))), "")

    def column(self, name: str) -> str:
        return self._value(_column(name))

    def _value(self, column: str) -> str:
        value = self._values.get(column)
        if value is None or isinstance(value, (dict, list)):
            return ""
        return storable(str(value)).strip()

    def levels(self, field: str) -> list[str]:
        """The first of the field's columns that holds anything: a path, or a list of its parts."""
        for name in _NAMES[field]:
            value = self._values.get(name)
            parts = value if isinstance(value, list) else [self.column(name)]
            if named := [storable(str(part)).strip() for part in parts if part]:
                return named
        return []

    def several(self, field: str) -> tuple[str, ...]:
        for name in _NAMES[field]:
            value = self._values.get(name)
            parts = (
                value
                if isinstance(value, list)
                else re.split(r"[,;|]", value)
                if isinstance(value, str)
                else []
            )
            named = tuple(dict.fromkeys(storable(str(part)).strip() for part in parts))
            if any(named):
                return tuple(filter(None, named))
        return ()

    def names(self) -> str:
        return ", ".join(list(self._values)[:12]) or "none"


def _column(name: object) -> str:
    return re.sub(r"[\s-]+", "_", str(name).strip().lower())


def _body(fields: _Fields, kind: EvidenceKind, chosen: str | None, *, markup: bool) -> str:
    if chosen:
        body = fields.column(chosen)
    elif kind is EvidenceKind.CASE and (fields.text("asked") and fields.text("resolved")):
        body = f"{fields.text('asked')}\n\n{fields.text('resolved')}"
    else:
        body = fields.text("body") or fields.text("asked")
    return to_markdown(body).text if markup and looks_like_html(body) else body


def _kind(said: str, default: EvidenceKind) -> EvidenceKind:
    return EvidenceKind(said.lower()) if said.lower() in set(EvidenceKind) else default


def _url(said: str, note: Callable[[str], None]) -> str | None:
    if not said:
        return None
    if re.match(r"https?://[^\s/]", said, re.IGNORECASE) and not re.search(r"\s", said):
        return said
    note("Its link is no http address and was left out.")
    return None


def _visibility(fields: _Fields, note: Callable[[str], None]) -> Visibility:
    """Whatever is not clearly public is internal: showing too little is mended, showing too much is not."""
    flag, said = fields.text("internal").lower(), fields.text("visibility").lower()
    if flag in _YES or (said and said not in _PUBLIC):
        if said and said not in {"internal", "private", "agents", "draft", "내부", "비공개"}:
            note(f"Its visibility '{said[:40]}' is neither public nor internal; it was taken as internal.")
        return Visibility.INTERNAL
    if flag and flag not in _NO:
        note(f"Its internal mark '{flag[:40]}' is neither yes nor no; it was taken as internal.")
        return Visibility.INTERNAL
    return Visibility.PUBLIC


def _use(said: str, note: Callable[[str], None]) -> Use:
    """What is not clearly for drafts is a hint: agents see it, and no model does."""
    if not said or said in {"draft", "초안"}:
        return Use.DRAFT
    if said not in {"hint", "힌트", "참고"}:
        note(f"Its use '{said[:40]}' is neither draft nor hint; it was taken as a hint.")
    return Use.HINT


def _category(fields: _Fields, note: Callable[[str], None]) -> str | None:
    levels = fields.levels("category")
    if category_levels(levels) > LEVELS:
        note(f"Its category has more than {LEVELS} levels; those below were left out.")
    return category_path(levels)


def _moment(
    said: str, what: str, zone: tzinfo, note: Callable[[str], None], *, end_of_day: bool = False
) -> datetime | None:
    moment = instant(said, zone, end_of_day=end_of_day) if said else None
    if said and moment is None:
        note(f"Its {what} '{said[:40]}' is no date and was left out.")
    return moment
