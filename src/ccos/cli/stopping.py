"""Groups of commands that take a while: Ctrl-C ends them with a line and 130."""

from __future__ import annotations

from typing import Any

import click

from ccos.cli.lazy import LazyGroup
from ccos.cli.run import INTERRUPTED, complain


class StoppableGroup(LazyGroup):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            complain("It was stopped before its end.")
            raise click.exceptions.Exit(INTERRUPTED) from None
