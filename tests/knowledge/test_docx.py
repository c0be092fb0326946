import pytest

from ccos.knowledge import chunking
from ccos.knowledge.formats import docx as reader
from ccos.knowledge.formats.problem import Unreadable
from support.docx_files import W, docx, paragraph, run, table

TEXT_BOX = (
    '<w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
    "<mc:Choice><w:drawing><w:txbxContent>{0}</w:txbxContent></w:drawing></mc:Choice>"
    "<mc:Fallback><w:pict><w:txbxContent>{0}</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
)


def body(*blocks: str, **parts) -> str:
    return str(reader.record(docx(*blocks, **parts))[0]["body"])


def refusal(data: bytes) -> str:
    with pytest.raises(Unreadable) as raised:
        reader.record(data)
    return str(raised.value)


def test_headings_by_style_name_outline_and_descent():
    text = body(
        paragraph("환불 안내", style="t"), paragraph("개요", style="1"), paragraph("본문"), paragraph("카드", style="own"),
        paragraph("깊은 곳", more='<w:outlineLvl w:val="3"/>'), paragraph("아닌 것", style="1", more='<w:outlineLvl w:val="9"/>'),
    )  # fmt: skip
    assert text == "# 환불 안내\n\n# 개요\n\n본문\n\n## 카드\n\n#### 깊은 곳\n\n아닌 것"


def test_title_language_and_date():
    record, notes = reader.record(
        docx(paragraph("본문"), title="환불 안내", language="ko-KR", modified="2026-03-05T12:00:00Z")
    )
    assert (record["title"], record["locale"], record["updated_at"], notes) == (
        "환불 안내",
        "ko-KR",
        "2026-03-05T12:00:00Z",
        [],
    )
    assert reader.record(docx(paragraph("안내", style="t"), title="서식"))[0]["title"] == "안내"
    assert reader.record(docx(paragraph("본문"), title="Microsoft Word - a.docx"))[0]["title"] == ""


@pytest.mark.parametrize(("text", "locale"), [("환불", "ko-KR"), ("Refunds", "en-US")])
def test_without_a_language_of_its_own_the_text_has_that_of_its_letters(text, locale):
    styles = f'<w:styles {W}><w:docDefaults><w:rPrDefault><w:rPr><w:lang w:val="en-US" w:eastAsia="ko-KR"/></w:rPr></w:rPrDefault></w:docDefaults></w:styles>'
    assert reader.record(docx(paragraph(text), styles=styles))[0]["locale"] == locale


def test_steps_are_counted_on_past_what_stands_between():
    text = body(
        paragraph("연다", number=1), paragraph("앱에서", number=1, depth=1), paragraph("웹에서", number=1, depth=1),
        paragraph("고른다", style="step"), paragraph("쉬어 가는 글"), paragraph("누른다", number=1),
        paragraph("다시", number=1, depth=1), paragraph("처음", number=3), paragraph("점", number=2), paragraph("여섯 없이", number=4),
    )  # fmt: skip
    assert text == (
        "1. 연다\n  가) 앱에서\n  나) 웹에서\n2. 고른다\n\n쉬어 가는 글\n\n3. 누른다\n  가) 다시\n1. 처음\n- 점\n④ 여섯 없이"
    )


def test_labels_of_several_parts_and_of_headings():
    text = body(
        paragraph("장", style="1", number=1), paragraph("절", number=1, depth=2), paragraph("끈 번호", style="step", number=0,
        more='<w:numPr><w:numId w:val="0"/></w:numPr>'),
    )  # fmt: skip
    assert text == "# 1. 장\n\n    - 1-1 절\n\n끈 번호"


def test_a_paragraph_set_in_under_a_step_stays_with_it():
    inner = paragraph("화면 위쪽에 있습니다.", more='<w:ind w:left="800"/>')
    text = body(paragraph("연다", number=1), inner, inner, paragraph("누른다", number=1), paragraph("끝."))
    assert text == "1. 연다\n  화면 위쪽에 있습니다.\n  화면 위쪽에 있습니다.\n2. 누른다\n\n끝."
    assert len(chunking.passages("환불", text)) == 1


def test_tables_with_merged_cells_and_what_stands_in_them():
    wide = f'<w:tc><w:tcPr><w:gridSpan w:val="2"/></w:tcPr>{paragraph("기간")}</w:tc>'
    first = f'<w:tc><w:tcPr><w:vMerge w:val="restart"/></w:tcPr>{paragraph("카드")}</w:tc>'
    more = f"<w:tc><w:tcPr><w:vMerge/></w:tcPr>{paragraph('가려짐')}</w:tc>"
    steps = f"<w:tc>{paragraph('연다', number=1)}{paragraph('누른다', number=1)}</w:tc>"
    text = body(table(["수단", wide], [first, "3|일", steps], [more, "5일", ""], ["계좌"]), paragraph("끝."))
    assert text == (
        "| 수단 | 기간 |  |\n|---|---|---|\n| 카드 | 3/일 | 1. 연다 2. 누른다 |\n|  | 5일 |  |\n| 계좌 |  |  |\n\n끝."
    )


def test_a_frame_of_one_cell_is_text_and_a_table_in_a_cell_its_words():
    inner = f"<w:tc>{table(['가', '나'], ['다', '라'])}{paragraph()}</w:tc>"
    assert (
        body(table(["<w:tc>" + paragraph("알림", style="2") + paragraph("늦습니다.") + "</w:tc>"]))
        == "## 알림\n\n늦습니다."
    )
    assert body(table(["밖", inner])) == "| 밖 | 가 나 다 라 |\n|---|---|"


