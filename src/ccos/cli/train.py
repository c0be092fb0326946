"""`ccos train`: models of our own kind, trained on labels; one module a command, imported when called."""

from __future__ import annotations

import click

from ccos.cli.stopping import StoppableGroup

COMMANDS = {
    "answerability": (
        "ccos.cli.train_answerability:answerability",
        "Whether a knowledge base answers: the sample's.",
    ),
    "gate": ("ccos.cli.train_gate:gate", "The gate's score, from labelled answers."),
    "learned": (
        "ccos.cli.train_learned:learned",
        "What the loop learnt; promote it, go back, accept answers.",
    ),
    "loop": ("ccos.cli.train_loop:loop", "What people decided: one night of learning, now."),
    "triage": ("ccos.cli.train_triage:triage", "A text classifier: intent, sentiment, abuse and the like."),
    "tiny": ("ccos.cli.train_tiny:tiny", "The drafter in the box: a tiny model for search and drafts."),
    "lora": ("ccos.cli.train_lora:lora", "An adapter for a local model, from a tenant's approved replies."),
}


@click.group(cls=StoppableGroup, table=COMMANDS)
def train() -> None:
    """Train the product's own small models. Needs scikit-learn, pip install "ccos[train]"; `tiny` and
    `lora` need PyTorch instead, pip install "ccos[tiny]" and pip install "ccos[lora]"; `loop` needs nothing
    more.
    """
