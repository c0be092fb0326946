"""Server-sent events from bytes, as the HTML standard defines them, a chunk at a time.

A lone carriage return as a line end, which the standard allows and no model server sends, is not one here.
"""

from __future__ import annotations

from collections.abc import Iterator


class EventStream:
    """Feed it chunks as they come; it gives back the data of each event that is complete.

    Comments (keep-alives) give nothing. The event's name is not given: both wire formats repeat it inside.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" "))
            elif not line and self._data:
                yield b"\n".join(self._data)
                self._data.clear()

    def end(self) -> Iterator[bytes]:
        """A last event whose empty line was left out, as some servers do."""
        yield from self.feed(b"\n\n")
