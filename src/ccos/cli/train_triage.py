"""`ccos train triage`: a text classifier from labelled lines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccos.cli.files import check_files, readable, writable, write
from ccos.cli.run import Number, print_json

if TYPE_CHECKING:
    from ccos.learning.triage_choosing import Chosen
    from ccos.learning.triage_training import Trained

WHATS = ("intent", "sentiment", "abuse", "priority", "language")

what_option = click.option(
    "--what", type=click.Choice(WHATS), required=True, help="The question that the labels answer."
)
text_option = click.option("--text", metavar="NAME", help="The column of the texts, when it is not found.")
label_option = click.option("--label", metavar="NAME", help="The column of the labels, when it is not found.")
whether_option = click.option(
    "--whether", metavar="LABEL", help="Ask yes or no: whether the label, or one of a list of them, is this."
)
certain_option = click.option(
    "--certain",
    type=Number(0.5, 0.999),
    default=0.9,
    show_default=True,
    help="How often the model must be right where it does not abstain.",
)
plan_option = click.option(
    "--plan", metavar="NAME", help="How to train; else the plans are tried on the training lines themselves."
)
outside_option = click.option(
    "--outside", metavar="LABEL", help="The label of lines that are none of the topics, as `oos`."
)


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=readable())
@what_option
@click.option(
    "--out",
    required=True,
    metavar="MODEL",
    type=writable(),
    help="The model is written here.",
)
@text_option
@label_option
@whether_option
@click.option("--rules", is_flag=True, help="Let the rules of triage have their say (intent only).")
@certain_option
@plan_option
@outside_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def triage(
    files: tuple[Path, ...],
    what: str,
    out: Path,
    text: str | None,
    label: str | None,
    whether: str | None,
    rules: bool,
    certain: float,
    plan: str | None,
    outside: str | None,
    as_json: bool,
) -> None:
    """Train a model on labelled lines: {"text": ..., "label": ...}, one JSON object a line, also as .gz.

    Any set of labels will do. Lines with the same "group" or "ticket_id" stay together when the model
    is tried on lines it has not seen; below the confidence that this finds, it abstains. The plan that
    does best on such lines is taken; with very many, they are tried on a part.
    """
    from ccos.cli.terminal import progress
    from ccos.domain.errors import BadInput
    from ccos.learning.labelled import name_of
    from ccos.learning.texts import Columns, read_texts
    from ccos.learning.triage_choosing import train_best
    from ccos.quality.classifying import model_bytes

    if rules and what != "intent":
        raise BadInput("--rules is for --what intent: only intents have rules that can be weighed.")
    check_files([out], files)
    columns = Columns(text, label, whether)
    lines = [line for file in files for line in read_texts(file, columns)]
    prior = None
    if rules:
        from ccos.agents.triage import intent_prior

        prior = intent_prior
    with progress("Training") as tell:
        chosen = train_best(
            what,
            lines,
            plan=plan,
            certain=certain,
            prior=prior,
            outside=outside,
            about={"files": [name_of(file) for file in files]},
            tell=tell,
        )
    trained = chosen.trained
    content = model_bytes(trained.model)
    write(out, content)
    document = _document(trained, [line.label for line in lines], out, len(content))
    document |= told_of(chosen)
    if as_json:
        print_json(document)
        return
    click.echo(
        f"{out}: {document['lines']} lines, {len(trained.model.labels)} labels, {document['kilobytes']} kB. "
        f"On {document['held_out']} unseen lines: right {document['accuracy']:.3f}; where it does not "
        f"abstain (confidence {trained.model.certain:.3f} and up, {document['coverage']:.0%} of the lines) "
        f"{document['accuracy_when_certain']:.3f}. {sentence_of(chosen)}"
    )


def told_of(chosen: Chosen) -> dict[str, Any]:
    return {"plan": chosen.plan, "plans_tried": dict(chosen.tried)}


def sentence_of(chosen: Chosen) -> str:
    tried = ", ".join(f"{name} {right:.3f}" for name, right in chosen.tried.items())
    return f"Plan: {chosen.plan}{f' (of unseen lines right: {tried})' if tried else ''}."


def _document(trained: Trained, labels: list[str], out: Path, size: int) -> dict[str, Any]:
    model, told = trained.model, trained.told
    right = [
        labels[n] == model.labels[best] for n, best in zip(trained.held_out, told.argmax(1), strict=True)
    ]
    sure = [bool(confidence >= model.certain) for confidence in told.max(1)]
    kept = [good for good, certain in zip(right, sure, strict=True) if certain]
    return {
        "model": str(out),
        "what": model.what,
        "labels": list(model.labels),
        "lines": len(labels),
        "held_out": len(right),
        "accuracy": sum(right) / len(right),
        "certain": model.certain,
        "coverage": sum(sure) / len(sure),
        "accuracy_when_certain": sum(kept) / len(kept) if kept else 0.0,
        "kilobytes": (size + 999) // 1_000,
    }
