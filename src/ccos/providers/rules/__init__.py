"""Tier 3, the rules: `RuleBased(answers)` and the `ApprovedAnswer` it speaks from."""

from ccos.providers.rules.provider import RuleBased
from ccos.providers.rules.slots import ApprovedAnswer

__all__ = ["ApprovedAnswer", "RuleBased"]
