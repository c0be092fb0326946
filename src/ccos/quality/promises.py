"""What quality is promised by a score: certified thresholds, per tenant, task and tier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from ccos.domain.certificate import Certificate
from ccos.domain.tier import Task, Tier
from ccos.domain.verdict import Promise

Key = tuple[Task, Tier | None]


class Promises:
    """Certificates as the gate asks for them: a tenant's own, else those that ship with the scorer.

    A task nobody has certificates for, neither the tenant nor the product, promises nothing.
    """

    def __init__(self, shipped: Iterable[Certificate] = ()) -> None:
        self.shipped = tuple(shipped)
        self._shipped = _by_key(self.shipped)
        self._own: dict[UUID, Mapping[Key, Sequence[Certificate]]] = {}

    def keep(self, tenant_id: UUID, certificates: Iterable[Certificate]) -> None:
        """Replace what is known of a tenant; none at all brings the shipped ones back."""
        own = _by_key(certificates)
        if own:
            self._own[tenant_id] = own
        else:
            self._own.pop(tenant_id, None)

    def promise(
        self, tenant_id: UUID | None, task: Task, tier: Tier | None, *, scorer: str, quality: float
    ) -> Promise:
        """What is certified for an answer of this `quality`.

        A certificate speaks of one scorer only: under another one the same number means something else.
        """
        known = [
            (c.required, c.threshold, c.accepted)
            for c in self.certificates(tenant_id, task, tier)
            if c.scorer == scorer and c.threshold is not None
        ]
        kept = [(required, labels) for required, threshold, labels in known if quality >= threshold - 1e-9]
        required, labels = max(kept, default=(0.0, 0))
        return Promise(required, self._most(tenant_id, task, scorer), labels)

    def _most(self, tenant_id: UUID | None, task: Task, scorer: str) -> float:
        """The highest level that the tenant's own labels certify for an answer of any tier: whether another
        one is worth asking does not go by the tier that happens to have answered.
        """
        those = (each for tier in Tier for each in self.certificates(tenant_id, task, tier))
        certified = (
            c.required
            for c in those
            if c.source == "tenant" and c.scorer == scorer and c.threshold is not None
        )
        return max(certified, default=0.0)

    def promise_after(
        self,
        tenant_id: UUID | None,
        task: Task,
        tier: Tier | None,
        *,
        scorer: str,
        quality: float,
        before: float,
    ) -> Promise:
        """The promise of an answer whose quality was changed from `before` to `quality` by what else is known
        of it: what is expected of its tier, a second opinion.

        A tenant's own certificates rest on qualities like these. Those that ship do not: there other
        knowledge can only take from what is promised.
        """
        held = quality if self._are_own(tenant_id, task, tier) else min(quality, before)
        return self.promise(tenant_id, task, tier, scorer=scorer, quality=held)

    def _are_own(self, tenant_id: UUID | None, task: Task, tier: Tier | None) -> bool:
        return any(c.source == "tenant" for c in self.certificates(tenant_id, task, tier))

    def certificates(self, tenant_id: UUID | None, task: Task, tier: Tier | None) -> Sequence[Certificate]:
        """Those that hold for a tenant's task and tier: the nearest there are, own before shipped."""
        own = self._own.get(tenant_id, {}) if tenant_id else {}
        for known in (own, self._shipped):
            for key in ((task, tier), (task, None)):
                if key in known:
                    return known[key]
        return ()


def _by_key(certificates: Iterable[Certificate]) -> dict[Key, list[Certificate]]:
    grouped: dict[Key, list[Certificate]] = {}
    for certificate in certificates:
        grouped.setdefault((certificate.task, certificate.tier), []).append(certificate)
    return grouped
