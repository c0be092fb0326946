"""`ccos models promote`: a proven model into service, while calls go on."""

from __future__ import annotations

import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ccos.cli import tenancy
from ccos.cli.models_names import name_argument
from ccos.cli.run import DONE, FAILED, Number, Seconds, complain, end, print_json, run, settings
from ccos.domain.errors import BadInput
from ccos.domain.tier import Tier

if TYPE_CHECKING:
    from ccos.local.registry.manifest import Manifest
    from ccos.settings import Settings

tier_option = click.option(
    "--tier",
    required=True,
    type=click.Choice([Tier.LOCAL_MINIMAX.value, Tier.LOCAL_TINYLLAMA.value]),
    help="The tier it is for.",
)


@click.command()
@name_argument
@tier_option
@click.option(
    "--golden",
    type=click.IntRange(10),
    default=60,
    show_default=True,
    help="Sample tickets it must draft, each judged by the gate.",
)
@click.option(
    "--shadow",
    type=click.IntRange(0, 1_000),
    default=20,
    show_default=True,
    help="Newest tickets of --tenant that it drafts beside the old model, unseen; 0 leaves that out.",
)
@click.option(
    "--floor",
    type=Number(0, 1),
    default=0.3,
    show_default=True,
    help="Share of drafts the gate must accept where no model serves yet.",
)
@click.option(
    "--timeout", type=Seconds(0.1, 3_600), default=180.0, show_default=True, help="Seconds a draft."
)
@click.option("--force", metavar="REASON", help="Promote without golden set and shadow; the reason is kept.")
@tenancy.option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def promote(
    name: str,
    tier: str,
    golden: int,
    shadow: int,
    floor: float,
    timeout: float,
    force: str | None,
    tenant: str | None,
    as_json: bool,
) -> None:
    """Take the model NAME into service for a tier, when it proves good enough.

    It must be whole, load and answer; draft the sample shop's tickets no worse than the model that serves, as
    the real gate judges; and draft the newest real tickets beside it no worse, with nothing shown or kept but
    figures. A running `ccos serve` or `ccos worker` goes over to it within seconds and loses no call. The
    exit code is 1 when the model is refused.
    """
    from ccos.cli.models_showing import now
    from ccos.local.registry.manifest import Manifest
    from ccos.wiring.drafter import drafts_placeholders
    from ccos.wiring.models import open_registry, open_service, told_elsewhere

    if force is not None and not force.strip():
        raise BadInput("Say with --force why the model need not be proven; the reason is kept.")
    found = settings(quiet=True)
    registry, service = open_registry(found), open_service(found)
    manifest = registry.get(name)
    before = service.read().get(tier)
    current = before.current if before else None
    if current == name:
        raise BadInput(f"{name} serves {tier} already.")
    if drafts_placeholders(registry.path(manifest)):
        raise BadInput(
            f"{name} writes placeholders, which the registry cannot serve; set TINYLLAMA_MODEL_PATH to"
            " its file."
        )
    known = {each.name: each for each in registry.all() if isinstance(each, Manifest)}
    old = known.get(current) if current is not None else None
    evidence, refused = run(
        _proven(found, manifest, old, Tier(tier), force, golden, shadow, floor, timeout, tenant)
    )
    document: dict[str, Any] = {"name": name, "tier": tier, "promoted": refused is None, "why": refused}
    if refused is None:
        made = service.promote(tier, name, evidence, at=now(), instead_of=current)
        document |= made.document()
    else:
        document["evidence"] = evidence
    elsewhere = told_elsewhere(found, tier)
    if as_json:
        print_json(document)
    elif refused is None:
        click.echo(f"{name} is in service for {tier}{f', in place of {current}' if current else ''}.")
        click.echo(f"Back with one command: ccos models rollback --tier {tier}" if made.previous else _FIRST)
    if refused is not None:
        complain(f"{name} is not taken into service: {refused}")
    elif elsewhere is not None:
        complain(f"It serves nothing yet, because {elsewhere}; take that away and start CCOS again.")
    end(DONE if refused is None else FAILED)


_FIRST = "No model served it before: a `ccos serve` that runs already takes it up when it is started again."


async def _proven(
    found: Settings,
    manifest: Manifest,
    old: Manifest | None,
    tier: Tier,
    force: str | None,
    golden: int,
    shadow: int,
    floor: float,
    timeout: float,
    tenant: str | None,
) -> tuple[dict[str, Any], str | None]:
    """The evidence, and why the model is refused; None when it is not."""
    from ccos.cli.models_trial import drafted, golden_course, shadow_course
    from ccos.cli.models_verify import verified
    from ccos.cli.terminal import progress
    from ccos.learning.replacing import below, figures, worse
    from ccos.wiring.models import open_registry

    registry = open_registry(found)
    checks = await verified(registry, manifest)
    evidence: dict[str, Any] = {
        "verified": {check.name: check.passed for check in checks},
        "sha256": manifest.sha256,
    }
    if failed := next((check for check in checks if not check.passed), None):
        return evidence, failed.detail
    if force is not None:
        return evidence | {"forced": force.strip()}, None
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ccos-promote-")))
        courses = [await golden_course(home, golden, stack)]
        if shadow:
            courses.append(await shadow_course(found, home, shadow, tenant, stack))
            if not courses[1].tickets:
                whose = f"The tenant {courses[1].tenant.slug}"
                complain(f"{whose} has no tickets yet: there is nothing to draft in shadow.")
        both = [manifest, old] if old is not None else [manifest]
        total, done = len(both) * sum(len(course.tickets) for course in courses), 0
        by_model = []
        with progress("Drafting") as tell:

            def on_draft() -> None:
                nonlocal done
                done += 1
                tell(done, total)

            for each in both:
                path = registry.path(each)
                by_model.append(await drafted(found, tier, path, courses, seconds=timeout, on_draft=on_draft))
    new = by_model[0]
    before = by_model[1] if old is not None else None
    for place, name in enumerate(("golden", "shadow")[: len(courses)]):
        evidence[name] = {"new": figures(new[place])}
        if before is not None and old is not None:
            evidence[name] |= {"old": figures(before[place]), "old_model": old.name}
        why = below(new[0], floor) if before is None else worse(new[place], before[place])
        if why is not None:
            return evidence, f"{_OF[name]}, {why}"
    return evidence, None


_OF = {"golden": "Of the sample's tickets", "shadow": "Of real tickets"}
