"""`ccos eval tiers`."""

from __future__ import annotations

import click


@click.command()
def tiers() -> None:
    """Being written."""
