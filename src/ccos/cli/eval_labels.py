"""`ccos eval labels`: what people decided, as a labelled set to train and evaluate on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from ccos.cli import tenancy
from ccos.cli.run import complain, print_json, run, settings
from ccos.domain.errors import BadInput

if TYPE_CHECKING:
    from ccos.domain.draft import Draft, DraftState
    from ccos.domain.tenant import Tenant
    from ccos.domain.ticket import Ticket
    from ccos.domain.tier import Tier
    from ccos.store.database import Database, Tx
    from ccos.store.decisions import Decision

PAGE = 200


@click.command("labels")
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@tenancy.option
@click.option("--days", type=click.IntRange(1, 3_650), default=365, show_default=True, help="How far back.")
@click.option(
    "--as-written", is_flag=True, help="Keep personal data as it is; without it, values are invented."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: what was written.")
def labels(out: Path, tenant: str | None, days: int, as_written: bool, as_json: bool) -> None:
    """Write the drafts that people decided about into OUT, one labelled answer a line.

    The file is what `ccos eval gate` measures on and `ccos train gate` learns from. Each line holds all that
    the gate judged the draft by, so that judging it again finds the same. Customers' personal data is
    replaced; the words of tickets and replies remain: keep the file where those may be kept.
    """
    if not out.parent.is_dir():
        raise BadInput(f"There is no folder {out.parent}; make it, or give another path.")
    found = settings()
    counts = {"approve": 0, "edit": 0, "reject": 0, "left_out": 0}

    async def go() -> None:
        from ccos.cli.terminal import progress
        from ccos.wiring import open_administration

        async with open_administration(found) as database:
            whose = await tenancy.tenant_for(database, tenant)
            with out.open("w", encoding="utf-8") as file, progress("Writing", every=1_000) as tell:
                async for line in lines(database, whose, days, as_written, found.thresholds):
                    counts[line["label"] if line else "left_out"] += 1
                    if line:
                        file.write(json.dumps(line, ensure_ascii=False) + "\n")
                    tell(sum(counts.values()), None)

    run(go())
    written = sum(counts.values()) - counts["left_out"]
    if as_json:
        print_json({"file": str(out), "lines": written, **counts})
        return
    if not written:
        complain("Nobody has decided about a draft yet, so there are no labels.")
    click.echo(
        f"{written} labelled answers: {counts['approve']} approved, {counts['edit']} lightly edited, "
        f"{counts['reject']} rejected or rewritten; {counts['left_out']} were no answers."
    )


async def lines(
    database: Database, tenant: Tenant, days: int, as_written: bool, usual: Mapping[Tier, float]
) -> AsyncIterator[dict[str, Any] | None]:
    """The labels of `decided`; None for what is no label."""
    from ccos.learning.exporting import labelled

    async for ticket, draft, made, decision in decided(database, tenant, days):
        yield labelled(
            ticket,
            draft,
            made,
            decision,
            settings=tenant.settings,
            usual_of_tier=usual.get(draft.tier) if draft.tier else None,
            as_written=as_written,
        )


async def decided(
    database: Database, tenant: Tenant, days: int
) -> AsyncIterator[tuple[Ticket, Draft, DraftState, Decision]]:
    """Decisions with what they were about, and the state that work on the draft had ended in.

    A page in each transaction, oldest first; one moment's decisions may span pages.
    """
    from ccos.store import decisions, drafts, tickets

    moment = datetime.now(UTC) - timedelta(days=days)
    seen: set[UUID] = set()
    size = PAGE
    while True:
        async with database.tenant(tenant.id) as tx:
            page = await decisions.since(tx, moment, limit=size)
            fresh = [decision for decision in page if decision.id not in seen]
            for decision in fresh:
                draft = await drafts.get(tx, decision.draft_id)
                ticket, made = await tickets.get(tx, draft.ticket_id), await _made(tx, decision.draft_id)
                yield ticket, draft, made, decision
        if len(page) < size:
            return
        moment, before = page[-1].decided_at, moment
        size = PAGE if moment > before else size * 2
        seen |= {decision.id for decision in page}


async def _made(tx: Tx, draft_id: UUID) -> DraftState:
    """The state that work on a draft ended in: a decision replaces it in the column, not in the body."""
    from ccos.domain.draft import DraftState

    row = await tx.row("SELECT body ->> 'state' AS made FROM draft WHERE id = %(id)s", id=draft_id)
    return DraftState(row["made"]) if row and row["made"] else DraftState.FAILED
