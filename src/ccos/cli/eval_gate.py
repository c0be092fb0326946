"""`ccos eval gate`."""

from __future__ import annotations

import click


@click.command()
def gate() -> None:
    """Being written."""
