"""Personal data: finding it, judging what may happen to it, and replacing it before a text leaves."""

from ccos.quality.pii.pseudonyms import NO_PSEUDONYMS, PLACEHOLDER, Pseudonyms, mask, restore
from ccos.quality.pii.recognisers import LOCAL_ONLY, Kind, PiiSpan, classify, find

__all__ = [
    "LOCAL_ONLY",
    "NO_PSEUDONYMS",
    "PLACEHOLDER",
    "Kind",
    "PiiSpan",
    "Pseudonyms",
    "classify",
    "find",
    "mask",
    "restore",
]