def test_a_long_table_stays_whole():
    text = body(table(["수단", "기간"], *([f"수단 {n}", f"{n}일"] for n in range(60))))
    [passage] = chunking.passages("환불", text)
    assert "| 수단 59 | 59일 |" in passage.body


def test_what_nobody_sees_is_not_read():
    runs = run("보이는 ") + run("숨은", "<w:vanish/>") + run("스타일로 숨은", '<w:rStyle w:val="gone"/>')
    runs += f"<w:del>{run('지운').replace('w:t', 'w:delText')}</w:del><w:ins>{run('더한 ')}</w:ins>"
    runs += "<w:r><w:instrText>HYPERLINK javascript:alert(1)</w:instrText></w:r>" + run(
        "글", '<w:vanish w:val="0"/>'
    )
    runs += "<w:moveFrom>" + run("옮긴") + "</w:moveFrom>"
    assert body(paragraph(runs=runs)) == "보이는 더한 글"


def test_links_controls_boxes_and_notes_keep_their_words():
    notes = f'<w:footnotes {W}><w:footnote w:id="2">{paragraph("주말 제외")}</w:footnote></w:footnotes>'
    runs = f"<w:hyperlink>{run('여기')}</w:hyperlink><w:sdt><w:sdtContent>{run('서')}</w:sdtContent></w:sdt>"
    runs += '<w:r><w:t> 사흘</w:t><w:footnoteReference w:id="2"/><w:tab/><w:t>안에</w:t><w:br/><w:t>됩니다.</w:t></w:r>'
    boxed = paragraph(runs=TEXT_BOX.format(paragraph("상자 속 글")))
    control = f"<w:sdt><w:sdtContent>{paragraph('칸 속 글')}</w:sdtContent></w:sdt>"
    assert body(paragraph(runs=runs), boxed, control, footnotes=notes) == (
        "여기서 사흘 (주말 제외) 안에\n됩니다.\n\n상자 속 글\n\n칸 속 글"
    )


def test_short_bold_lines_are_headings_only_where_there_are_no_others():
    bold, sentence = paragraph(runs=run("준비물", "<w:b/>")), paragraph(runs=run("꼭 챙기세요.", "<w:b/>"))
    assert body(bold, paragraph("신분증"), sentence) == "## 준비물\n\n신분증\n\n꼭 챙기세요."
    assert body(paragraph("안내", style="1"), bold) == "# 안내\n\n준비물"


def test_the_other_set_of_namespaces_is_read_too():
    data = docx(paragraph("본문"), document=f"<w:document {W}><w:body>{paragraph('본문')}</w:body></w:document>".replace(
        "http://schemas.openxmlformats.org/wordprocessingml/2006/main", "http://purl.oclc.org/ooxml/wordprocessingml/main"
    ))  # fmt: skip
    assert reader.record(data)[0]["body"] == "본문"


def test_what_cannot_be_read_is_told_in_one_sentence():
    damaged = "It is no DOCX file, or a damaged one; save it anew."
    whole = docx(paragraph("본문"))
    assert refusal(b"") == refusal(b"PK\3\4 not a zip") == refusal(whole[:-30]) == damaged
    assert refusal(docx(document="<w:document")) == damaged
    assert refusal(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)) == (
        "It is protected with a password or an old .doc file; save it as .docx without a password."
    )
    flipped = bytearray(whole)
    at = whole.index(b"word/document.xml") + len("word/document.xml") + 10
    flipped[at : at + 20] = bytes(20)
    assert refusal(bytes(flipped)) == damaged


def test_a_small_file_that_unpacks_to_gigabytes_is_refused():
    bomb = b"<w:document " + W.encode() + b"><w:body>" + b" " * 120_000_000
    assert refusal(docx(document=bomb)) == "It unpacks to more than 100 MB; split it or save it anew."
    assert refusal(docx(paragraph("본문"), styles=b" " * 11_000_000)) == (
        "It unpacks to more than 10 MB; split it or save it anew."
    )


def test_entities_that_multiply_are_refused():
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 20}">' for n in range(1, 9))
    bomb = f'<!DOCTYPE d [<!ENTITY e0 "가나다라마바사">{levels}]><w:document {W}><w:body>{paragraph("x")}</w:body></w:document>'
    assert (
        refusal(docx(document=bomb.replace(">x<", ">&e8;<")))
        == "It is no DOCX file, or a damaged one; save it anew."
    )


def test_a_file_named_by_an_entity_is_not_opened(tmp_path):
    (tmp_path / "secret").write_text("비밀")
    asks = f'<!DOCTYPE d [<!ENTITY e SYSTEM "file://{tmp_path}/secret">]><w:document {W}><w:body>{paragraph("x")}</w:body></w:document>'
    assert (
        refusal(docx(document=asks.replace(">x<", ">&e;<")))
        == "It is no DOCX file, or a damaged one; save it anew."
    )


def test_a_text_longer_than_any_procedure_is_refused():
    block = paragraph("환불 안내 " * 20_000)
    assert refusal(docx(*[block] * 50)) == "It is longer than 5 MB; split it."


def test_an_empty_document_has_an_empty_body():
    assert body() == ""
    assert body(paragraph(), table([""])) == ""
