"""Assurances beyond money and goods: a day that is guaranteed, stock put aside, a procedure skipped."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Assurance:
    """`said` finds it in an answer; `backed` in a procedure or a record allows it."""

    act: str
    said: re.Pattern[str]
    backed: re.Pattern[str]


_PAPERS = r"(?:서류|심사|확인|절차|승인|증빙|검수)"

ASSURANCES = (
    Assurance(
        "guaranteed delivery date",
        re.compile(
            r"(?:꼭|반드시|무조건|틀림없이|확실히)\s(?:\w{1,10}\s){0,2}(?:도착|받으|받아\s?보|배송|출고)"
            r"(?:하게|되게|하도록|되도록|시게|시도록|실\s수\s있게|실\s수\s있도록)\s(?:제가\s|저희가\s)?(?:책임지고\s)?"
            r"(?:하|해\s?드리|맞추어\s?드리|맞춰\s?드리|보내\s?드리|약속드리)(?:겠|니)"
        ),
        re.compile(r"보장|확정|지정|guarante", re.IGNORECASE),
    ),
    Assurance(
        "guarantee",
        re.compile(
            r"(?=[iw제저])(?:\b(?:i|we) (?:promise|guarantee)\b"
            r"|(?:제가|저희가)\s보장(?:합니다|해\s?드리))",
            re.IGNORECASE,
        ),
        re.compile(r"보장|guarante|promis", re.IGNORECASE),
    ),
    Assurance(
        "reservation of goods",
        re.compile(
            r"(?=[따미한iw])(?:(?:따로|미리|한쪽에)\s(?:맡아|빼|챙겨|잡아|남겨|보관해)\s?"
            r"(?:두겠|놓겠|둘게|놓을게|두었다가|놓았다가|드리겠)"
            r"|\b(?:i|we)(?:'ll| will) (?:(?:put|set) (?:\w+ ){1,5}aside"
            r"|(?:hold|reserve) (?:\w+ ){1,5}for you)\b)",
            re.IGNORECASE,
        ),
        re.compile(
            r"맡아|따로\s?(?:잡아|빼|보관)|예약|\b(?:hold|held|reserv\w+|keep|kept|aside)\b", re.IGNORECASE
        ),
    ),
    Assurance(
        "way around a procedure",
        re.compile(
            rf"{_PAPERS}\w{{0,6}}\s(?:절차\s)?(?:없이|(?:거치지|기다리지)\s않고)\s(?:\S{{1,12}}\s){{0,8}}?\S{{0,12}}"
            r"(?:하겠|드리겠|놓겠|두겠|드릴게)"
        ),
        re.compile(rf"{_PAPERS}\w{{0,6}}\s(?:절차\s)?(?:없이|(?:거치지|기다리지)\s않고)"),
    ),
    Assurance(
        "special approval",
        re.compile(r"승인(?:을|도)?\s?받아\s?(?:두|놓|드리)겠|지시해\s?(?:두|놓)겠|제\s권한으로"),
        re.compile(r"승인(?:을)?\s?받아|지시|권한"),
    ),
    Assurance(
        "punishment of staff",
        re.compile(r"(?:해고|징계|문책)\w{0,2}\s?(?:조치|처분)?\w{0,2}\s?(?:하|시키|해\s?드리)겠"),
        re.compile(r"해고|징계|문책"),
    ),
)
"""Ways in which desks get into trouble with the best intent. All patterns are bounded."""
