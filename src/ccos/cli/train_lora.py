"""`ccos train lora`: a LoRA adapter from the replies that a tenant's people sent."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccos.cli import tenancy
from ccos.cli.files import readable
from ccos.cli.run import Number, complain, end, print_json, run, settings
from ccos.domain.errors import BadInput, Conflict

if TYPE_CHECKING:
    from ccos.domain.tenant import Tenant
    from ccos.learning.lora.preparing import Prepared, Preparing
    from ccos.settings import Settings
    from ccos.store.database import Database

FAILED = 1

_MOST_SLUG = 40

FEW_HELD = 10
"""Replies held out below which the proof is told to be weak."""


@click.command()
@click.option(
    "--base",
    metavar="FOLDER",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The base model as Transformers reads it: config.json, weights, tokenizer.",
)
@click.option(
    "--model",
    metavar="MODEL.gguf",
    type=readable(dash=False),
    help="The same model as the tier serves it [the file that serves --tier].",
)
@click.option(
    "--tier",
    type=click.Choice(("tier_1", "tier_2")),
    default="tier_1",
    show_default=True,
    help="Whose model it is for.",
)
@tenancy.option
@click.option(
    "--task",
    type=click.Choice(("solution_draft",)),
    default="solution_draft",
    help="The job it is trained for.",
)
@click.option(
    "--data",
    type=readable(),
    metavar="FILE",
    help="Approved answers of a labelled set, not the tenant's drafts.",
)
@click.option("--days", type=click.IntRange(1, 3_650), default=365, show_default=True, help="How far back.")
@click.option("--least", type=click.IntRange(2), default=20, show_default=True, help="Examples it takes.")
@click.option("--rank", type=click.IntRange(1, 256), default=8, show_default=True, help="Of the adapter.")
@click.option(
    "--steps", type=click.IntRange(1, 100_000), default=200, show_default=True, help="Of 8 replies."
)
@click.option("--rate", type=Number(1e-7, 1.0), default=2e-4, show_default=True, help="Learning rate.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of all dice.")
@click.option("--name", help="What to call the adapter [tenant and task].")
@click.option(
    "--out",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Data, figures and adapter are written here [CCOS_HOME/lora/NAME].",
)
@click.option(
    "--dry-run", is_flag=True, help="Prepare the data, write it with its figures, and train nothing."
)
@click.option("--register/--no-register", default=True, help="Take it into service where it proves better.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def lora(
    base: Path | None,
    model: Path | None,
    tier: str,
    tenant: str | None,
    task: str,
    data: Path | None,
    days: int,
    least: int,
    rank: int,
    steps: int,
    rate: float,
    seed: int,
    name: str | None,
    out: Path | None,
    dry_run: bool,
    register: bool,
    as_json: bool,
) -> None:
    """Train an adapter that writes as the tenant's people do, prove it, and take it into service.

    It learns from drafts that were approved, and from what was sent in place of edited ones; rejected ones
    are left out, and personal data is replaced by placeholders. On tickets it never saw, the model must find
    the sent replies likelier with the adapter than without: else nothing is registered.
    """
    from ccos.local.adapters import checked_name

    found = settings(quiet=True)
    if name is not None:
        checked_name(name)
    if base is None and not dry_run:
        raise BadInput(
            "Name the folder of the base model with --base, or prepare the data only with --dry-run."
        )
    if not dry_run:
        from ccos.learning.lora.converting import gguf_package
        from ccos.learning.lora.training import packages
        from ccos.wiring.adapters import model_of

        model = model or model_of(found, tier)
        _check(base, model)
        packages()
        gguf_package()
    prepared, whose = _prepared(found, tenant, data, days, least, needs_tenant=not dry_run and register)
    called = name or _default_name(whose, task, tier)
    if register and not dry_run:
        _check_free(found, called, whose, task, tier)
    folder = out or found.folder / "lora" / called
    with _alone(folder):
        document: dict[str, Any] = {"name": called, "folder": str(folder), "data": _write(folder, prepared)}
        if 0 < len(prepared.held) < FEW_HELD:
            complain(
                f"Only {len(prepared.held)} replies are held out to prove the adapter by: chance can decide"
                f" it; {FEW_HELD} and more say something."
            )
        if dry_run or base is None or model is None:
            _say(document, as_json, f"{folder}: {_words(prepared)}; nothing was trained.")
            return
        trained = _train(base, prepared, folder, (rank, steps, rate, seed))
        adapter, proof = _proved(model, folder, trained["folder"], called, prepared)
        document |= {"training": trained, "adapter": str(adapter), "proof": proof, "registered": False}
        if proof["better"] and register:
            notes = _registered(found, adapter, model, called, whose, task, tier)
            document |= {"registered": True, "notes": notes}
        told = (
            f"{adapter}: perplexity of {proof['replies']} held-out replies {proof['before']:.2f} without it, "
            f"{proof['after']:.2f} with it."
        )
        if document["registered"]:
            told += " It is registered." if document["notes"] else f" It serves {tier} from the next start."
        _say(document, as_json, told)
        for note in document.get("notes", ()):
            complain(note)
        if not proof["better"]:
            complain(
                "The model finds the held-out replies no likelier with the adapter; it was not registered."
            )
            end(FAILED)


def _default_name(whose: Tenant | None, task: str, tier: str) -> str:
    """Short enough for any slug; a tier's adapter never takes the name of another tier's."""
    slug = re.sub(r"[^a-z0-9._-]+", "-", whose.slug.lower() if whose else "any")
    return f"{slug[:_MOST_SLUG].rstrip('-')}-{task}{'' if tier == 'tier_1' else f'-{tier}'}"


def _check_free(found: Settings, name: str, whose: Tenant | None, task: str, tier: str) -> None:
    """Before hours of training: a later adapter takes the place of an earlier one for the same requests only.
    Raises Conflict, RegistryDamaged.
    """
    from ccos.wiring.adapters import open_adapters

    wanted = (_tenants(whose), (task,), tier)
    for each in open_adapters(found).all():
        if each.name == name and (each.tenants, each.tasks, each.tier) != wanted:
            raise Conflict(
                f"There is an adapter {name} already, for other requests; give this one another --name."
            )


def _tenants(whose: Tenant | None) -> tuple[str, ...]:
    from ccos.local.adapters import ANY

    return (str(whose.id),) if whose is not None else (ANY,)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One training writes to a folder at a time, and for nobody else's eyes: an adapter remembers what it
    was taught. Raises BadInput.
    """
    from ccos.local.registry.files import RegistryBusy, locked

    before = os.umask(0o077)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".lock", seconds=0):
            yield
    except RegistryBusy:
        raise BadInput(f"Another training writes to {folder}; wait for it, or give another --out.") from None
    finally:
        os.umask(before)


