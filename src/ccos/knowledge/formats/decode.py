"""Bytes to text: the encodings that Korean exports come in."""

from __future__ import annotations

import codecs
import re

from ccos.knowledge.formats.problem import Unreadable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_KOREAN = re.compile("[가-힣ㄱ-ㅣ　-〿·‘-”…℃→←※○●◇◆□■△▲▶①-⑳！-～]")


def decode(data: bytes) -> str:
    """UTF-8, UTF-16 and UTF-32 with their mark, or CP949; NULs dropped. Raises `Unreadable`."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data, encoding)
    try:
        return storable(data.decode())
    except UnicodeDecodeError:
        text = _strictly(data, "cp949")
    foreign = _NOT_ASCII.findall(text)
    if len(_KOREAN.findall(text)) < 0.7 * len(foreign):
        raise Unreadable(_SENTENCE)  # broken UTF-8 often decodes as CP949, to Chinese characters
    return text


def storable(text: str) -> str:
    """Without NUL and lone surrogates, which can be neither stored nor sent on."""
    return _UNSTORABLE.sub("", text)


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return storable(data.decode(encoding))
    except UnicodeDecodeError as fault:
        raise Unreadable(_SENTENCE) from fault


_SENTENCE = "The encoding is not UTF-8, UTF-16 or CP949, or the text is damaged; save it as UTF-8."
