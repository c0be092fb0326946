"""The answer check trained and measured: the bar, honest figures, and that the shipped model's still hold."""

from __future__ import annotations

import json

import pytest

from ccos.domain.errors import BadInput
from ccos.domain.evidence import Evidence, EvidenceKind
from ccos.domain.ticket import Ticket
from ccos.knowledge.answering import BAR, shipped
from ccos.knowledge.asked import nouns, read
from ccos.learning.answerability import (
    LookedUp,
    Question,
    figures,
    read_asks,
    scores,
    train,
    written,
)
from ccos.learning.answerability_sets import TRAINED_ON, questions, sample_library, talk, tickets

THINGS = ("컵", "담요", "의자", "책상", "이불", "베개", "접시", "시계", "가방", "신발")
FOREIGN = ("논문", "주식", "채용", "번역", "투자", "대출", "날씨", "영화", "소설", "축구")


def looked_up(number: int, *, answerable: bool) -> LookedUp:
    thing = THINGS[number % 10]
    matter = f"{thing} 반품" if answerable or number % 7 == 0 else f"{FOREIGN[number % 10]}선생 {number}호"
    asked = read(f"{matter} 기한이 언제까지인가요?")
    evidence = Evidence(
        n=1,
        kind=EvidenceKind.KB,
        id=thing,
        title=f"{thing} 반품",
        snippet=f"{thing} 반품 기한은 7일입니다.",
        score=1,
    )
    question = Question(f"{answerable}-{number}", Ticket(subject="", description=asked.text), answerable)
    return LookedUp(question, asked, (evidence,), frozenset(read(f"{thing} 반품 기한").terms))


MADE = [looked_up(n, answerable=good) for n in range(40) for good in (True, False)]


def test_the_same_questions_give_the_same_model_with_its_bar_where_a_tenth_is_held():
    model = train(MADE, ["배송 문의"], on="made", measure={"again": MADE})
    assert written(model) == written(train(MADE, ["배송 문의"], on="made", measure={"again": MADE}))
    told = model.about["figures"]
    assert isinstance(told, dict) and told["made"]["auroc"] > 0.8
    assert told["made"]["held"] <= 0.1 and told["made"]["recognised"] > 0.6
    assert model.usual == {"배송", "문의"} - ({"문의"} - nouns(["배송 문의"]))
    assert list(json.loads(written(model))["usual"]) == sorted(model.usual)
    assert model.head.weights["strange"] < 0


def test_figures_count_what_lies_below_the_bar():
    told = figures([0.9, BAR, 0.1, 0.2, 0.8, 0.4], [True, True, True, False, False, False])
    assert (told["n"], told["answerable"]) == (6, 3)
    assert told["held"] == pytest.approx(1 / 3, abs=1e-4), "the bar itself counts as answered"
    assert told["recognised"] == pytest.approx(2 / 3, abs=1e-4)
    assert told["recognised_ci"][0] < told["recognised"] < told["recognised_ci"][1]
    assert told["auroc"] == pytest.approx(5 / 9, abs=1e-3)


def test_figures_of_one_kind_alone_are_no_guess():
    told = figures([0.9, 0.1], [True, True])
    assert told["auroc"] is told["recognised"] is told["recognised_ci"] is None and told["held"] == 0.5


def test_questions_are_read_with_or_without_an_answer(tmp_path):
    file = tmp_path / "asks.jsonl"
    rows = [
        {"id": "a", "subject": "반품", "text": "되나요?", "gold": ["r"], "why": "x"},
        {"query": "주식 사요", "gold": []},
    ]
    file.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    one, other = read_asks(file)
    assert (one.id, one.ticket.subject, one.answerable) == ("a", "반품", True)
    assert (other.id, other.ticket.description, other.answerable) == ("2", "주식 사요", False)


@pytest.mark.parametrize(
    "line", ["[]", "{}", '{"text": "a"}', '{"text": "", "gold": []}', '{"text": "a", "gold": "r"}', "x"]
)
def test_a_line_that_is_no_question_is_told_with_its_number(tmp_path, line):
    file = tmp_path / "asks.jsonl"
    file.write_text('{"text": "a", "gold": []}\n' + line)
    with pytest.raises(BadInput, match=r"Line 2 of asks\.jsonl needs 'text' and 'gold'"):
        read_asks(file)


def test_a_file_without_questions_is_told(tmp_path):
    (tmp_path / "none.jsonl").write_text("\n")
    with pytest.raises(BadInput, match="holds no questions"):
        read_asks(tmp_path / "none.jsonl")


async def test_the_shipped_models_figures_still_hold():
    model = shipped()
    told = model.about["figures"]
    assert isinstance(told, dict) and model.about["trained_on"] == TRAINED_ON
    again = "search, words or weights changed: train again with `ccos train answerability`"
    async with sample_library() as library:
        for name, asked in (("ko-b", questions("ko-b")), ("en-a", questions("en-a")), ("tickets", tickets())):
            found = [await library.look_up(question) for question in asked]
            today = figures(scores(model, found), [each.answerable for each in asked])
            without = today["n"] - today["answerable"]
            assert (today["n"], today["answerable"]) == (told[name]["n"], told[name]["answerable"])
            assert today["auroc"] == pytest.approx(told[name]["auroc"], abs=0.04), again
            assert today["recognised"] == pytest.approx(told[name]["recognised"], abs=3 / without), again
            assert today["held"] == pytest.approx(told[name]["held"], abs=3 / today["answerable"]), again


def test_the_shipped_models_usual_words_are_those_of_the_texts_it_names():
    assert shipped().usual == nouns(talk())
    asked = {each.ticket.description for each in (*questions("ko-a"), *questions("ko-b"), *tickets())}
    assert not asked & set(talk()), "no question that is measured on teaches words"
