"""A draft as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from ccos.cli.batch import STATE_STYLES, TIER_NAMES
from ccos.cli.terminal import plain
from ccos.domain.draft import Draft, FieldChange
from ccos.domain.evidence import Evidence
from ccos.domain.ticket import Ticket


def show(out: Console, ticket: Ticket, draft: Draft) -> None:
    """Prints where the draft comes from, its reply and fields, what it stands on, what is wrong with it."""
    for line in lines(ticket, draft):
        out.print(line, soft_wrap=True)


def lines(ticket: Ticket, draft: Draft) -> Iterator[Text]:
    yield Text(plain(ticket.subject) or "(no subject)", "bold")
    yield _source(draft)
    if draft.reason:
        yield Text(f"because {plain(draft.reason)}", "dim")
    yield Text()
    yield Text(plain(draft.reply)) if draft.reply else Text("There is no reply.", "red")
    if draft.fields:
        yield from _head("Fields")
        yield from map(_field, draft.fields)
    if draft.evidence:
        yield from _head("Evidence")
        yield from map(_evidence, draft.evidence)
    failed = [check for check in draft.checks if not check.passed]
    if failed:
        yield from _head("Checks that failed")
        for check in failed:
            yield Text("  ✗ ", "red").append(plain(f"{check.name}: {check.detail}".rstrip(": ")))
    if draft.errors:
        yield from _head("Errors")
        yield from (Text(f"  {plain(error)}", "red") for error in draft.errors)


def _source(draft: Draft) -> Text:
    state = Text(draft.state.value, STATE_STYLES.get(draft.state, ""))
    parts = []
    if draft.tier:
        parts.append(f"{draft.tier.value} ({TIER_NAMES[draft.tier.value]})")
    if draft.model:
        parts.append(plain(draft.model))
    if draft.quality is not None:
        parts.append(f"score {draft.quality:.2f}")
    parts += [f"{draft.latency_seconds:.2f} s", f"${draft.cost_usd:.4f}"]
    if draft.degraded:
        parts.append("degraded: the cloud was wanted and could not be had")
    return state.append(Text(" · " + " · ".join(parts), "default"))


def _head(title: str) -> tuple[Text, Text]:
    return Text(), Text(title, "bold")


def _field(change: FieldChange) -> Text:
    line = Text(f"  {change.name}: ").append(_value(change.old), "dim")
    return line.append(" → ").append(_value(change.new)).append(f"  ({change.confidence:.2f})", "dim")


def _value(value: str | list[str] | None) -> str:
    return plain(", ".join(value) if isinstance(value, list) else value or "") or "(none)"


def _evidence(evidence: Evidence) -> Text:
    line = Text(f"  [{evidence.n}] ").append(plain(evidence.title))
    line.append(f"  {evidence.kind.value} {plain(evidence.id)}", "cyan")
    if evidence.visibility.value != "public":
        line.append(f"  {evidence.visibility.value}", "yellow")
    return line.append(f"  {plain(evidence.url)}", "dim") if evidence.url else line
