"""PDF files as records, read with PDFium.

Only for a process that may be killed: a file can keep PDFium busy for ever or make it die.
"""

from __future__ import annotations

import ctypes
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from ccos.knowledge.formats.claims import language, titled
from ccos.knowledge.formats.pdf import prose
from ccos.knowledge.formats.pdf.page import UNKNOWN, Line, Piece, pieces
from ccos.knowledge.formats.problem import Unreadable
from ccos.knowledge.formats.records import MOST_BYTES

__all__ = ["MOST_PAGES", "record"]

MOST_PAGES = 3_000

_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:Z|([+-])(\d\d)'?(\d\d)?)?")
_NO_LETTER = re.compile(f"[{UNKNOWN}\ue000-\uf8ff\U000f0000-\U0010ffff]")
_PASSWORD = 4
"""PDFium's word for it (FPDF_ERR_PASSWORD), and 5 for a protection that it does not know."""


def record(data: bytes) -> tuple[dict[str, object], list[str]]:
    """Title, body, language and date, and a note for pages without text. Raises `Unreadable`."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as fault:
        if fault.err_code in (_PASSWORD, _PASSWORD + 1):
            raise Unreadable("It is protected with a password; save it without one.") from fault
        raise Unreadable("It is no PDF file, or a damaged one; save it anew.") from fault
    with document:
        if len(document) > MOST_PAGES:
            raise Unreadable(f"It has {len(document):,} pages, more than {MOST_PAGES:,}; split it.")
        pages, notes = _pages(document)
        text, heading = prose.markdown(pages)
        said = document.get_metadata_dict(skip_empty=True)
        return {
            "title": heading or titled(said.get("Title", "")),
            "body": text.replace(UNKNOWN, ""),
            "locale": _language(document),
            "updated_at": _moment(said.get("ModDate") or said.get("CreationDate") or ""),
        }, notes


def _pages(document: Any) -> tuple[list[list[Piece]], list[str]]:
    import pypdfium2

    pages: list[list[Piece]] = []
    silent: list[int] = []
    damaged: list[int] = []
    letters = 0
    for number in range(1, len(document) + 1):
        try:
            page = document[number - 1]
            found = pieces(page)
            page.close()
        except pypdfium2.PdfiumError:
            damaged.append(number)
            continue
        pages.append(found)
        if not found:
            silent.append(number)
        letters += sum(len(each.text) for each in found if isinstance(each, Line))
        if letters > MOST_BYTES:
            raise Unreadable(f"It is longer than {MOST_BYTES // 1_000_000} MB; split it.")
    if not any(pages):
        if damaged:
            raise Unreadable("It is a damaged PDF file; save it anew.")
        raise Unreadable("It has no text, only pictures of it; run text recognition (OCR) over it first.")
    words = "".join(each.text for page in pages for each in page if isinstance(each, Line))
    if len(_NO_LETTER.findall(words)) > 0.3 * len(words):
        raise Unreadable("Its fonts do not say which letters they draw; save it anew with Unicode fonts.")
    notes = []
    if silent:
        notes.append(f"It has pages without text, only pictures or nothing: {_shown(silent)}.")
    if damaged:
        notes.append(f"It has damaged pages, which were left out: {_shown(damaged)}.")
    return pages, notes


def _shown(numbers: list[int]) -> str:
    more = f" and {len(numbers) - 8} more" if len(numbers) > 8 else ""
    return ", ".join(map(str, numbers[:8])) + more


def _language(document: Any) -> str:
    import pypdfium2.raw as c

    length = c.FPDFCatalog_GetLanguage(document, None, 0)
    if not 2 < length < 200:
        return ""
    said = (ctypes.c_ushort * (length // 2))()
    c.FPDFCatalog_GetLanguage(document, said, length)
    return language(bytes(said).decode("utf-16-le", "ignore").strip("\0"))


def _moment(said: str) -> str:
    """A PDF date (D:20260305120000+09'00') in ISO 8601, or nothing."""
    found = _DATE.match(said.strip())
    if not found:
        return ""
    year, month, day, hour, minute, second = (
        int(part or low) for part, low in zip(found.groups(), (1, 1, 1, 0, 0, 0), strict=False)
    )
    away = timedelta(hours=int(found[8] or 0), minutes=int(found[9] or 0))
    try:
        zone = timezone(-away if found[7] == "-" else away) if found[7] else UTC
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).isoformat()
    except ValueError:
        return ""
