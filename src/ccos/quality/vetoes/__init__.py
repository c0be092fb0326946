"""Vetoes: deterministic reasons why an answer may not be shown, one module per family of questions."""

from ccos.quality.vetoes.commitments import COMMITMENTS
from ccos.quality.vetoes.complete import COMPLETE, PRESENT, SPOKEN, UNCUT
from ccos.quality.vetoes.copied import COPIED
from ccos.quality.vetoes.facts import FACTS
from ccos.quality.vetoes.family import Family
from ccos.quality.vetoes.house import BANNED, CITATIONS, HOUSE
from ccos.quality.vetoes.language import LANGUAGE
from ccos.quality.vetoes.leaks import LEAKS
from ccos.quality.vetoes.manners import MANNERS
from ccos.quality.vetoes.private import PRIVATE

CUSTOMER_TEXT: tuple[Family, ...] = (
    COMPLETE,
    PRIVATE,
    COPIED,
    LEAKS,
    LANGUAGE,
    COMMITMENTS,
    FACTS,
    CITATIONS,
    HOUSE,
    MANNERS,
)
"""For what a customer may read. The gravest come first: the first veto names the reason of a refusal."""

OPEN_CHAT: tuple[Family, ...] = (SPOKEN, BANNED)
"""For answers to a chat that has neither ticket nor evidence to be measured by. Its instructions are the
caller's own and may be there to be quoted, and the length of a reply to a customer is not theirs."""

FORM: tuple[Family, ...] = (PRESENT, LEAKS)
"""For what only our own code reads: queries and triage."""

FACT_LIST: tuple[Family, ...] = (UNCUT, PRIVATE, LEAKS, FACTS)
"""For facts drawn out of evidence, which models read and customers do not."""

__all__ = ["CUSTOMER_TEXT", "FACT_LIST", "FORM", "OPEN_CHAT", "Family"]
