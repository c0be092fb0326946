"""Markdown files: a front matter when there is one, else the first heading is the title."""

from __future__ import annotations

import re

_KEY = re.compile(r"([^\s:#][^:]{0,80}):(?:\s+(.*)|\s*)$")
_ELEMENT = re.compile(r"\s*-\s+(.*)$")
_HEADING = re.compile(r"#{1,2}\s+(\S.*)")
_MOST_FRONT_LINES = 200


def split(text: str) -> tuple[dict[str, object], str]:
    """Front matter fields and the rest. Reads `key: value`, quoted values, `[a, b]` and `- a` lists."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    start = next((at for at, line in enumerate(lines) if line.strip()), 0)
    if lines[start].rstrip() != "---":
        return {}, "\n".join(lines)
    for end in range(start + 1, min(start + _MOST_FRONT_LINES, len(lines))):
        if lines[end].rstrip() in ("---", "..."):
            return _fields(lines[start + 1 : end]), "\n".join(lines[end + 1 :])
    return {}, "\n".join(lines)


def record(text: str, stem: str) -> dict[str, object]:
    """The file as a record; its title is the front matter's, the first heading, or the file's name."""
    fields, body = split(text)
    if not any(str(fields.get(name) or "").strip() for name in ("title", "question", "subject", "제목")):
        heading = next(filter(None, map(_HEADING.match, body.split("\n"))), None)
        fields["title"] = heading[1].rstrip(" \t#") if heading else stem
    return fields | {"body": body.strip()}


def _fields(lines: list[str]) -> dict[str, object]:
    fields: dict[str, object] = {}
    last = ""
    for line in lines:
        element, pair = _ELEMENT.match(line), _KEY.match(line)
        if element and last:
            so_far = fields[last]
            fields[last] = [*(so_far if isinstance(so_far, list) else []), _plain(element[1])]
        elif pair:
            last, value = pair[1].strip(), (pair[2] or "").strip()
            inside = value[1:-1] if value.startswith("[") and value.endswith("]") else None
            fields[last] = _plain(value) if inside is None else [_plain(part) for part in inside.split(",")]
    return fields


def _plain(value: str) -> str:
    value = value.strip()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return re.sub(r"\s+#.*$", "", value)
