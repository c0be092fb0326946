"""`ccos drill`: an outage rehearsed on the live configuration, without harming anyone."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from click.shell_completion import CompletionItem

from ccos.cli.run import DONE, FAILED, Seconds, complain, end, print_json, run, settings
from ccos.domain.errors import BadInput
from ccos.domain.tier import Mode, Tier

if TYPE_CHECKING:
    from ccos.drill.faults import Fault
    from ccos.drill.holding import Scene
    from ccos.drill.records import Record
    from ccos.drill.rehearsal import Lengths
    from ccos.settings import Settings

_TIERS = (Tier.CLOUD_PREMIUM, Tier.LOCAL_MINIMAX, Tier.LOCAL_TINYLLAMA)
_DRAFTS, _DRAFTS_OF_SEVERAL = 20, 12
_PHASE = Seconds(0, 3_600)


def _complete_faults(
    ctx: click.Context,  # noqa: ARG001
    param: click.Parameter,  # noqa: ARG001
    incomplete: str,
) -> list[CompletionItem]:
    from ccos.drill.faults import FAULTS

    return [CompletionItem(f.name, help=f.title_en) for f in FAULTS.values() if f.name.startswith(incomplete)]


@click.command()
@click.option(
    "--tier",
    type=click.Choice([tier.value for tier in _TIERS]),
    default="tier_0",
    show_default=True,
    help="The tier that fails.",
)
@click.option(
    "--fault",
    "names",
    multiple=True,
    metavar="NAME",
    shell_complete=_complete_faults,
    help="How it fails [unavailable]; repeatable.",
)
@click.option("--all-faults", is_flag=True, help="Every fault, one after another.")
@click.option("--list-faults", is_flag=True, help="Show the faults there are, and end.")
@click.option("--tickets", type=click.IntRange(1, 1_000), help="Drafts a phase [20; 12 with several faults].")
@click.option(
    "--before", type=_PHASE, metavar="S", help="Seconds of the phase before, instead of a number of drafts."
)
@click.option("--during", type=_PHASE, metavar="S", help="Seconds of each outage, likewise.")
@click.option(
    "--after", type=_PHASE, metavar="S", help="Seconds after each outage, recovery included, likewise."
)
@click.option("--mode", type=click.Choice([m.value for m in Mode]), help="How tiers are ordered [CCOS_MODE].")
@click.option("--seconds", type=Seconds(1, 600), default=20.0, show_default=True, help="Per draft.")
@click.option(
    "--concurrency", type=click.IntRange(1, 64), default=4, show_default=True, help="Drafts at a time."
)
@click.option(
    "--spend-at-most",
    type=click.FloatRange(0, 1_000),
    default=0.50,
    show_default=True,
    metavar="USD",
    help="What the whole drill may spend on paid providers.",
)
@click.option("--simulate", is_flag=True, help="Put a simulated provider in the tier's place: free, offline.")
@click.option(
    "--html",
    "html",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the report here.",
)
@click.option(
    "--language", type=click.Choice(["en", "ko"]), default="en", show_default=True, help="Of the report."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--yes", is_flag=True, help="Do not ask before money is spent.")
def drill(
    tier: str,
    names: tuple[str, ...],
    all_faults: bool,
    list_faults: bool,
    tickets: int | None,
    before: float | None,
    during: float | None,
    after: float | None,
    mode: str | None,
    seconds: float,
    concurrency: int,
    spend_at_most: float,
    simulate: bool,
    html: Path | None,
    language: Literal["en", "ko"],
    as_json: bool,
    yes: bool,
) -> None:
    """Rehearse an outage on the live configuration, and report what came of it.

    A tier's providers are made to fail inside this process while sample tickets are drafted before, during
    and after. The product that serves, its breakers, queues, drafts and database are not touched. The exit
    code is 1 when a promise that was measured does not hold, or when the tier wrote nothing even without a
    fault, so that nothing about it could be measured.
    """
    if list_faults:
        _list(as_json)
        return
    faults = _chosen(names, all_faults)
    if during == 0:
        raise BadInput("--during 0 leaves no outage to rehearse; give it some seconds, or leave it out.")
    if html is not None and not html.parent.is_dir():
        raise BadInput(f"There is no folder {html.parent}; make it, or give another path with --html.")
    drafts = tickets or (_DRAFTS if len(faults) == 1 else _DRAFTS_OF_SEVERAL)
    records: list[Record] = []

    async def go(found: Settings, how: Mode) -> None:
        from contextlib import AsyncExitStack

        from ccos.cli.terminal import working
        from ccos.drill.holding import Wish, open_scene

        wish = Wish(
            tier=Tier(tier),
            mode=how,
            seconds=seconds,
            concurrency=concurrency,
            tickets=drafts,
            spend_at_most_usd=Decimal(str(spend_at_most)),
            simulate=simulate,
        )
        async with AsyncExitStack() as stack:
            with working("Setting the scene (providers, search)"):
                scene = await open_scene(found, wish, stack)
            if scene.may_cost:
                _ask(scene, yes)
            records.append(scene.record())
            await _rehearse(scene, records[0], faults, _lengths(drafts, before, during, after))

    try:
        found = settings()
        how = Mode(mode) if mode else found.mode
        if how is Mode.OUTAGE and tier == Tier.CLOUD_PREMIUM.value:
            raise BadInput("The mode outage never asks tier_0; give another --mode, or another --tier.")
        run(go(found, how))
    except (
        KeyboardInterrupt,
        click.exceptions.Exit,
    ):  # what was done until then is still told
        for record in records:
            _report(record, html, language, as_json)
            complain("The drill was stopped before its end; this is what was done until then.")
        if not records:
            complain("The drill was stopped before it began.")
        raise
    end(DONE if _report(records[0], html, language, as_json) == "pass" else FAILED)


async def _rehearse(scene: Scene, record: Record, faults: list[Fault], lengths: Lengths) -> None:
    from ccos.cli.terminal import progress
    from ccos.drill.quiet import without_injected

    each = (lengths.before, *(lengths.during, lengths.after) * len(faults))
    counted = all(length.seconds is None for length in each)  # nobody knows how many fit into seconds
    planned = sum(length.drafts or 0 for length in each)
    with progress("Drilling", every=20) as tell, without_injected(scene.faulty):

        def on_draft() -> None:
            more = sum(sample.phase == "recovery" for sample in record.samples)  # as many as it takes
            tell(len(record.samples), planned + more if counted else None)

        await scene.rehearse(record, faults, lengths, on_draft)


def _lengths(drafts: int, before: float | None, during: float | None, after: float | None) -> Lengths:
    from ccos.drill.rehearsal import Length, Lengths

    def length(seconds: float | None) -> Length:
        return Length(drafts=drafts) if seconds is None else Length(seconds=seconds)

    return Lengths(length(before), length(during), length(after))


def _chosen(names: tuple[str, ...], all_faults: bool) -> list[Fault]:
    """The faults that were named, in that order, each once. Raises BadInput for a name there is none of."""
    import difflib

    from ccos.drill.faults import DEFAULT_FAULT, FAULTS

    if all_faults and names:
        raise BadInput("Give --fault or --all-faults, not both.")
    for name in names:
        if name not in FAULTS:
            near = difflib.get_close_matches(name, FAULTS, n=1)
            hint = f"did you mean {near[0]}?" if near else "`ccos drill --list-faults` shows those there are."
            raise BadInput(f"There is no fault {name!r}: {hint}")
    wanted = FAULTS if all_faults else dict.fromkeys(names or (DEFAULT_FAULT,))
    return [FAULTS[name] for name in wanted]


def _ask(scene: Scene, yes: bool) -> None:
    """Says the most it can cost, and goes on when somebody agrees, or has agreed before."""
    most = float(scene.limit) / 1_000_000
    said = f"This drill asks paid providers and may spend up to ${most:.2f}; it stops asking them there."
    if not yes and not sys.stdin.isatty():
        raise BadInput(f"{said} Add --yes to allow it, or --simulate to spend nothing.")
    complain(said)
    if not yes:
        click.confirm("Go on?", abort=True, err=True)


def _report(record: Record, html: Path | None, language: Literal["en", "ko"], as_json: bool) -> str:
    """Writes and prints what came of it; the verdict."""
    from ccos.drill.document import document
    from ccos.settings import given

    in_force = given()
    found = document(record, in_force)
    if html is not None:
        from ccos.drill.page import page

        html.write_text(page(record, in_force, language), encoding="utf-8")
        complain(f"The report is in {html}.")
    if as_json:
        print_json(found)
    else:
        _print(record)
    if record.out_of_money:
        complain(
            f"The drill's money (${record.spend_at_most_usd:.2f}) did not reach for every call; "
            "give more with --spend-at-most, or fewer --tickets."
        )
    return str(found["verdict"])


def _print(record: Record) -> None:
    from ccos.cli.drill_table import show
    from ccos.cli.terminal import stdout

    show(stdout(), record)


def _list(as_json: bool) -> None:
    from ccos.drill.faults import FAULTS

    if as_json:
        shown: list[dict[str, Any]] = [
            {"name": f.name, "title": f.title_en, "reasons": list(f.reasons)} for f in FAULTS.values()
        ]
        print_json({"faults": shown})
        return
    for fault in FAULTS.values():
        click.echo(f"{fault.name:<18} {fault.title_en}")
