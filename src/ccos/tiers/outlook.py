"""What is expected of a tier before it is asked: prior capability, cost and seconds."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ccos.domain.tier import Task, Tier

CAPABILITY: Mapping[Tier, float] = MappingProxyType(
    {Tier.CLOUD_PREMIUM: 0.9, Tier.LOCAL_MINIMAX: 0.7, Tier.LOCAL_TINYLLAMA: 0.5, Tier.RULE_BASED: 0.3}
)
"""Prior chance that a tier's answer is good enough; `TIER_0_THRESHOLD` .. `TIER_3_THRESHOLD` set it."""

RULES_CAPABILITY: Mapping[Task, float] = MappingProxyType(
    {Task.TRIAGE: 0.65, Task.QUERY_BUILDER: 0.65, Task.KB_SYNTHESIS: 0.85}
)
"""Where rules do better than their prior: words and patterns suffice for labels and queries, and facts that
are copied out of the evidence cannot be wrong about it."""

EXPECTED_SECONDS: Mapping[Tier, float] = MappingProxyType(
    {Tier.CLOUD_PREMIUM: 3.5, Tier.LOCAL_MINIMAX: 6.0, Tier.LOCAL_TINYLLAMA: 1.0, Tier.RULE_BASED: 0.01}
)
"""Until a provider has answered once; afterwards its own running mean is used."""

UNPRICED_MICRO_USD: Mapping[Tier, int] = MappingProxyType(
    {Tier.CLOUD_PREMIUM: 4_000, Tier.LOCAL_MINIMAX: 100, Tier.LOCAL_TINYLLAMA: 20, Tier.RULE_BASED: 0}
)
"""What a call without a price of its own is planned at: machine time is never free, or waiting would be."""


def capability(thresholds: Mapping[Tier, float], tier: Tier, task: Task) -> float:
    """The prior capability of a tier at a task."""
    base = thresholds.get(tier, CAPABILITY[tier])
    return max(base, RULES_CAPABILITY.get(task, 0.0)) if tier is Tier.RULE_BASED else base
