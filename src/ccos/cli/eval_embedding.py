"""`ccos eval embedding`: does an embedding model know something of drafts that the gate does not?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ccos.cli.files import readable
from ccos.cli.run import DONE, FAILED, complain, end, print_json, run, settings

if TYPE_CHECKING:
    from ccos.learning.embedding_trial import Seen, Trial
    from ccos.learning.judging import Judged
    from ccos.learning.labelled import LabelledAnswer
    from ccos.settings import Settings

SECONDS, LOAD_SECONDS = 60.0, 120.0
"""For one answer, and for the model's file."""


@dataclass(slots=True)
class Read:
    """What came of the answers: those `seen`, how long each took, and how many could not be looked at."""

    seen: list[Seen] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    left_out: int = 0


@click.command("embedding")
@click.argument("file", type=readable())
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of every draw.")
@click.option("--save", is_flag=True, help="Let this model be heard, when it proves itself.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def embedding(file: Path, seed: int, save: bool, as_json: bool) -> None:
    """Hold an embedding model against the labels of FILE, beside the gate.

    Counted are replies the gate is unsure of and no veto refused: those it would be asked about. It is heard
    from 100 such labels on, when gate and likeness together tell good from bad better than the gate alone,
    beyond chance, on tickets they have not seen. Give labels the gate was not trained on: it looks too sure
    of those. With CCOS_SECOND_OPINION=true drafts then ask it.
    """
    from ccos.learning.embedding_trial import trial
    from ccos.learning.labelled import read_labelled
    from ccos.wiring.embedding import embedding_model, write_embedding

    rows = read_labelled(file)
    found = settings()
    scorer, unsure = _unsure(rows)
    read = run(_read(found, unsure))
    if unsure and not read.seen:
        complain("The embedding model looked at no answer; see `ccos config check` for what it lacks.")
        end(FAILED)
    made = trial(read.seen, scorer, seed=seed)
    model, saved = embedding_model(found) or "", save and made.odds.proven
    if saved:
        write_embedding(found.folder, model, made.odds)
    document = _document(model, len(rows), len(unsure), read, made, saved=saved)
    if as_json:
        print_json(document)
    else:
        _tell(document, made)
    end(DONE)


def _unsure(rows: list[LabelledAnswer]) -> tuple[str, list[Judged]]:
    """The name of the gate's score, and the replies it would ask a second opinion of."""
    from ccos.cli.eval_progress import bar
    from ccos.learning.judging import judge
    from ccos.quality.scorer import LearnedScorer, shipped
    from ccos.tiers.second_opinion import is_unsure

    scorer = LearnedScorer(shipped())
    found: list[Judged] = []
    with bar("Judging") as tell:
        for number, one in enumerate(judge([(0, row) for row in rows], scorer, None), start=1):
            if is_unsure(one.row.prompt(), one.verdict):
                found.append(one)
            tell(number, len(rows))
    return scorer.name, found


async def _read(found: Settings, unsure: list[Judged]) -> Read:
    from ccos.cli.eval_progress import bar
    from ccos.domain.errors import ProviderRefused
    from ccos.learning.embedding_trial import Seen
    from ccos.tiers.embedder import MOST_READERS
    from ccos.wiring.embedding import open_trial

    read = Read()
    places: dict[int, Seen] = {}
    at_once = asyncio.Semaphore(MOST_READERS)
    async with open_trial(found, load_seconds=LOAD_SECONDS) as embedder:

        async def look(number: int, one: Judged) -> None:
            async with at_once:
                began = time.monotonic()
                try:
                    text = one.verdict.text
                    near = await embedder.likeness(one.row.prompt(), text, seconds=SECONDS)
                except ProviderRefused as fault:
                    if fault.facts.get("status") is not None:
                        raise
                    near = None  # it must stay on this machine, or there is no money left for it
                read.seconds.append(time.monotonic() - began)
            if near is None:
                read.left_out += 1
            else:
                quality, group = one.verdict.quality, one.row.group
                places[number] = Seen(quality, near.value, one.row.good, group)
            tell(len(read.seconds), len(unsure))

        with bar("Reading") as tell:
            tasks = [asyncio.create_task(look(number, one)) for number, one in enumerate(unsure)]
            try:
                await asyncio.gather(*tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
    read.seen = [places[number] for number in sorted(places)]
    return read


def _document(
    model: str, lines: int, unsure: int, read: Read, made: Trial, *, saved: bool
) -> dict[str, object]:
    from ccos.tiers.embedder import SECONDS as IN_TIME

    took = sorted(read.seconds)
    odds = made.odds
    return {
        "model": model,
        "scorer": odds.scorer,
        "lines": lines,
        "unsure": unsure,
        "left_out": read.left_out,
        "n": odds.labels,
        "good": made.good,
        "auroc_gate": odds.auroc_gate,
        "auroc_likeness": odds.auroc_likeness,
        "auroc_both": odds.auroc_both,
        "intervals": {
            name: None if one is None else [round(one.low, 4), round(one.high, 4)]
            for name, one in (("gate", made.gate), ("likeness", made.likeness), ("both", made.both))
        },
        "gain": round(odds.auroc_both - odds.auroc_gate, 4),
        "gain_interval": list(odds.gain),
        "slope": odds.slope,
        "intercept": odds.intercept,
        "p50_ms": round(1_000 * took[len(took) // 2], 1),
        "p95_ms": round(1_000 * took[int(0.95 * (len(took) - 1))], 1),
        "late_share": round(sum(each > IN_TIME for each in took) / len(took), 4),
        "proven": odds.proven,
        "saved": saved,
    }


def _tell(document: dict[str, object], made: Trial) -> None:
    odds = made.odds
    click.echo(
        f"{document['model']}: {document['n']} of {document['lines']} answers are replies the gate is unsure "
        f"of, {made.good} of them good; {document['left_out']} could not be compared"
    )
    for name, value, interval in (
        ("gate alone", odds.auroc_gate, made.gate),
        ("likeness alone", odds.auroc_likeness, made.likeness),
        ("both", odds.auroc_both, made.both),
    ):
        reach = f"  [{interval.low:.3f}, {interval.high:.3f}]" if interval else ""
        click.echo(f"AUROC of {name:<15}{value:.3f}{reach}")
    low, high = odds.gain
    click.echo(f"gain of both            {document['gain']:+.3f}  [{low:+.3f}, {high:+.3f}]")
    click.echo(
        f"an answer takes {document['p50_ms']} ms, 95 % within {document['p95_ms']} ms; "
        f"{document['late_share']:.1%} were later than a draft waits"
    )
    if odds.proven:
        click.echo("It may be heard" + (" from now on." if document["saved"] else "; say so with --save."))
    else:
        click.echo("It is not heard: that takes 100 labels, and a gain beyond chance.")
