"""`ccos experiments`: compare ways to draft on real tickets, and keep the better one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ccos.cli import tenancy
from ccos.cli.run import complain, print_json, run, settings

if TYPE_CHECKING:
    from ccos.domain.experiment import Definition, Experiment
    from ccos.domain.tenant import Tenant
    from ccos.store.database import Database, Tx

T = TypeVar("T")

BY = "cli"
"""Who did it, where no API key was used."""
METRICS = ("approval", "as_is", "seconds_to_decide", "cost_usd")

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


@click.group()
def experiments() -> None:
    """Compare ways to draft on real tickets, and keep the better one.

    A ticket keeps its arm. What `show` says holds at every moment, however often it is looked at.
    """


@experiments.command("list")
@tenancy.option
@as_json_option
def list_(tenant: str | None, as_json: bool) -> None:
    """List experiments, the running ones first."""
    from ccos.store import experiments as store

    slug, found = run(_within(tenant, store.find_all))
    if as_json:
        print_json({"experiments": [each.model_dump(mode="json") for each in found]})
    elif not found:
        complain(f"{slug} has no experiments; `ccos experiments create --help` says how to make one.")
    else:
        from ccos.cli.experiments_showing import print_list

        print_list(found)


@experiments.command()
@tenancy.option
@click.argument("name")
@as_json_option
def show(tenant: str | None, name: str, as_json: bool) -> None:
    """What an experiment says now: arms, the interval and its way there, guardrails, and one verdict."""
    from ccos.cli.experiments_showing import print_told
    from ccos.wiring.experiments import tell

    async def go(database: Database, whose: Tenant) -> Any:
        return await tell(database, whose.id, name)

    _, told = run(_with_tenant(tenant, go))
    if as_json:
        print_json(told.document())
    else:
        print_told(told)


@experiments.command()
@tenancy.option
@click.argument("name", required=False)
@click.option("--file", metavar="FILE", help="A definition in JSON or TOML, or - for JSON from stdin.")
@click.option("--arm", "arms", multiple=True, metavar="NAME", help="An arm; the first one is the control.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="ARM.KEY=VALUE",
    help="What an arm changes: mode, guidance, required_quality, tier_0 .. tier_2 (a model), or its weight.",
)
@click.option("--metric", type=click.Choice(METRICS), default=METRICS[0], show_default=True)
@click.option("--least-effect", type=float, help="Smallest difference worth knowing; left out: 0.05.")
@click.option("--share", type=float, default=1.0, show_default=True, help="Of the tickets, that take part.")
@click.option("--intent", "intents", multiple=True, help="Only tickets of this intent; may be repeated.")
@click.option("--language", "languages", multiple=True, type=click.Choice(["ko", "en"]))
@click.option("--hypothesis", default="", help="What is expected, and why.")
@click.option("--start", "at_once", is_flag=True, help="Start it at once.")
@as_json_option
def create(
    tenant: str | None,
    name: str | None,
    file: str | None,
    arms: Sequence[str],
    changes: Sequence[str],
    metric: str,
    least_effect: float | None,
    share: float,
    intents: Sequence[str],
    languages: Sequence[str],
    hypothesis: str,
    at_once: bool,
    as_json: bool,
) -> None:
    """Make an experiment NAME from options, or from a FILE; guardrails are set in a file.

    \b
    ccos experiments create modes --arm control --arm fast --set fast.mode=latency_first --start
    """
    from ccos.domain.errors import BadInput
    from ccos.store import experiments as store

    if file is not None:
        if name is not None or arms or changes:
            raise BadInput("Give either --file, or NAME with --arm and --set.")
        definition = _from_file(file)
    else:
        if name is None:
            raise BadInput("Give a NAME with --arm and --set, or a definition with --file.")
        given: dict[str, Any] = {
            "name": name,
            "hypothesis": hypothesis,
            "arms": arms_of(arms, changes),
            "share": share,
            "intents": list(intents),
            "languages": list(languages),
            "metric": metric,
        }
        if least_effect is not None:
            given["least_effect"] = least_effect
        definition = _checked(given)

    async def go(tx: Tx) -> Experiment:
        made = await store.create(tx, definition, by=BY)
        return await store.start(tx, definition.name, by=BY) if at_once else made

    _, made = run(_within(tenant, go))
    _say(
        made, as_json, "is running" if at_once else f"is made; `ccos experiments start {made.name}` starts it"
    )


@experiments.command()
@tenancy.option
@click.argument("name")
@as_json_option
def start(tenant: str | None, name: str, as_json: bool) -> None:
    """Give tickets to the arms from now on."""
    from ccos.store import experiments as store

    _, made = run(_within(tenant, lambda tx: store.start(tx, name, by=BY)))
    _say(made, as_json, f"is running; `ccos experiments show {made.name}` says how it does")


@experiments.command()
@tenancy.option
@click.argument("name")
@click.option("--reason", default="", help="Kept with it.")
@as_json_option
def stop(tenant: str | None, name: str, reason: str, as_json: bool) -> None:
    """Give it no more tickets; what it showed stays."""
    from ccos.store import experiments as store

    _, made = run(_within(tenant, lambda tx: store.stop(tx, name, by=BY, reason=reason[:500])))
    _say(made, as_json, "is stopped")


@experiments.command()
@tenancy.option
@click.argument("name")
@click.argument("arm", required=False)
@click.option("--back", is_flag=True, help="Take the promotion back.")
@as_json_option
def promote(tenant: str | None, name: str, arm: str | None, back: bool, as_json: bool) -> None:
    """Make what an ARM changes the tenant's own choice, and stop the experiment."""
    from ccos.domain.errors import BadInput
    from ccos.store import experiments as store

    if back == (arm is not None):
        raise BadInput("Give the ARM to promote, or --back to take a promotion back.")
    if arm is None:
        _, made = run(_within(tenant, lambda tx: store.take_back(tx, name, by=BY)))
        _say(made, as_json, "is taken back: drafts are made as before it")
    else:
        _, made = run(_within(tenant, lambda tx: store.promote(tx, name, arm, by=BY)))
        _say(made, as_json, f"is stopped and its arm {arm} promoted; `--back` takes that back")


