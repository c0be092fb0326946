"""`ccos eval`: what the product does, held against labels; one module a command, imported when called."""

from __future__ import annotations

import click

from ccos.cli.stopping import StoppableGroup

COMMANDS = {
    "answerability": (
        "ccos.cli.eval_answerability:answerability",
        "Whether it is noticed that there is no answer.",
    ),
    "embedding": ("ccos.cli.eval_embedding:embedding", "Whether an embedding model adds to the gate."),
    "feasible": ("ccos.cli.eval_feasible:feasible", "Whether a saving can be had at a required quality."),
    "gate": ("ccos.cli.eval_gate:gate", "The gate's score on labelled answers."),
    "judge": ("ccos.cli.eval_judge:judge", "Whether a model may give a second opinion."),
    "labels": ("ccos.cli.eval_labels:labels", "Write what people decided as a labelled set."),
    "pii": ("ccos.cli.eval_pii:pii", "How well and how fast personal data is found."),
    "replay": ("ccos.cli.eval_replay:replay", "Cost and quality of sending a part to the strong model."),
    "retrieval": ("ccos.cli.eval_retrieval:retrieval", "How well the search finds the right article."),
    "thresholds": ("ccos.cli.eval_thresholds:thresholds", "Certified thresholds, with their evidence."),
    "tiers": ("ccos.cli.eval_tiers:tiers", "Each tier's quality, speed and cost, task by task."),
    "triage": ("ccos.cli.eval_triage:triage", "A text classifier of triage, and its speed."),
}


@click.group("eval", cls=StoppableGroup, table=COMMANDS)
def evaluate() -> None:
    """Measure the product on labelled sets, those that ship with it or your own."""
