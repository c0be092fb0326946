"""`ccos completion`: what to put into a shell's start-up file."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell, for example: eval "$(ccos completion bash)"."""
    from ccos.cli import ccos

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ccos, {}, "ccos", "_CCOS_COMPLETE").source())
