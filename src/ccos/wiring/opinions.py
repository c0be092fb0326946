"""Second opinions on drafts: who may be asked, opened under the given stack."""

from __future__ import annotations

from contextlib import AsyncExitStack

from ccos.quality.promises import Promises
from ccos.settings import Settings
from ccos.tiers.budget import Budget
from ccos.tiers.judges import Judges
from ccos.tiers.second_opinion import SecondOpinion
from ccos.wiring.judges import read_judges


async def open_opinion(
    settings: Settings, promises: Promises, budget: Budget, stack: AsyncExitStack
) -> SecondOpinion | None:
    """Those who proved themselves against labels, the cheapest first; None where the settings want nobody."""
    if not settings.second_opinion:
        return None
    return SecondOpinion([Judges(read_judges(settings.folder))], promises)
