"""The gate's verdict in words for people."""

from __future__ import annotations

from collections.abc import Iterator

from ccos.domain.draft import Check
from ccos.domain.prompt import Prompt
from ccos.domain.verdict import Verdict, Veto
from ccos.quality.form_check import OUR_OWN
from ccos.quality.vetoes import CUSTOMER_TEXT

_UNREADABLE = frozenset({"schema", "empty"})
_QUOTED = frozenset({"unsupported", "commitment", "banned", "citation", "placeholder", "leak"})
"""Kinds whose place in the answer says what is wrong; personal data is not repeated."""

MOST_QUOTED = 60


def checks(verdict: Verdict, prompt: Prompt) -> tuple[Check, ...]:
    """One check per question that was put to the answer, failed ones with every veto's own words.

    An answer that could not be read, or is empty, was asked nothing else and has only that check.
    """
    return tuple(_checks(verdict, prompt))


def _checks(verdict: Verdict, prompt: Prompt) -> Iterator[Check]:
    unreadable = [veto for veto in verdict.vetoes if veto.kind in _UNREADABLE]
    if prompt.schema is not None or unreadable:
        detail = unreadable[0].sentence if unreadable else "It has the shape that was asked for."
        code = f"veto.{unreadable[0].kind}" if unreadable else ""
        yield Check(name="shape", passed=not unreadable, detail=detail, code=code)
    if unreadable:
        return
    standard = OUR_OWN.get(prompt.task)
    for family in standard.vetoes if standard else CUSTOMER_TEXT:
        vetoes = [veto for veto in verdict.vetoes if veto.kind in family.kinds]
        for veto in vetoes:
            yield Check(
                name=family.name,
                passed=False,
                detail=veto.sentence,
                span=veto.span,
                code=f"veto.{veto.kind}",
                facts=_said(verdict, veto),
            )
        if not vetoes:
            yield Check(name=family.name, passed=True, detail=family.fine)


def _said(verdict: Verdict, veto: Veto) -> dict[str, str | float]:
    """The words that were refused, as far as they are few."""
    if veto.span is None or veto.kind not in _QUOTED:
        return {}
    said = " ".join(verdict.text[slice(*veto.span)].split())
    return {"said": said if len(said) <= MOST_QUOTED else said[: MOST_QUOTED - 1] + "…"} if said else {}
