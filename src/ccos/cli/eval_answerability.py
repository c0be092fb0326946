"""`ccos eval answerability`: whether it is noticed that a knowledge base has no answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccos.cli.files import check_files, readable
from ccos.cli.run import print_json, run

if TYPE_CHECKING:
    from ccos.cli.terminal import Tell
    from ccos.learning.answerability import Library, LookedUp, Question

SHARES = ("auroc", "recognised", "held")


@click.command()
@click.option(
    "--asks",
    type=readable(),
    help="JSON lines with text and gold, a list of article ids, empty where there is no answer "
    "[the sample's ko-b].",
)
@click.option(
    "--kb",
    type=click.Path(path_type=Path, exists=True),
    help="Articles: anything `ccos kb import` takes [the sample's].",
)
@click.option("--cases", type=readable(dash=False), help="Solved cases, with --kb.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def answerability(asks: Path | None, kb: Path | None, cases: Path | None, as_json: bool) -> None:
    """Look up every question and tell how well the score parts those with an answer from the others.

    `recognised` is the share of questions without an answer that fall below the bar, `held` the share of
    answerable ones that do. Nothing is stored; no server is asked.
    """
    from ccos.cli.terminal import progress
    from ccos.domain.errors import BadInput
    from ccos.knowledge.answering import shipped
    from ccos.learning.answerability import figures, library, read_asks, scores
    from ccos.learning.answerability_sets import questions, sample_library

    check_files([], [asks, cases])
    if cases is not None and kb is None:
        raise BadInput("--cases goes with --kb: give the articles too.")
    if kb is not None and asks is None:
        raise BadInput("--kb needs --asks: the sample's questions are about the sample's articles.")
    asked = questions("ko-b") if asks is None else read_asks(asks)

    async def go() -> list[LookedUp]:
        async with sample_library() if kb is None else library(kb, cases) as found:
            with progress("Looking up") as tell:
                return await looked_up(found, asked, tell)

    found = run(go())
    told = figures(scores(shipped(), found), [each.answerable for each in asked])
    if as_json:
        print_json(told)
    else:
        show({"asks": told})


async def looked_up(library: Library, asked: list[Question], tell: Tell) -> list[LookedUp]:
    found = []
    for place, question in enumerate(asked, start=1):
        found.append(await library.look_up(question))
        tell(place, len(asked))
    return found


def show(rows: dict[str, dict[str, Any]]) -> None:
    from rich.table import Table

    from ccos.cli.tables import print_table
    from ccos.cli.terminal import stdout

    table = Table(box=None, pad_edge=False)
    for heading in ("", "questions", "answerable", *(part for each in SHARES for part in (each, "95 %"))):
        table.add_column(heading, justify="right" if heading else "left")
    for name, told in rows.items():
        cells = [name, str(told["n"]), str(told["answerable"])]
        for each in SHARES:
            value, interval = told[each], told[f"{each}_ci"]
            cells.append("" if value is None else f"{value:.3f}")
            cells.append("" if interval is None else f"{interval[0]:.3f}-{interval[1]:.3f}")
        table.add_row(*cells)
    print_table(stdout(), table)
