"""Writes docs/reference from the product itself, at `make docs`; a test fails when a page drifts from it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from enum import EnumType
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, cast, get_args, get_origin

import click

from ccos.domain.certificate import Certificate
from ccos.quality.model import Head
from ccos.settings import Deployment, Settings, default_text, is_secret, variable

REFERENCE = Path(__file__).parent / "reference"
MADE = "<!-- Made by docs/generate.py; change the code and run `make docs`. -->\n"
WIDTH = 100

_SETTINGS = """
# Settings

CCOS reads environment variables, and the file `.env` in the folder it is started in; the environment wins. An
empty variable counts as not set. A `CCOS_*` name that is not here is refused, so that a misspelt one is not
silently without effect. `ccos config check` shows what is in force, and from where.

| variable | default | what it does |
|---|---|---|
"""

_DEPLOYMENTS = """
## `ccos.toml`: several servers of a tier

Where one URL is not enough, list servers in `ccos.toml`, in the folder `ccos` is started in, else in
`CCOS_HOME`. Those of your own network share the work of their tier: each call goes to the one with the most
room, and to the next when that one fails before its first word. One out of your network is paid for, reads
masked text only, and comes after them.

```toml
[[tier_1]]
name = "gpu-a"
base_url = "http://10.0.0.5:8000/v1"
api_key_env = "GPU_A_KEY"
slots = 16

[[tier_1]]
name = "gpu-b"
base_url = "http://10.0.0.6:8000/v1"
slots = 16
```

A tier that is listed here takes no `*_MODEL_PATH` and no `*_BASE_URL`.

| of each server | default | what it says |
|---|---|---|
"""

_CLI = """
# The `ccos` command

