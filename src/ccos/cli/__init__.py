"""The `ccos` command: a table of commands here, one module each beside it, imported when it is called."""

from __future__ import annotations

import sys

import click

from ccos import __version__
from ccos.cli.lazy import LazyGroup

COMMANDS = {
    "demo": ("ccos.cli.demo:demo", "Draft the sample shop's tickets, then serve the console."),
    "serve": ("ccos.cli.serve:serve", "Serve the console and the HTTP interface."),
    "worker": ("ccos.cli.serve:worker", "Draft queued tickets, beside or instead of `serve`."),
    "draft": ("ccos.cli.draft:draft", "Draft a reply to a ticket, or to a file of tickets."),
    "drill": ("ccos.cli.drill:drill", "Rehearse an outage and report what came of it."),
    "kb": ("ccos.cli.kb:kb", "Import and search the knowledge base."),
    "report": ("ccos.cli.report:report", "Report costs, savings and quality."),
    "eval": ("ccos.cli.eval:evaluate", "Measure the gate, the tiers and the rest on labelled sets."),
    "experiments": ("ccos.cli.experiments:experiments", "Compare ways to draft on real tickets."),
    "models": ("ccos.cli.models:models", "Get, prove and serve local models."),
    "train": ("ccos.cli.train:train", "Train the product's own small models on labels."),
    "tenants": ("ccos.cli.tenants:tenants", "List, create and configure tenants."),
    "keys": ("ccos.cli.keys:keys", "Make, list and revoke API keys."),
    "db": ("ccos.cli.db:db", "Migrate, back up and restore the database."),
    "config": ("ccos.cli.config:config", "Check the settings."),
    "completion": ("ccos.cli.completion:completion", "Print a shell completion script."),
}


@click.group(cls=LazyGroup, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ccos")
def ccos() -> None:
    """AI Contact Center OS: reply drafts for support tickets, cloud or no cloud."""


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 the job failed, 2 bad input."""
    from ccos.cli.run import guarded

    sys.exit(guarded(lambda: ccos.main(prog_name="ccos", standalone_mode=False)))
