"""`ccos eval gate`: the gate's score on labelled answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ccos.cli.eval_gate_seen import seen, training_sets
from ccos.cli.files import check_files, opened, readable, writable, write
from ccos.cli.run import complain, print_json
from ccos.domain.errors import BadInput

if TYPE_CHECKING:
    from ccos.domain.certificate import Certificate
    from ccos.learning.judging import Judged
    from ccos.learning.labelled import LabelledAnswer
    from ccos.quality.gate import Scorer

Row = tuple[int, "LabelledAnswer"]

UNTRAINED = (
    "This version has no trained model, so the plain heuristic was measured, which is not a probability; "
    "give one with --model."
)
CROSSED = (
    "Cross-validated: each answer was scored by a model trained on the other groups of these very files; "
    "the shipped model was not measured."
)
ONE_CLASS = "All answers have the same label, so no AUROC is defined: add some of the other kind."


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=readable())
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--scores", type=writable(), metavar="OUT", help="Write what was found of each line, as JSONL.")
@click.option(
    "--model",
    type=readable(dash=False),
    metavar="FILE",
    help="Measure this gate model instead of the shipped one.",
)
@click.option(
    "--cross-validate",
    is_flag=True,
    help="Train on these files, five times on four fifths, and measure on the rest. Needs ccos[train].",
)
@click.option(
    "--resamplings",
    type=click.IntRange(0, 10_000),
    default=200,
    show_default=True,
    help="How often each certified promise is tried.",
)
@click.option("--html", type=writable(), metavar="OUT", help="Write a report with plots.")
@click.option(
    "--language", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Of the report."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of every draw.")
@click.option("--skip-bad-lines", is_flag=True, help="Leave out lines that cannot be read, and say how many.")
def gate(
    files: tuple[Path, ...],
    as_json: bool,
    scores: Path | None,
    model: Path | None,
    cross_validate: bool,
    resamplings: int,
    html: Path | None,
    language: Literal["en", "ko"],
    seed: int,
    skip_bad_lines: bool,
) -> None:
    """Measure the gate's score on labelled answers.

    FILE is JSON Lines, plain or gzipped, one labelled answer a line: question, evidence (a list of texts),
    answer, label (1 or 0, or approve, edit or reject), and where they are known task, language, generator
    (who wrote the answer) and ticket_id (lines of one ticket stay together in every split). Nothing is sent
    anywhere, and it costs nothing.
    """
    check_files([scores, html], [*files, model])
    if model is not None and cross_validate:
        raise BadInput("Give --model or --cross-validate, not both: cross-validation trains its own models.")
    from ccos.learning.repeats import once

    rows, skipped = _read(files, skip_bad_lines)
    told = once(rows)
    rows = list(told.rows)
    scorer, certificates, remarks = _scorer(model)
    judged = _judge(rows, scorer, certificates, features=scores is not None)
    if cross_validate:
        judged = _crossed(judged, scorer.name, seed)
        remarks = [CROSSED]
    sets = [] if cross_validate else training_sets(scorer)
    known = seen(sets, files, rows)
    if known is not None:
        remarks = [*remarks, _not_blind(known, len(rows))]
    remarks = [*remarks, told.remark] if told.repeated else remarks
    document = {
        **_document(files, judged, remarks, resamplings, seed, len(skipped)),
        "repeated_lines": told.repeated,
        "disputed_lines": told.disputed,
        "trained_on": [one["name"] for one in sets],
        "training_sets": sets,
        "seen_in_training": known,
    }
    if scores is not None:
        _write_scores(scores, judged)
        complain(f"The scores are in {scores}.")
    if html is not None:
        from ccos.cli.eval_gate_page import page

        write(html, page(document, judged, language))
        complain(f"The report is in {html}.")
    if as_json:
        print_json(document)
    else:
        from ccos.cli.eval_gate_table import show
        from ccos.cli.terminal import stdout

        show(stdout(), document)


def _read(files: Sequence[Path], skip: bool) -> tuple[list[Row], list[str]]:
    from ccos.learning.labelled import read_labelled

    skipped: list[str] = []
    rows = [
        (number, row)
        for number, file in enumerate(files)
        for row in read_labelled(file, skipped=skipped if skip else None)
    ]
    if skipped:
        more = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
        complain(f"Left out: {skipped[0].rstrip('.')}{more}.")
    return rows, skipped


def _scorer(model: Path | None) -> tuple[Scorer, Sequence[Certificate] | None, list[str]]:
    """What measures, the certificates that came with it, and what has to be said of it."""
    from ccos.quality.gate import BASELINE
    from ccos.quality.scorer import LearnedScorer, read_model, shipped

    try:
        found = read_model(model) if model else shipped()
    except FileNotFoundError:
        return BASELINE, None, [UNTRAINED]
    return LearnedScorer(found), found.certificates, []


def _not_blind(known: Mapping[str, Any], total: int) -> str:
    return (
        f"{known['answers']:,} of {total:,} answers are of sets that the model was trained on "
        f"({', '.join(known['sets'])}): it looks better on them than on new ones; --cross-validate gives the "
        "honest figures."
    )


def _judge(
    rows: Sequence[Row], scorer: Scorer, certificates: Sequence[Certificate] | None, *, features: bool
) -> list[Judged]:
    from ccos.cli.eval_progress import bar
    from ccos.learning.judging import judge

    found: list[Judged] = []
    with bar("Judging") as tell:
        for one in judge(rows, scorer, certificates, features=features):
            found.append(one)
            tell(len(found), len(rows))
    return found


def _crossed(judged: Sequence[Judged], scorer: str, seed: int) -> list[Judged]:
    """The same answers with the qualities of models that never saw their groups; certificates do not hold.

    What a check of form has judged, and not the score, stays as it is.
    """
    from ccos.cli.eval_progress import bar
    from ccos.cli.terminal import working
    from ccos.learning.crossing import crossed
    from ccos.learning.measuring import measured

    rows = [one.row for one in judged if one.verdict.scorer == scorer]
    with bar("Measuring") as tell:
        features = measured(rows, tell)
    with working("Training on four fifths, five times"):
        qualities = iter(crossed(features, seed=seed))
    return [
        one
        if one.verdict.scorer != scorer
        else replace(
            one,
            verdict=replace(
                one.verdict, quality=next(qualities), promise=None, scorer="cross-validated", scores=()
            ),
        )
        for one in judged
    ]


def _document(
    files: Sequence[Path],
    judged: Sequence[Judged],
    remarks: Sequence[str],
    resamplings: int,
    seed: int,
    skipped: int,
) -> dict[str, Any]:
    from ccos.cli.terminal import working
    from ccos.learning.gate_report import gate_report
    from ccos.learning.labelled import name_of
    from ccos.quality.gate import BASELINE

    with working("Counting"):
        figures = gate_report(judged, resamplings=resamplings, seed=seed)
    said = list(remarks)
    if figures["auroc"] is None:
        said.append(ONE_CLASS)
    for sentence in said:
        complain(sentence)
    return {
        "files": [name_of(file) for file in files],
        "skipped_lines": skipped,
        "seed": seed,
        "calibrated": BASELINE.name not in figures["scorer"],
        "cross_validated": CROSSED in remarks,
        "remarks": said,
        **figures,
    }


def _write_scores(out: Path, judged: Sequence[Judged]) -> None:
    from ccos.domain.tier import REQUIRED_QUALITY

    with opened(out) as file:
        for one in judged:
            verdict = one.verdict
            line = {
                "ticket_id": one.row.ticket_id,
                "label": one.row.label,
                "quality": round(verdict.quality, 6),
                "heuristic": one.heuristic,
                "accepted": verdict.accepts(REQUIRED_QUALITY[one.row.told_task]),
                "promise": None if verdict.promise is None else verdict.promise.kept,
                "scorer": verdict.scorer,
                "vetoes": [
                    {"kind": veto.kind, "sentence": veto.sentence, "span": veto.span}
                    for veto in verdict.vetoes
                ],
                "features": {name: round(value, 6) for name, value in one.features.items()},
                "parts": {name: round(value, 6) for name, value in verdict.scores},
                "seconds": round(one.seconds, 6),
            }
            file.write((json.dumps(line, ensure_ascii=False) + "\n").encode())
