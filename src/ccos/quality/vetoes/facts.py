"""Is every number, date, amount, period, address and identifier in the ticket or the evidence?

One that only an internal passage has may not be told a customer.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from ccos.domain.verdict import Veto
from ccos.quality.quantities import Quantity, code_key, quantities
from ccos.quality.reading import Reading
from ccos.quality.vetoes.derived import is_derived
from ccos.quality.vetoes.family import Family

FROM_CASES = frozenset({"url", "time", "percent", "period", "number"})
"""What a similar case may support; its amounts, dates and identifiers belong to another customer."""

_WORDS = {
    "url": "web address", "date": "date", "time": "time", "amount": "amount", "percent": "percentage",
    "period": "period", "code": "number or code", "number": "number",
}  # fmt: skip


def _look(reading: Reading) -> Iterator[Veto]:
    claims = sorted(_claims(reading), key=lambda claim: claim.start)
    if not claims:
        return
    own = "\n".join((reading.ticket_text, reading.house_text))
    offered = {key for fact in quantities(own) for key in fact.offers}
    offered.update(*map(_offered_by, reading.public_kb_passages))
    for fact in reading.case_stated:
        if fact.kind in FROM_CASES:
            offered |= fact.offers
    public = "\n".join(reading.public_kb_passages)
    squeezed = code_key(f"{own}\n{public}") if any(claim.kind == "code" for claim in claims) else ""
    supported = [claim for claim in claims if claim.kind == "amount" and claim.accepts & offered]
    for claim in claims:
        written = reading.folded.text[claim.start : claim.end].strip()
        if claim.accepts & offered or (claim.kind == "code" and code_key(written) in squeezed):
            continue
        if claim.kind == "amount" and is_derived(claim, supported, reading.folded.text, reading.sentences):
            continue
        if any(claim.accepts & _offered_by(passage) for passage in reading.internal_passages):
            sentence = f"The {_WORDS[claim.kind]} {written[:60]!r} is only in an internal passage."
            yield Veto("internal", sentence, "repair", reading.folded.original(claim.start, claim.end))
            continue
        sentence = f"The {_WORDS[claim.kind]} {written[:60]!r} is neither in the ticket nor in the evidence."
        yield Veto("unsupported", sentence, "repair", reading.folded.original(claim.start, claim.end))


@lru_cache(maxsize=2_048)
def _offered_by(passage: str) -> frozenset[str]:
    """What a passage of the knowledge base offers. The same ones are retrieved again and again.

    Tickets and similar cases are read anew each time: their text is kept nowhere.
    """
    return frozenset(key for fact in quantities(passage) for key in fact.offers)


def _claims(reading: Reading) -> Iterator[Quantity]:
    """Facts the answer states. Personal data is another family's, and ① numbers a list."""
    private = [(span.start, span.end) for span in reading.pii]
    for fact in reading.stated:
        start, end = reading.folded.original(fact.start, fact.end)
        overlaps = any(start < right and left < end for left, right in private)
        if fact.accepts and not overlaps and unicodedata.category(reading.text[start]) != "No":
            yield fact


FACTS = Family("facts", ("unsupported",), "Its facts are in the ticket or the evidence.", _look)
