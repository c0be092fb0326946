"""What became of a draft in a person's hands: how decisions are counted, and why drafts are rejected."""

from __future__ import annotations

from enum import StrEnum

AS_IS_UP_TO = 0.02
"""Share of changed characters up to which an edited reply went out as it was: greeting, signature and blanks
do not count, and a mended comma is no edit."""


class Reason(StrEnum):
    """Why a draft was rejected, in one key each. Any other words are kept too, and counted as `other`."""

    INCORRECT = "incorrect_information"
    INCOMPLETE = "incomplete_response"
    OUTDATED = "outdated_information"
    INAPPROPRIATE = "inappropriate_response"
    TONE = "wrong_tone"
    POLICY = "policy"
    NOT_NEEDED = "not_needed"
    OTHER = "other"


class Use(StrEnum):
    """How a decided draft was used."""

    AS_IS = "as_is"
    EDITED = "edited"
    REJECTED = "rejected"


def use_of(verdict: str, changed: float | None) -> Use:
    """Of a decision ("approved", "edited", "rejected") by the share of characters that were `changed`.

    An edit of unknown size counts as one.
    """
    if verdict == "rejected":
        return Use.REJECTED
    as_is = verdict == "approved" or (changed is not None and changed <= AS_IS_UP_TO)
    return Use.AS_IS if as_is else Use.EDITED


def reason_of(words: str) -> Reason:
    """The reason that the words of a rejection are."""
    try:
        return Reason(words.strip().lower())
    except ValueError:
        return Reason.OTHER
