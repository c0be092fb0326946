"""The pulse of every deployment: read by filter, plan and health, changed by calls and probes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ccos.tiers.pulse import Pulse


class Board:
    """Pulses of this process alone, by `ProviderCard.deployment`."""

    def __init__(self, deployments: Iterable[str]) -> None:
        self._pulses = {deployment: Pulse() for deployment in deployments}

    def pulse(self, deployment: str) -> Pulse:
        return self._pulses[deployment]

    def note(self, deployment: str, change: Callable[[Pulse], Pulse]) -> None:
        """Puts `change(pulse)` in the pulse's place."""
        self._pulses[deployment] = change(self._pulses[deployment])

    async def claim_probe(self, deployment: str, *, seconds: float) -> bool:  # noqa: ARG002
        """Whether this process may send the one probe of a half-open breaker: asked after `admit`."""
        return True
