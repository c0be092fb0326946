"""Words that an embedding model wants before a question and before a passage, as it was trained with them."""

from __future__ import annotations

import re
from dataclasses import dataclass

OFF = "none"
"""What a setting says to have no word where the model's name would give one."""


@dataclass(frozen=True, slots=True)
class Prefixes:
    query: str = ""
    passage: str = ""

    def identity(self, model: str) -> str:
        """The name that vectors of passages are kept under: others before them are other vectors."""
        return f"{model} after {self.passage.strip()!r}" if self.passage else model


_ASK = "Instruct: Given a customer's question, retrieve passages that answer it\nQuery:"

# By what the models' cards say; names are compared without signs and in small letters.
_KNOWN: tuple[tuple[str, Prefixes], ...] = (
    (r"e5.*instruct", Prefixes(_ASK + " ")),
    (r"(^|multilingual|ko)e5(small|base|large|v|$)", Prefixes("query: ", "passage: ")),
    (r"nomicembed(?!code)", Prefixes("search_query: ", "search_document: ")),
    (r"arcticembed", Prefixes("query: ")),
    (r"qwen3embedding", Prefixes(_ASK)),
    (r"embeddinggemma", Prefixes("task: search result | query: ", "title: none | text: ")),
)


def prefixes_of(model: str, *, query: str | None = None, passage: str | None = None) -> Prefixes:
    """Those the settings give, each else by the model's name; empty where neither says any."""
    bare = re.sub(r"[^a-z0-9]", "", model.lower().rpartition("/")[2])
    known = next((prefixes for pattern, prefixes in _KNOWN if re.search(pattern, bare)), Prefixes())
    return Prefixes(_given(query, known.query), _given(passage, known.passage))


def _given(said: str | None, known: str) -> str:
    """A setting loses the blank at its end, which parts the word from the text; `\\n` is a new line."""
    if said is None or not said.strip():
        return known
    if said.strip().lower() == OFF:
        return ""
    written = said.replace("\\n", "\n")
    return written if written[-1].isspace() else f"{written} "
