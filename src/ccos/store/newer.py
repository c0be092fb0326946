"""Rows of a newer release, which may know tasks and tiers that this one does not."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from psycopg.rows import DictRow

from ccos.domain.tier import Task, Tier

log = structlog.get_logger(__name__)

ANY_TIER = "any"
"""In place of a tier: all of them together."""
_TASKS = frozenset(task.value for task in Task)
_TIERS = frozenset(tier.value for tier in Tier) | {ANY_TIER}


def of_this_release(rows: Sequence[DictRow], *, what: str) -> list[DictRow]:
    """Those whose `task` and `tier` this release knows. While two of them run side by side there may be
    others: they are left out, and one warning says how many of `what` these are.
    """
    known = [row for row in rows if row["task"] in _TASKS and row["tier"] in _TIERS]
    if len(known) < len(rows):
        log.warning("store.newer_rows_left_out", what=what, left_out=len(rows) - len(known))
    return known
