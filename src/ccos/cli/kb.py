"""`ccos kb`: bringing procedures and solved cases in, and finding them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccos.cli import kb_gaps, kb_items, kb_operations, kb_sources, kb_vectors, tenancy
from ccos.cli.run import complain, fail, print_json, run, settings

if TYPE_CHECKING:
    from ccos.domain.evidence import Evidence
    from ccos.knowledge.importing import ImportReport

MOST_PROBLEMS = 50
"""Problems that are printed one by one; a broken export would else fill the screen. `--json` has all."""

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
pools = click.Choice(["kb", "case"])


@click.group()
def kb() -> None:
    """Procedures and solved cases that drafts stand on."""


kb.add_command(kb_sources.group)
kb.add_command(kb_gaps.gaps)
kb.add_command(kb_items.show)
kb.add_command(kb_items.categories)
kb.add_command(kb_operations.stats)
kb.add_command(kb_operations.check)
kb.add_command(kb_operations.reindex)
kb.add_command(kb_vectors.vectors)


@kb.command("import")
@click.argument("path", metavar="PATH|URL")
@tenancy.option
@click.option(
    "--kind", type=pools, default="kb", show_default=True, help="What records are unless they say so."
)
@click.option("--body-field", metavar="NAME", help="The column that holds the text, when it is not found.")
@click.option("--archive-missing", is_flag=True, help="Archive items that are no longer in PATH.")
@click.option("--allow-private", is_flag=True, help="URL may be in a private network.")
@as_json_option
def import_kb(
    path: str,
    tenant: str | None,
    kind: str,
    body_field: str | None,
    archive_missing: bool,
    allow_private: bool,
    as_json: bool,
) -> None:
    """Import a file or a folder: Markdown, HTML, PDF, DOCX, CSV, JSON, JSON lines, each also as .gz.

    Or, once, a web page or all pages of a sitemap; `ccos kb sources` follows what changes.

    The same again changes nothing. What cannot be read is told and the rest is imported; the exit code is 1
    when nothing could be.
    """
    from zoneinfo import ZoneInfo

    from ccos.cli.terminal import progress
    from ccos.domain.errors import BadKnowledge
    from ccos.domain.evidence import EvidenceKind
    from ccos.knowledge.formats import Options
    from ccos.knowledge.importing import import_path
    from ccos.wiring import open_knowledge

    if path.lower().startswith(("http://", "https://")):
        kb_sources.import_url(path, tenant, allow_private=allow_private, as_json=as_json)
        return
    if not Path(path).exists():
        raise BadKnowledge(f"There is no file or folder {path}; give the path of what to import.")
    found = settings()
    options = Options(EvidenceKind(kind), body_field, ZoneInfo(found.timezone))

    async def go() -> ImportReport:
        async with open_knowledge(found) as knowledge:
            whose = await tenancy.tenant_for(knowledge.database, tenant)
            with ExitStack() as bars:
                tell = {
                    "reading": bars.enter_context(progress("Reading files", every=1_000)),
                    "storing": bars.enter_context(progress("Storing", every=1_000)),
                }
                return await import_path(
                    Path(path),
                    knowledge.shelf,
                    whose.id,
                    options=options,
                    archive_missing=archive_missing,
                    progress=lambda step, done, total: tell[step](done, total),
                )

    try:
        report = run(go())
    except BadKnowledge as fault:
        fail(fault.sentence)
    usable = report.added + report.changed + report.unchanged
    for problem in report.problems[: None if as_json else MOST_PROBLEMS]:
        complain(str(problem))
    if not as_json and len(report.problems) > MOST_PROBLEMS:
        complain(f"... and {len(report.problems) - MOST_PROBLEMS} more; --json prints all.")
    if as_json:
        print_json(_shown(report))
    else:
        click.echo(
            f"{report.added} added, {report.changed} changed, {report.unchanged} unchanged, "
            f"{report.archived} archived; {report.skipped} files of other kinds passed over."
        )
    if not usable:
        fail("Nothing could be imported.")


@kb.command()
@click.argument("query")
@tenancy.option
@click.option("--pool", type=pools, default="kb", show_default=True, help="Procedures or solved cases.")
@click.option("--limit", type=click.IntRange(1, 100), default=5, show_default=True, help="Most items shown.")
@click.option("--visibility", metavar="NAME", help="Only public or only internal items.")
@click.option("--updated-after", metavar="TIME", help="Only newer items: a day, or a moment.")
@click.option("--locale", metavar="LANGUAGE", help="Only items in it: ko, or en-GB.")
@click.option("--category", metavar="PATH", help="Only items in it or below it: `배송 > 지연`.")
@click.option(
    "--vectors", is_flag=True, help="Also by vectors, as the server does; loads the embedding model."
)
@as_json_option
def search(
    query: str,
    tenant: str | None,
    pool: str,
    limit: int,
    vectors: bool,
    as_json: bool,
    **only: str | None,
) -> None:
    """Find the passages that answer QUERY, best first."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from ccos.cli.terminal import working
    from ccos.domain.errors import BadInput
    from ccos.knowledge.filtering import Filter
    from ccos.wiring import open_knowledge

    if not query.strip() or len(query) > 1_000:
        raise BadInput("The query must have 1 to 1000 characters.")
    found = settings()
    wanted = Filter.of(zone=ZoneInfo(found.timezone), **only)

    async def go() -> tuple[list[Evidence], list[str]]:
        async with open_knowledge(found, vectors=vectors) as knowledge:
            whose = await tenancy.tenant_for(knowledge.database, tenant)
            if knowledge.dense is not None:
                await knowledge.dense.ready(whose.id)
            hits = await knowledge.searcher.search(
                whose.id,
                [query],
                pool="case" if pool == "case" else "kb",
                limit=limit,
                now=datetime.now(UTC),
                synonyms=whose.settings.synonyms,
                only=wanted,
            )
            return hits, [] if knowledge.dense is None else list(knowledge.dense.failed)

    with working("Searching"):
        hits, failed = run(go())
    for why in failed:
        complain(f"The vectors could not be asked ({why}); these were found by words alone.")
    if as_json:
        print_json({"query": query, "pool": pool, "results": [hit.model_dump(mode="json") for hit in hits]})
        return
    if not hits:
        complain("Nothing was found; other words may help, or `ccos kb import PATH` if nothing is there.")
    for hit in hits:
        _print(hit)


def _print(hit: Evidence) -> None:
    from rich.text import Text

    from ccos.cli.terminal import plain, stdout

    head = Text(f"{hit.n}. ", "bold").append(plain(hit.title)).append(f"  {plain(hit.id)}", "cyan")
    head.append(f"  {hit.score:.2f}", "dim")
    if hit.visibility.value != "public":
        head.append(f"  {hit.visibility.value}", "yellow")
    out = stdout()
    out.print(head, soft_wrap=True)
    out.print(Text("   " + " ".join(plain(hit.snippet).split())[:300]), soft_wrap=not out.is_terminal)
    if hit.url:
        out.print(Text(f"   {plain(hit.url)}", "dim"), soft_wrap=True)


def _shown(report: ImportReport) -> dict[str, Any]:
    return {
        "added": report.added,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "archived": report.archived,
        "skipped": report.skipped,
        "problems": [
            {"file": each.file, "line": each.line, "sentence": each.sentence} for each in report.problems
        ],
    }
