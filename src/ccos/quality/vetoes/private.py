"""Does it show personal data that is not this customer's own?"""

from __future__ import annotations

from collections.abc import Iterator

from ccos.domain.verdict import Veto
from ccos.quality.pii import LOCAL_ONLY, find
from ccos.quality.reading import Reading
from ccos.quality.vetoes.family import Family


def _look(reading: Reading) -> Iterator[Veto]:
    """Resident numbers never. Other data only from the ticket, the company or public procedures.

    Similar cases and internal passages allow nothing: their data is somebody else's.
    """
    if not reading.pii:
        return
    own = "\n".join((reading.ticket_text, reading.public_kb_text, reading.house_text))
    allowed = {span.value for span in find(own)}
    for span in reading.pii:
        if span.kind in LOCAL_ONLY:
            sentence = "The answer shows a resident registration number."
            yield Veto("pii", sentence, "stay_local", (span.start, span.end))
        elif span.value not in allowed:
            sentence = f"The answer shows personal data ({span.kind}) that is not in the ticket."
            yield Veto("pii", sentence, "repair", (span.start, span.end))


PRIVATE = Family("private", ("pii",), "It shows no personal data but the customer's own.", _look)
