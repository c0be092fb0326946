"""Personal data: finding it, judging what may happen to it, and replacing it before a text leaves."""

from ccos.quality.pii.pseudonyms import (
    LABELS,
    NO_PSEUDONYMS,
    PLACEHOLDER,
    Pseudonyms,
    begun,
    mask,
    restore,
    together_without_people,
    without_people,
)
from ccos.quality.pii.recognisers import classify, find
from ccos.quality.pii.spans import LOCAL_ONLY, Kind, PiiSpan

__all__ = [
    "LABELS",
    "LOCAL_ONLY",
    "NO_PSEUDONYMS",
    "PLACEHOLDER",
    "Kind",
    "PiiSpan",
    "Pseudonyms",
    "begun",
    "classify",
    "find",
    "mask",
    "restore",
    "together_without_people",
    "without_people",
]
