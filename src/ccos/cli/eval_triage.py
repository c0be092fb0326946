"""`ccos eval triage`: how well a text classifier reads labelled lines, and how quickly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ccos.cli.files import check_files, readable
from ccos.cli.run import print_json
from ccos.cli.train_triage import (
    certain_option,
    label_option,
    outside_option,
    plan_option,
    sentence_of,
    text_option,
    told_of,
    what_option,
    whether_option,
)

EXAMPLES, LONGEST = 4, 40
"""How many labels a sentence names, and how much of each."""


@click.command()
@click.argument("file", type=readable())
@what_option
@click.option(
    "--model", metavar="MODEL", type=readable(dash=False), help="A trained model; else the shipped one."
)
@click.option("--train", "training", metavar="FILE", type=readable(), help="Train on this set first.")
@outside_option
@certain_option
@plan_option
@text_option
@label_option
@whether_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def triage(
    file: Path,
    what: str,
    model: Path | None,
    training: Path | None,
    outside: str | None,
    certain: float,
    plan: str | None,
    text: str | None,
    label: str | None,
    whether: str | None,
    as_json: bool,
) -> None:
    """Measure a model on the labelled lines of FILE: accuracy, coverage, milliseconds a text.

    Texts are read one at a time. The shipped intent model is measured as it is used,
    with the rules beside it; --certain and --plan count with --train only.
    """
    from ccos.cli.terminal import progress
    from ccos.domain.errors import BadInput
    from ccos.learning.labelled import name_of
    from ccos.learning.texts import Columns, read_texts
    from ccos.learning.triage_choosing import train_best
    from ccos.learning.triage_measuring import measure
    from ccos.quality.classifying import load_model, shipped

    if model is not None and training is not None:
        raise BadInput("Give --model or --train, not both.")
    check_files([], [file, model, training])
    columns = Columns(text, label, whether)
    lines = read_texts(file, columns)
    if training is not None:
        known = read_texts(training, columns)
        with progress("Training") as tell:
            best = train_best(what, known, plan=plan, certain=certain, outside=outside, tell=tell)
        chosen = best.trained.model
    else:
        best = None
        chosen = load_model(model) if model is not None else shipped(what)
    prior = None
    if chosen.prior_weight:
        from ccos.agents.triage import intent_prior

        prior = intent_prior
    _check_labels({line.label for line in lines} - {outside}, set(chosen.labels), name_of(file))
    figures = measure(chosen, lines, prior=prior, outside=outside)
    if as_json:
        print_json(figures | (told_of(best) if best else {}))
    else:
        click.echo(f"{_sentence(figures)} {sentence_of(best)}" if best else _sentence(figures))


def _check_labels(there: set[str], known: set[str], name: str) -> None:
    """Raises BadInput where the model could not be right once."""
    from ccos.domain.errors import BadInput

    if there and not there & known:
        raise BadInput(
            f"No label of {name} is one of the model's: the file says {_some(there)}, the model "
            f"{_some(known)}; name the right column with --label, or the right model with --what or --model."
        )


def _some(labels: set[str]) -> str:
    """A few of them, as examples."""
    from ccos.cli.terminal import plain

    shown = [plain(label)[:LONGEST] for label in sorted(labels)[:EXAMPLES]]
    return ", ".join(shown) + (" and so on" if len(labels) > EXAMPLES else "")


def _sentence(figures: dict[str, Any]) -> str:
    names = ("accuracy", "coverage", "accuracy_when_certain", "macro_f1", "auroc")
    known = [name for name in names if figures.get(name) is not None]
    told = [f"{figures['n']} lines", *(f"{name.replace('_', ' ')} {figures[name]:.3f}" for name in known)]
    if outside := figures.get("outside"):
        told.append(
            f"outside ({outside['n']}): recall {outside['recall']:.3f}, {outside['answered_right']:.3f} of "
            f"the topics answered right, AUROC {outside['auroc']:.3f}"
        )
    told.append(
        f"{figures['ms_p50']:.2f} ms a text at the median, {figures['ms_p95']:.2f} ms at the 95th percentile"
    )
    return "; ".join(told) + "."
