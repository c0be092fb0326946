"""The parts of a DOCX file, each read within bounds: a small file can unpack to any size."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

from ccos.knowledge.formats.problem import Unreadable

MOST_PART_BYTES = 100_000_000
"""Of one part, unpacked. Markup is ten times the text and more."""

_MOST_SMALL_PART_BYTES = 10_000_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOCKED = "It is protected with a password or an old .doc file; save it as .docx without a password."
_DAMAGED = "It is no DOCX file, or a damaged one; save it anew."
_FAULTS = (
    zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, KeyError, OSError, ValueError
)  # fmt: skip

Element = ElementTree.Element


def name(element: Element) -> str:
    """The element's name without its namespace: there are two sets of those, and they mean the same."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Element | None, wanted: str) -> str:
    if element is None:
        return ""
    return next((value for key, value in element.items() if key.rpartition("}")[2] == wanted), "")


def child(element: Element | None, *path: str) -> Element | None:
    for wanted in path:
        if element is None:
            return None
        element = next((each for each in element if name(each) == wanted), None)
    return element


class Package:
    """Raises `Unreadable` for what is no DOCX file, or one that is locked."""

    def __init__(self, data: bytes) -> None:
        if data.startswith(_OLE):
            raise Unreadable(_LOCKED)
        with _translated():
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        self.main = self._main()
        self._folder = self.main.rpartition("/")[0]

    def beside(self, part: str) -> Element | None:
        """A small part in the main one's folder, as a tree; None when there is none."""
        return self.small(f"{self._folder}/{part}" if self._folder else part)

    def small(self, part: str) -> Element | None:
        if part not in self._zip.NameToInfo:
            return None
        with _translated():
            return ElementTree.fromstring(self._read(part, _MOST_SMALL_PART_BYTES))  # noqa: S314 - expat bounds entities

    def blocks(self) -> Iterator[Element]:
        """What stands in the document's body, one by one, so that it is never in memory whole."""
        with _translated():
            source = io.BytesIO(self._read(self.main, MOST_PART_BYTES))
            above: list[Element] = []
            for event, element in ElementTree.iterparse(source, ("start", "end")):  # noqa: S314 - expat bounds entities
                if event == "start":
                    above.append(element)
                    continue
                above.pop()
                if above and name(above[-1]) == "body" and len(above) == 2:
                    yield element
                    above[-1].clear()

    def _main(self) -> str:
        relations = self.small("_rels/.rels")
        for relation in relations if relations is not None else ():
            if attribute(relation, "Type").endswith("/officeDocument"):
                return attribute(relation, "Target").lstrip("/")
        return "word/document.xml"

    def _read(self, part: str, most: int) -> bytes:
        info = self._zip.getinfo(part)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable(_DAMAGED)
        with self._zip.open(info) as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise Unreadable(f"It unpacks to more than {most // 1_000_000} MB; split it or save it anew.")
        return data


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (*_FAULTS, ElementTree.ParseError, RecursionError) as fault:
        raise Unreadable(_DAMAGED) from fault
