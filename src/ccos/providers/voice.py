"""What of an answer's words is meant for a reader, said piece by piece as they come."""

from __future__ import annotations

import re
from collections.abc import Callable

from ccos.domain.errors import ProviderDown

Hear = Callable[[str], None]
"""Gets pieces of an answer in their order; joined they are its text. It neither blocks nor raises."""

_TAG = re.compile(r"</?think>")
_START_OF_TAG = re.compile(r"</?(?:t(?:h(?:i(?:nk?)?)?)?)?\Z")


class Voice:
    """Leaves out thinking and NUL. What may be the start of a tag is held back until it is one or is none.

    A thought that never ends is dropped when nothing was said before it, and else is no thought. Some chat
    templates write the opening tag themselves: then all before a lone closing tag was thinking. Words that
    were heard cannot be taken back, so with `hear` that raises ProviderDown, cause `thought_aloud`, and
    `thought_aloud` stays true: give such a model `doubt`, which keeps its words until a tag or the end says
    what they are.
    """

    def __init__(self, hear: Hear | None = None, *, doubt: bool = False) -> None:
        self._hear = hear
        self._doubt = doubt
        self._thinking = False
        self._tail = ""
        self._kept: list[str] = []
        self._said: list[str] = []
        self.thought_aloud = False

    @property
    def text(self) -> str:
        """All that was said so far."""
        return "".join(self._said)

    def say(self, piece: str) -> None:
        text, at = self._tail + piece, 0
        for tag in _TAG.finditer(text) if "<" in text else ():
            if tag[0] == "<think>" and self._thinking:
                continue
            self._part(text[at : tag.start()])
            if tag[0] == "<think>":
                self._open()
            else:
                self._close()
            at = tag.end()
        start = _START_OF_TAG.search(text, at)
        end = start.start() if start else len(text)
        self._tail = text[end:]
        self._part(text[at:end])

    def end(self) -> None:
        """Nothing more comes: says what was held back and turned out to be meant."""
        tail, self._tail = self._tail, ""
        self._part(tail)
        if self._doubt:
            self._settle()
        elif self._thinking and self.text.strip():
            self._thinking = False
            self._kept.insert(0, "<think>")
            self._settle()

    def _part(self, text: str) -> None:
        if self._thinking or self._doubt:
            self._kept.append(text)
        elif text := text.replace("\0", ""):
            self._said.append(text)
            if self._hear is not None:
                self._hear(text)

    def _open(self) -> None:
        if self._doubt:
            self._settle()
        self._thinking = True

    def _close(self) -> None:
        self._kept.clear()
        if self._thinking:
            self._thinking = False
            return
        self.thought_aloud = True
        if self._doubt:
            self._doubt = False
        elif self._hear is not None and self.text.strip():
            raise ProviderDown(cause="thought_aloud", begun=True)
        else:
            self._said.clear()

    def _settle(self) -> None:
        """What was kept is meant after all."""
        self._doubt = False
        kept, self._kept = self._kept, []
        self._part("".join(kept))
