"""DOCX files as records. Meant for a process that may be killed: their XML nests as deep as it likes."""

from __future__ import annotations

import re

from ccos.knowledge.formats.claims import language, titled
from ccos.knowledge.formats.docx.body import Block, Body, markdown
from ccos.knowledge.formats.docx.numbering import Numbering
from ccos.knowledge.formats.docx.package import Element, Package, child
from ccos.knowledge.formats.docx.styles import Styles
from ccos.knowledge.formats.problem import Unreadable
from ccos.knowledge.formats.records import MOST_BYTES

__all__ = ["record"]

_HANGUL = re.compile("[가-힣]")


def record(data: bytes) -> tuple[dict[str, object], list[str]]:
    """Title, body, language and date; what is hidden or deleted in it is left out. Raises `Unreadable`."""
    package = Package(data)
    styles = Styles(package.beside("styles.xml"))
    body = Body(styles, Numbering(package.beside("numbering.xml")), package.beside("footnotes.xml"))
    blocks: list[Block] = []
    letters = 0
    for element in package.blocks():
        for block in body.blocks(element):
            blocks.append(block)
            letters += len(block.text)
            if letters > MOST_BYTES:
                raise Unreadable(f"It is longer than {MOST_BYTES // 1_000_000} MB; split it.")
    text = markdown(blocks)
    about = package.small("docProps/core.xml")
    heading = blocks[0].text if blocks and blocks[0].level == 1 else ""
    return {
        "title": heading or titled(_said(about, "title")),
        "body": text,
        "locale": language(_said(about, "language") or styles.languages[1 if _HANGUL.search(text) else 0]),
        "updated_at": _said(about, "modified") or _said(about, "created"),
    }, []


def _said(about: Element | None, wanted: str) -> str:
    found = child(about, wanted)
    return (found.text or "").strip() if found is not None else ""
