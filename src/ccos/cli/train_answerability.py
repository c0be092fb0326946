"""`ccos train answerability`: the weights of the answer check."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ccos.cli.eval_answerability import looked_up, show
from ccos.cli.files import check_files, writable, write
from ccos.cli.run import complain, print_json, run

if TYPE_CHECKING:
    from ccos.learning.answerability import LookedUp


@click.command()
@click.option("--out", required=True, type=writable(), metavar="MODEL.json", help="Write it here.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON document.")
def answerability(out: Path, as_json: bool) -> None:
    """Train the score that tells whether a knowledge base answers, on the sample tenant's questions.

    This is how `ccos/knowledge/answering.json` was made. The figures of the set it is trained on are out of
    fold; the other sets are only measured. The same questions give the same model, byte for byte.
    """
    from ccos.cli.terminal import progress
    from ccos.learning.answerability import train, written
    from ccos.learning.answerability_sets import (
        MEASURED_ON,
        TICKETS,
        TRAINED_ON,
        questions,
        sample_library,
        talk,
        tickets,
    )

    check_files([out], [])
    sets = {name: questions(name) for name in (TRAINED_ON, *MEASURED_ON)} | {TICKETS: tickets()}

    async def go() -> dict[str, list[LookedUp]]:
        async with sample_library() as library:
            found = {}
            for name, asked in sets.items():
                with progress(f"Looking up {name}") as tell:
                    found[name] = await looked_up(library, asked, tell)
            return found

    found = run(go())
    taught = found.pop(TRAINED_ON)
    complain("Training; this takes half a minute.")
    model = train(taught, talk(), on=TRAINED_ON, measure=found)
    write(out, written(model))
    complain(f"The model is in {out}.")
    figures = model.about["figures"]
    assert isinstance(figures, Mapping)
    if as_json:
        print_json({"name": model.name, "model": str(out), **model.about})
    else:
        show(dict(figures))
