"""Markdown files: a front matter when there is one, else the first heading is the title."""

from __future__ import annotations

import re

from ccos.knowledge.formats.html import looks_like_html, to_markdown

_KEY = re.compile(r"([^\s:#][^:]{0,80}):(?:\s+(.*)|\s*)$")
_ELEMENT = re.compile(r"\s*-\s+(.*)$")
_HEADING = re.compile(r"#{1,2}\s+(\S.*)")
_FENCED = re.compile(r"^([ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z))", re.MULTILINE | re.DOTALL)
_CODE_SPAN = re.compile(r"(`[^`\n]*`)")
_DANGEROUS = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|template|noscript|iframe|svg|textarea|object)\b.*?(?:</\1\s*>|\Z)"
    r"|<([a-z][a-z0-9]*)\b[^<>]*(?:\shidden\b|display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])"
    r"|opacity\s*:\s*0(?![.\d]))[^<>]*>.*?(?:</\2\s*>|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_DANGEROUS_LINK = re.compile(
    r"!?\[([^\[\]\n]{0,1000})\]\(\s*<?\s*(?:javascript|vbscript|data)\s*:(?:[^()\n]|\([^()\n]*\))*\)"
    r"|^[ \t]*\[[^\]\n]{1,200}\]:[ \t]*<?(?:javascript|vbscript|data):.*$"
    r"|<(?:javascript|vbscript|data):[^<>\n]*>",
    re.IGNORECASE | re.MULTILINE,
)
_BREAK_IN_CELL = re.compile(r"<br\s*/?>(?=[^\n]{0,2000}\|)", re.IGNORECASE)
_BLOCK_MARKUP = re.compile(
    r"</?(?:blockquote|br|center|dd|details|div|dl|dt|figure|figcaption|form|h[1-6]|hr|li|main|nav|ol|p|pre|section"
    r"|summary|table|tbody|td|tfoot|th|thead|tr|ul)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
_MARKUP = re.compile(
    r"</?(?:a|abbr|b|big|button|code|del|em|embed|font|i|img|input|ins|kbd|label|link|mark|meta|picture|q|s|small"
    r"|source|span|strike|strong|sub|sup|tt|u|video|audio)(?:\s[^<>]*)?/?>",
    re.IGNORECASE,
)
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
    return fields | {"body": plain(body)}


def plain(body: str) -> str:
    """The text without what HTML in it would run or hide, and without links that run something.

    Code that is shown as code stays as it is. So does a body that is HTML through and through.
    """
    if body.lstrip().startswith("<") and looks_like_html(body):
        return to_markdown(body).text
    parts = _FENCED.split(body)
    for at in range(0, len(parts), 2):
        part = _DANGEROUS_LINK.sub(r"\1", _DANGEROUS.sub("", parts[at]))
        spans = _CODE_SPAN.split(part)
        for span in range(0, len(spans), 2):
            lines = _BLOCK_MARKUP.sub("\n", _BREAK_IN_CELL.sub(" ", spans[span]))
            spans[span] = _MARKUP.sub("", lines)
        parts[at] = "".join(spans)
    return "".join(parts).strip()


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
