"""`ccos models adapters`: LoRA adapters beside the local models, and whose requests they answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ccos.cli import tenancy
from ccos.cli.models_names import adapter_argument
from ccos.cli.run import print_json, run, settings

if TYPE_CHECKING:
    from ccos.settings import Settings

TASKS = ("query_builder", "kb_synthesis", "solution_draft", "triage", "chat")


@click.group()
def adapters() -> None:
    """LoRA adapters: small files that change how a tier's model writes, for a tenant or a task.

    Of several that fit a request, one for its tenant and task comes first, then one for the tenant, then one
    for the task, then one for anybody.
    """


@adapters.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="What to call it [made of the file's name].")
@click.option("--tier", type=click.Choice(("tier_1", "tier_2")), default="tier_1", show_default=True)
@click.option(
    "--base", type=click.Path(path_type=Path), help="The model it is for [the file that serves --tier]."
)
@click.option("--tenant", metavar="SLUG", help="Whose requests it answers [everybody's].")
@click.option("--task", type=click.Choice(TASKS), help="Which jobs it answers [all].")
@click.option("--replace", is_flag=True, help="In place of the adapter of this name.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def add(
    file: Path,
    name: str | None,
    tier: str,
    base: Path | None,
    tenant: str | None,
    task: str | None,
    replace: bool,
    as_json: bool,
) -> None:
    """Check the adapter FILE, in GGUF format, against the model, and use it from that model's next start."""
    from ccos.local.adapters import ANY, Adapter
    from ccos.local.registry.manifest import name_of
    from ccos.wiring.adapters import model_of, open_adapters

    found = settings()
    model = base or model_of(found, tier)
    whose = (_tenant(found, tenant),) if tenant is not None else (ANY,)
    entry = Adapter(
        name or name_of(file.name), file, tenants=whose, tasks=(task,) if task else (ANY,), tier=tier
    )
    made = open_adapters(found).add(entry, model, replace=replace)
    if as_json:
        print_json(made.document())
        return
    click.echo(f"{made.name}: for {tier}, {tenant or 'every tenant'}, {task or 'every task'}.")


@adapters.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def show(as_json: bool) -> None:
    """The adapters here, and what is wrong with any."""
    from ccos.wiring.adapters import adapter_notes, open_adapters

    found = settings()
    listed, notes = open_adapters(found).all(), adapter_notes(found)
    if as_json:
        print_json({"adapters": [each.document() for each in listed], "notes": notes})
        return
    if not listed:
        click.echo("There is no adapter; train one with `ccos train lora`, or add a file.")
    for each in listed:
        click.echo(
            f"{each.name}: {each.tier}, tenants {' '.join(each.tenants)}, tasks {' '.join(each.tasks)}"
        )
    for note in notes:
        click.echo(f"Note: {note}", err=True)


@adapters.command()
@adapter_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def remove(name: str, as_json: bool) -> None:
    """Use the adapter NAME no more, and delete its copy here."""
    from ccos.wiring.adapters import open_adapters

    gone = open_adapters(settings()).remove(name)
    if as_json:
        print_json(gone.document())
    else:
        click.echo(f"{gone.name} is used no more from the next start of {gone.tier}'s model.")


def _tenant(found: Settings, slug: str) -> str:
    async def go() -> str:
        from ccos.wiring import open_administration

        async with open_administration(found) as database:
            return str((await tenancy.tenant_for(database, slug)).id)

    return run(go())
