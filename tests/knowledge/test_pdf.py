import pytest

from ccos.knowledge import chunking
from ccos.knowledge.formats import pdf as reader
from ccos.knowledge.formats.problem import Unreadable
from support.pdf_files import PdfPage, pdf

LONG = "환불은 결제 취소가 접수된 다음 영업일부터 처리되며"


def body(*pages: PdfPage, **how) -> str:
    return str(reader.record(pdf(*pages, **how))[0]["body"])


def refusal(data: bytes) -> str:
    with pytest.raises(Unreadable) as raised:
        reader.record(data)
    return str(raised.value)


def lines(*texts: str) -> PdfPage:
    return PdfPage().column(50, 700, *texts)


@pytest.mark.parametrize(
    "how", [{}, {"cp949": True}, {"password": (b"", b"owner")}], ids=["unicode", "cp949", "open"]
)
def test_headings_paragraphs_and_a_table_of_korean_text(how):
    page = PdfPage().write(50, 750, "환불 안내", 20).write(50, 720, "카드 환불", 14)
    page.column(50, 690, "카드는 사흘 걸립니다.", "계좌는 하루 걸립니다.").column(50, 640, "새 문단입니다.")
    page.grid([50, 150, 250], [500, 520, 540]).write(55, 525, "수단").write(155, 525, "기간")
    page.write(55, 505, "카드").write(155, 505, "3일").write(50, 470, "끝입니다.")
    assert body(page, **how) == (
        "# 환불 안내\n\n## 카드 환불\n\n카드는 사흘 걸립니다. 계좌는 하루 걸립니다.\n\n새 문단입니다.\n\n"
        "| 수단 | 기간 |\n|---|---|\n| 카드 | 3일 |\n\n끝입니다."
    )


def test_title_language_and_date_are_those_of_the_file():
    record, notes = reader.record(
        pdf(lines("본문입니다."), title="환불\n안내", language="ko-KR", modified="D:20260305120000+09'00'")
    )
    assert (record["title"], record["locale"], record["updated_at"]) == (
        "환불 안내",
        "ko-KR",
        "2026-03-05T12:00:00+09:00",
    )
    assert notes == []


@pytest.mark.parametrize(
    "title", ["Microsoft Word - 환불_최종.docx", "untitled", "안내.hwp", "제목 없음", None]
)
def test_a_title_that_a_program_put_there_is_none(title):
    assert reader.record(pdf(lines("본문입니다."), title=title))[0]["title"] == ""


def test_the_largest_heading_goes_before_the_title_of_the_file():
    page = PdfPage().write(50, 750, "환불 안내", 20).write(50, 700, "본문입니다.")
    assert reader.record(pdf(page, title="서식 2호"))[0]["title"] == "환불 안내"


@pytest.mark.parametrize(
    ("said", "moment"),
    [("D:2026", "2026-01-01T00:00:00+00:00"), ("D:20260230", ""), ("yesterday", ""), ("D:20260305120000-03'30'", "2026-03-05T12:00:00-03:30")],
)  # fmt: skip
def test_dates_of_any_precision(said, moment):
    assert reader.record(pdf(lines("본문입니다."), modified=said))[0]["updated_at"] == moment


def test_a_bold_line_is_a_heading_unless_most_are_bold_or_it_is_a_sentence():
    page = (
        PdfPage()
        .write(50, 700, "준비물", bold=True)
        .column(50, 670, *["신분증과 통장 사본을 챙겨 오세요."] * 3)
    )
    page.write(50, 600, "꼭 챙기세요.", bold=True)
    assert body(page).startswith("## 준비물\n\n") or body(page).startswith("# 준비물\n\n")
    assert "\n\n꼭 챙기세요." in body(page)
    assert (
        body(PdfPage().write(50, 700, "모두 굵게", bold=True).write(50, 660, "쓴 문서", bold=True))
        == "모두 굵게\n\n쓴 문서"
    )


