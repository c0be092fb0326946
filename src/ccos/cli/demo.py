"""`ccos demo`: the product in one command, on nothing but this machine."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import click

from ccos import sample
from ccos.cli import batch
from ccos.cli.run import DONE, FAILED, Seconds, complain, end, print_json, run, settings
from ccos.cli.serve import listen, serve_until_stopped
from ccos.cli.terminal import progress, stdout, working
from ccos.domain.draft import Draft, DraftState
from ccos.domain.tenant import Role, Tenant
from ccos.domain.ticket import Ticket
from ccos.domain.tier import Mode
from ccos.store import keys
from ccos.wiring import Ccos, open_ccos
from ccos.wiring.database import open_owner
from ccos.wiring.sample import ensure_sample, warm_up

LOAD_SECONDS = 120.0


@click.command()
@click.option("--no-serve", is_flag=True, help="End after the table.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document (implies --no-serve).")
@click.option("--mode", type=click.Choice([m.value for m in Mode]), help="How tiers are ordered [CCOS_MODE].")
@click.option("--limit", type=click.IntRange(1), help="Draft only so many of the tickets.")
@click.option("--seconds", type=Seconds(0.5, 600), default=20.0, show_default=True, help="Per draft.")
@click.option("--at-once", type=click.IntRange(1, 32), default=2, show_default=True, help="Drafts at a time.")
@click.option("--host", help="Address to serve on [CCOS_HOST, 127.0.0.1].")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to serve on [CCOS_PORT, 8080].")
def demo(
    no_serve: bool,
    as_json: bool,
    mode: str | None,
    limit: int | None,
    seconds: float,
    at_once: int,
    host: str | None,
    port: int | None,
) -> None:
    """Draft the sample shop's tickets through whatever tiers there are, print a table, serve the console.

    Needs no account, no model and no other service. With OPENAI_API_KEY, ANTHROPIC_API_KEY,
    MINIMAX_MODEL_PATH or TINYLLAMA_MODEL_PATH set, those tiers take part.
    """
    found = settings(CCOS_HOST=host, CCOS_PORT=port)
    serving = not (no_serve or as_json)

    async def go() -> int:
        from ccos.api.metrics import count_draft

        async with AsyncExitStack() as stack:
            door = stack.enter_context(listen(found.host, found.port)) if serving else None
            with working("Starting (database, search, tiers)"):
                warming = asyncio.create_task(warm_up())
                ccos = await stack.enter_async_context(
                    open_ccos(found, load_seconds=LOAD_SECONDS, on_draft=count_draft)
                )
                await warming
            tenant = await _prepare(ccos)
            tickets = sample.tickets_today(datetime.now(UTC))[:limit]
            how = Mode(mode) if mode else None
            drafted = await _draft(ccos, tenant, tickets, how, seconds, at_once, as_json)
            lost = sum(not d.reply for d in drafted)
            if lost:
                complain(f"{lost} tickets have no draft; see the errors above.")
            if door is not None:
                await _serve(ccos, tenant, door)
            return FAILED if lost else DONE

    end(run(go()))


async def _prepare(ccos: Ccos) -> Tenant:
    async with AsyncExitStack() as stack:
        owner = await open_owner(ccos.urls, stack)
        with progress("Importing the knowledge base", every=1_000) as tell:
            return await ensure_sample(
                ccos, owner, lambda step, done, total: tell(done, total) if step == "storing" else None
            )


async def _draft(
    ccos: Ccos,
    tenant: Tenant,
    tickets: list[Ticket],
    mode: Mode | None,
    seconds: float,
    at_once: int,
    as_json: bool,
) -> list[Draft]:
    rows: list[tuple[Ticket, Draft]] = []
    with progress("Drafting") as tell:
        drafted = batch.draft_all(ccos, tenant, tickets, mode=mode, seconds=seconds, at_once=at_once)
        async for ticket, draft in drafted:
            rows.append((ticket, draft))
            tell(len(rows), len(tickets))
    made = [draft for _, draft in rows]
    summary: dict[str, Any] = {**batch.totals(made), **_against_gold(rows)}
    if as_json:
        print_json({"drafts": [batch.shown(t, d) for t, d in rows], "totals": summary})
    else:
        out = stdout()
        out.print(batch.table_of(rows))
        out.print(batch.summary_text(summary))
    return made


def _against_gold(rows: list[tuple[Ticket, Draft]]) -> dict[str, Any]:
    """How the drafts compare with what the sample's authors expect."""
    gold = {g.external_id: g for g in sample.gold()}
    pairs = [(gold[t.external_id], d) for t, d in rows if t.external_id in gold]
    answerable = [(g, d) for g, d in pairs if g.answerable]
    return {
        "gold": {
            "intent": _share(d.triage.get("intent") == g.intent for g, d in pairs),
            "language": _share(d.triage.get("language") == g.language for g, d in pairs),
            "first_evidence": _share(
                bool(d.evidence) and d.evidence[0].id in g.kb_ids for g, d in answerable
            ),
            "evidence_in_five": _share(
                any(e.id in g.kb_ids for e in d.evidence if e.kind.value == "kb") for g, d in answerable
            ),
            "abstained_when_unanswerable": _share(
                d.state is DraftState.ABSTAINED for g, d in pairs if not g.answerable
            ),
            "answered_when_answerable": _share(
                d.state is not DraftState.ABSTAINED for g, d in pairs if g.answerable
            ),
        }
    }


def _share(hits: Any) -> str:
    counted = list(hits)
    return f"{sum(counted)}/{len(counted)}"


async def _serve(ccos: Ccos, tenant: Tenant, door: Any) -> None:
    """The console of the sample shop, with a key made for this run and revoked at its end."""
    async with ccos.database.tenant(tenant.id) as tx:
        text, key = await keys.create(tx, Role.ADMIN, "demo")

    async def tell(address: str) -> None:
        complain(f"Open {address}/sign-in and paste this key: {text}")

    try:
        await serve_until_stopped(ccos, door, worker=True, when_ready=tell)
    finally:
        async with ccos.database.tenant(tenant.id) as tx:
            await keys.revoke(tx, key.id)