@experiments.command()
@tenancy.option
@click.option(
    "--days", type=click.IntRange(1, 90), default=90, show_default=True, help="Of plans, up to now."
)
@as_json_option
def estimate(tenant: str | None, days: int, as_json: bool) -> None:
    """What beginning with another tier would have been worth, from the plans that were logged.

    Nothing is tried for it. It needs plans that varied (CCOS_EXPLORE), and says nothing the log cannot.
    """
    from ccos.learning.experiments.off_policy import judge
    from ccos.store import experiments as store

    slug, rows = run(_within(tenant, lambda tx: store.logged(tx, days=days)))
    told = judge(rows)
    if as_json:
        print_json({"tenant": slug, "days": days, **told.document()})
    elif not told.decisions:
        complain(f"Nobody decided about a planned draft of {slug} in the last {days} days.")
    else:
        from ccos.cli.experiments_showing import print_judgement

        print_judgement(told)


def arms_of(names: Sequence[str], changes: Sequence[str]) -> list[dict[str, Any]]:
    """Arms as a definition has them, from `NAME` and `ARM.KEY=VALUE`. Raises BadInput."""
    from ccos.domain.errors import BadInput

    arms: dict[str, dict[str, Any]] = {name: {"name": name, "change": {}} for name in names}
    if len(arms) < max(len(names), 2):
        raise BadInput("Give two arms or more, each with a name of its own: --arm control --arm new.")
    for given in changes:
        where, sign, value = given.partition("=")
        name, dot, key = where.partition(".")
        if not (sign and dot) or name not in arms:
            raise BadInput(
                f"--set {given[:60]!r} cannot be read; write ARM.KEY=VALUE with the name of an --arm."
            )
        arm = arms[name]
        if key == "weight":
            arm["weight"] = value
        elif key in ("tier_0", "tier_1", "tier_2"):
            arm["change"].setdefault("models", {})[key] = value
        elif key in ("mode", "guidance", "required_quality"):
            arm["change"][key] = value
        else:
            raise BadInput(
                f"An arm has no {key[:40]!r}; it can set mode, guidance, required_quality, weight, or a "
                "model of tier_0 .. tier_2."
            )
    return list(arms.values())


def _from_file(file: str) -> Definition:
    from ccos.cli.reading import document
    from ccos.domain.experiment import Definition

    if not file.endswith(".toml"):
        return document(file, Definition, "experiment")
    import tomllib
    from pathlib import Path

    from ccos.domain.errors import BadInput

    try:
        return _checked(tomllib.loads(Path(file).read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as fault:
        raise BadInput(f"{file} is no TOML: {fault}.") from None
    except (OSError, ValueError) as fault:
        raise BadInput(f"{file} cannot be read ({type(fault).__name__}); give a file in UTF-8.") from None


def _checked(given: dict[str, Any]) -> Definition:
    """Raises BadInput with what is wrong first."""
    from ccos.domain.documents import checked
    from ccos.domain.errors import BadInput
    from ccos.domain.experiment import Definition

    return checked(given, Definition, "experiment", BadInput)


def _say(made: Experiment, as_json: bool, what: str) -> None:
    if as_json:
        print_json(made.model_dump(mode="json"))
    else:
        click.echo(f"The experiment {made.name} {what}.")


async def _within(tenant: str | None, do: Callable[[Tx], Awaitable[T]]) -> tuple[str, T]:
    """The tenant's slug, and what came of `do` in one transaction of it."""

    async def go(database: Database, whose: Tenant) -> T:
        async with database.tenant(whose.id) as tx:
            return await do(tx)

    return await _with_tenant(tenant, go)


async def _with_tenant(tenant: str | None, do: Callable[[Database, Tenant], Awaitable[T]]) -> tuple[str, T]:
    from ccos.wiring import open_administration

    async with open_administration(settings()) as owner:
        whose = await tenancy.tenant_for(owner, tenant)
        return whose.slug, await do(owner, whose)
