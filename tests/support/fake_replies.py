"""What a well-behaved support model would say to a prompt of ours: no model, only its own evidence quoted."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_EVIDENCE = re.compile(r'<evidence n="(\d+)"([^>]*)>\n?(.*?)\n?</evidence>', re.DOTALL)
_TICKET = re.compile(r"<ticket>\n?(.*?)\n?</ticket>", re.DOTALL)
_HANGUL = re.compile("[가-힣]")
_MARKS = re.compile(r"\*\*|__|`|^\s*(?:#+|[-*]|\d+\.)\s+", re.MULTILINE)
_SENTENCE = re.compile(r"[^.!?\n|]*(?:\.(?=\d)[^.!?\n|]*)*[.!?](?=\s|$)")
MAX_CHARACTERS = 400

_WORDS = {
    "ko": (
        "안녕하세요, 고객님. 문의해 주셔서 감사합니다.",
        "추가로 궁금하신 점이 있으시면 언제든지 말씀해 주세요.",
        "안녕하세요, 고객님. 문의해 주셔서 감사합니다. 문의하신 내용은 저희가 확인한 뒤 다시 안내해 드리겠습니다. "
        "조금만 기다려 주시면 감사하겠습니다.",
    ),
    "en": (
        "Hello, and thank you for contacting us.",
        "If you have any other question, please reply to this message.",
        "Hello, and thank you for contacting us. We are checking your question and will come back to you with "
        "an answer. We appreciate your patience.",
    ),
}


@dataclass(frozen=True)
class Asked:
    """A prompt taken apart: the ticket, its public passages by number, and the language to answer in."""

    ticket: str
    passages: tuple[tuple[int, str], ...]
    language: str

    @classmethod
    def of(cls, system: str, turns: Sequence[str]) -> Asked:
        text = "\n".join(turns)
        found = _TICKET.search(text)
        ticket = found[1] if found else (turns[-1] if turns else "")
        passages = tuple(
            (int(n), body)
            for n, about, body in _EVIDENCE.findall(text)
            if 'visibility="internal"' not in about
        )
        return cls(ticket, passages, "ko" if _HANGUL.search(system or ticket) else "en")


def compose(system: str, turns: Sequence[str], schema: Mapping[str, Any] | None = None) -> str:
    """The answer: prose, or one JSON object of `schema`."""
    asked = Asked.of(system, turns)
    if schema is None:
        return reply(asked)
    return json.dumps(_fill(schema, "", asked), ensure_ascii=False)


def reply(asked: Asked) -> str:
    """A polite reply that quotes the best passage's sentences with its mark, or says that we will check."""
    opening, closing, hold = _WORDS[asked.language]
    chosen = quotes(asked)
    if not chosen:
        return hold
    parts = [f"{sentence} [{n}]" for n, sentence in chosen]
    while len(parts) > 1 and len(" ".join([opening, *parts, closing])) > MAX_CHARACTERS:
        parts.pop()
    return " ".join([opening, *parts, closing])


def quotes(asked: Asked, most: int = 2) -> list[tuple[int, str]]:
    """Sentences of the first passage that holds any in the answer's language, nearest to the ticket first."""
    wanted = _bigrams(asked.ticket)
    for n, body in asked.passages:
        sentences = [s.strip() for s in _SENTENCE.findall(_MARKS.sub("", body))]
        fit = [s for s in sentences if 10 <= len(s) <= 150 and _language(s) == asked.language]
        best = sorted(fit, key=lambda s: -len(wanted & _bigrams(s)))[:most]
        if best:
            return [(n, s) for s in fit if s in best]
    return []


def _fill(schema: Mapping[str, Any], name: str, asked: Asked) -> Any:
    match name:
        case "reply":
            return reply(asked)
        case "queries":
            return [" ".join(re.findall(r"[\w가-힣]{2,}", asked.ticket)[:6]) or "문의"]
        case "facts":
            return [{"text": s, "n": n} for n, s in quotes(asked)] or [{"text": "근거가 없습니다.", "n": 0}]
        case "citations":
            return sorted({n for n, _ in quotes(asked)})
        case "kind":
            return "answer" if quotes(asked) else "hold"
        case "priority":
            return (
                "high" if re.search(r"급해|급합|당장|urgent|asap", asked.ticket, re.IGNORECASE) else "normal"
            )
    if "enum" in schema:
        return _nearest(schema["enum"], asked)
    match schema.get("type"):
        case "object":
            return {key: _fill(part, key, asked) for key, part in schema.get("properties", {}).items()}
        case "array":
            items = schema.get("items", {})
            return [v for v in items["enum"] if v and v in asked.ticket][:3] if "enum" in items else []
        case "integer" | "number":
            return 1
        case "boolean":
            return True
    return reply(asked)


def _nearest(values: Sequence[Any], asked: Asked) -> Any:
    """The value that shares most with the ticket, then with its first passage; the first one when none does."""
    ticket = _bigrams(asked.ticket)
    passage = _bigrams("\n".join(body for _, body in asked.passages[:1]))

    def likeness(value: Any) -> int:
        own = _bigrams(str(value))
        return 2 * len(own & ticket) + len(own & passage)

    return max(values, key=likeness)


def _bigrams(text: str) -> set[str]:
    return {text[i : i + 2].lower() for i in range(len(text) - 1) if not text[i : i + 2].isspace()}


def _language(text: str) -> str:
    return "ko" if _HANGUL.search(text) else "en"
