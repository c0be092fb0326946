"""Does it show personal data that is not this customer's own?"""

from __future__ import annotations

from collections.abc import Iterator

from ccos.domain.verdict import Veto
from ccos.quality.folding import plain
from ccos.quality.pii import LOCAL_ONLY, PiiSpan, find
from ccos.quality.reading import Reading
from ccos.quality.vetoes.family import Family


def _look(reading: Reading) -> Iterator[Veto]:
    """Resident numbers never. Other data only from the ticket, the company or public procedures.

    Similar cases and internal passages allow nothing: their data is somebody else's.
    """
    if not reading.pii:
        return
    own = "\n".join((reading.ticket_text, reading.public_kb_text, reading.house_text))
    for span in reading.pii:
        place = (span.start, span.end)
        if span.kind in LOCAL_ONLY:
            yield Veto("pii", "The answer shows a resident registration number.", "stay_local", place)
        elif not _is_in(own, span, plain(reading.text[slice(*place)])):
            sentence = f"The answer shows personal data ({span.kind}) that is not in the ticket."
            yield Veto("pii", sentence, "repair", place)


def _is_in(own: str, span: PiiSpan, written: str) -> bool:
    """As it is written, which is the usual case and quickly seen, or in another spelling."""
    at = own.find(written)
    around = own[max(0, at - 1) : max(0, at)], own[at + len(written) : at + len(written) + 1]
    if at >= 0 and not any(character.isascii() and character.isalnum() for character in around):
        return True
    return any(other.value == span.value for other in find(own))


PRIVATE = Family("private", ("pii",), "It shows no personal data but the customer's own.", _look)
