"""`ccos train tiny`: a drafter of a few million weights, from the sample shop and one's own lines."""

from __future__ import annotations

from pathlib import Path

import click

from ccos.cli.files import check_files, readable
from ccos.cli.run import Number, print_json


@click.command()
@click.option(
    "--out",
    required=True,
    metavar="MODEL.gguf",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="The model is written here.",
)
@click.option(
    "--data",
    multiple=True,
    type=readable(dash=False),
    metavar="FILE",
    help="Your own lines beside the sample shop's; repeatable.",
)
@click.option(
    "--lessons",
    type=click.IntRange(32, 100_000_000),
    default=160_000,
    show_default=True,
    help="Lessons in all; with the same options the same model comes out.",
)
@click.option(
    "--minutes",
    type=Number(0.01, 10_000),
    default=60.0,
    show_default=True,
    help="Stop after so long, with what was learnt; --resume goes on.",
)
@click.option(
    "--parameters",
    type=Number(0.2, 20),
    default=1.5,
    show_default=True,
    metavar="MILLIONS",
    help="About how many weights.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of all dice.")
@click.option(
    "--resume",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Checkpoint, written each minute and gone on from when it is there [MODEL.gguf.checkpoint].",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def tiny(
    out: Path,
    data: tuple[Path, ...],
    lessons: int,
    minutes: float,
    parameters: float,
    seed: int,
    resume: Path | None,
    as_json: bool,
) -> None:
    """Train a tiny Llama that writes search words and drafts of placeholders, and export it as GGUF.

    It learns from questions written for the sample shop, varied without end, and from your own lines:
    {"ask": ..., "title": ..., "heading": ...} or {"text": ..., "label": ..., "sentiment": ...}. The sample
    tickets are its exam and are never learnt: TINYLLAMA_MODEL_PATH=MODEL.gguf ccos eval tiers --tier tier_2.
    """
    from ccos.cli.terminal import progress
    from ccos.learning.tiny.export import gguf_package, write_gguf
    from ccos.learning.tiny.shape import shape_for
    from ccos.learning.tiny.sources import sample_course
    from ccos.learning.tiny.training import Plan, check, train

    checkpoint = resume or out.with_name(f"{out.name}.checkpoint")
    check_files([out, checkpoint], data)
    gguf_package()
    course, held = sample_course(seed, data)
    plan = Plan(shape_for(round(parameters * 1e6)), lessons, seed)
    with progress("Steps", every=50) as tell:
        trained = train(
            plan,
            course,
            checkpoint=checkpoint,
            seconds=60 * minutes,
            tell=lambda done, total, _: tell(done, total),
        )
    about = f"{trained.steps} of {plan.steps} steps, seed {seed}"
    write_gguf(out, plan.shape, trained.weights, trained.tokenizer, about=about)
    known = check(trained, plan.shape, held)
    document = {
        "model": str(out),
        "checkpoint": str(checkpoint),
        "parameters": plan.shape.parameters,
        "kilobytes": (out.stat().st_size + 999) // 1_000,
        "steps": trained.steps,
        "planned_steps": plan.steps,
        "loss": round(trained.loss, 4),
        "seconds": round(trained.seconds, 1),
        "held_out": known.asked,
        "held_out_queries_right": round(known.queries, 4),
        "held_out_drafts_right": round(known.drafts, 4),
    }
    if as_json:
        print_json(document)
        return
    more = "" if trained.steps == plan.steps else " It was stopped early; the same command goes on."
    click.echo(
        f"{out}: {plan.shape.parameters / 1e6:.2f} million weights, {document['kilobytes']} kB, {about}, "
        f"loss {trained.loss:.3f}. Of {known.asked} unseen questions it finds the right search words for "
        f"{known.queries:.0%} and the right section for {known.drafts:.0%}.{more}"
    )