def _check(base: Path | None, model: Path) -> None:
    from ccos.local.gguf import read_header

    if base is not None and not (base / "config.json").is_file():
        raise BadInput(f"{base} holds no config.json; give a model's folder as Transformers saves it.")
    if read_header(model).values.get("general.type") == "adapter":
        raise BadInput(f"{model} is an adapter itself; give the base model's GGUF file.")


def _prepared(
    found: Settings, slug: str | None, data: Path | None, days: int, least: int, *, needs_tenant: bool
) -> tuple[Prepared, Tenant | None]:
    from ccos.agents.prompts import solution_prompt
    from ccos.learning.labelled import read_labelled
    from ccos.learning.lora.preparing import Preparing

    preparing = Preparing(lambda ticket, grounds: solution_prompt(ticket, grounds, ()))
    if data is not None:
        for line in read_labelled(data):
            preparing.labelled(line)
        if slug is None and not needs_tenant:
            return preparing.prepared(least=least), None
        ready = preparing.prepared(least=least)

    async def go() -> Tenant:
        from ccos.wiring import open_administration

        async with open_administration(found) as database:
            whose = await tenancy.tenant_for(database, slug)
            if data is None:
                await _collect(database, whose, days, preparing)
            return whose

    whose = run(go())
    return (ready if data is not None else preparing.prepared(least=least)), whose


