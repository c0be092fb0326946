"""The `ccos` command: a table of commands here, one module each beside it, imported when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click
from click.shell_completion import CompletionItem

from ccos import __version__

COMMANDS = {
    "demo": ("ccos.cli.demo:demo", "Draft the sample shop's tickets, then serve the console."),
    "serve": ("ccos.cli.serve:serve", "Serve the console and the HTTP interface."),
    "worker": ("ccos.cli.serve:worker", "Draft queued tickets, beside or instead of `serve`."),
    "draft": ("ccos.cli.draft:draft", "Draft a reply to a ticket, or to a file of tickets."),
    "drill": ("ccos.cli.drill:drill", "Rehearse an outage and report what came of it."),
    "kb": ("ccos.cli.kb:kb", "Import and search the knowledge base."),
    "report": ("ccos.cli.report:report", "Report what was spent and what was saved."),
    "tenants": ("ccos.cli.tenants:tenants", "List, create and configure tenants."),
    "keys": ("ccos.cli.keys:keys", "Make, list and revoke API keys."),
    "db": ("ccos.cli.db:db", "Migrate, back up and restore the database."),
    "config": ("ccos.cli.config:config", "Check the settings."),
    "completion": ("ccos.cli.completion:completion", "Print a shell completion script."),
}


class Commands(click.Group):
    """Knows every command's name and summary without importing it, so that `--help` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Without this click would import every command to ask for its help."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(name, help=summary)
            for name, (_, summary) in COMMANDS.items()
            if name.startswith(incomplete)
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """As click does it, with the nearest name when there is no such command."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as fault:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if near:
                raise click.UsageError(f"{fault.message} Did you mean '{near[0]}'?", ctx) from None
            raise


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ccos")
def ccos() -> None:
    """AI Contact Center OS: reply drafts for support tickets, cloud or no cloud."""


def main() -> None:
    """Entry point. Exit codes: 0 done, 1 the job failed, 2 bad input."""
    from ccos.cli.run import guarded

    sys.exit(guarded(lambda: ccos.main(prog_name="ccos", standalone_mode=False)))
