"""`ccos eval answerability` on articles of one's own, and what it refuses. No database is asked."""

from __future__ import annotations

import json

import pytest

ARTICLES = [
    {"id": "refund", "title": "환불 기간 안내", "body": "환불을 요청하시면 카드사 승인 취소까지 영업일 3~5일이 걸립니다."},
    {"id": "track", "title": "배송 조회", "body": "송장이 등록되면 마이페이지에서 보실 수 있습니다."},
]  # fmt: skip
ASKS = [
    {"text": "환불 요청하면 카드 취소까지 며칠 걸리나요?", "gold": ["refund"]},
    {"text": "배송 조회는 마이페이지 어디서 하나요?", "gold": ["track"]},
    {"text": "대학원생인데 논문 설문 링크를 뿌려 주실 수 있나요?", "gold": []},
    {"subject": "투자", "text": "벤처 캐피탈 심사역입니다. 비상장 주식을 사고 싶습니다.", "gold": []},
]


@pytest.fixture
def sets(ccos):
    for name, rows in (("kb.jsonl", ARTICLES), ("asks.jsonl", ASKS)):
        (ccos.folder / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return ("eval", "answerability", "--kb", "kb.jsonl", "--asks", "asks.jsonl")


def test_questions_without_an_answer_are_recognised_and_the_others_are_not_held(ccos, sets):
    ran = ccos(*sets, "--json")
    assert ran.code == 0
    assert (ran.json["n"], ran.json["answerable"]) == (4, 2)
    assert (ran.json["auroc"], ran.json["recognised"], ran.json["held"]) == (1.0, 1.0, 0.0)
    shown = ccos(*sets)
    assert "recognised" in shown.out and "held" in shown.out and "1.000" in shown.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--kb", "kb.jsonl"), "--kb needs --asks"),
        (("--asks", "asks.jsonl", "--cases", "kb.jsonl"), "--cases goes with --kb"),
        (("--asks", "kb.jsonl"), "Line 1 of kb.jsonl needs 'text' and 'gold'"),
    ],
)
def test_what_does_not_go_together_is_told_in_one_sentence(ccos, sets, arguments, words):
    ran = ccos("eval", "answerability", *arguments)
    assert ran.code == 2 and words in ran.err and "Traceback" not in ran.err and not ran.out


def test_a_model_is_never_written_where_there_is_no_folder(ccos):
    ran = ccos("train", "answerability", "--out", "nowhere/model.json")
    assert ran.code == 2 and "There is no folder nowhere" in ran.err
