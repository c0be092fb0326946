"""`ccos models add`: a model file that is here already."""

from __future__ import annotations

from pathlib import Path

import click

from ccos.cli.run import print_json, settings


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="What to call it [made of the file's name].")
@click.option("--licence", "--license", "licence", help="Under which it may be used, for the list.")
@click.option(
    "--copy/--link", default=True, help="Copy the file into CCOS_HOME [default], or use it where it is."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def add(file: Path, name: str | None, licence: str | None, copy: bool, as_json: bool) -> None:
    """Register the model FILE, in GGUF format.

    Its header is read and its checksum taken, so that a file that changes later is noticed. Nothing is put
    into service: that is `ccos models promote`.
    """
    from ccos.cli.models_showing import bytes_bar, now, size_of
    from ccos.wiring.models import open_registry

    registry = open_registry(settings())
    with bytes_bar("Copying" if copy else "Reading") as tell:
        made = registry.add(file, tell, at=now(), name=name, licence=licence, copy=copy)
    if as_json:
        print_json(made.document() | {"path": str(registry.path(made))})
        return
    click.echo(
        f"{made.name}: {made.architecture} {made.quantisation}, {size_of(made.size)}, "
        f"{made.context_tokens} tokens of context, sha256 {made.sha256[:12]}..."
    )
    click.echo(f"Next: ccos models promote {made.name} --tier tier_1")
