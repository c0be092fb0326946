"""Which registered model serves a tier, which did before, and by what evidence: `service.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
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


class Service:
    """Reads and changes `service.json` in `folder`, the home's `models`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / "service.json"

    def read(self) -> dict[str, Served]:
        """By tier; a tier that nothing serves is not in it. Raises RegistryDamaged."""
        document = read_document(self._path) or {}
        found = {tier: _served(document[tier]) for tier in TIERS if tier in document}
        if None in found.values():
            raise RegistryDamaged(f"{self._path} is damaged; remove it and promote the models again.")
        return {tier: served for tier, served in found.items() if served is not None}

    def promote(
        self, tier: str, name: str, evidence: Mapping[str, Any], *, at: datetime, instead_of: str | None
    ) -> Served:
        """Puts a model in place of `instead_of`, which must still be the one that serves: else Conflict."""
        with self._changing() as found:
            now = found[tier].current if tier in found else None
            if now != instead_of:
                raise Conflict(f"Another model was promoted for {tier} in the meantime; look and try again.")
            made = Served(name, at.isoformat(timespec="seconds"), now, evidence)
            found[tier] = made
        return made

    def rollback(self, tier: str, *, at: datetime) -> Served:
        """Back to the model before; that one becomes the previous. Raises BadInput when there is none."""
        with self._changing() as found:
            served = found.get(tier)
            if served is None:
                raise BadInput(f"No model serves {tier}; promote one with `ccos models promote`.")
            if served.previous is None:
                raise BadInput(
                    f"{served.current} is the first model that serves {tier}: there is none to go back to;"
                    " promote another in its place, or `ccos models retire` it."
                )
            evidence = {"rolled_back_from": served.current}
            made = Served(served.previous, at.isoformat(timespec="seconds"), served.current, evidence)
            found[tier] = made
        return made

    def retire(self, tier: str) -> Served:
        """Nothing serves the tier any more; what did. Raises BadInput when nothing does."""
        with self._changing() as found:
            served = found.pop(tier, None)
            if served is None:
                raise BadInput(f"No model serves {tier}: there is none to take out of service.")
        return served

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Served]]:
        with locked(self._folder / "service.lock"):
            found = self.read()
            yield found
            write_document(self._path, {tier: served.document() for tier, served in found.items()})


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
