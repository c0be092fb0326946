"""`ccos kb gaps`: what customers ask and the knowledge base does not answer, and articles proposed for it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from ccos.cli import tenancy
from ccos.cli.run import complain, print_json, run, settings

if TYPE_CHECKING:
    from datetime import tzinfo

    from ccos.agents.gaps import Gaps
    from ccos.domain.gap import Gap
    from ccos.domain.tenant import Tenant
    from ccos.store.database import Database

T = TypeVar("T")

LOAD_SECONDS = 120.0
BY = "cli"
"""Who decided, where no API key was used."""
SHORT = 8
"""The last characters of an id, which tell gaps apart."""
STATES = ("open", "proposed", "accepted", "closed", "dismissed")
WANTING = STATES[:2]
_WHY = {"held": "asked back or handed over", "thin": "thin evidence", "rejected": "evidence rejected"}

as_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
gap_argument = click.argument("gap", metavar="ID")


def _back(_ctx: click.Context, _param: click.Parameter, value: str) -> timedelta:
    """A time back from now: 12h, 28d, 8w."""
    found = re.fullmatch(r"(\d{1,4})([hdw])", value.strip())
    if found is None or not int(found[1]):
        raise click.BadParameter(f"{value!r} is not a time like 12h, 28d or 8w.")
    return int(found[1]) * {"h": timedelta(hours=1), "d": timedelta(1), "w": timedelta(7)}[found[2]]


@click.group(invoke_without_command=True)
@tenancy.option
@click.option(
    "--min", "at_least", type=click.IntRange(1), default=1, show_default=True, help="Fewest questions."
)
@click.option(
    "--since",
    callback=_back,
    metavar="TIME",
    default="28d",
    show_default=True,
    help="Asked since: 12h, 28d, 8w.",
)
@click.option("--state", type=click.Choice([*STATES, "all"]), help="Only these; left out: open and proposed.")
@as_json_option
@click.pass_context
def gaps(
    ctx: click.Context,
    tenant: str | None,
    at_least: int,
    since: timedelta,
    state: str | None,
    as_json: bool,
) -> None:
    """Questions that drafts could not answer, those that ask the same together, the most frequent first.

    An ID of the commands below may be the eight characters that the list shows.
    """
    if ctx.invoked_subcommand is not None:
        ctx.obj = tenant
        return
    from datetime import UTC, datetime

    from ccos.domain.gap import GapState, document
    from ccos.store import gaps as store

    found = settings()
    now = datetime.now(UTC)
    states = STATES if state == "all" else (state,) if state else WANTING

    async def go(service: Gaps, database: Database, whose: Tenant) -> tuple[list[Gap], int]:
        await service.refresh(whose.id, now)
        async with database.tenant(whose.id) as tx:
            shown = await store.page(
                tx, now=now, states=[GapState(s) for s in states], since=now - since, at_least=at_least
            )
            every = await store.page(tx, now=now, states=[GapState(s) for s in states], at_least=0)
        return shown, len(every)

    shown, every = run(_with_gaps(tenant, go))
    if as_json:
        print_json({"gaps": [document(gap) for gap in shown], "others": every - len(shown)})
        return
    if not shown:
        complain(_nothing(state, every))
        return
    from zoneinfo import ZoneInfo

    _print_list(shown, every - len(shown), ZoneInfo(found.timezone))


@gaps.command()
@gap_argument
@tenancy.option
@as_json_option
@click.pass_obj
def show(above: str | None, gap: str, tenant: str | None, as_json: bool) -> None:
    """A gap with its examples, and the article proposed for it."""

    async def go(_service: Gaps, database: Database, whose: Tenant) -> Gap:
        return await _found(database, whose, gap)

    _print_one(run(_with_gaps(tenant or above, go)), as_json)


@gaps.command()
@gap_argument
@tenancy.option
@click.option("--rules", is_flag=True, help="Draft it from the replies alone, and ask no model.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it to FILE, to edit it.")
@as_json_option
@click.pass_obj
def propose(
    above: str | None, gap: str, tenant: str | None, rules: bool, out: Path | None, as_json: bool
) -> None:
    """Draft an article for a gap from the replies that agents sent; it is found by nobody until accepted."""
    from ccos.cli.terminal import working
    from ccos.domain.errors import BadInput

    if out is not None and out.exists():
        raise BadInput(f"{out} is there already; give another file.")

    async def by_rules(service: Gaps, database: Database, whose: Tenant) -> Gap:
        return await service.propose(whose, (await _found(database, whose, gap)).id)

    async def by_tiers() -> Gap:
        from ccos.agents.gaps import Gaps
        from ccos.wiring import open_ccos

        async with open_ccos(settings(), load_seconds=LOAD_SECONDS) as ccos:
            whose = await tenancy.tenant_for(ccos.database, tenant or above)
            wanted = await _found(ccos.database, whose, gap)
            service = Gaps(ccos.database, ccos.searcher)
            return await service.propose(whose, wanted.id, generator=ccos.service, mode=ccos.settings.mode)

    with working("Drafting the article"):
        made = run(_with_gaps(tenant or above, by_rules) if rules else by_tiers())
    if out is not None and made.proposal is not None:
        out.write_text(made.proposal.body, encoding="utf-8")
    _print_one(made, as_json)


@gaps.command()
@gap_argument
@tenancy.option
@click.option("--public", is_flag=True, help="Customers may be told what it says; left out: agents only.")
@click.option("--edit", type=click.Path(path_type=Path), metavar="FILE", help="Markdown to take instead.")
@as_json_option
@click.pass_obj
def accept(
    above: str | None, gap: str, tenant: str | None, public: bool, edit: Path | None, as_json: bool
) -> None:
    """Put the proposed article into the knowledge base, as it is or as you edited it."""
    edited = _text(edit) if edit is not None else None

    async def go(service: Gaps, database: Database, whose: Tenant) -> Gap:
        wanted = await _found(database, whose, gap)
        return await service.accept(whose.id, wanted.id, by=BY, public=public, edited=edited)

    done = run(_with_gaps(tenant or above, go))
    if as_json:
        _print_one(done, as_json)
        return
    who = "agents and customers" if public else "agents only; --public would tell customers too"
    click.echo(f"{done.article_id} is in the knowledge base, for {who}.")


@gaps.command()
@gap_argument
@tenancy.option
@click.option("--reason", required=True, help="Why no article is wanted.")
@as_json_option
@click.pass_obj
def dismiss(above: str | None, gap: str, tenant: str | None, reason: str, as_json: bool) -> None:
    """Wave a gap away; it is shown again when it has become twice as large."""

    async def go(service: Gaps, database: Database, whose: Tenant) -> Gap:
        wanted = await _found(database, whose, gap)
        return await service.dismiss(whose.id, wanted.id, by=BY, reason=reason)

    done = run(_with_gaps(tenant or above, go))
    if as_json:
        _print_one(done, as_json)
    else:
        click.echo(f"Dismissed; it comes back at {2 * max(done.count, 1)} questions.")


async def _with_gaps(slug: str | None, work: Callable[[Gaps, Database, Tenant], Awaitable[T]]) -> T:
    from ccos.agents.gaps import Gaps
    from ccos.wiring import open_knowledge

    async with AsyncExitStack() as stack:
        knowledge = await stack.enter_async_context(open_knowledge(settings()))
        whose = await tenancy.tenant_for(knowledge.database, slug)
        return await work(Gaps(knowledge.database, knowledge.searcher), knowledge.database, whose)


async def _found(database: Database, whose: Tenant, gap: str) -> Gap:
    """The gap of this id, or whose id ends so. Raises NotFound, BadInput."""
    from datetime import UTC, datetime

    from ccos.domain.errors import BadInput
    from ccos.store import gaps as store

    now = datetime.now(UTC)
    async with database.tenant(whose.id) as tx:
        if not re.fullmatch(rf"[0-9a-f]{{{SHORT},35}}", gap):
            return await store.get(tx, gap, now=now)
        like = [each for each in await store.page(tx, now=now, at_least=0) if str(each.id).endswith(gap)]
        if len(like) > 1:
            raise BadInput(f"{len(like)} gaps have ids that end in {gap}; give the whole id.")
        return like[0] if like else await store.get(tx, gap, now=now)


def _text(path: Path) -> str:
    from ccos.domain.errors import BadInput

    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not UTF-8 text; save it as UTF-8.") from None
    except IsADirectoryError:
        raise BadInput(f"{path} is a folder; give the path of a file.") from None
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}; give the path of one.") from None


def _nothing(state: str | None, every: int) -> str:
    if every:
        return f"{_many(every, 'gap')}, but none with so many questions in that time; see --since and --min."
    if state is not None:
        return "There is no such gap."
    return "No gaps: no draft of the last 180 days asked back, handed over, or stood on thin evidence."


def _print_list(shown: list[Gap], others: int, zone: tzinfo) -> None:
    from rich.text import Text

    from ccos.cli.terminal import plain, stdout

    out = stdout()
    asked = sum(gap.count for gap in shown)
    out.print(
        f"{_many(asked, 'question')} that the knowledge base did not answer, in {_many(len(shown), 'gap')}."
    )
    width = len(str(shown[0].count))
    for gap in shown:
        out.print(Text(f"{gap.count:>{width}}  {plain(gap.label)}", "bold"), soft_wrap=True)
        for example in gap.examples[1:3]:
            out.print(Text(f"{'':{width}}  {plain(example)}"), soft_wrap=True)
        parts = [
            ", ".join(f"{_WHY[why]}{f' {n}' if len(gap.whys) > 1 else ''}" for why, n in gap.whys),
            ", ".join(f"{plain(name) or 'no channel'} {n}" for name, n in gap.channels),
            f"last asked {gap.last_seen.astimezone(zone):%Y-%m-%d}" if gap.last_seen else "",
            f"by week {' '.join(map(str, gap.weeks))}",
            gap.state.value,
            str(gap.id)[-SHORT:],
        ]
        out.print(Text(f"{'':{width}}  {' · '.join(filter(None, parts))}", "dim"), soft_wrap=True)
    if others:
        out.print(
            f"{_many(others, 'gap')} more: asked less often, or not in that time; see --since and --min."
        )
    out.print(
        "Next: `ccos kb gaps propose ID` drafts an article, `dismiss ID --reason WHY` waves a gap away."
    )


def _many(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _print_one(gap: Gap, as_json: bool) -> None:
    from ccos.domain.gap import document

    if as_json:
        print_json(document(gap))
        return
    from rich.text import Text

    from ccos.cli.terminal import plain, stdout

    out = stdout()
    out.print(Text(plain(gap.label), "bold"), soft_wrap=True)
    channels = ", ".join(f"{name or 'no channel'} {n}" for name, n in gap.channels)
    out.print(
        Text(f"{gap.state.value}, {_many(gap.count, 'question')} ({channels or 'none left'})"), soft_wrap=True
    )
    if gap.proposal is None:
        for example in gap.examples[1:]:
            out.print(Text(f"  {plain(example)}"), soft_wrap=True)
        return
    out.print(Text(f"Proposed by {plain(gap.proposal.made_by)}; not in the knowledge base yet.\n", "dim"))
    out.print(Text(plain(gap.proposal.body)), soft_wrap=True)
    short = str(gap.id)[-SHORT:]
    edit = "" if gap.proposal.answer else " --edit FILE"
    out.print(Text(f"Next: ccos kb gaps accept {short}{edit} [--public]", "dim"), soft_wrap=True)
