"""The pulse of every deployment: read by filter, plan and health, changed by calls and probes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from ccos.domain.tier import Tier
from ccos.tiers.breaker import LOCAL_PROBE_SECONDS, Breaker
from ccos.tiers.pulse import Pulse


class Board:
    """Pulses of this process alone, by `ProviderCard.deployment`: who shares one shares its pulse."""

    def __init__(self, deployments: Iterable[str]) -> None:
        self._pulses = {deployment: fresh_pulse(deployment) for deployment in deployments}

    def pulse(self, deployment: str) -> Pulse:
        return self._pulses[deployment]

    def note(self, deployment: str, change: Callable[[Pulse], Pulse]) -> None:
        """Puts `change(pulse)` in the pulse's place."""
        self._pulses[deployment] = change(self._pulses[deployment])

    async def claim_probe(self, deployment: str, *, seconds: float) -> bool:  # noqa: ARG002
        """Whether this process may send the one probe of a half-open breaker: asked after `admit`.

        Answers within `seconds`, whatever it has to ask for that.
        """
        return True


def fresh_pulse(deployment: str) -> Pulse:
    """Before the first call. Only in the cloud do late first words mean trouble: a local model on a small
    machine reads a long prompt for many seconds, and is still what remains when the cloud is away.
    """
    if deployment.startswith(f"{Tier.CLOUD_PREMIUM.value}/"):
        return Pulse()
    return Pulse(Breaker(probe_seconds=LOCAL_PROBE_SECONDS), slow_first_token_seconds=math.inf)
