from hypothesis import given
from hypothesis import strategies as st

from ccos.knowledge.chunking import LONGEST, MOST, estimate_tokens, passages

SENTENCE = "환불은 상품이 물류센터에 도착한 뒤 검수를 마치면 영업일 기준 삼 일 안에 처리됩니다. "


def test_tokens_are_estimated_by_script():
    assert estimate_tokens("환불" * 50) == 70
    assert estimate_tokens("word " * 80) == 100
    assert estimate_tokens("") == 0


def test_a_short_article_is_one_passage_without_its_repeated_title():
    [only] = passages("환불 안내", "# 환불 안내\n\n3일 걸립니다.\n\n## 카드\n\n카드사마다 다릅니다.")
    assert only.heading == ""
    assert only.body == "3일 걸립니다.\n\n## 카드\n\n카드사마다 다릅니다."


def test_a_long_article_is_cut_at_headings_and_passages_know_their_path():
    body = "\n\n".join(f"## 절 {n}\n\n### 세부 {n}\n\n{SENTENCE * 8}" for n in range(3))
    found = passages("안내", body)
    assert [passage.heading for passage in found] == [f"절 {n} > 세부 {n}" for n in range(3)]
    assert all(passage.body.startswith("환불은") for passage in found)


def test_a_heading_is_never_left_at_the_end_of_a_passage():
    body = f"{SENTENCE * 8}\n\n## 다음 절\n\n{SENTENCE * 8}"
    first, second = passages("안내", body)
    assert "다음 절" not in first.body
    assert second.heading == "다음 절"


def test_numbered_steps_stay_together_beyond_the_usual_size():
    steps = "\n".join(f"{n}. {SENTENCE.strip()}" for n in range(1, 16))
    assert MOST < estimate_tokens(steps) < LONGEST
    found = passages("절차", f"{SENTENCE * 5}\n\n{steps}\n\n{SENTENCE * 5}")
    assert sum(steps in passage.body for passage in found) == 1


def test_steps_with_notes_and_blank_lines_between_are_one_list():
    steps = "1. 연다\n\n   참고 그림\n\n2. 누른다\n   - 확인\n\n3. 닫는다"
    body = f"{SENTENCE * 9}\n\n{steps}\n\n{SENTENCE * 9}"
    assert sum(steps in passage.body for passage in passages("절차", body)) == 1


def test_a_table_too_long_is_cut_between_rows_under_its_head_again():
    table = "| 수단 | 기간 |\n|---|---|\n" + "\n".join(f"| 수단 {n} | {SENTENCE} |" for n in range(40))
    found = passages("표", table)
    assert len(found) > 1
    assert all(passage.body.startswith("| 수단 | 기간 |\n|---|---|\n| 수단 ") for passage in found)
    assert sum(passage.body.count("| 수단 ") - 1 for passage in found) == 40


def test_a_code_block_keeps_what_looks_like_headings():
    [only] = passages("설정", "```\n# 주석\n\n값 = 1\n```")
    assert only.body == "```\n# 주석\n\n값 = 1\n```"


def test_a_wall_of_text_is_cut_at_sentences():
    found = passages("긴 글", SENTENCE * 60)
    assert len(found) > 3
    assert all(estimate_tokens(passage.body) <= MOST for passage in found)
    assert all(passage.body.endswith("처리됩니다.") for passage in found)


def test_a_line_without_any_end_is_cut_by_length():
    found = passages("암호", "가" * 5_000)
    assert "".join(passage.body for passage in found).replace(" ", "") == "가" * 5_000
    assert all(estimate_tokens(passage.body) <= MOST for passage in found)


def test_an_empty_body_is_found_by_its_title():
    assert [passage.body for passage in passages("휴무 안내", "  \n")] == ["휴무 안내"]


def test_ten_thousand_headings_are_no_trap():
    assert passages("목차", "# 절\n" * 10_000)[0].body == "목차"


@given(st.text(alphabet="#|-1. \n가나다`a", max_size=400))
def test_no_word_of_the_body_is_lost_outside_headings(body):
    found = "\n".join(f"{p.heading}\n{p.body}" for p in passages("제목", body))
    for line in body.split("\n"):
        if not line.lstrip().startswith(("#", "`", "|")):
            assert all(word in found for word in line.split())
