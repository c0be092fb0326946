"""What the tiny model learns from: never the exam, the same for the same dice, names that can be filled."""

import json
import re
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from ccos import sample
from ccos.domain.errors import BadInput
from ccos.domain.evidence import Evidence, EvidenceKind, Visibility
from ccos.knowledge.chunking import passages
from ccos.knowledge.search import snippet
from ccos.learning.tiny.asks import Article, read_asks, split
from ccos.learning.tiny.corpus import lessons
from ccos.learning.tiny.sources import read_more, sample_articles, sample_asks, sample_course
from ccos.learning.tiny.spoiling import spoiled
from ccos.providers.tiny.sections import sections
from ccos.providers.tiny.speech import Spoken

ARTICLE = Article(
    "returns", "Returns", "# Returns\n\nSay so.\n\n## How long\n\nSeven days.\n", "return_request"
)


def runs(text: str, length: int) -> set[str]:
    flat = re.sub(r"[\W\d]+", "", text.casefold())
    return {flat[at : at + length] for at in range(len(flat) - length + 1)}


def test_no_question_repeats_a_run_of_an_exam_ticket():
    learnt = set().union(*(runs(ask.text, 14) for ask in sample_asks()))
    for ticket in sample.tickets():
        shared = runs(f"{ticket.subject}\n{ticket.description}", 14) & learnt
        assert not shared, (ticket.external_id, shared)


def test_no_lesson_is_an_exam_ticket():
    course, _ = sample_course(1)
    exam = {re.sub(r"\W+", "", ticket.description) for ticket in sample.tickets()}
    for lesson in islice(lessons(course, Random(2)), 2_000):
        assert re.sub(r"\W+", "", lesson.ticket) not in exam


def test_the_same_dice_give_the_same_lessons():
    course, _ = sample_course(1)
    one, other = (list(islice(lessons(course, Random(5)), 50)) for _ in range(2))
    assert one == other
    assert one != list(islice(lessons(course, Random(6)), 50))


def test_all_three_tasks_and_both_languages_are_taught():
    course, _ = sample_course(1)
    taught = list(islice(lessons(course, Random(1)), 400))
    assert {lesson.spoken for lesson in taught} == set(Spoken)
    assert any("return" in lesson.ticket for lesson in taught) and any(
        "반품" in lesson.ticket for lesson in taught
    )


def test_what_is_held_out_is_not_taught_and_its_section_still_is():
    course, held = sample_course(1)
    assert held and not set(held) & set(course.asks)
    assert {ask.section for ask in held} <= {ask.section for ask in course.asks}
    assert split(sample_asks(), 1) == split(sample_asks(), 1) != split(sample_asks(), 2)


def test_every_section_that_is_taught_is_one_that_evidence_can_fill():
    articles = sample_articles()
    known = set()
    for article in articles.values():
        for number, passage in enumerate(passages(article.title, article.body), start=1):
            item = Evidence(
                n=number,
                kind=EvidenceKind.KB,
                id=article.id,
                title=article.title,
                score=1.0,
                snippet=snippet(passage.body),
                visibility=Visibility.PUBLIC,
            )
            known |= {part.name for part in sections([item], "en" if article.id.startswith("en-") else "ko")}
    taught = {ask.section for ask in sample_asks() if ask.section}
    assert len(taught - known) <= 0.08 * len(taught)  # a few stand behind the end of a shown passage


def test_numbers_and_personal_data_are_not_taught():
    course, _ = sample_course(1)
    for lesson in islice(lessons(course, Random(3)), 500):
        assert not re.search(r"[1-9]", lesson.ticket)


@pytest.mark.parametrize(
    ("text", "said"),
    [("= nothing\n# *\nhello", "names no article"), ("= returns\n# Weather\nhello", "has no section")],
)
def test_a_question_about_nothing_is_refused(text, said):
    with pytest.raises(BadInput, match=said):
        read_asks(text, {"returns": ARTICLE}, frozenset())


def test_a_heading_is_found_by_its_beginning_and_an_introduction_by_its_star():
    first, second = read_asks(
        "= returns\n# *\nhow | what\n# How\nhow long", {"returns": ARTICLE}, frozenset()
    )[::2]
    assert (first.section, second.section) == ("returns", "returns > how long")


def test_own_lines_teach_questions_or_labels(tmp_path: Path):
    own = tmp_path / "own.jsonl"
    own.write_text('{"ask": "where?", "title": "Shops"}\n\n{"text": "hi", "label": "other"}\n')
    asks, labelled = read_more([own])
    assert [ask.section for ask in asks] == ["shops"] and labelled[0].sentiment == "neutral"


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        '{"ask": "x"}',
        '{"text": "x", "label": "y", "sentiment": "blue"}',
        '{"ask": 1, "title": "x"}',
    ],
)
def test_a_line_that_teaches_nothing_is_named(tmp_path: Path, line: str):
    own = tmp_path / "own.jsonl"
    own.write_text(json.dumps({"text": "hi", "label": "other"}) + "\n" + line)
    with pytest.raises(BadInput, match="Line 2"):
        read_more([own])


def test_spoiling_keeps_most_of_a_text_and_stops_at_nothing():
    dice = Random(4)
    said = "반품하면 배송비 얼마예요 알려주세요"
    made = {spoiled(said, dice, korean=True) for _ in range(200)}
    assert said in made and len(made) > 50
    assert all(len(text) > len(said) / 3 for text in made)
    assert spoiled("", dice, korean=True) == ""
