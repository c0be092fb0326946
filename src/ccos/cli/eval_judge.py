"""`ccos eval judge`: may a model give a second opinion on drafts?"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ccos.cli import tenancy
from ccos.cli.files import readable
from ccos.cli.run import DONE, FAILED, complain, end, print_json, run, settings
from ccos.domain.errors import BadSetting
from ccos.domain.tier import Tier

if TYPE_CHECKING:
    from ccos.domain.ticket import PiiClass
    from ccos.learning.judge_trial import Trial
    from ccos.learning.labelled import LabelledAnswer
    from ccos.settings import Settings

SECONDS = 60.0
"""For one verdict."""


@click.command("judge")
@click.argument("file", type=readable())
@click.option(
    "--tier",
    type=click.Choice([tier.value for tier in Tier if tier is not Tier.RULE_BASED]),
    default=Tier.LOCAL_MINIMAX.value,
    show_default=True,
    help="Whose model judges.",
)
@click.option("--limit", type=click.IntRange(2, 5_000), default=200, show_default=True, help="Labels asked.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--save", is_flag=True, help="Let this model be heard, when it proves itself.")
@tenancy.option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def judge(
    file: Path, tier: str, limit: int, seed: int, save: bool, tenant: str | None, as_json: bool
) -> None:
    """Hold a model's verdicts against the labels of FILE: one call a label, paid for like any other.

    A judge is heard from 100 labels on, 30 of them good and 30 bad, when it is clearly better than a coin,
    and only on answers of another model family. With CCOS_SECOND_OPINION=true a draft whose
    quality is unsure then asks it.
    """
    from ccos.learning.judge_trial import even_sample
    from ccos.learning.labelled import read_labelled

    rows = even_sample(read_labelled(file), limit, seed)
    found = settings()
    models, trial = run(_tried(found, rows, Tier(tier), tenant))
    model = ", ".join(models)
    if not trial.labels:
        complain(f"The model of {tier} gave no usable verdict; see `ccos config check` for what it lacks.")
        end(FAILED)
    saved = save and trial.rates.proven and len(models) == 1
    if saved:
        from ccos.wiring.judges import write_judge

        write_judge(found.folder, model, trial.rates)
    if as_json:
        print_json(_document(model, tier, trial, saved=saved))
    else:
        _tell(model, trial, saved=saved)
    if save and len(models) > 1:
        complain(f"Nothing is saved: {model} answered in turn, and rates are of one model; configure one.")
        end(FAILED)
    end(DONE)


async def _tried(
    found: Settings, rows: list[LabelledAnswer], tier: Tier, slug: str | None
) -> tuple[list[str], Trial]:
    """The models that answered, and what their verdicts came to."""
    from ccos.cli.terminal import progress
    from ccos.cli.tier_trial_opening import WHAT_TO_SET
    from ccos.learning.judge_trial import tally
    from ccos.quality.judging import judge_prompt, says_good
    from ccos.tiers.request import Context
    from ccos.wiring import open_ccos

    models: set[str] = set()
    verdicts: list[tuple[bool, bool | None]] = []
    at_once = asyncio.Semaphore(4)
    async with open_ccos(found, load_seconds=120.0) as ccos:
        if tier not in {card.tier for card, _ in ccos.service.pulses()}:
            raise BadSetting(
                f"{tier.value} is not configured, so it has no model to judge: set {WHAT_TO_SET[tier]}, or "
                "name another with --tier."
            )
        whose = await tenancy.tenant_for(ccos.database, slug)
        context = Context(
            tenant_id=whose.id,
            only=tier,
            cache="off",
            source="api",
            seconds=SECONDS,
            cloud_allowed=whose.settings.cloud_allowed,
        )

        async def ask(row: LabelledAnswer) -> None:
            prompt = row.prompt()
            question = judge_prompt(prompt, row.answer)
            async with at_once:
                pii = await _pii_of("\n".join(turn.text for turn in question.turns))
                made = await ccos.service.generate_with_fallback(question, replace(context, pii=pii))
            said = says_good(made.verdict.payload, prompt) if made.tier is tier else None
            if made.tier is tier:
                models.add(made.model)
            verdicts.append((row.good, said))
            tell(len(verdicts), len(rows))

        with progress("Asking") as tell:
            async with asyncio.TaskGroup() as group:
                for row in rows:
                    group.create_task(ask(row))
    return sorted(models), tally(verdicts)


async def _pii_of(text: str) -> PiiClass:
    """What may happen to a text. Recognisers that fail close the cloud for it."""
    from ccos.quality.pii import classify

    try:
        return await asyncio.to_thread(classify, text)
    except Exception:
        return "unreadable"


def _document(model: str, tier: str, trial: Trial, *, saved: bool) -> dict[str, object]:
    return {
        "model": model,
        "tier": tier,
        **trial.rates.model_dump(),
        "agreement": trial.agreement,
        "unusable": trial.unusable,
        "proven": trial.rates.proven,
        "saved": saved,
    }


def _tell(model: str, trial: Trial, *, saved: bool) -> None:
    rates = trial.rates
    click.echo(f"{model}: {trial.labels} verdicts, {trial.unusable} unusable")
    click.echo(
        f"calls good answers good   {rates.true_positive:6.1%}  ({trial.hits} of {trial.hits + trial.misses})"
    )
    bad = trial.false_alarms + trial.refusals
    click.echo(f"refuses bad answers       {rates.true_negative:6.1%}  ({trial.refusals} of {bad})")
    click.echo(f"agrees with people        {trial.agreement or 0:6.1%}")
    if rates.proven:
        click.echo("It may be heard" + (" from now on." if saved else "; say so with --save."))
    else:
        click.echo("It is not heard: that takes 100 labels, 30 of each side, and more than a coin.")
