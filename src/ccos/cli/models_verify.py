"""`ccos models verify`: whether a model is whole, loads and answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ccos.cli.models_names import name_argument
from ccos.cli.run import DONE, FAILED, end, print_json, run, settings

if TYPE_CHECKING:
    from ccos.local.registry.manifest import Manifest
    from ccos.local.registry.registry import Registry
    from ccos.local.registry.verifying import Check

_CONTEXT_TOKENS = 2_048


@click.command()
@name_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def verify(name: str, as_json: bool) -> None:
    """Check size, checksum and header of the model NAME, load it, and have it answer.

    It is loaded in a process of its own, beside whatever serves. The exit code is 1 when a check fails.
    """
    from ccos.wiring.models import open_registry

    registry = open_registry(settings(quiet=True))
    manifest = registry.get(name)
    checks = run(verified(registry, manifest))
    passed = all(check.passed for check in checks)
    if as_json:
        rows = [{"name": c.name, "passed": c.passed, "detail": c.detail} for c in checks]
        print_json({"name": name, "verified": passed, "checks": rows})
    else:
        show_checks(checks)
    end(DONE if passed else FAILED)


async def verified(registry: Registry, manifest: Manifest) -> list[Check]:
    """The checks; when all passed, the manifest says so from now on."""
    from ccos.cli.models_showing import bytes_bar, now
    from ccos.local.plan import ModelPlan
    from ccos.local.registry.verifying import verify as check

    plan = ModelPlan("verify", Path(), context_tokens=_CONTEXT_TOKENS, slots=1)
    with bytes_bar("Verifying") as tell:
        checks = await check(manifest, registry.path(manifest), plan, tell)
    if all(one.passed for one in checks):
        registry.note_verified(manifest.name, now())
    return checks


def show_checks(checks: list[Check]) -> None:
    for check in checks:
        click.echo(f"{'ok' if check.passed else 'FAILED':6} {check.name}: {check.detail}")