def test_steps_keep_their_numbers_and_the_lines_that_belong_to_them():
    page = lines(
        "1. 마이페이지를 열고 화면 위쪽의 주문 목록을",
        "누릅니다.",
        "2.환불 신청을 누릅니다.",
        "① 사유를 적습니다.",
        "• 카드",
        "- 계좌",
    )
    assert body(page) == (
        "1. 마이페이지를 열고 화면 위쪽의 주문 목록을 누릅니다.\n2. 환불 신청을 누릅니다.\n① 사유를 적습니다.\n- 카드\n- 계좌"
    )


def test_deeper_items_are_indented():
    page = (
        PdfPage()
        .write(50, 700, "1. 연다")
        .write(70, 685, "• 앱")
        .write(70, 670, "• 웹")
        .write(50, 655, "2. 누른다")
    )
    assert body(page) == "1. 연다\n  - 앱\n  - 웹\n2. 누른다"


def test_short_lines_are_not_run_together():
    page = lines("무료 배송", "반품비 3,000원", LONG)
    assert body(page) == f"무료 배송\n반품비 3,000원\n{LONG}"


def test_lines_that_keep_their_last_space_tell_where_words_are_cut():
    """Korean type breaks words anywhere."""
    wrapped = ("환불은 결제 취소가 접", "수된 다음 날부터 되며 ", "사흘이 걸립니다")
    assert body(lines(*wrapped)) == "환불은 결제 취소가 접수된 다음 날부터 되며 사흘이 걸립니다"


def test_lines_that_all_end_at_the_margin_are_cut_inside_words():
    wrapped = (
        "가나다라마바사아자차카타파하가",
        "나다라마바사아자차카타파하가나",
        "다라마바사아자차카타파하가나다",
        "라마",
    )
    assert body(lines(*wrapped)) == "".join(wrapped)


def test_lines_of_uneven_length_are_cut_between_words():
    wrapped = ("환불은 결제 취소가 접수된", "다음날부터 처리되며", "사흘에서 이레까지 걸립니다")
    assert body(lines(*wrapped)) == " ".join(wrapped)


def test_a_soft_hyphen_joins_a_word_of_latin_letters():
    assert (
        body(lines("customers may request a re\xad", "fund within seven days"))
        == "customers may request a refund within seven days"
    )


def test_running_heads_and_page_numbers_are_left_out():
    pages = [
        PdfPage()
        .write(50, 780, "고객센터 편람", 9)
        .write(50, 700, f"{name} 이야기입니다.")
        .write(290, 20, f"- {at} -", 9)
        for at, name in enumerate(("환불", "배송", "교환"), start=1)
    ]
    assert body(*pages) == "환불 이야기입니다.\n\n배송 이야기입니다.\n\n교환 이야기입니다."


def test_the_same_numbered_heading_on_each_page_is_no_running_head():
    pages = [
        PdfPage().write(50, 780, f"{at}단계", 16).write(50, 700, "설명입니다. " * 3 + str(at) + "번.")
        for at in (1, 2, 3)
    ]
    assert [line for line in body(*pages).split("\n") if line.startswith("#")] == [
        "# 1단계",
        "# 2단계",
        "# 3단계",
    ]


def test_a_paragraph_goes_on_over_the_page():
    pages = [PdfPage().write(50, 60, LONG), PdfPage().write(50, 760, "사흘에서 이레까지 걸립니다.")]
    assert body(*pages) == f"{LONG} 사흘에서 이레까지 걸립니다."


def test_steps_over_two_pages_and_a_long_table_stay_one_passage_each():
    first = PdfPage().column(50, 700, "1. 연다", "2. 고른다")
    second = PdfPage().column(50, 780, "3. 누른다", "4. 기다린다")
    rows = 12
    third = PdfPage().grid([50, 150, 250], [700 - 20 * at for at in range(rows, -1, -1)])
    for row in range(rows):
        third.write(55, 685 - 20 * row, f"수단 {row}").write(155, 685 - 20 * row, f"{row}일")
    found = chunking.passages("환불", body(first, second, third))
    [steps] = [passage for passage in found if "1. 연다" in passage.body]
    assert all(step in steps.body for step in ("2. 고른다", "3. 누른다", "4. 기다린다"))
    [listed] = [passage for passage in found if "| 수단 0 | 0일 |" in passage.body]
    assert f"| 수단 {rows - 1} | {rows - 1}일 |" in listed.body


