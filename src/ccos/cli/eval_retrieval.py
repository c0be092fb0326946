"""`ccos eval retrieval`: how well the search finds the articles that answer labelled questions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccos.cli.files import check_files, opened, readable, writable
from ccos.cli.run import complain, print_json, run, settings

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from ccos.cli.terminal import Tell
    from ccos.domain.evidence import Evidence
    from ccos.knowledge.dense import Dense
    from ccos.knowledge.recipe import Recipe
    from ccos.learning.retrieval_figures import Question, Ranked
    from ccos.settings import Settings
    from ccos.wiring.scratch import Scratch

PARTS = ("words", "jamo", "titles", "sentences", "synonyms", "reranking", "dense")
"""Of `knowledge.recipe.Recipe`, written out: a completion of the shell must not import the search."""

FIGURES = ("hit@1", "hit@5", "mrr@10", "recall@10", "p50_ms", "p99_ms")


@click.command()
@click.option(
    "--kb",
    type=click.Path(path_type=Path, exists=True),
    required=True,
    help="Articles: JSON lines with id, title, body, or anything `ccos kb import` takes.",
)
@click.option(
    "--queries", type=readable(), required=True, help="JSON lines with query and gold, a list of ids."
)
@click.option("--body-field", metavar="NAME", help="The column that holds an article's text.")
@click.option("--without", type=click.Choice(PARTS), multiple=True, help="Leave a part of the search out.")
@click.option("--ablation", is_flag=True, help="Measure again without each part.")
@click.option(
    "--misses", metavar="FILE", type=writable(), help="Write the questions whose first hit is wrong."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def retrieval(
    kb: Path,
    queries: Path,
    body_field: str | None,
    without: tuple[str, ...],
    ablation: bool,
    misses: Path | None,
    as_json: bool,
) -> None:
    """Import the articles of --kb into a scratch tenant, ask every question, print how well they are found.

    The scratch tenant is removed at the end. Questions are asked one at a time; times are of whole searches.
    """
    from contextlib import AsyncExitStack

    from ccos.cli.terminal import progress
    from ccos.learning.retrieval_figures import figures, read_questions
    from ccos.wiring.scratch import scratch_tenant

    check_files([misses], [queries])
    asked = read_questions(queries)
    found = settings()
    dense = found.search_vectors == "on"
    if "dense" in without and not dense:
        raise click.UsageError("Search is by words alone already; CCOS_SEARCH_VECTORS=on adds vectors.")
    recipes = {"all": _recipe(without)}
    if ablation:
        left = [part for part in PARTS if part not in without and (dense or part != "dense")]
        recipes |= {f"without {part}": _recipe((*without, part)) for part in left}

    async def go() -> tuple[dict[str, Any], dict[str, list[Ranked]]]:
        async with scratch_tenant(found, "retrieval") as scratch, AsyncExitStack() as stack:
            imported = await _imported(scratch, kb, body_field)
            await _check_gold(scratch, asked)
            vectors = await _vectors(found, scratch, stack) if dense and "dense" not in without else None
            with progress("Asking", every=1_000) as tell:
                measured = {}
                for place, (name, recipe) in enumerate(recipes.items()):
                    done = place * len(asked)
                    tell_here = _after(tell, done, len(recipes) * len(asked))
                    measured[name] = await _ranked(scratch, found.folder, recipe, asked, tell_here, vectors)
            if vectors is not None:
                imported["without_vectors"] = dict(vectors.failed)
            return imported, measured

    imported, measured = run(go())
    told = figures(measured["all"]) | imported | {"without": sorted(without)}
    if ablation:
        told["ablation"] = {name: figures(ranked) for name, ranked in measured.items() if name != "all"}
    if misses is not None:
        _write_misses(misses, measured["all"])
    if as_json:
        print_json(told)
    else:
        _print(told)


def _recipe(without: tuple[str, ...]) -> Recipe:
    from ccos.domain.errors import BadInput
    from ccos.knowledge.recipe import Recipe

    if {"words", "jamo"} <= set(without):
        raise BadInput("Without words and without jamo nothing can be found; leave one of them.")
    return Recipe(**dict.fromkeys(without, False))


async def _imported(scratch: Scratch, kb: Path, body_field: str | None) -> dict[str, Any]:
    import time
    from contextlib import ExitStack

    from ccos.cli.terminal import progress
    from ccos.domain.evidence import EvidenceKind
    from ccos.knowledge.formats import Options
    from ccos.knowledge.importing import import_path

    begun = time.perf_counter()
    with ExitStack() as bars:
        tell = {
            "reading": bars.enter_context(progress("Reading files", every=1_000)),
            "storing": bars.enter_context(progress("Storing", every=1_000)),
        }
        report = await import_path(
            kb,
            scratch.shelf,
            scratch.tenant_id,
            options=Options(EvidenceKind.KB, body_field),
            progress=lambda step, done, total: tell[step](done, total),
        )
    for problem in report.problems[:5]:
        complain(str(problem))
    if len(report.problems) > 5:
        complain(f"... and {len(report.problems) - 5} more; `ccos kb import` prints them.")
    return {
        "articles": report.added + report.changed,
        "import_seconds": round(time.perf_counter() - begun, 3),
    }


async def _check_gold(scratch: Scratch, asked: list[Question]) -> None:
    """Raises BadInput when no question can be answered; says how many gold articles are missing."""
    from ccos.domain.errors import BadInput

    there: set[str] = set()
    since = 0
    while changes := await scratch.shelf.changes(scratch.tenant_id, since, 5_000):
        since = changes[-1].seq
        shelved = await scratch.shelf.load(scratch.tenant_id, [each.item_id for each in changes])
        there |= {each.item.external_id for each in shelved}
    gold = frozenset[str]().union(*(each.gold for each in asked))
    missing = sorted(gold - there)
    if len(missing) == len(gold):
        raise BadInput(
            f"None of the questions' gold ids is an article of --kb: the questions name '{missing[0]}', "
            f"the articles '{min(there, default='none')}'."
        )
    if missing:
        complain(f"{len(missing)} of {len(gold)} gold ids are no articles of --kb, '{missing[0]}' for one.")


async def _vectors(found: Settings, scratch: Scratch, stack: AsyncExitStack) -> Dense:
    """Search by vectors, all of which are there: passages are read first, which is paid for where it is."""
    from ccos.cli.terminal import progress
    from ccos.store import vectors as store
    from ccos.wiring.embedding import open_trial
    from ccos.wiring.vectors import make_vectors

    embedder = await stack.enter_async_context(open_trial(found, load_seconds=120))
    vectors = make_vectors(found, scratch.database, scratch.shelf, embedder)
    stack.push_async_callback(vectors.dense.aclose)
    async with scratch.database.tenant(scratch.tenant_id, seconds=60) as tx:
        total = (await store.coverage(tx, vectors.dense.model)).passages
    with progress("Reading passages", every=1_000) as tell:
        await vectors.filler.fill(scratch.tenant_id, lambda made: tell(made, total))
    await vectors.dense.ready(scratch.tenant_id)
    return vectors.dense


async def _ranked(
    scratch: Scratch,
    home: Path,
    recipe: Recipe,
    asked: list[Question],
    tell: Tell,
    dense: Dense | None,
) -> list[Ranked]:
    import time
    from datetime import UTC, datetime

    from ccos.knowledge.search import Searcher
    from ccos.learning.retrieval_figures import DEPTH, Ranked

    searcher = Searcher(scratch.shelf, home, patience_seconds=3_600, recipe=recipe, dense=dense)
    now, ranked = datetime.now(UTC), []
    try:
        await searcher.search(scratch.tenant_id, [asked[0].text], pool="kb", limit=DEPTH, now=now)
        for place, question in enumerate(asked, start=1):
            begun = time.perf_counter()
            hits = await searcher.search(scratch.tenant_id, [question.text], pool="kb", limit=DEPTH, now=now)
            seconds = time.perf_counter() - begun
            found = tuple(_counted(hit, question) for hit in hits)
            ranked.append(Ranked(question, found, seconds))
            tell(place, len(asked))
    finally:
        await searcher.aclose()
    return ranked


def _counted(hit: Evidence, question: Question) -> str:
    """An item that says the same as a gold one is as good."""
    return next((id for id in hit.also if id in question.gold), hit.id) if hit.also else hit.id


def _after(tell: Tell, before: int, total: int) -> Tell:
    return lambda done, _all: tell(before + done, total)


def _write_misses(path: Path, ranked: list[Ranked]) -> None:
    with opened(path) as out:
        for each in ranked:
            if each.rank != 1:
                row = {
                    "id": each.question.id,
                    "query": each.question.text,
                    "gold": sorted(each.question.gold),
                    "rank": each.rank,
                    "found": list(each.found),
                }
                out.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def _print(told: dict[str, Any]) -> None:
    from rich.table import Table

    from ccos.cli.tables import print_table
    from ccos.cli.terminal import stdout

    low, high = told["hit@1_ci"]
    click.echo(
        f"{told['n']} questions over {told['articles']} articles, imported in "
        f"{told['import_seconds']:.1f} s; "
        f"hit@1 lies between {low:.3f} and {high:.3f} (95 %)."
    )
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for name in FIGURES:
        table.add_column(name.replace("_ms", " ms"), justify="right")
    name = "search" if not told["without"] else "without " + ", ".join(told["without"])
    for row, values in ({name: told} | told.get("ablation", {})).items():
        cells = (f"{values[key]:.1f}" if key.endswith("_ms") else f"{values[key]:.3f}" for key in FIGURES)
        table.add_row(row, *cells)
    print_table(stdout(), table)
