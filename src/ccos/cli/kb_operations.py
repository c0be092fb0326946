"""`ccos kb stats`, `check` and `reindex`: how the knowledge base stands, and what is wrong with it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ccos.cli import tenancy
from ccos.cli.run import FAILED, Seconds, complain, end, fail, print_json, run, settings

if TYPE_CHECKING:
    from ccos.cli.terminal import Tell
    from ccos.domain.tenant import Tenant
    from ccos.knowledge.inspecting import Inspection
    from ccos.store.kb_figures import Cited, Pool
    from ccos.store.kb_indexes import Node
    from ccos.store.knowledge import Counts
    from ccos.store.vectors import Coverage
    from ccos.wiring.knowledge import Knowledge

MOST_SHOWN = 20
"""Findings of one kind that are printed one by one; `--json` has all."""

QUIET_SECONDS = 45.0
"""A server that was not heard of for so long does not run."""

POLL_SECONDS = 0.5

_HEADS = {
    "link": "Links that lead nowhere",
    "expired": "Run out, or about to",
    "empty": "Next to no text",
    "duplicate": "Said twice",
    "stale": "Not updated for long",
    "uncited": "Cited by no draft",
}

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.command()
@tenancy.option
@as_json_option
def stats(tenant: str | None, as_json: bool) -> None:
    """Count what can be found, what drafts stand on, and how far each server's index is."""
    from ccos.cli.terminal import working
    from ccos.domain.evidence import EvidenceKind
    from ccos.store import kb_figures, kb_indexes
    from ccos.store import knowledge as store
    from ccos.store import vectors as store_vectors
    from ccos.wiring import open_knowledge
    from ccos.wiring.vectors import vectors_model

    found = settings()
    model = vectors_model(found)

    async def go() -> tuple[str, Counts, dict[str, Pool], list[Cited], int, list[Node], Coverage | None]:
        async with open_knowledge(found) as knowledge:
            whose = await tenancy.tenant_for(knowledge.database, tenant)
            async with knowledge.database.tenant(whose.id, seconds=60) as tx:
                return (
                    whose.slug,
                    await store.counts(tx),
                    {kind.value: await kb_figures.pool(tx, kind) for kind in EvidenceKind},
                    await kb_figures.most_cited(tx),
                    await kb_indexes.generation(tx),
                    await kb_indexes.nodes(tx),
                    None if model is None else await store_vectors.coverage(tx, model),
                )

    with working("Counting"):
        slug, counts, pools, cited, generation, nodes, covered = run(go())
    if not as_json:
        _print_stats(slug, counts, pools, cited, generation, nodes)
        if covered is not None:
            click.echo(f"{covered.vectors} of {covered.passages} passages have a vector of {model}.")
            if covered.vectors > found.search_vectors_most:
                click.echo(
                    f"More than {found.search_vectors_most} are searched by words alone; raise "
                    "CCOS_SEARCH_VECTORS_MOST on machines that have the memory."
                )
        return
    print_json(
        {
            "tenant": slug,
            "kb": counts.kb,
            "cases": counts.cases,
            "passages": counts.passages,
            "pools": {name: asdict(pool) for name, pool in pools.items()},
            "most_cited": [asdict(each) | {"kind": each.kind.value} for each in cited],
            "wanted_generation": generation,
            "nodes": [_node(each) for each in nodes],
            "vectors": None if covered is None else {"model": model, **asdict(covered)},
        }
    )


