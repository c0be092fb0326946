"""Words on their way to a caller before they are judged, for who would rather have them early than sure."""

from __future__ import annotations

from collections.abc import Callable

COMMIT_CHARACTERS = 24
"""So much text is held back before the first of it goes out: an upstream that dies at once costs nothing."""


class Relay:
    """Passes one attempt's words on. Until it has committed, another attempt may take its place.

    `send` gets each piece of text in order; it must not block or raise. `text` is all that was sent.
    """

    def __init__(self, send: Callable[[str], None], *, hold_characters: int = COMMIT_CHARACTERS) -> None:
        self._send = send
        self._hold_characters = hold_characters
        self._held = ""
        self._sent: list[str] = []
        self.committed = False

    @property
    def text(self) -> str:
        return "".join(self._sent)

    def begin(self) -> None:
        """A new attempt starts: what the last one said is forgotten, for nobody has seen it."""
        if not self.committed:
            self._held = ""

    def hear(self, piece: str) -> None:
        """One more piece of the attempt's answer."""
        if self.committed:
            self._pass_on(piece)
            return
        self._held += piece
        if len(self._held.strip()) >= self._hold_characters:
            self.committed = True
            held, self._held = self._held.lstrip(), ""
            self._pass_on(held)

    def finish(self, text: str) -> None:
        """The answer is settled: one whose words never reached the commit point is sent now."""
        if not self.committed:
            self.committed = True
            self._held = ""
            self._pass_on(text)

    def _pass_on(self, piece: str) -> None:
        self._sent.append(piece)
        self._send(piece)
