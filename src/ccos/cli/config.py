"""`ccos config`: what is set, where, and what is wrong with it."""

from __future__ import annotations

import click

from ccos.cli.run import BAD_INPUT, complain, end, print_json


@click.group()
def config() -> None:
    """The settings: environment variables and the file .env."""


@config.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(as_json: bool) -> None:
    """Show every setting with where it comes from; secrets say only that they are set.

    A line for each mistake; the exit code is then 2. Nothing is connected to or written.
    """
    from ccos.domain.errors import BadSetting
    from ccos.settings import given, load
    from ccos.wiring import advice

    problems: list[str] = []
    notes: list[str] = []
    try:
        found = load()
    except BadSetting as fault:
        problems = fault.facts["problems"]
    else:
        problems = advice.problems(found)
        notes = advice.notes(found)
    if as_json:
        rows = [{"name": each.variable, "value": each.text, "source": each.source} for each in given()]
        print_json({"settings": rows, "problems": problems, "notes": notes})
    else:
        _print()
        for note in notes:
            click.echo(f"Note: {note}", err=True)
    for problem in problems:
        complain(problem)
    if not problems and not as_json:
        complain("The settings hold together.")
    end(BAD_INPUT if problems else 0)


def _print() -> None:
    from rich.table import Table
    from rich.text import Text

    from ccos.cli.terminal import plain, stdout
    from ccos.settings import given

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("setting", "value", "source"):
        table.add_column(name, no_wrap=name != "value", overflow="fold")
    for each in given():
        style = "dim" if each.source == "default" else ""
        table.add_row(Text(each.variable), Text(plain(each.text), style), Text(each.source, style))
    stdout().print(table)