async def _collect(database: Database, whose: Tenant, days: int, preparing: Preparing) -> None:
    from ccos.cli.eval_labels import decided
    from ccos.cli.terminal import progress

    with progress("Decisions", every=1_000) as tell:
        count = 0
        async for ticket, draft, made, decision in decided(database, whose, days):
            preparing.decided(ticket, draft, made, decision, whose.settings)
            count += 1
            tell(count, None)


def _write(folder: Path, prepared: Prepared) -> dict[str, Any]:
    from ccos.learning.lora.preparing import write_jsonl

    file = folder / "data.jsonl"
    partial = folder / ".data.jsonl.partial"
    partial.unlink(missing_ok=True)
    with partial.open("xb") as out:
        out.writelines(write_jsonl((*prepared.taught, *prepared.held)))
    partial.replace(file)
    return {"file": str(file), **prepared.figures()}


def _train(base: Path, prepared: Prepared, folder: Path, told: tuple[int, int, float, int]) -> dict[str, Any]:
    from ccos.cli.terminal import progress
    from ccos.learning.lora.training import Recipe, train

    with progress("Steps", every=20) as tell:
        made = train(base, prepared.taught, prepared.held, Recipe(*told), folder / "peft", tell=tell)
    return {
        "folder": str(made.folder),
        "rank": told[0],
        "steps": made.steps,
        "seed": told[3],
        "loss": round(made.loss, 4),
        "too_long": made.too_long,
        "perplexity_before": round(made.perplexity_before, 3),
        "perplexity_after": round(made.perplexity_after, 3),
        "seconds": round(made.seconds, 1),
    }


def _proved(
    model: Path, folder: Path, trained: str, name: str, prepared: Prepared
) -> tuple[Path, dict[str, Any]]:
    from ccos.cli.terminal import progress
    from ccos.learning.lora.converting import convert
    from ccos.learning.lora.proving import prove
    from ccos.local.adapters import digest_of
    from ccos.local.gguf import read_header

    digest = digest_of(model, folder / ".digest.json")
    adapter = convert(
        Path(trained), folder / f"{name}.gguf", read_header(model), base_sha256=digest, name=name
    )
    with progress("Held-out replies") as tell:
        proof = run(prove(model, adapter, prepared.held, tell=tell))
    return adapter, {
        "replies": proof.replies,
        "before": round(proof.before, 3),
        "after": round(proof.after, 3),
        "better": proof.better,
    }


def _registered(
    found: Settings, adapter: Path, model: Path, name: str, whose: Tenant | None, task: str, tier: str
) -> list[str]:
    """Takes it into service; sentences on why it will not serve, where it will not."""
    from ccos.local.adapters import Adapter
    from ccos.wiring.adapters import adapter_notes, open_adapters

    entry = Adapter(name, adapter, tenants=_tenants(whose), tasks=(task,), tier=tier)
    open_adapters(found).add(entry, model, replace=True)
    return [note for note in adapter_notes(found) if f" adapter {name} is " in note]


def _words(prepared: Prepared) -> str:
    figures = prepared.figures()
    left = figures["left_out"]
    why = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in sorted(left.items()))
    return (
        f"{figures['examples']} approved replies, {figures['held_out']} of them held out;"
        f" {sum(left.values())} left out{f' ({why})' if why else ''}"
    )


def _say(document: dict[str, Any], as_json: bool, sentence: str) -> None:
    if as_json:
        print_json(document)
    else:
        click.echo(sentence)