Exit codes: 0 done, 1 the job failed, 2 bad input, 130 stopped with Ctrl-C, 143 ended by SIGTERM (0 for
`serve` and `worker`, whose way to end this is). Errors are one sentence on stderr. With `--json`, stdout
holds one JSON document and nothing else.
"""


def settings_page() -> str:
    rows = []
    for field, info in Settings.model_fields.items():
        default = "" if is_secret(field) else default_text(field)
        shown = f"`{default}`" if default else "(none)"
        said = f"{info.description}{_values(info.annotation)}{_range(info.metadata)}"
        rows.append(f"| `{variable(field)}` | {shown} | {said} |\n")
    return MADE + _SETTINGS + "".join(rows) + _DEPLOYMENTS + "".join(_deployment_rows())


def _deployment_rows() -> Iterator[str]:
    for field, info in Deployment.model_fields.items():
        default = "(must be set)" if info.is_required() else "(none)"
        if info.default is not None and not info.is_required():
            default = f"`{info.default}`"
        yield f"| `{field}` | {default} | {info.description}{_range(info.metadata)} |\n"


def cli_page() -> str:
    from ccos.cli import ccos

    return "".join([MADE, _CLI, *map(_command, _contexts(ccos, "ccos", None))])


def _command(ctx: click.Context) -> str:
    depth = min(len(ctx.command_path.split()) + 1, 4)
    return f"\n{'#' * depth} {ctx.command_path}\n\n```text\n{ctx.get_help()}\n```\n"


def _contexts(command: click.Command, name: str, parent: click.Context | None) -> Iterator[click.Context]:
    """The command and all below it, in the contexts they would run in, but of one width everywhere."""
    command._help_option = None  # click keeps it as it was first asked for, whoever asked
    ctx = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    ctx.terminal_width = ctx.max_content_width = WIDTH
    yield ctx
    if isinstance(command, click.Group):
        for inner in command.list_commands(ctx):
            found = command.get_command(ctx, inner)
            assert found is not None
            yield from _contexts(found, inner, ctx)


def openapi_page() -> str:
    """The HTTP interface: the application says it without anything being opened."""
    from ccos.api.app import create_app
    from ccos.wiring import Ccos

    app = create_app(cast(Ccos, SimpleNamespace()))
    return json.dumps(app.openapi(), ensure_ascii=False, indent=1) + "\n"


def seed_set_page() -> str:
    """What the seed set holds, counted."""
    from ccos import sample
    from ccos.learning.labelled import parse_labelled

    drafts = list(parse_labelled(sample.labelled_lines(), "the seed set"))
    tickets = len({draft.ticket_id for draft in drafts})
    columns = {
        "language": "language",
        "intent": "intent",
        "kind": "how the draft was made",
        "generator": "whose style it has",
    }
    tables = (_counted(Counter((getattr(d, of), d.label) for d in drafts), of, columns[of]) for of in columns)
    total = f"\n{len(drafts)} drafts for {tickets} tickets; what they are: [the data card](../seed-set.md).\n"
    return "".join([MADE, "\n# The seed set, counted\n", total, *tables])


def gate_model_page() -> str:
    """What the shipped gate is made of, and what was measured of it."""
    from ccos.quality.scorer import shipped

    model = shipped()
    about = cast(dict[str, Any], dict(model.about))
    head = f"\n# The shipped gate: {model.name}\n\nMade {about.get('date', 'at an unknown date')} from:\n\n"
    sets = "".join(
        f"| {each['name']} | {each['source']} | {each['licence']} | {each['rows']} | {each['good']} |\n"
        for each in about["trained_on"]
    )
    trained = f"| set | what | licence | answers | good |\n|---|---|---|---:|---:|\n{sets}"
    rows = "".join(_figures(name, found) for name, found in sorted(about["figures"].items()))
    figures = (
        "\n## Out of fold\n\nEach answer scored by a model that saw no answer of its ticket; 95 %"
        " intervals by a bootstrap of tickets.\n\n"
        "| head | answers | AUROC | ECE | plain heuristic: AUROC | ECE |\n"
        f"|---|---:|---|---|---:|---:|\n{rows}"
    )
    heads = "".join(_weights(name, found) for name, found in sorted(model.heads.items()))
    weights = f"\n## What counts most\n\nWeights in scales of each feature, the heaviest ten.\n\n{heads}"
    return "".join([MADE, head, trained, figures, _certificates(model.certificates), weights])


def _figures(name: str, found: dict[str, Any]) -> str:
    def told(key: str, interval: str) -> str:
        value, ends = found.get(key), found.get(interval)
        if value is None:
            return "–"
        return f"{value:.3f} [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else f"{value:.3f}"

    plain = (found.get("heuristic_auroc"), found.get("heuristic_calibration_error"))
    beside = " | ".join("–" if value is None else f"{value:.3f}" for value in plain)
    told_both = f"{told('auroc', 'auroc_interval')} | {told('calibration_error', 'calibration_interval')}"
    return f"| {name} | {found['rows']} | {told_both} | {beside} |\n"


def _certificates(certificates: Sequence[Certificate]) -> str:
    rows = "".join(
        f"| {c.task.value} | {c.required:g} | {'none' if c.threshold is None else f'{c.threshold:.3f}'} | "
        f"{c.accepted} of {c.labels} | {c.bad} |\n"
        for c in certificates
    )
    return (
        "\n## Certified thresholds\n\nBy out-of-fold qualities, with 90 % confidence. They hold for a"
        " tenant until its people have made 30 decisions.\n\n"
        "| task | required | threshold | accepted | bad among them |\n"
        f"|---|---:|---:|---:|---:|\n{rows}"
    )


def _weights(name: str, found: Head) -> str:
    heaviest = sorted(found.weights.items(), key=lambda pair: -abs(pair[1]))[:10]
    listed = ", ".join(f"{feature} {weight:+.2f}" for feature, weight in heaviest)
    return f"- **{name}** ({found.labels} answers, {found.good_share:.0%} good): {listed}\n"


def _counted(counts: Counter[tuple[str, str]], name: str, said: str) -> str:
    """A table with one row for each value and one column for each label."""
    head = f"\n| {said} | approve | edit | reject |\n|---|---:|---:|---:|\n"
    labels = ("approve", "edit", "reject")
    rows = {value: [counts[value, label] for label in labels] for value in sorted({v for v, _ in counts})}
    rows["all"] = [sum(column) for column in zip(*rows.values(), strict=True)]
    said_rows = (f"| {value} | " + " | ".join(map(str, row)) + " |\n" for value, row in rows.items())
    return f"\n## By {name}\n{head}{''.join(said_rows)}"


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "cli.md": cli_page,
    "openapi.json": openapi_page,
    "seed-set.md": seed_set_page,
    "gate-model.md": gate_model_page,
}


def _values(annotation: Any) -> str:
    """The values of a closed list."""
    closed = list(annotation) if isinstance(annotation, EnumType) else []
    if get_origin(annotation) is Literal:
        closed = list(get_args(annotation))
    return f": {', '.join(f'`{value}`' for value in closed)}" if closed else ""


def _range(bounds: list[Any]) -> str:
    """The limits of a number, in words."""
    signs = {"ge": "at least", "le": "at most", "gt": "above", "lt": "below"}
    said = [
        f"{words} {getattr(b, sign)}" for b in bounds for sign, words in signs.items() if hasattr(b, sign)
    ]
    return f" ({', '.join(said)})" if said else ""


def write() -> list[str]:
    """Makes every page; the names of those that changed."""
    REFERENCE.mkdir(exist_ok=True)
    changed = []
    for name, make in PAGES.items():
        file, text = REFERENCE / name, make()
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            changed.append(name)
    return changed


if __name__ == "__main__":
    print("\n".join(write()) or "Every page is up to date.")
