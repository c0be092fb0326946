"""Decide: what follows from an attempt, by its reason and never by its score alone."""

from __future__ import annotations

from typing import Literal

from ccos.domain.errors import (
    ContentFiltered,
    ContextTooLong,
    NoPrice,
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderRefused,
    ProviderTimeout,
)
from ccos.domain.verdict import Verdict

Step = Literal["accept", "repair", "sideways", "next_tier", "rules", "stop"]
"""`stop`: words of the answer are with the caller already, so nothing may follow them."""

STUMBLES = frozenset({500, 502, 503})
OVERLOADED = frozenset({503, 529})
OF_THE_ACCOUNT = frozenset({401, 402, 403, 404})
"""Statuses about a key, a bill or a model's name: another provider has its own."""

NEVER_REACHED = frozenset({"dns", "tls", "connect"})
"""Causes of an outage in which the provider never saw the request."""

MISSING_EVIDENCE = frozenset({"search_again", "ask_customer", "hand_off"})
"""Remedies that no bigger model can give: such a task goes to the rules, which can ask or hand over."""


def after_verdict(verdict: Verdict, required_quality: float, *, repaired: bool) -> Step:
    """What follows from an answer. Form errors get one repair, missing evidence never goes up."""
    if verdict.accepts(required_quality):
        return "accept"
    remedies = {veto.remedy for veto in verdict.vetoes}
    if remedies & MISSING_EVIDENCE:
        return "rules"
    if remedies == {"repair"} and not repaired:
        return "repair"
    return "next_tier"


def after_failure(fault: ProviderError) -> Step:
    """What follows from a failed call.

    An outage, a rate limit and a refused key are that provider's own: the tier's other one may answer. A
    timeout has eaten the time for that. A text that is too long, filtered or refused is not sent to another
    cloud as if nothing had been said: it goes to the next tier, with the reason on record.
    """
    match fault:
        case ContextTooLong() | ContentFiltered():
            return "next_tier"
        case ProviderDown() | ProviderBusy() | NoPrice():
            return "sideways"
        case ProviderRefused() if fault.facts.get("status") in OF_THE_ACCOUNT:
            return "sideways"
        case _:
            return "next_tier"


def worth_a_quick_retry(fault: ProviderError) -> bool:
    """Whether the same provider may be asked again at once: it stumbled, and had not begun to answer.

    A reset connection, 500, 502 and 503 pass; whatever spoke of load, time, limits or the request does not.
    """
    if not isinstance(fault, ProviderDown) or fault.facts.get("begun"):
        return False
    status = fault.facts.get("status")
    return status in STUMBLES if status is not None else fault.facts.get("cause") == "reset"


def counts_as_overload(fault: ProviderError) -> bool:
    """Whether it says that the provider has more to do than it can: its limit of calls at once shrinks."""
    return isinstance(fault, ProviderBusy | ProviderTimeout) or fault.facts.get("status") in OVERLOADED


def counts_against_health(fault: ProviderError) -> bool:
    """Whether the breaker counts it: not our own mistakes, not a request to slow down."""
    return not isinstance(fault, ProviderBusy | ProviderRefused)


def may_have_cost(fault: ProviderError) -> bool:
    """Whether a failed call can be on the provider's bill: it may have read the prompt, or begun to write.

    Refusals by status, rate limits and connections that never came about cost nothing.
    """
    facts = fault.facts
    match fault:
        case ProviderTimeout():
            return facts.get("phase") != "connect"
        case ProviderBusy():
            return False
        case ProviderDown() | ContentFiltered():
            return facts.get("status") is None and facts.get("cause") not in NEVER_REACHED
        case _:
            return False


def refusal_reason(verdict: Verdict) -> str:
    """The stable code of an answer that was not accepted: its first veto, else the score."""
    return f"veto.{verdict.vetoes[0].kind}" if verdict.vetoes else "quality.low"