def test_merged_cells_hold_their_text_once():
    merged = PdfPage()
    for y in (500, 520, 540):
        merged.rule(50, y, 250, y)
    merged.rule(50, 500, 50, 540).rule(250, 500, 250, 540).rule(150, 500, 150, 520)
    merged.write(60, 525, "수단과 기간과 비고").write(55, 505, "카드").write(155, 505, "3일")
    assert body(merged) == "| 수단과 기간과 비고 |  |\n|---|---|\n| 카드 | 3일 |"


def test_a_frame_and_a_drawing_are_no_table():
    frame = PdfPage().grid([40, 300], [600, 720]).column(50, 700, "알립니다.", "배송이 늦습니다.")
    assert body(frame) == "알립니다.\n배송이 늦습니다."
    drawing = lines("알립니다.")
    for at in range(25):
        drawing.grid([x + at / 50 for x in range(0, 600, 4)], [y + at / 50 for y in range(0, 800, 4)])
    assert body(drawing) == "알립니다."


def test_words_off_the_page_are_not_read():
    assert body(lines("보이는 글입니다.").write(5_000, 700, "숨은 글")) == "보이는 글입니다."


def test_pages_without_text_are_told_and_the_rest_is_read():
    record, notes = reader.record(pdf(lines("첫째 쪽."), b"0 0 m 10 10 l S", lines("셋째 쪽.")))
    assert record["body"] == "첫째 쪽.\n\n셋째 쪽."
    assert notes == ["It has pages without text, only pictures or nothing: 2."]


def test_what_cannot_be_read_is_told_in_one_sentence():
    assert refusal(pdf(b"0 0 m 10 10 l S")) == (
        "It has no text, only pictures of it; run text recognition (OCR) over it first."
    )
    assert refusal(pdf(lines("본문"), password=(b"secret", b"owner"))) == (
        "It is protected with a password; save it without one."
    )
    for damaged in (b"", b"not a pdf", b"%PDF-1.7\n", pdf(lines("본문"))[:60]):
        assert refusal(damaged) == "It is no PDF file, or a damaged one; save it anew."


def test_fonts_that_do_not_say_their_letters_are_told():
    assert refusal(pdf(lines("환불 안내입니다"), unicode_table=False)) == (
        "Its fonts do not say which letters they draw; save it anew with Unicode fonts."
    )


def test_a_file_with_a_wrong_table_of_its_parts_is_mended():
    lying = pdf(lines("본문입니다.")).replace(b"startxref\n", b"startxref\n9")
    assert reader.record(lying)[0]["body"] == "본문입니다."


@pytest.mark.parametrize(
    "tree",
    ["<</Type/Pages/Kids[2 0 R]/Count 1>>", "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 50>>", "<</Type/Pages/Kids[10 0 R]/Count 2000000000>>",
     "<</Type/Pages/Kids[99 0 R]/Count -5>>", "[]"],
)  # fmt: skip
def test_page_trees_that_lie_or_turn_in_a_circle_end(tree):
    try:
        text = body(lines("본문입니다."), tree=tree)
    except Unreadable as fault:
        text = str(fault)
    assert text.endswith(".")


def test_a_file_of_a_hundred_thousand_pages_is_refused_at_once():
    count = 100_000
    data = pdf(*[b""] * 1, tree=f"<</Type/Pages/Kids[{'10 0 R ' * count}]/Count {count}>>")
    assert refusal(data) == "It has 100,000 pages, more than 3,000; split it."
