"""`ccos train gate`: a scorer trained on labelled answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccos.cli.files import check_files, readable, writable, write
from ccos.cli.run import complain, print_json
from ccos.domain.errors import BadInput

if TYPE_CHECKING:
    from ccos.learning.training import LabelledSet
    from ccos.quality.model import GateModel

Facts = Mapping[str, Mapping[str, Any]]
SEED_SET = "seed"


@click.command()
@click.argument("files", nargs=-1, metavar="[FILE]...", type=readable())
@click.option("--out", required=True, type=writable(), metavar="MODEL.json", help="Write it here.")
@click.option("--no-seed", is_flag=True, help="Leave out the labelled answers that ship with the product.")
@click.option("--name", help="What the scorer is called [the name of the model file].")
@click.option("--date", metavar="YYYY-MM-DD", help="The date that is kept in the model [none].")
@click.option(
    "--about",
    type=readable(dash=False),
    metavar="FACTS.json",
    help='What is known of the files, by name: {"set": {"licence": ..., "source": ..., "certifies": false}}.',
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON document.")
def gate(
    files: tuple[Path, ...],
    out: Path,
    no_seed: bool,
    name: str | None,
    date: str | None,
    about: Path | None,
    as_json: bool,
) -> None:
    """Train the gate's score on labelled answers, and certify thresholds on them.

    FILE is JSON Lines as `ccos eval gate` reads it. All figures are out of fold: no answer is scored by a
    model that has seen its ticket. The same files give the same model, byte for byte. A set that is marked
    `"certifies": false` in FACTS.json teaches, and no threshold is certified on it.
    """
    from ccos.cli.terminal import progress
    from ccos.learning.training import train, written

    check_files([out], [*files, about])
    sets = _sets(files, _facts(about), no_seed)
    _check_enough(sets)
    dated = {"date": date} if date else {}
    with progress("Measuring", every=500) as tell:
        model = train(sets, name=name or out.stem, about=dated, tell=tell)
    write(out, written(model))
    complain(f"The model is in {out}.")
    if "repeats" in model.about:
        complain(str(model.about["repeats"]))
    if as_json:
        print_json({"name": model.name, "model": str(out), **model.about})
    else:
        _print(model)


def _facts(path: Path | None) -> Facts:
    if path is None:
        return {}
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(each, dict) for each in found.values()):
        raise BadInput(f'{path.name} must be a JSON object of objects: {{"set": {{"licence": "..."}}}}.')
    return found


def _sets(files: Sequence[Path], facts: Facts, no_seed: bool) -> list[LabelledSet]:
    from ccos.learning.labelled import name_of, read_labelled
    from ccos.learning.training import LabelledSet
    from ccos.sample import labels_folder

    found = []
    if not no_seed:
        with labels_folder() as folder:
            answers = [answer for path in sorted(folder.glob("*.jsonl")) for answer in read_labelled(path)]
        if answers:
            licence = {"licence": "Apache-2.0", "source": "written for this project"}
            found.append(LabelledSet(SEED_SET, answers, facts=licence))
    for path in files:
        name = name_of(path).removesuffix(".gz").removesuffix(".jsonl")
        known = dict(facts.get(name, {}))
        certifies = known.pop("certifies", True) is not False
        told = {key: str(value) for key, value in sorted(known.items())}
        found.append(LabelledSet(name, read_labelled(path), certifies, told))
    return found


def _check_enough(sets: Sequence[LabelledSet]) -> None:
    """Whether there is any head to train, told before an hour is spent. Raises BadInput."""
    from ccos.learning.heads import LEAST_GROUPS, LEAST_ROWS

    labels = sum(len(each.answers) for each in sets)
    good, bad = (
        len({(n, a.group) for n, each in enumerate(sets) for a in each.answers if a.good is kind})
        for kind in (True, False)
    )
    if labels < LEAST_ROWS or min(good, bad) < LEAST_GROUPS:
        raise BadInput(
            f"There are {labels} labelled answers; tickets with a good one: {good}, with a bad one: {bad}. "
            f"Label more: a head takes {LEAST_ROWS} labels, and {LEAST_GROUPS} tickets of each."
        )


def _print(model: GateModel) -> None:
    from rich.table import Table

    from ccos.cli.tables import print_table
    from ccos.cli.terminal import stdout

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("head", "labels", "good", "AUROC", "95 %", "ECE", "heuristic AUROC", "ECE"):
        table.add_column(heading, justify="left" if heading == "head" else "right")
    figures = model.about["figures"]
    assert isinstance(figures, Mapping)
    if not figures:
        from ccos.learning.heads import LEAST_ROWS

        complain(
            f"No task and language has the {LEAST_ROWS} labels that a head of its own takes, so one head "
            "judges all answers; no figures are known of it."
        )
    for head, f in figures.items():
        low, high = f["auroc_interval"] or (None, None)
        reach = "" if low is None else f"{low:.3f}-{high:.3f}"
        shown = [f["auroc"], f["calibration_error"], f["heuristic_auroc"], f["heuristic_calibration_error"]]
        a, e, ha, he = ("" if each is None else f"{each:.3f}" for each in shown)
        table.add_row(head, str(f["rows"]), str(f["good"]), a, reach, e, ha, he)
    print_table(stdout(), table)
    certified = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("required", "threshold", "accepted", "bad", "labels"):
        certified.add_column(heading, justify="right")
    for each in model.certificates:
        threshold = "none" if each.threshold is None else f"{each.threshold:.3f}"
        counts = (str(each.accepted), str(each.bad), str(each.labels))
        certified.add_row(f"{each.task.value} {each.required:.2f}", threshold, *counts)
    if model.certificates:
        print_table(stdout(), certified)