@click.command()
@tenancy.option
@click.option("--links", "ask_links", is_flag=True, help="Also ask the net whether links lead somewhere.")
@click.option(
    "--days", type=click.IntRange(1), default=365, show_default=True, help="An update this old is stale."
)
@click.option(
    "--soon", type=click.IntRange(0), default=30, show_default=True, help="Days before an end that are told."
)
@click.option(
    "--only", type=click.Choice(tuple(_HEADS)), multiple=True, help="Only this; may be given again."
)
@click.option("--strict", is_flag=True, help="Exit with 1 when anything is found.")
@as_json_option
def check(
    tenant: str | None,
    ask_links: bool,
    days: int,
    soon: int,
    only: tuple[str, ...],
    strict: bool,
    as_json: bool,
) -> None:
    """Find broken links, articles that are stale, said twice, empty, or cited by no draft.

    Links between articles are followed here; those to the web only with --links, and never into a private
    network.
    """
    from datetime import UTC, datetime, timedelta

    from ccos.cli.terminal import progress
    from ccos.knowledge.checking import Rules
    from ccos.knowledge.inspecting import inspect
    from ccos.wiring import open_knowledge

    found = settings()
    rules = Rules(datetime.now(UTC), timedelta(days=days), timedelta(days=soon))

    async def go(tell: Tell, tell_asked: Tell) -> tuple[str, Inspection]:
        async with open_knowledge(found) as knowledge:
            whose = await tenancy.tenant_for(knowledge.database, tenant)
            return whose.slug, await inspect(
                knowledge.database, whose.id, rules, ask_links=ask_links, tell=tell, tell_asked=tell_asked
            )

    if ask_links:
        with progress("Checking", every=10_000) as tell, progress("Asking links", every=100) as tell_asked:
            slug, inspection = run(go(tell, tell_asked))
    else:
        with progress("Checking", every=10_000) as tell:
            slug, inspection = run(go(tell, lambda _done, _all: None))
    shown = [each for each in inspection.findings if not only or each.check in only]
    counts = {kind: sum(each.check == kind for each in shown) for kind in _HEADS if not only or kind in only}
    if as_json:
        listed = [asdict(each) | {"pool": each.pool.value} for each in shown]
        print_json({"tenant": slug, "checked": inspection.checked, "counts": counts, "findings": listed})
    else:
        _print_findings(slug, inspection.checked, counts, [(f.check, f.id, f.sentence) for f in shown])
    end(FAILED if strict and shown else 0)


@click.command()
@tenancy.option
@click.option("--no-wait", is_flag=True, help="Ask for it and do not wait until it is done.")
@click.option(
    "--timeout", type=Seconds(1), default=3_600.0, show_default=True, help="Seconds to wait for all servers."
)
@click.option(
    "--orphans",
    is_flag=True,
    help="First delete indexes in OpenSearch of tenants that are gone from this installation.",
)
@as_json_option
def reindex(tenant: str | None, no_wait: bool, timeout: float, orphans: bool, as_json: bool) -> None:
    """Build the search index anew on every running server, or here when none runs.

    Searches go on meanwhile, with the index that is there. With --orphans, installations that share an
    OpenSearch cluster must each have a CCOS_OPENSEARCH_INDEX of their own.
    """
    from ccos.cli.terminal import progress
    from ccos.wiring import open_knowledge
    from ccos.wiring.opensearch import remove_orphan_indexes

    found = settings()
    removed: list[str] = []

    async def go(tell: Tell) -> tuple[Tenant, int, list[Node]]:
        import asyncio

        async with open_knowledge(found) as knowledge:
            whose = await tenancy.tenant_for(knowledge.database, tenant)
            if orphans:
                removed.extend(map(str, await remove_orphan_indexes(found, knowledge.database)))
            live = await _nodes(knowledge, whose)
            generation = await knowledge.shelf.rebuild(whose.id)
            if no_wait:
                return whose, generation, live
            try:
                async with asyncio.timeout(timeout):
                    if not live:
                        await knowledge.searcher.rebuild(whose.id, tell)
                        return whose, generation, []
                    return whose, generation, await _watch(knowledge, whose, generation, live, tell)
            except TimeoutError:
                fail(f"It is not done after {timeout:g} s and goes on; `ccos kb stats` says how far it is.")

    with progress("Building the index", every=10_000) as tell:
        whose, generation, nodes = run(go(tell))
    if as_json:
        built = [_node(each) for each in nodes]
        told = {"tenant": whose.slug, "generation": generation, "nodes": built, "here": not nodes}
        print_json(told | ({"orphans": removed} if orphans else {}))
        return
    if orphans:
        click.echo(f"Removed from OpenSearch: {', '.join(removed) or 'nothing'}.")
    if no_wait:
        click.echo(f"Asked for: generation {generation} of {whose.slug}; `ccos kb stats` says how far it is.")
    else:
        where = f"on {len(nodes)} {'server' if len(nodes) == 1 else 'servers'}" if nodes else "here"
        click.echo(f"The index of {whose.slug} was built anew {where}.")


async def _nodes(knowledge: Knowledge, whose: Tenant) -> list[Node]:
    """Of servers that run."""
    from ccos.store import kb_indexes

    async with knowledge.database.tenant(whose.id) as tx:
        return [each for each in await kb_indexes.nodes(tx) if each.seconds_ago < QUIET_SECONDS]


