"""`ccos kb gaps` as a person uses it: an empty list, a question, a proposal, an article."""

from __future__ import annotations

import json

import pytest

from support.ccos_command import Command

TENANT = "gapshop"
QUESTION = "달빛 무드등 최대 밝기가 몇 루멘인가요?"


@pytest.fixture
def asked(ccos: Command) -> Command:
    """A shop without any knowledge that was asked one question."""
    ccos("tenants", "create", TENANT, "Gap shop")
    (ccos.folder / "ticket.json").write_text(json.dumps({"subject": "무드등", "description": QUESTION}))
    assert ccos("draft", "ticket.json", "--tenant", TENANT).code == 0
    return ccos


def test_without_a_gap_it_says_so(ccos: Command) -> None:
    ccos("tenants", "create", "nogaps", "No gaps")
    ran = ccos("kb", "gaps", "--tenant", "nogaps")
    assert (
        ran.code == 0 and ran.out == "" and ran.sentence.startswith("No gaps: no draft of the last 180 days")
    )
    assert ccos("kb", "gaps", "--tenant", "nogaps", "--json").json == {"gaps": [], "others": 0}
    assert ccos("kb", "gaps", "--tenant", "nogaps", "--state", "closed").sentence == "There is no such gap."


def test_a_question_becomes_an_article_with_what_a_person_wrote(asked: Command) -> None:
    listed = asked("kb", "gaps", "--tenant", TENANT)
    assert listed.code == 0 and listed.out.startswith(
        "1 question that the knowledge base did not answer, in 1 gap."
    )
    assert QUESTION in listed.out
    (gap,) = asked("kb", "gaps", "--tenant", TENANT, "--json").json["gaps"]
    assert gap["count"] == 1 and gap["label"] == QUESTION and gap["state"] == "open"
    short = gap["id"][-8:]
    assert short in listed.out
    nothing = asked("kb", "gaps", "--tenant", TENANT, "--min", "2")
    assert nothing.sentence.startswith("1 gap, but none with so many questions")

    made = asked("kb", "gaps", "propose", short, "--tenant", TENANT, "--rules", "--out", "proposal.md")
    assert made.code == 0 and "(여기에 답을 적어 주세요)" in made.out and "--edit FILE" in made.out
    empty = asked("kb", "gaps", "accept", short, "--tenant", TENANT)
    assert empty.code == 2 and "has no answer yet" in empty.sentence
    gone = asked("kb", "gaps", "accept", short, "--tenant", TENANT, "--edit", "none.md")
    assert gone.code == 2 and gone.sentence == "There is no file none.md; give the path of one."

    article = (asked.folder / "proposal.md").read_text()
    article = article.replace(f"# {QUESTION}", "# 달빛 무드등 밝기", 1)
    (asked.folder / "proposal.md").write_text(
        article.replace("(여기에 답을 적어 주세요)", "최대 120루멘입니다.")
    )
    done = asked("kb", "gaps", "accept", short, "--tenant", TENANT, "--edit", "proposal.md")
    assert done.code == 0 and "for agents only" in done.out
    (hit,) = asked("kb", "search", "무드등 밝기", "--tenant", TENANT, "--json").json["results"]
    assert (
        hit["title"] == "달빛 무드등 밝기"
        and "한 고객에게만" not in hit["snippet"]
        and hit["visibility"] == "internal"
    )
    (after,) = asked("kb", "gaps", "--tenant", TENANT, "--state", "all", "--json").json["gaps"]
    assert after["state"] == "accepted" and after["decided_by"] == "cli"
    again = asked("kb", "gaps", "dismiss", short, "--tenant", TENANT, "--reason", "late")
    assert again.code == 2 and "accepted" in again.sentence


def test_ids_and_times_that_are_none_are_told(asked: Command) -> None:
    for words in (("show", "ffffffff"), ("propose", "nothing", "--rules")):
        ran = asked("kb", "gaps", words[0], words[1], "--tenant", TENANT, *words[2:])
        assert ran.code == 2 and ran.sentence.startswith("There is no")
    ran = asked("kb", "gaps", "--since", "3y")
    assert ran.code == 2 and "is not a time like 12h, 28d or 8w" in ran.err
    assert asked("kb", "gaps", "dismiss", "ffffffff", "--tenant", TENANT).code == 2
