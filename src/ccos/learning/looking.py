"""Which features a head may look at: those that mean in serving what they meant in its labels."""

from __future__ import annotations

from collections.abc import Sequence

from ccos.domain.tier import Task
from ccos.quality.features import NAMES
from ccos.quality.model import BRIEF

_OF_SETS = frozenset({"passages"})
"""How many passages a labelled line brings says which set it is from; a desk brings what its search finds."""

_LENGTHS = frozenset(
    {"length", "long", "short", "length_to_question", "length_to_evidence", "claims", "longest_copy"}
    | {"points", "facts", "promises", "fresh_words"}
)
"""The English labels there are speak of chats of one sentence; a reply to a customer is far longer."""

_OF_POINTS = frozenset(
    {"covered", "covered_least", "points_missed", "points", "kinds_met", "answerable", "no_question"}
    | {"kinds_left", "money_left"}
)
"""A remark of one sentence is no answer to a list of questions."""

_OF_CHOICE = frozenset(
    {"off_share", "off_far", "facts_off", "facts_off_count", "asked_lead", "best_taken", "best_facts"}
    | {"best_states", "states_nothing", "cites", "cites_best", "cites_off", "cites_support", "cites_fit"}
)
"""Where all labels have one passage there is none to choose."""

_OF_REPLIES = (_OF_POINTS | _OF_CHOICE) | frozenset(
    {"greets", "regrets", "closes", "formal", "casual", "asks_back", "rude", "courtesy_share", "no_claim"}
    | {"gives", "promises", "promise_alone", "length_to_question"}
    | {"reproach", "forbids", "rhetorical", "remark", "cold"}
    | {name for name in NAMES if name.startswith("veto_") and name != "veto_unsupported"}
)
"""What only a reply to a customer can have: a claim held against its evidence has no manners."""


def may_look_at(head: str) -> Sequence[str]:
    """The names of the features for a head by its name."""
    task, language = (*head.split("/"), "")[:2]
    hidden = _OF_SETS
    if language == "en":
        hidden |= _LENGTHS
    if head.endswith(f"/{BRIEF}"):
        hidden |= _OF_POINTS
    if task == Task.KB_SYNTHESIS.value:
        hidden |= _OF_REPLIES
    return [name for name in NAMES if name not in hidden]
