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
_SYLLABLES = re.compile("[가-힣]+")
_SAMPLE_BYTES = 1_000_000
_KOREAN = re.compile("[가-힣ㄱ-ㅣ　-〿·‘-”…℃→←※○●◇◆□■△▲▶①-⑳！-～]")


def decode(data: bytes) -> str:
    """UTF-8, UTF-16 (its mark may lack), UTF-32 with its mark, or CP949; no NULs. Raises `Unreadable`."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data, encoding)
    if (text := _unmarked_utf_16(data)) is not None:
        return text
    try:
        return storable(data.decode())
    except UnicodeDecodeError:
        text = _strictly(data, "cp949")
    if not _is_korean(text):
        raise Unreadable(_SENTENCE)  # broken UTF-8 often decodes as CP949, to Chinese characters
    syllables = "".join(_SYLLABLES.findall(text))
    if len(syllables.encode("euc_kr")) > 2.6 * len(syllables):  # 2 bytes a usual syllable, 8 a rare one
        raise Unreadable(_SENTENCE)  # Japanese does too, to syllables that Korean does not use
    return text


def _unmarked_utf_16(data: bytes) -> str | None:
    """UTF-16 shows itself by the zero bytes of its spaces and digits, all at even or all at odd places."""
    sample = data[:_SAMPLE_BYTES]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if len(data) % 2 or max(even, odd) < 0.01 * len(sample) or min(even, odd) > 0.1 * max(even, odd):
        return None
    try:
        text = storable(data.decode("utf-16-be" if even > odd else "utf-16-le"))
    except UnicodeDecodeError:
        return None
    return text if text and _is_korean(text) else None


def _is_korean(text: str) -> bool:
    """Whether what is not ASCII is what Korean texts hold."""
    return len(_KOREAN.findall(text)) >= 0.7 * len(_NOT_ASCII.findall(text))


def storable(text: str) -> str:
    """Without NUL and lone surrogates, which can be neither stored nor sent on."""
    return _UNSTORABLE.sub("", text)


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return storable(data.decode(encoding))
    except UnicodeDecodeError as fault:
        raise Unreadable(_SENTENCE) from fault


_SENTENCE = "The encoding is not UTF-8, UTF-16 or CP949, or the text is damaged; save it as UTF-8."
