"""`ccos models pull`: download a model file."""

from __future__ import annotations

import re
from typing import Any

import click

from ccos.cli.run import print_json, run, settings
from ccos.domain.errors import BadInput

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")


@click.command()
@click.argument("what", metavar="URL|NAME")
@click.option("--from", "source", metavar="URL", help="Where to get a model of the catalogue.")
@click.option("--sha256", metavar="HEX", help="What the file's checksum must be.")
@click.option("--name", help="What to call it [the catalogue's name, or made of the file's].")
@click.option("--licence", "--license", "licence", help="Under which it may be used [as the catalogue says].")
@click.option(
    "--silence",
    type=click.FloatRange(0.1, 3_600),
    default=30.0,
    show_default=True,
    help="Seconds without a byte after which the server is asked again.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def pull(
    what: str,
    source: str | None,
    sha256: str | None,
    name: str | None,
    licence: str | None,
    silence: float,
    as_json: bool,
) -> None:
    """Download a model file in GGUF format, and register it.

    URL is the file's own address. NAME is one of `ccos models list --catalogue`, which says what to look for;
    the address is then given with --from. What is broken off goes on with the same command. A file that is
    whole is checked and registered; nothing is put into service.
    """
    from ccos.cli.models_showing import bytes_bar, now, size_of
    from ccos.local.registry.catalogue import known
    from ccos.local.registry.manifest import name_of
    from ccos.local.registry.pulling import Pace, checked_url
    from ccos.local.registry.pulling import pull as fetch
    from ccos.local.registry.pulling import shown as address
    from ccos.wiring.models import open_registry

    if sha256 is not None and not _SHA256.fullmatch(sha256.strip()):
        raise BadInput("A SHA-256 checksum has 64 hexadecimal digits; copy it again.")
    entry = known(what)
    if entry is not None and source is None:
        size = f", about {entry.gigabytes} GB as Q4_K_M" if entry.gigabytes else ""
        raise BadInput(
            f"{what} is {entry.title} by {entry.maker} ({entry.licence}{size}): find its .gguf file and give"
            f" its address: ccos models pull {what} --from URL"
        )
    if entry is None and source is not None:
        raise BadInput("--from goes with a name of `ccos models list --catalogue`; else give the URL alone.")
    url = checked_url(source or what)
    registry = open_registry(settings())
    name = registry.check_free(name or (entry.name if entry else name_of(url.name)))

    async def go() -> Any:
        with bytes_bar("Downloading") as tell:
            return await fetch(
                url,
                registry.files,
                tell,
                sha256=sha256.strip() if sha256 else None,
                pace=Pace(silent_seconds=silence),
                proxies=url.host not in ("127.0.0.1", "localhost", "::1"),
            )

    found = run(go())
    try:
        made = registry.take_in(
            name,
            found.path,
            sha256=found.sha256,
            licence=licence or (entry.licence if entry else None),
            source=address(url),
            at=now(),
            etag=found.etag,
        )
    except BadInput:
        found.path.unlink(missing_ok=True)  # whole, and no model: to download it again would not help
        raise
    if as_json:
        print_json(made.document() | {"path": str(registry.path(made)), "checked": sha256 is not None})
        return
    checked = "as given" if sha256 else "not compared: give --sha256 where the source tells it"
    click.echo(f"{made.name}: {size_of(made.size)}, sha256 {made.sha256} ({checked})")
    click.echo(f"Next: ccos models promote {made.name} --tier {entry.tier if entry else 'tier_1'}")
