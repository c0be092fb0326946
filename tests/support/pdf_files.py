"""Writes real PDF files for tests: Korean text with a ToUnicode table or in CP949, ruled lines, passwords."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, field

PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


@dataclass
class PdfPage:
    """Coordinates are points from the lower left corner of a page of 600 by 800."""

    parts: list[tuple[str, ...]] = field(default_factory=list)

    def write(self, x: float, y: float, text: str, size: float = 10, *, bold: bool = False) -> PdfPage:
        self.parts.append(("text", f"/{'B' if bold else 'R'} {size} Tf 1 0 0 1 {x} {y} Tm", text))
        return self

    def column(self, x: float, y: float, *lines: str, size: float = 10, step: float = 15) -> PdfPage:
        for at, line in enumerate(lines):
            self.write(x, y - at * step, line, size)
        return self

    def rule(self, x0: float, y0: float, x1: float, y1: float) -> PdfPage:
        self.parts.append(("draw", f"{x0} {y0} m {x1} {y1} l S"))
        return self

    def grid(self, xs: list[float], ys: list[float]) -> PdfPage:
        for x in xs:
            self.rule(x, ys[0], x, ys[-1])
        for y in ys:
            self.rule(xs[0], y, xs[-1], y)
        return self


def pdf(
    *pages: PdfPage | bytes,
    title: str | None = None,
    language: str | None = None,
    modified: str | None = None,
    cp949: bool = False,
    unicode_table: bool = True,
    password: tuple[bytes, bytes] | None = None,
    tree: str | None = None,
) -> bytes:
    """A file with these pages; bytes are a page's content as it is.

    `password` is the user's and the owner's; `tree` replaces the page tree's root.
    """
    letters = sorted(
        {
            c
            for page in pages
            if isinstance(page, PdfPage)
            for part in page.parts[:]
            if part[0] == "text"
            for c in part[2]
        }
    )
    codes = {letter: at for at, letter in enumerate(letters, start=256)}
    encoding = "/KSCms-UHC-H" if cp949 else "/Identity-H"
    table = "" if cp949 or not unicode_table else "/ToUnicode 9 0 R"
    kids = " ".join(f"{10 + 2 * at} 0 R" for at in range(len(pages)))
    objects: dict[int, bytes] = {
        1: f"<</Type/Catalog/Pages 2 0 R{f'/Lang({language})' if language else ''}>>".encode(),
        2: (tree or f"<</Type/Pages/Kids[{kids}]/Count {len(pages)}>>").encode(),
        3: f"<</Type/Font/Subtype/Type0/BaseFont/Plain/Encoding{encoding}/DescendantFonts[5 0 R]{table}>>".encode(),
        4: f"<</Type/Font/Subtype/Type0/BaseFont/Strong-Bold/Encoding{encoding}/DescendantFonts[6 0 R]{table}>>".encode(),
        5: _descendant("Plain", 7, cp949, codes),
        6: _descendant("Strong-Bold", 8, cp949, codes),
        7: _descriptor("Plain"),
        8: _descriptor("Strong-Bold"),
        9: _stream(_unicode_table(codes)),
    }
    for at, page in enumerate(pages):
        objects[10 + 2 * at] = (
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents {11 + 2 * at} 0 R"
            "/Resources<</Font<</R 3 0 R/B 4 0 R>>>>>>"
        ).encode()
        objects[11 + 2 * at] = _stream(page if isinstance(page, bytes) else _content(page, codes, cp949))
    trailer = ""
    key = None
    if password:
        key, locks = _lock(*password)
        objects[len(objects) + 1] = locks
        trailer += f"/Encrypt {len(objects)} 0 R/ID[<{'00' * 16}><{'00' * 16}>]"
    facts = {"Title": title, "ModDate": modified}
    about = "".join(
        f"/{name}<{('﻿' + value).encode('utf-16-be').hex()}>" for name, value in facts.items() if value
    )
    if about:
        objects[len(objects) + 1] = f"<<{about}>>".encode()
        trailer += f"/Info {len(objects)} 0 R"
    return _file(objects, trailer, key)


def _content(page: PdfPage, codes: dict[str, int], cp949: bool) -> bytes:
    lines = []
    for kind, how, *text in page.parts:
        if kind == "draw":
            lines.append(how)
            continue
        coded = text[0].encode("cp949") if cp949 else b"".join(codes[c].to_bytes(2, "big") for c in text[0])
        lines.append(f"BT {how} <{coded.hex()}> Tj ET")
    return "\n".join(lines).encode()


def _descendant(name: str, descriptor: int, cp949: bool, codes: dict[str, int]) -> bytes:
    ordering = "Korea1" if cp949 else "Identity"
    widths = " ".join(f"{code} [500]" for letter, code in codes.items() if letter < "\x80")
    return (
        f"<</Type/Font/Subtype/CIDFontType2/BaseFont/{name}/FontDescriptor {descriptor} 0 R/DW 1000"
        f"{'' if cp949 else f'/W[{widths}]'}"
        f"/CIDSystemInfo<</Registry(Adobe)/Ordering({ordering})/Supplement 0>>>>"
    ).encode()


def _descriptor(name: str) -> bytes:
    return (
        f"<</Type/FontDescriptor/FontName/{name}/Flags 4/FontBBox[0 -200 1000 800]/ItalicAngle 0/Ascent 800"
        "/Descent -200/CapHeight 700/StemV 80>>"
    ).encode()


def _unicode_table(codes: dict[str, int]) -> bytes:
    pairs = "\n".join(f"<{code:04x}> <{letter.encode('utf-16-be').hex()}>" for letter, code in codes.items())
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /T def /CMapType 2 def\n"
        "1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        f"{len(codes)} beginbfchar\n{pairs}\nendbfchar endcmap end end"
    ).encode()


def _stream(data: bytes) -> bytes:
    packed = zlib.compress(data)
    return f"<</Length {len(packed)}/Filter/FlateDecode>>stream\n".encode() + packed + b"\nendstream"


def _file(objects: dict[int, bytes], trailer: str, key: bytes | None) -> bytes:
    out = bytearray(b"%PDF-1.7\n")
    places = {}
    for number, body in objects.items():
        places[number] = len(out)
        if key and b"stream\n" in body:
            head, data = body.split(b"stream\n", 1)
            data = data.removesuffix(b"\nendstream")
            own = hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[:10]
            body = head + b"stream\n" + _rc4(own, data) + b"\nendstream"
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    size = max(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{places[number]:010} 00000 n \n".encode() for number in range(1, size))
    out += f"trailer<</Size {size}/Root 1 0 R{trailer}>>\nstartxref\n{table}\n%%EOF".encode()
    return bytes(out)


def _lock(user: bytes, owner: bytes) -> tuple[bytes, bytes]:
    """The key and the dictionary of the standard protection, revision 2 (PDF 1.7, 7.6.3)."""
    whole_owner = hashlib.md5((owner + PADDING)[:32]).digest()[:5]
    owned = _rc4(whole_owner, (user + PADDING)[:32])
    rights = (0xFFFFFFC0).to_bytes(4, "little")
    key = hashlib.md5((user + PADDING)[:32] + owned + rights + bytes(16)).digest()[:5]
    used = _rc4(key, PADDING)
    return key, f"<</Filter/Standard/V 1/R 2/O<{owned.hex()}>/U<{used.hex()}>/P -64>>".encode()


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    j = 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out = bytearray()
    i = j = 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)
