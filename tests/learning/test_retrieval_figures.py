import gzip
import json

import pytest

from ccos.domain.errors import BadInput
from ccos.learning.retrieval_figures import Question, Ranked, figures, read_questions


def ranked(found: str, gold: str, seconds: float = 0.01) -> Ranked:
    return Ranked(Question("q", "질문", frozenset(gold)), tuple(found), seconds)


def test_the_figures_by_hand():
    told = figures([ranked("abc", "a", 0.010), ranked("xaz", "a", 0.020), ranked("xyz", "ab", 0.030),
                    ranked("12345a", "a", 0.040)])  # fmt: skip
    assert (told["n"], told["hit@1"], told["hit@5"]) == (4, 0.25, 0.5)
    assert told["mrr@10"] == pytest.approx((1 + 1 / 2 + 0 + 1 / 6) / 4, abs=1e-4)
    assert told["recall@10"] == 0.75
    assert (told["p50_ms"], told["p99_ms"]) == (20.0, 40.0)
    low, high = told["hit@1_ci"]
    assert 0 < low < 0.25 < high < 1


def test_recall_is_the_share_of_all_that_belong_to_the_question():
    assert figures([ranked("axyb", "abcd")])["recall@10"] == 0.5
    assert ranked("axyb", "bc").rank == 4
    assert ranked("xyz", "a").rank is None


def test_questions_are_read_from_lines(tmp_path):
    rows = [{"query": "환불", "gold": ["a", 7]}, {"qid": "q9", "query": "배송", "gold": "b", "more": 1}]
    plain, packed = tmp_path / "q.jsonl", tmp_path / "q.jsonl.gz"
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n\n"
    plain.write_text(text)
    packed.write_bytes(gzip.compress(text.encode()))
    assert read_questions(plain) == read_questions(packed)
    assert read_questions(plain) == [
        Question("1", "환불", frozenset({"a", "7"})),
        Question("q9", "배송", frozenset({"b"})),
    ]


@pytest.mark.parametrize("line", ['{"query": "a"}', '{"query": "", "gold": ["a"]}', '{"query": "a", "gold": []}', "[]",
                                  "not json", '{"query": 7, "gold": ["a"]}', '{"query": "a", "gold": null}'])  # fmt: skip
def test_a_bad_line_is_named(tmp_path, line):
    file = tmp_path / "q.jsonl"
    file.write_text('{"query": "a", "gold": ["b"]}\n' + line + "\n")
    with pytest.raises(BadInput, match=r"Line 2 of q\.jsonl needs 'query' and 'gold'"):
        read_questions(file)


def test_a_file_without_questions_is_refused(tmp_path):
    (tmp_path / "q.jsonl").write_text("\n")
    with pytest.raises(BadInput, match="holds no questions"):
        read_questions(tmp_path / "q.jsonl")
