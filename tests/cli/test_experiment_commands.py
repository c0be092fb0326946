"""`ccos experiments` over a real database."""

from __future__ import annotations

import asyncio
import json
from uuid import UUID, uuid4

import pytest

from ccos.cli.experiments_showing import plot, verdict
from ccos.domain.ticket import Ticket
from ccos.learning.experiments.reading import Point, Verdict, read
from ccos.store import decisions, experiments, plans, tenants, tickets
from ccos.store import drafts as drafting
from ccos.store.database import Database
from ccos.store.migrate import migrate
from support.ccos_command import Command, Home
from support.experiments import definition, drafts, keep
from support.store import finished, planned

MODES = ("modes", "--arm", "control", "--arm", "fast", "--set", "fast.mode=latency_first")


@pytest.fixture
def tenant(ccos_home: Home) -> str:
    slug = f"x-{uuid4().hex[:12]}"
    migrate(ccos_home.server.urls.owner)
    within(ccos_home, slug)
    return slug


def within(home: Home, slug: str, made=None) -> None:
    """Makes the tenant; or, with drafts, puts them into its experiment `tone`."""

    async def go() -> None:
        database = Database(home.server.urls.app)
        await database.open()
        async with database.unbound() as tx:
            if made is None:
                await tenants.create(tx, slug, slug)
            else:
                whose = await tenants.by_slug(tx, slug)
        if made is not None:
            async with database.tenant(whose.id) as tx:
                await keep(tx, await experiments.get(tx, "tone"), made)
        await database.close()

    asyncio.run(go())


def test_its_whole_life(ccos: Command, tenant: str) -> None:
    def run(*words: str):
        return ccos("experiments", *words, "--tenant", tenant)

    assert "has no experiments" in run("list").err
    made = run("create", *MODES, "--hypothesis", "Faster is enough.")
    assert made.code == 0 and "ccos experiments start modes" in made.out
    assert "is running" in run("start", "modes").out
    listed = run("list").out.splitlines()
    assert any(line.split()[:2] == ["modes", "running"] and "mode" in line for line in listed)
    shown = run("show", "modes")
    assert shown.code == 0 and "Faster is enough." in shown.out and "Too few to say anything yet" in shown.out
    assert "is stopped" in run("stop", "modes", "--reason", "enough").out
    assert "fast promoted" in run("promote", "modes", "fast").out
    assert ccos("tenants", "show", tenant, "--json").json["settings"]["choices"]["mode"] == "latency_first"
    assert "taken back" in run("promote", "modes", "--back").out
    assert ccos("tenants", "show", tenant, "--json").json["settings"]["choices"]["mode"] is None


def test_a_reading_is_a_table_a_picture_and_a_document(ccos: Command, tenant: str, ccos_home: Home) -> None:
    body = json.dumps(definition().model_dump(mode="json"))
    made = ccos("experiments", "create", "--file", "-", "--start", "--tenant", tenant, "--json", input=body)
    # Nothing says so in the definition, but "--start" does.
    assert made.json["state"] == "running"
    within(ccos_home, tenant, drafts(definition(), 1_200, {"control": 0.60, "warm": 0.85}))
    shown = ccos("experiments", "show", "tone", "--tenant", tenant)
    assert "warm is better. It may be promoted." in shown.out
    assert "●" in shown.out and "p = 0.000" in shown.out and "n = 1,200" in shown.out
    told = ccos("experiments", "show", "tone", "--tenant", tenant, "--json").json
    assert (
        told["reading"]["verdict"]["code"] == "better" and len(told["reading"]["contrasts"][0]["points"]) > 5
    )


