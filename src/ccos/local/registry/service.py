"""Which registered model serves a tier, which did before, and by what evidence: `service.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ccos.domain.errors import BadInput, Conflict
from ccos.local.registry.files import RegistryDamaged, locked, read_document, write_document

TIERS = ("tier_1", "tier_2")


@dataclass(frozen=True, slots=True)
class Served:
    """`current` serves since `since` (ISO 8601, UTC). `evidence` holds figures and reasons, no texts."""

    current: str
    since: str
    previous: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {
            "current": self.current,
            "previous": self.previous,
            "since": self.since,
            "evidence": dict(self.evidence),
        }


@dataclass(frozen=True, slots=True)
class State:
    """By tier: what serves, and what served when the tier's model was taken out of service."""

    serving: dict[str, Served]
    retired: dict[str, Served]


class Service:
    """Reads and changes `service.json` in `folder`, the home's `models`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / "service.json"

    def read(self) -> dict[str, Served]:
        """By tier; a tier that nothing serves is not in it. Raises RegistryDamaged."""
        return self.look().serving

    def look(self) -> State:
        """As `read`, and what was retired. Raises RegistryDamaged."""
        document = read_document(self._path) or {}
        retired = document.get(_RETIRED, {})
        if not isinstance(retired, dict):
            raise self._damaged()
        return State(self._by_tier(document), self._by_tier(retired))

    def _by_tier(self, document: Mapping[str, Any]) -> dict[str, Served]:
        found = {tier: _served(document[tier]) for tier in TIERS if tier in document}
        if None in found.values():
            raise self._damaged()
        return {tier: served for tier, served in found.items() if served is not None}

    def _damaged(self) -> RegistryDamaged:
        return RegistryDamaged(f"{self._path} is damaged; remove it and promote the models again.")

    def promote(
        self, tier: str, name: str, evidence: Mapping[str, Any], *, at: datetime, instead_of: str | None
    ) -> Served:
        """Puts a model in place of `instead_of`, which must still be the one that serves: else Conflict."""
        with self._changing() as found:
            now = found.serving[tier].current if tier in found.serving else None
            if now != instead_of:
                raise Conflict(f"Another model was promoted for {tier} in the meantime; look and try again.")
            gone = found.retired.pop(tier, None)
            if gone is not None:
                now = gone.previous if gone.current == name else gone.current
            made = Served(name, at.isoformat(timespec="seconds"), now, evidence)
            found.serving[tier] = made
        return made

    def before(self, tier: str) -> str:
        """The model that `rollback` would bring back. Raises BadInput when there is none."""
        return _before(self.look(), tier)

    def rollback(self, tier: str, *, at: datetime) -> Served:
        """Back to the model before; that one becomes the previous. A retired one comes back as it was.

        Raises BadInput when there is none.
        """
        with self._changing() as found:
            back, served = _before(found, tier), found.serving.get(tier)
            gone = found.retired.pop(tier, None)
            if served is not None:
                previous: str | None = served.current
                evidence = {"rolled_back_from": served.current}
            else:
                previous, evidence = gone.previous if gone else None, {"brought_back": back}
            made = Served(back, at.isoformat(timespec="seconds"), previous, evidence)
            found.serving[tier] = made
        return made

    def retire(self, tier: str) -> Served:
        """Nothing serves the tier any more; what did. Raises BadInput when nothing does."""
        with self._changing() as found:
            served = found.serving.pop(tier, None)
            if served is None:
                raise BadInput(f"No model serves {tier}: there is none to take out of service.")
            found.retired[tier] = served
        return served

    def check_idle(self, name: str) -> None:
        """Raises Conflict for a model that serves, or that a rollback of a serving one would bring back."""
        _check_idle(self.look(), name)

    @contextmanager
    def letting_go(self, name: str) -> Iterator[None]:
        """Around the removal of an idle model: nothing is promoted or rolled back meanwhile, and afterwards
        nothing would bring it back. Raises Conflict as `check_idle`.
        """
        with self._changing() as found:
            _check_idle(found, name)
            yield
            for tier, gone in tuple(found.retired.items()):
                if name == gone.current:
                    del found.retired[tier]
                elif name == gone.previous:
                    found.retired[tier] = replace(gone, previous=None)

    @contextmanager
    def _changing(self) -> Iterator[State]:
        with locked(self._folder / "service.lock"):
            found = self.look()
            yield found
            write_document(self._path, {**_documents(found.serving), _RETIRED: _documents(found.retired)})


_RETIRED = "retired"
"""A key that is no tier's: versions that do not know it pass it over."""


def _documents(by_tier: Mapping[str, Served]) -> dict[str, Any]:
    return {tier: served.document() for tier, served in by_tier.items()}


def _check_idle(found: State, name: str) -> None:
    for tier, served in found.serving.items():
        if name == served.current:
            raise Conflict(
                f"{name} serves {tier}; promote another first, or `ccos models retire --tier {tier}`."
            )
        if name == served.previous:
            raise Conflict(
                f"{name} is what `ccos models rollback --tier {tier}` would bring back; `ccos models retire"
                f" --tier {tier}` or two more promotions let it go."
            )


def _before(found: State, tier: str) -> str:
    served, gone = found.serving.get(tier), found.retired.get(tier)
    if served is None and gone is not None:
        return gone.current
    if served is None:
        raise BadInput(f"No model serves {tier}; promote one with `ccos models promote`.")
    if served.previous is None:
        raise BadInput(
            f"{served.current} is the first model that serves {tier}: there is none to go back to;"
            " promote another in its place, or `ccos models retire` it."
        )
    return served.previous


def _served(document: Any) -> Served | None:
    if not isinstance(document, dict):
        return None
    current, since = document.get("current"), document.get("since")
    previous, evidence = document.get("previous"), document.get("evidence", {})
    sound = (
        isinstance(current, str)
        and isinstance(since, str)
        and (previous is None or isinstance(previous, str))
        and isinstance(evidence, dict)
    )
    return Served(str(current), str(since), previous, evidence) if sound else None