async def _watch(
    knowledge: Knowledge, whose: Tenant, generation: int, wanted: list[Node], tell: Tell
) -> list[Node]:
    """Until the servers have it; one that falls silent is waited for no longer."""
    import asyncio

    names = {each.name for each in wanted}
    while True:
        live = [each for each in await _nodes(knowledge, whose) if each.name in names]
        for gone in names - {each.name for each in live}:
            complain(f"{gone} is no longer heard of; it builds its index when it runs again.")
        names = {each.name for each in live}
        failed = [each.name for each in live if each.standing.state == "failed"]
        if failed:
            fail(f"The index cannot be built on {failed[0]}; its log says why, and it searches all the same.")
        done = [each for each in live if each.standing.generation >= generation]
        if len(done) == len(live):
            return live
        at_work = [each.standing for each in live if each.standing.state == "building"]
        tell(sum(each.done for each in at_work), sum(each.total for each in at_work) or None)
        await asyncio.sleep(POLL_SECONDS)


def _node(node: Node) -> dict[str, Any]:
    return asdict(node.standing) | {
        "node": node.name,
        "seen_at": node.seen_at,
        "running": node.seconds_ago < QUIET_SECONDS,
        "behind": node.behind,
        "lag_seconds": round(node.lag_seconds, 3),
    }


def _print_stats(
    slug: str,
    counts: Counts,
    pools: dict[str, Pool],
    cited: list[Cited],
    generation: int,
    nodes: list[Node],
) -> None:
    from ccos.cli.terminal import plain

    click.echo(f"{slug}: {counts.kb} procedures, {counts.cases} cases, {counts.passages} passages.")
    if not any(pool.items or pool.archived for pool in pools.values()):
        click.echo("Nothing is there yet; `ccos kb import PATH` brings it in.")
        return
    for name, pool in pools.items():
        if not pool.items and not pool.archived:
            continue
        title = "Procedures" if name == "kb" else "Cases"
        click.echo(
            f"\n{title}: {pool.items:,} items, {pool.passages:,} passages, about {pool.tokens:,} tokens"
        )
        for label, parts in (
            ("language", pool.locales),
            ("visibility", pool.visibility),
            ("use", pool.use),
            ("updated", pool.ages),
            ("not found", {"archived": pool.archived, "category off": pool.hidden}),
            ("cited", {"by drafts": pool.cited, "by none in 30 days": pool.never_cited}),
        ):
            told = ", ".join(f"{plain(part)} {n:,}" for part, n in parts.items() if n)
            if told:
                click.echo(f"{label:>12}  {told}")
    if cited:
        click.echo("\nMost cited")
        for each in cited:
            click.echo(f"{each.drafts:>12,}  {plain(each.external_id)}  {plain(each.title)}")
    click.echo(f"\nIndexes (generation {generation} is wanted)")
    for node in nodes:
        click.echo(f"  {_standing(node)}")
    if not nodes:
        click.echo("  No server has searched yet in the last 24 hours.")


def _standing(node: Node) -> str:
    stands = node.standing
    parts = [
        f"{node.name}: {stands.state}",
        f"generation {stands.generation}",
        f"{stands.bytes / 1e6:.1f} MB",
    ]
    if stands.state == "building" and stands.total:
        parts.append(f"{stands.done:,} of {stands.total:,} items built")
    parts.append(
        f"{node.behind:,} changes behind, {node.lag_seconds:.1f} s" if node.behind else "all changes in it"
    )
    if node.seconds_ago >= QUIET_SECONDS:
        parts.append(f"not running, last heard of {node.seconds_ago / 60:.0f} min ago")
    return ", ".join(parts)


def _print_findings(
    slug: str, checked: int, counts: dict[str, int], found: list[tuple[str, str, str]]
) -> None:
    from ccos.cli.terminal import plain

    if not checked:
        click.echo(f"{slug}: nothing is there to check; `ccos kb import PATH` brings it in.")
        return
    items = f"{checked:,} {'item' if checked == 1 else 'items'}"
    if not found:
        click.echo(f"{slug}: nothing is wrong with {items}.")
        return
    click.echo(f"{slug}: {len(found):,} findings in {items}.")
    for kind, n in counts.items():
        if not n:
            continue
        click.echo(f"\n{_HEADS[kind]}: {n:,}")
        of_kind = [(name, sentence) for check, name, sentence in found if check == kind]
        for name, sentence in of_kind[:MOST_SHOWN]:
            click.echo(f"  {plain(name)} {plain(sentence)}")
        if n > MOST_SHOWN:
            click.echo(f"  ... and {n - MOST_SHOWN:,} more; --json prints all.")
