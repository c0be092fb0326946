"""The two formats of /v1, each as one value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from ccos.api.v1 import anthropic_in, anthropic_out, openai_in, openai_out
from ccos.api.v1.asked import Asked
from ccos.api.v1.faults import Fault, Shape
from ccos.api.v1.reply import Reply


class Writer(Protocol):
    """Writes the events of one stream."""

    def opening(self) -> bytes: ...

    def words(self, text: str) -> bytes: ...

    def closing(self, reply: Reply) -> bytes:
        """The end of an answer that is whole, with the `ccos` object in its last event."""
        ...

    def broken(self, fault: Fault) -> bytes:
        """The end of a stream whose answer is not whole."""
        ...


@dataclass(frozen=True, slots=True)
class Format:
    shape: Shape
    asked: Callable[[bytes, Mapping[str, str]], Asked]
    whole: Callable[[Reply], bytes]
    writer: Callable[[str, int, Asked, str], Writer]


OPENAI = Format("openai", openai_in.asked, openai_out.whole, openai_out.Chunks)
ANTHROPIC = Format("anthropic", anthropic_in.asked, anthropic_out.whole, anthropic_out.Events)
