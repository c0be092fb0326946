"""The pulse of every deployment: read by filter, plan and health, changed by calls and probes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import structlog

from ccos.domain.tier import Tier
from ccos.tiers.breaker import LOCAL_PROBE_SECONDS, Breaker
from ccos.tiers.health import MESSAGES
from ccos.tiers.pulse import Pulse

log = structlog.get_logger(__name__)

SLOW = "provider.slow"
"""Why a breaker opened on answers whose first words came late."""


class Board:
    """Pulses of this process alone, by `ProviderCard.deployment`: who shares one shares its pulse."""

    def __init__(self, deployments: Iterable[str]) -> None:
        self._pulses = {deployment: fresh_pulse(deployment) for deployment in deployments}
        self._opened_at: dict[str, float] = {}
        """When those that are open now were opened, on the breakers' clock, before any failed probe."""

    def pulse(self, deployment: str) -> Pulse:
        return self._pulses[deployment]

    def note(self, deployment: str, change: Callable[[Pulse], Pulse]) -> None:
        """Puts `change(pulse)` in the pulse's place."""
        self._put(deployment, change(self._pulses[deployment]))

    def _put(self, deployment: str, after: Pulse, *, elsewhere: bool = False) -> None:
        """Puts `after` in the pulse's place, and logs when its breaker opened or closed."""
        before = self._pulses[deployment]
        self._pulses[deployment] = after
        if after.disabled_reason is not None and before.disabled_reason is None:
            what = MESSAGES.get(after.disabled_reason)
            log.warning("provider.disabled", **_named(deployment), reason=after.disabled_reason, what=what)
        was, now = before.breaker.opened_at, after.breaker.opened_at
        if was is None and now is not None:
            self._opened_at[deployment] = now
            rest = round(after.breaker.rests_for, 1)
            reason = "elsewhere" if elsewhere else _reason(before, after)
            log.warning(
                "breaker.opened", **_named(deployment), reason=reason, rest_seconds=rest, elsewhere=elsewhere
            )
        elif was is not None and now is None:
            opened_at, closed_at = self._opened_at.pop(deployment, was), after.breaker.closed_at or was
            seconds = round(max(closed_at - opened_at, 0.0), 1)
            log.info("breaker.closed", **_named(deployment), open_seconds=seconds, elsewhere=elsewhere)

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


def _named(deployment: str) -> dict[str, str]:
    tier, provider, rest = deployment.split("/", 2)
    return {"tier": tier, "provider": provider, "model": rest.rpartition("/")[0]}


def _reason(before: Pulse, after: Pulse) -> str | None:
    """An answer that opens a breaker came too late."""
    return SLOW if after.last_success_at != before.last_success_at else after.last_error
