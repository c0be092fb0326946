"""PDF and DOCX files as records. Meant for a process that may be killed: see `confined`."""

from __future__ import annotations

from pathlib import Path

from ccos.knowledge.formats import docx, files, pdf

MOST_FILE_BYTES = 200_000_000
"""Pictures and fonts make most of it; the text in it is bounded like that of every other document."""

ENDINGS = frozenset({".pdf", ".docx"})


def record(file: Path) -> tuple[dict[str, object], list[str]]:
    """Title, body and what else the file says, with notes about what was left out. Raises `Unreadable`."""
    data = files.content(file, MOST_FILE_BYTES)
    return pdf.record(data) if files.suffix(file) == ".pdf" else docx.record(data)