def test_a_definition_in_toml(ccos: Command, tenant: str) -> None:
    text = (
        'name = "tone"\nshare = 0.5\n[[arms]]\nname = "control"\n'
        '[[arms]]\nname = "warm"\n[arms.change]\nguidance = "Be warm."\n'
    )
    (ccos.folder / "tone.toml").write_text(text, encoding="utf-8")
    made = ccos("experiments", "create", "--file", "tone.toml", "--tenant", tenant, "--json").json
    assert made["definition"]["share"] == 0.5
    assert made["definition"]["arms"][1]["change"]["guidance"] == "Be warm."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Give a NAME"),
        (("one", "--arm", "a"), "two arms"),
        (("one", "--arm", "a", "--arm", "a"), "two arms"),
        (("one", "--arm", "a", "--arm", "b", "--set", "c.mode=outage"), "ARM.KEY=VALUE"),
        (("one", "--arm", "a", "--arm", "b", "--set", "b.mode"), "ARM.KEY=VALUE"),
        (("one", "--arm", "a", "--arm", "b", "--set", "b.mood=good"), "no 'mood'"),
        (("one", "--arm", "a", "--arm", "b", "--set", "b.mode=best"), "mode"),
        (("One Two", "--arm", "a", "--arm", "b"), "name"),
        (("one", "--arm", "a", "--arm", "b", "--file", "x"), "either --file"),
        (("--file", "nowhere.toml"), "cannot be read"),
        (("--file", "broken.toml"), "no TOML"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(ccos: Command, tenant: str, words, said) -> None:
    (ccos.folder / "broken.toml").write_text("name = ", encoding="utf-8")
    ran = ccos("experiments", "create", *words, "--tenant", tenant)
    assert ran.code == 2 and said in ran.sentence


def test_promote_wants_an_arm_or_back(ccos: Command, tenant: str) -> None:
    assert "Give the ARM" in ccos("experiments", "promote", "tone", "--tenant", tenant).sentence
    assert ccos("experiments", "promote", "tone", "a", "--back", "--tenant", tenant).code == 2
    assert "no experiment 'tone'" in ccos("experiments", "show", "tone", "--tenant", tenant).sentence


def test_an_estimate_needs_decisions_and_plans_that_varied(
    ccos: Command, tenant: str, ccos_home: Home
) -> None:
    nothing = ccos("experiments", "estimate", "--tenant", tenant)
    assert nothing.code == 0 and "Nobody decided" in nothing.err

    async def fill() -> None:
        database = Database(ccos_home.server.urls.app)
        await database.open()
        async with database.unbound() as tx:
            whose = await tenants.by_slug(tx, tenant)
        async with database.tenant(whose.id) as tx:
            made = []
            for n in range(40):
                ticket = (await tickets.put(tx, Ticket(subject="환불"))).ticket
                draft = await drafting.queue(tx, str(ticket.id))
                await drafting.finish(tx, finished(draft), run=await drafting.start(tx, draft.id))
                await decisions.decide(tx, draft.id, "approved" if n % 4 else "rejected")
                made.append(planned(whose, draft_id=UUID(draft.id)))
            assert await plans.add(tx, uuid4(), 1, made, {})
        await database.close()

    asyncio.run(fill())
    told = ccos("experiments", "estimate", "--tenant", tenant)
    assert "40 decided drafts, 75.0% of them approved" in told.out and "too few decisions" in told.out
    document = ccos("experiments", "estimate", "--tenant", tenant, "--json").json
    assert {each["tier"]: each["refused"] for each in document["policies"]}["tier_0"] == "too_few"


def test_the_picture_shows_zero_and_the_interval() -> None:
    points = [Point(float(n), n, 0.05, 0.05 - 1 / n, 0.05 + 1 / n) for n in range(10, 300)]
    lines = plot(points)
    assert len(lines) == 9 and any("┈" in line for line in lines) and any("●" in line for line in lines)
    assert plot([]) == [] and len(plot(points[:1])) == 9
    flat = plot([Point(0.0, 60, 0.0, 0.0, 0.0)])
    assert sum("●" in line for line in flat) == 1


def test_what_is_missing_is_told_in_round_numbers() -> None:
    assert [Verdict("thin", n=n).about for n in (0, 7, 99, 1_183, 45_001)] == [0, 7, 99, 1_200, 46_000]
    wanted = definition()
    told = read(wanted, drafts(wanted, 600, {"control": 0.75, "warm": 0.75}))
    assert "Not known yet. About" in verdict(told)
    broken = read(
        wanted, [one for one in drafts(wanted, 900, {"control": 0.7, "warm": 0.7}) if one.arm == "warm"]
    )
    assert "hidden" in verdict(broken) and "p = " in verdict(broken)
