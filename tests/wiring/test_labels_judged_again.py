"""What a desk decided, exported and judged again: the same vetoes and the same quality, and nobody in it."""

from __future__ import annotations

import json

import pytest

from ccos import sample
from ccos.cli.eval_labels import lines
from ccos.domain.draft import DraftState
from ccos.learning.judging import judge
from ccos.learning.labelled import parse_labelled
from ccos.quality.scorer import LearnedScorer, shipped
from ccos.settings import Settings
from ccos.store import decisions
from support.shop import draft, shop


@pytest.fixture
def settings(store_urls, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # no .env of whoever runs the tests

    def made(**values) -> Settings:
        urls = {"database_url": store_urls.app, "database_owner_url": store_urls.owner}
        return Settings(**{**urls, "CCOS_HOME": tmp_path, **values})

    return made


async def decide(ccos, tenant, made) -> None:
    async with ccos.database.tenant(tenant.id) as tx:
        for number, each in enumerate(made):
            await decisions.decide(tx, each.id, "rejected" if number % 3 else "approved")


def text_of(found) -> str:
    return "\n".join(json.dumps(line, ensure_ascii=False) for line in found)


def judged(found):
    """By what is read from the file, and nothing else."""
    rows = list(parse_labelled(text_of(found).split("\n"), "labels"))
    return {
        one.row.ticket_id: one for one in judge([(0, row) for row in rows], LearnedScorer(shipped()), None)
    }


def refusals(made) -> set[str]:
    return {c.code.removeprefix("veto.") for c in made.checks if c.code.startswith("veto.") and not c.passed}


async def test_the_sample_tickets_are_judged_again_as_they_were_and_name_nobody(settings):
    found = settings()
    async with shop(found) as (ccos, tenant):
        tickets = sample.tickets()
        made = [await draft(ccos, tenant, ticket) for ticket in tickets]
        answers = [each for each in made if each.state in (DraftState.READY, DraftState.NEEDS_REVIEW)]
        await decide(ccos, tenant, answers)
        plain = [line async for line in lines(ccos.database, tenant, 1, True, found.thresholds)]
        masked = [line async for line in lines(ccos.database, tenant, 1, False, found.thresholds)]
    as_written, without_people = judged(plain), judged(masked)
    assert len(as_written) == len(without_people) == len(answers) >= 40
    for each in answers:
        for again, most in ((as_written, 5.1e-5), (without_people, 5e-3)):
            verdict = again[each.ticket_id].verdict
            assert {veto.kind for veto in verdict.vetoes} == refusals(each)
            assert verdict.quality == pytest.approx(each.quality, abs=most), each.reply
    assert any(refusals(each) for each in answers), "or the vetoes were compared with nothing"

    file, known = text_of(masked), text_of(plain)
    own = {
        value for ticket in tickets if (c := ticket.customer) for value in (c.name, c.email, c.phone) if value
    }
    assert sum(value in known for value in own) > 100
    assert not [value for value in own if value in file]
    assert known.count("privacy@example.com") == file.count("privacy@example.com") > 0, "the shop's own stays"
