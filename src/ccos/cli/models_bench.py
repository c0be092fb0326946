"""`ccos models bench`: how fast a model is here."""

from __future__ import annotations

from typing import Any

import click

from ccos.cli.models_names import name_argument
from ccos.cli.run import print_json, run, settings


@click.command()
@name_argument
@click.option("--tokens", type=click.IntRange(4, 4_096), default=64, show_default=True, help="Each answer's.")
@click.option(
    "--prompt",
    type=click.IntRange(16, 8_192),
    default=256,
    show_default=True,
    help="About how many tokens are read.",
)
@click.option("--threads", type=click.IntRange(1, 512), help="Processor threads [one less than cores].")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def bench(name: str, tokens: int, prompt: int, threads: int | None, as_json: bool) -> None:
    """Measure the model NAME on this machine, as the product runs it.

    Tokens a second with 1, 2 and 4 answers at once, tokens a second of the prompt, seconds to the first words
    with an unknown and a known beginning, memory, and seconds from start to ready. Whatever else runs here
    slows it down.
    """
    from ccos.cli.models_showing import size_of
    from ccos.cli.terminal import progress
    from ccos.local.bench import bench as measured
    from ccos.local.machine import decoding_threads
    from ccos.local.plan import ModelPlan
    from ccos.wiring.models import open_registry

    registry = open_registry(settings(quiet=True))
    manifest = registry.get(name)
    plan = ModelPlan(
        "bench",
        registry.path(manifest),
        context_tokens=2 * (prompt + tokens) + 512,
        slots=4,
        threads=threads or decoding_threads(),
    )

    async def go() -> dict[str, Any]:
        with progress("Measuring", every=1) as tell:
            return await measured(plan, tokens=tokens, prompt_tokens=prompt, on_step=tell)

    found: dict[str, Any] = {
        "name": name,
        "size": manifest.size,
        "quantisation": manifest.quantisation,
    } | run(go())
    if as_json:
        print_json(found)
        return
    used = "1 thread" if found["threads"] == 1 else f"{found['threads']} threads"
    click.echo(f"{name}: {size_of(manifest.size)}, {manifest.quantisation}, {used}")
    for row in found["streams"]:
        click.echo(f"  {row['streams']} at once: {row['tokens_per_second']:.1f} tokens/s written")
    click.echo(f"  prompt: {found['prompt_tokens_per_second']:.1f} tokens/s read")
    cold, warm = found["first_words_cold_seconds"], found["first_words_warm_seconds"]
    click.echo(f"  first words: {cold:.2f} s, and {warm:.2f} s when the beginning is known")
    memory = found["memory_bytes"]
    told = "memory is not told here" if memory is None else f"memory of its own {size_of(memory)}"
    click.echo(f"  ready after {found['ready_seconds']:.1f} s; {told}, and the file mapped")
