"""`ccos eval replay`: what sending only some tickets to the strong model would have cost and been worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from ccos.cli.files import check_files, readable, writable, write
from ccos.cli.run import Number, complain, print_json
from ccos.domain.errors import BadInput

if TYPE_CHECKING:
    from ccos.learning.replay.outcomes import Outcome

GROUP_COLUMNS = ("domain", "intent", "cluster", "category")
NO_ANSWERS = (
    "There are no answers of the weak model, so policies before the call were replayed and no gate; "
    "give them with --answers."
)
SHARE = Number(0, 1)


required_option = click.option(
    "--required",
    type=Number(0, 1, max_open=True),
    default=0.7,
    show_default=True,
    help="Share of good answers that is promised, for the question whether a saving is feasible.",
)
saving_option = click.option(
    "--saving", type=SHARE, default=0.6, show_default=True, help="The saving that is wanted."
)


@click.command("replay")
@click.argument("file", metavar="OUTCOMES", type=readable())
@click.option("--answers", type=readable(), metavar="FILE", help="Answers of the weak model, by id.")
@click.option("--weak", metavar="NAME", help="The cheap model, where outcomes are scores by model.")
@click.option("--strong", metavar="NAME", help="The dear one; the beginning of its name will do.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE", help="Only such rows; may be repeated.")
@click.option("--drop", multiple=True, metavar="COLUMN", help="Leave out rows in which this is true.")
@click.option(
    "--group", metavar="COLUMN", help="What the table before the call counts by; else domain or intent."
)
@click.option("--train-on", metavar="COLUMN", help="Teach on rows in which this is true, score the others.")
@click.option(
    "--folds", type=click.IntRange(2, 50), default=5, show_default=True, help="Of the cross-validation."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of every draw.")
@click.option(
    "--cost-ratio",
    type=Number(0, 1, max_open=True),
    help="What a call of the weak model costs, in calls of the strong one.  [default: of the costs in the "
    "file, else 0.04]",
)
@required_option
@saving_option
@click.option(
    "--resamplings", type=click.IntRange(20, 5_000), default=300, show_default=True, help="For intervals."
)
@click.option("--html", type=writable(), metavar="OUT", help="Write a report with the curves.")
@click.option(
    "--language", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Of the report."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def replay(
    file: Path,
    answers: Path | None,
    weak: str | None,
    strong: str | None,
    where: tuple[str, ...],
    drop: tuple[str, ...],
    group: str | None,
    train_on: str | None,
    folds: int,
    seed: int,
    cost_ratio: float | None,
    required: float,
    saving: float,
    resamplings: int,
    html: Path | None,
    language: Literal["en", "ko"],
    as_json: bool,
) -> None:
    """Replay who answers what on known outcomes: cost against quality.

    OUTCOMES is JSON Lines, plain or gzipped, one prompt a line: prompt, weak and strong (how good the two
    models' answers were), and where they are known id, domain, weak_answer, weak_cost, strong_cost; or
    scores by model. Every policy is scored on prompts it has not seen. Nothing is sent anywhere.
    Needs ccos[train].
    """
    from ccos.cli.eval_progress import bar
    from ccos.learning.labelled import name_of
    from ccos.learning.replay.costs import cost_ratio_of
    from ccos.learning.replay.outcomes import read_outcomes, select
    from ccos.learning.replay.replaying import document
    from ccos.learning.replay.replaying import replay as run_replay
    from ccos.learning.replay.splits import check_comparable, cross_splits, one_split

    check_files([html], [file, answers])
    rows = select(read_outcomes(file, answers=answers, weak=weak, strong=strong), where, drop)
    check_comparable(rows)
    column = _column(rows, group)
    splits = one_split(rows, train_on) if train_on else cross_splits(rows, folds, seed)
    ratio = cost_ratio_of(rows) if cost_ratio is None else cost_ratio
    with bar("Replaying") as tell:
        found = run_replay(
            rows,
            splits,
            column=column,
            cost_ratio=ratio,
            required=required,
            saving=saving,
            seed=seed,
            resamplings=resamplings,
            tell=tell,
        )
    unanswered = sum(not row.weak_answer for row in rows)
    remarks = _remarks(unanswered, len(rows))
    told = {
        "file": name_of(file),
        "seed": seed,
        "folds": None if train_on else folds,
        "trained_on_column": train_on,
        "table_by": column,
        "outcomes": len(rows),
        "unanswered": unanswered,
        "remarks": remarks,
        **document(found),
    }
    for sentence in remarks:
        complain(sentence)
    if html is not None:
        from ccos.cli.eval_replay_page import page

        write(html, page(told, language))
        complain(f"The report is in {html}.")
    if as_json:
        print_json(told)
    else:
        from ccos.cli.eval_replay_table import show
        from ccos.cli.terminal import stdout

        show(stdout(), told)


def _column(rows: Sequence[Outcome], wanted: str | None) -> str:
    """The column the table counts by: the one named, else the first usual one that rows have."""
    known = {name for row in rows for name in row.columns}
    if wanted is not None and wanted not in known:
        raise BadInput(
            f"No outcome has a column {wanted!r}; --group takes one of {', '.join(sorted(known))}."
        )
    return wanted or next((name for name in GROUP_COLUMNS if name in known), GROUP_COLUMNS[0])


def _remarks(unanswered: int, rows: int) -> list[str]:
    if unanswered == rows:
        return [NO_ANSWERS]
    if unanswered:
        return [f"{unanswered} of {rows} prompts have no answer of the weak model; the gate saw them empty."]
    return []
