"""What quality is promised by a score: certified thresholds, per tenant, task and tier."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from ccos.domain.certificate import Certificate
from ccos.domain.tier import Task, Tier
from ccos.domain.verdict import Promise

Key = tuple[Task, Tier | None]
_BLANK = re.compile(r"\s")
_EDITION = re.compile(r"[-@](?:20\d{2}-?[01]\d-?[0-3]\d|[01]\d[0-3]\d)")
"""A date as sellers write it behind a model's name: `-2024-08-06`, `-20241022`, `-0613`. Any other number
names another model: `drafter-2` is not `drafter`.
"""


class Promises:
    """Certificates as the gate asks for them: a tenant's own, else those that ship with the scorer.

    A task nobody has certificates for, neither the tenant nor the product, promises nothing. A tenant's own
    speak of the models whose answers its labels judged: those of a model that came later stand where no
    tenant's labels are.
    """

    def __init__(self, shipped: Iterable[Certificate] = ()) -> None:
        self.shipped = tuple(shipped)
        self._shipped = _by_key(self.shipped)
        self._own: dict[UUID, tuple[str | None, Mapping[Key, Sequence[Certificate]]]] = {}

    def keep(self, tenant_id: UUID, certificates: Iterable[Certificate], models: str | None = None) -> None:
        """Replace what is known of a tenant; none at all brings the shipped ones back. `models` is a line of
        `models_line`, None for any.
        """
        own = _by_key(certificates)
        if own:
            self._own[tenant_id] = models, own
        else:
            self._own.pop(tenant_id, None)

    def promise(
        self,
        tenant_id: UUID | None,
        task: Task,
        tier: Tier | None,
        *,
        scorer: str,
        quality: float,
        model: str | None = None,
    ) -> Promise:
        """What is certified for an answer of this `quality` by `model`, None for any.

        A certificate speaks of one scorer only: under another one the same number means something else.
        """
        known = [
            (c.required, c.threshold, c.accepted)
            for c in self.certificates(tenant_id, task, tier, model)
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
        model: str | None = None,
    ) -> Promise:
        """The promise of an answer whose quality was changed from `before` to `quality` by what else is known
        of it: what is expected of its tier, a second opinion.

        A tenant's own certificates rest on qualities like these. Those that ship do not: there other
        knowledge can only take from what is promised.
        """
        are_own = any(c.source == "tenant" for c in self.certificates(tenant_id, task, tier, model))
        held = quality if are_own else min(quality, before)
        return self.promise(tenant_id, task, tier, scorer=scorer, quality=held, model=model)

    def certificates(
        self, tenant_id: UUID | None, task: Task, tier: Tier | None, model: str | None = None
    ) -> Sequence[Certificate]:
        """Those that hold for a tenant's task, tier and model: the nearest there are, own before shipped."""
        for known in (self._own_of(tenant_id, tier, model), self._shipped):
            for key in ((task, tier), (task, None)):
                if key in known:
                    return known[key]
        return ()

    def _own_of(
        self, tenant_id: UUID | None, tier: Tier | None, model: str | None
    ) -> Mapping[Key, Sequence[Certificate]]:
        models, own = self._own.get(tenant_id, (None, {})) if tenant_id else (None, {})
        if models is None or tier is None or model is None:
            return own
        return own if still_answers(models, tier, model) else {}


def models_line(models: Iterable[tuple[Tier, str]]) -> str:
    """The models that answer, by tier, in one line. The rules are no model: their answers stay theirs."""
    named = {f"{tier.value}:{model}" for tier, model in models if tier is not Tier.RULE_BASED}
    return " ".join(sorted(_BLANK.sub("_", name) for name in named))


def still_answers(models: str, tier: Tier, model: str) -> bool:
    """Whether an answer's model is in the line; a dated edition of a name counts as the name."""
    if tier is Tier.RULE_BASED:
        return True
    plain = _BLANK.sub("_", model)
    names = (name.partition(":")[2] for name in models.split() if name.startswith(f"{tier.value}:"))
    return any(
        plain == name or (plain.startswith(name) and _EDITION.fullmatch(plain, len(name))) for name in names
    )


def _by_key(certificates: Iterable[Certificate]) -> dict[Key, list[Certificate]]:
    grouped: dict[Key, list[Certificate]] = {}
    for certificate in certificates:
        grouped.setdefault((certificate.task, certificate.tier), []).append(certificate)
    return grouped
