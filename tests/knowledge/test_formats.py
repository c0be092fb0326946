import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ccos.domain.errors import BadKnowledge
from ccos.domain.evidence import EvidenceKind, Visibility
from ccos.knowledge import formats
from ccos.knowledge.formats import Options, Reading
from ccos.knowledge.formats.html import looks_like_html, to_markdown
from ccos.knowledge.formats.instants import instant


def read(path: Path, **options) -> Reading:
    return formats.read(path, Options(**options), lambda done, total: None)


def items(reading: Reading):
    return list(reading.items.values())


def told(reading: Reading) -> list[str]:
    return [str(problem) for problem in reading.problems]


def lines(*records: object) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def test_markdown_with_a_front_matter(tmp_path):
    (tmp_path / "a.md").write_text(
        "---\nid: refund-timing\ntitle: '환불은 언제: 들어오나요'\nurl: https://help.example.com/r\n"
        "visibility: internal\nlocale: ko\nupdated_at: 2026-09-01\nvalid_until: 2026-12-31\n"
        'category: 환불  # 분류\ntags: [카드, "무통장"]\n---\n\n# 제목\n\n본문'
    )
    [item] = items(read(tmp_path, zone=ZoneInfo("Asia/Seoul")))
    assert (item.external_id, item.title, item.body) == (
        "refund-timing",
        "환불은 언제: 들어오나요",
        "# 제목\n\n본문",
    )
    assert (item.url, item.visibility, item.locale) == (
        "https://help.example.com/r",
        Visibility.INTERNAL,
        "ko",
    )
    assert (item.category, item.tags) == ("환불", ("카드", "무통장"))
    assert item.updated_at == datetime(2026, 8, 31, 15, tzinfo=UTC)
    assert item.valid_until == datetime(2026, 12, 31, 15, tzinfo=UTC)


def test_markdown_without_one_is_known_by_its_path_and_heading(tmp_path):
    (tmp_path / "refunds").mkdir()
    (tmp_path / "refunds" / "card.md").write_text("# 카드 환불 ##\n\n본문")
    (tmp_path / "refunds" / "plain.md").write_text("본문만 있습니다")
    reading = read(tmp_path)
    assert [(i.external_id, i.title) for i in items(reading)] == [
        ("refunds/card", "카드 환불"),
        ("refunds/plain", ["refunds", "plain"][1]),
    ]


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("앞<script>alert(1)</script>뒤", "앞뒤"),
        ("앞 <!-- 몰래 --> 뒤<script>alert(1)", "앞  뒤"),
        ("앞<span style='display: none'>몰래</span>뒤<b hidden>몰래</b>", "앞뒤"),
        (
            "[여기](javascript:alert(1))와 ![그림](data:text/html,x) [곳](https://e.example)",
            "여기와 그림 [곳](https://e.example)",
        ),
        ("앞\n[a]: javascript:alert(1)\n<javascript:alert(1)>뒤", "앞\n\n뒤"),
        (
            "| 수단 | 기간 |\n|---|---|\n| 카드<br>계좌 | 3일 |",
            "| 수단 | 기간 |\n|---|---|\n| 카드 계좌 | 3일 |",
        ),
        ("1. <b>연다</b>\n2. 누른다<br/>끝", "1. 연다\n2. 누른다\n끝"),
        (
            "주문은 <주문번호>로, 3 < 5, <https://e.example>",
            "주문은 <주문번호>로, 3 < 5, <https://e.example>",
        ),
        (
            "```\n<div>코드</div> <!-- 둠 -->\n```\n`<b>` 끝",
            "```\n<div>코드</div> <!-- 둠 -->\n```\n`<b>` 끝",
        ),
        ("<div><h2>가</h2><ol><li>나</li></ol></div>", "## 가\n\n1. 나"),
    ],
)
def test_html_in_markdown_runs_and_hides_nothing(tmp_path, text, body):
    (tmp_path / "a.md").write_text(text)
    assert [item.body for item in items(read(tmp_path))] == [body]


def test_block_lists_and_an_unclosed_front_matter(tmp_path):
    (tmp_path / "a.md").write_text("---\ntitle: 제목\ntags:\n  - 하나\n  - 둘\n---\n본문")
    (tmp_path / "b.md").write_text("---\n\n# 나\n\n본문")
    first, second = items(read(tmp_path))
    assert first.tags == ("하나", "둘")
    assert (second.title, second.body) == ("나", "---\n\n# 나\n\n본문")


def test_html_keeps_what_a_reader_reads():
    page = to_markdown(
        "<html lang=ko><head><title>도움말 | 환불</title><link rel=canonical href='https://e.example/r'>"
        "<style>p{}</style></head><body><nav>메뉴</nav><script>x()</script><header>로고</header>"
        "<main><h1>환불  안내</h1><p>먼저 <b>확인</b>합니다.<br>다음 줄</p>"
        "<ol><li>연다<ul><li>앱</li></ul></li><li><p>누른다</p></li></ol>"
        "<table><tr><th>수단</th><th>기간</th></tr><tr><td>카드</td><td>3<br>일</td></tr></table>"
        "<pre>a = 1\n  b</pre><p>끝 &amp; 감사</p></main><footer>회사</footer></body></html>"
    )
    assert (page.title, page.url, page.locale) == ("환불 안내", "https://e.example/r", "ko")
    assert page.text == (
        "# 환불 안내\n\n먼저 확인합니다.\n다음 줄\n\n1. 연다\n  - 앱\n2. 누른다\n\n"
        "| 수단 | 기간 |\n|---|---|\n| 카드 | 3 일 |\n\n```\na = 1\n  b\n```\n\n끝 & 감사"
    )


@pytest.mark.parametrize(
    "html", ["", "<", "<table><tr></tr></table>", "<li>", "<pre>", "<div>" * 20_000 + "가"]
)
def test_odd_html_is_read_without_a_fault(html):
    assert isinstance(to_markdown(html).text, str)


def test_deep_html_keeps_its_text():
    assert to_markdown("<div>" * 400 + "가" + "</div>" * 400 + "나").text == "가\n\n나"


@pytest.mark.parametrize(
    "unseen",
    ["<script>{0}</script>", "<style>{0}</style>", "<p hidden>{0}</p>", "<p aria-hidden=true>{0}</p>", "<!-- {0} -->",
     "<span style='DISPLAY : none !important'>{0}</span>", "<p style='visibility: hidden'>{0}</p>", "<b style='font-size:0px'>{0}</b>",
     "<p style='opacity:0'>{0}</p>", "<p style='position:absolute;left:-9999px'>{0}</p>", "<dialog>{0}</dialog>", "<textarea>{0}</textarea>",
     "<template>{0}</template>", "<noscript>{0}</noscript>", "<svg><text>{0}</text></svg>", "<xmp>{0}</xmp>", "<iframe>{0}</iframe>",
     "<style>.x, p.y {{ Display: none }}</style><i class=x>{0}</i>", "<style>@media print{{p{{color:red}}}} #z{{visibility:hidden}}</style><i id=z>{0}</i>",
     "<input value={0}>", "<a href='javascript:alert({0})'></a>", "<img src=x onerror={0}>"],
)  # fmt: skip
def test_what_a_page_does_not_show_does_not_come_through(unseen):
    page = to_markdown(f"<body><main><p>앞</p>{unseen.format('alert')}<p>뒤</p></main></body>")
    assert page.text == "앞\n\n뒤"


@pytest.mark.parametrize(
    "seen",
    ["<p style='font-size:0.9em'>{0}</p>", "<p style='opacity:0.5'>{0}</p>", "<p style='display:block'>{0}</p>", "<dialog open>{0}</dialog>",
     "<style>@media print {{ .x {{ display:none }} }}</style><p class=x>{0}</p>", "<style>body{{opacity:0}}</style><p>{0}</p>",
     "<a href='javascript:open()'>{0}</a>", "<details><summary>{0}</summary></details>", "<img alt='{0}'>"],
)  # fmt: skip
def test_what_a_page_shows_comes_through(seen):
    assert "글" in to_markdown(f"<body><main>{seen.format('글')}</main></body>").text


def test_a_page_that_hides_most_of_itself_is_told(tmp_path):
    (tmp_path / "a.html").write_text(f"<p>보임</p><div style='display:none'>{'숨김 ' * 20}</div>")
    reading = read(tmp_path)
    assert [item.body for item in items(reading)] == ["보임"]
    assert told(reading) == ["a.html: Most of its text is hidden on the page and was left out."]


def test_a_page_that_nests_for_ever_keeps_its_words():
    assert to_markdown("<div>" * 300_000 + "가" + "</div>" * 300_000 + "<p>나</p>").text == "가\n\n나"


def test_markdown_with_an_angle_bracket_is_no_html():
    assert not looks_like_html("금액 < 3만원 이면 a<b> 아님".replace("<b>", "< b >"))
    assert looks_like_html("<p class=x>환불</p>")


def test_a_body_of_html_in_a_record_is_converted(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(lines({"id": 7, "title": "환불", "body": "<p>하나</p><p>둘</p>"}))
    [item] = items(read(path))
    assert (item.external_id, item.body) == ("7", "하나\n\n둘")


@pytest.mark.parametrize(
    "text",
    ["id,title,body\n1,환불,본문\n", "ID;Question;Answer\n1;환불;본문\n", "slug\tsubject\tcontent\n1\t환불\t본문\n",
     "번호,제목,내용\n1,환불,본문\n", "\n\nid,title,body\n\n1,환불,본문\n,,\n"],
)  # fmt: skip
def test_csv_by_its_usual_names_and_delimiters(tmp_path, text):
    (tmp_path / "a.csv").write_text(text)
    reading = read(tmp_path)
    assert [(i.external_id, i.title, i.body) for i in items(reading)] == [("1", "환불", "본문")]
    assert told(reading) == []


def test_a_csv_cell_may_hold_lines_and_more_than_python_allows(tmp_path):
    (tmp_path / "a.csv").write_text(
        'id,title,body\n1,환불,"첫 줄\n둘째, ""줄"""\n2,긴 글,' + "가" * 200_000 + "\n"
    )
    first, second = items(read(tmp_path))
    assert first.body == '첫 줄\n둘째, "줄"'
    assert len(second.body) == 200_000


def test_bad_csv_rows_cost_themselves_only(tmp_path):
    (tmp_path / "a.csv").write_text("id,title,body\n1,환불,본문,남는 칸\n2,배송,본문\n3,,\n")
    reading = read(tmp_path)
    assert [i.external_id for i in items(reading)] == ["2"]
    assert told(reading) == [
        "a.csv, line 2: It has 4 cells, the header 3; quote the commas.",
        "a.csv, line 4: It has neither a title nor a body; its fields are: id, title, body.",
    ]


def test_a_csv_whose_header_says_nothing_is_one_problem(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n" + "1,2\n" * 50)
    reading = read(tmp_path)
    assert told(reading) == ["a.csv: The first line names no title and no body column; it holds: x, y."]
    assert items(read(tmp_path / "a.csv", body_field="y"))[0].body == "2"


def test_json_lines_with_broken_ones_between(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        lines({"id": "1", "title": "환불", "body": "본문"}) + "{broken\n\n[1]\n" + "[" * 100_000 + "\n"
        + lines({"id": "2", "question": "배송?", "answer": "이틀"})
    )  # fmt: skip
    reading = read(path)
    assert [(i.external_id, i.title) for i in items(reading)] == [("1", "환불"), ("2", "배송?")]
    assert [problem.line for problem in reading.problems] == [2, 4, 5]
    assert reading.unread == 3


@pytest.mark.parametrize(
    "text",
    ['[{"id": 1, "title": "환불", "body": "본문"}]', '{"articles": [{"id": 1, "title": "환불", "body": "본문"}]}',
     '{"id": 1, "title": "환불", "body": "본문"}', '{"id": 1, "title": "환불", "body": "본문"}\n{"id": 2}\n'],
)  # fmt: skip
def test_json_in_its_usual_shapes(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    assert [(i.external_id, i.body) for i in items(read(tmp_path))] == [("1", "본문")]


def test_json_that_is_none_says_where(tmp_path):
    (tmp_path / "a.json").write_text('[{"id": 1,\n "title" "환불"}]')
    assert told(read(tmp_path)) == ["a.json: It is not JSON: Expecting ':' delimiter (line 2, character 10)."]


def test_a_record_of_json_is_named_by_its_number(tmp_path):
    (tmp_path / "a.json").write_text('[{"title": "가", "body": "나"}, 3, {"id": 1, "title": "다"}]')
    assert told(read(tmp_path)) == [
        "a.json, record 2: It is not a JSON object with named fields.",
        "a.json, record 3: It has a title but no body.",
    ]


def test_the_body_field_can_be_chosen(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        lines(
            {"id": "1", "title": "환불", "body": "문의와 답", "index_text": "답"}, {"id": "2", "title": "가"}
        )
    )
    assert items(read(path))[0].body == "문의와 답"
    chosen = read(path, body_field="index_text")
    assert items(chosen)[0].body == "답"
    assert told(chosen) == ["a.jsonl, line 2: It has a title but no body."]


def test_cases_hold_the_question_and_its_resolution(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        lines({"ticket_id": "T-1", "subject": "환불", "description": "언제?", "resolution": "3일"})
    )
    [case] = items(read(path, kind=EvidenceKind.CASE))
    assert (case.kind, case.external_id, case.title, case.body) == (
        EvidenceKind.CASE,
        "T-1",
        "환불",
        "언제?\n\n3일",
    )


def test_missing_ids_are_the_same_each_time_and_missing_titles_come_from_the_text(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(lines({"title": "환불", "body": "본문"}, {"id": "x", "body": "## **첫 줄**\n둘째 줄"}))
    first, again = items(read(path)), items(read(path))
    assert first[0].external_id == again[0].external_id
    assert len(first[0].external_id) == 16
    assert first[1].title == "첫 줄"


def test_of_a_duplicate_id_the_last_wins_and_is_reported(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(lines(*({"id": "1", "title": title, "body": "본문"} for title in ("먼저", "나중"))))
    reading = read(path)
    assert [i.title for i in items(reading)] == ["나중"]
    assert told(reading) == ["a.jsonl, line 2: The id '1' was there before; the later one is kept."]


@pytest.mark.parametrize(
    ("fields", "visibility", "notes"),
    [
        ({"visibility": "public"}, Visibility.PUBLIC, 0),
        ({"visibility": "내부"}, Visibility.INTERNAL, 0),
        ({"visibility": "someone"}, Visibility.INTERNAL, 1),
        ({"internal": True}, Visibility.INTERNAL, 0),
        ({"internal": "false"}, Visibility.PUBLIC, 0),
        ({"is_internal": "maybe"}, Visibility.INTERNAL, 1),
        ({"internal": "no", "visibility": "private"}, Visibility.INTERNAL, 0),
        ({}, Visibility.PUBLIC, 0),
    ],
)
def test_what_is_not_clearly_public_is_internal(tmp_path, fields, visibility, notes):
    path = tmp_path / "a.jsonl"
    path.write_text(lines({"id": "1", "title": "환불", "body": "본문"} | fields))
    reading = read(path)
    assert items(reading)[0].visibility is visibility
    assert len(reading.problems) == notes


def test_a_bad_date_or_link_is_left_out_and_told(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(
        lines({"id": "1", "title": "가", "body": "나", "updated_at": "어제", "url": "javascript:alert(1)"})
    )
    reading = read(path)
    assert (items(reading)[0].updated_at, items(reading)[0].url) == (None, None)
    assert told(reading) == [
        "a.jsonl, line 1: Its link is no http address and was left out.",
        "a.jsonl, line 1: Its update date '어제' is no date and was left out.",
    ]
    assert reading.unread == 0


@pytest.mark.parametrize(
    "value",
    ["2026-03-05", "2026.3.5", "2026. 03. 05.", "2026/3/5", "2026년 3월 5일", "2026-03-05T00:00", "2026-03-04T15:00:00Z",
     "2026-03-05 00:00:00+09:00", 1772636400, "1772636400000"],
)  # fmt: skip
def test_dates_as_people_write_them(value):
    assert instant(value, ZoneInfo("Asia/Seoul")) == datetime(2026, 3, 4, 15, tzinfo=UTC)


@pytest.mark.parametrize("value", ["2026-13-01", "2월 30일", "0000-01-01", "9" * 13, "-1", "", "2026"])
def test_what_is_no_date_is_none(value):
    assert value == "9" * 13 or instant(value, UTC) is None


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp949", "euc-kr"]
)
def test_encodings_of_korean_exports(tmp_path, encoding):
    text = "id,title,body\n1,환불 안내,카드는 3일 걸립니다(영업일).\n"
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    assert [(i.external_id, i.title) for i in items(read(tmp_path))] == [("1", "환불 안내")]


def test_other_encodings_are_told_and_not_guessed(tmp_path):
    (tmp_path / "a.md").write_bytes("返金のご案内です。三日かかります。".encode("shift_jis"))
    (tmp_path / "b.md").write_bytes("Café déjà vu, naïve façade".encode("latin-1"))
    reading = read(tmp_path)
    assert items(reading) == []
    assert all("The encoding is not UTF-8, UTF-16 or CP949" in sentence for sentence in told(reading))


def test_zeros_in_a_text_do_not_make_it_utf_16(tmp_path):
    (tmp_path / "a.md").write_bytes("# 환불\0 안내\n\n\0본문입니다.".encode())
    assert [(item.title, item.body) for item in items(read(tmp_path))] == [
        ("환불 안내", "# 환불 안내\n\n본문입니다.")
    ]


def test_damaged_text_is_no_cp949(tmp_path):
    (tmp_path / "a.md").write_bytes("환불 안내는 여기".encode()[:-1] + b"\xff")
    (tmp_path / "b.md").write_text("# 배송\n\n본문")
    reading = read(tmp_path)
    assert [i.title for i in items(reading)] == ["배송"]
    assert told(reading) == [
        "a.md: The encoding is not UTF-8, UTF-16 or CP949, or the text is damaged; save it as UTF-8."
    ]


def test_one_damaged_line_of_json_lines_does_not_cost_the_others(tmp_path):
    good = [lines({"id": str(n), "title": "환불", "body": "본문입니다"}).encode() for n in range(3)]
    (tmp_path / "a.jsonl").write_bytes(good[0] + good[1].replace("본".encode(), b"\xeb\xff") + good[2])
    reading = read(tmp_path)
    assert [i.external_id for i in items(reading)] == ["0", "2"]
    assert [problem.line for problem in reading.problems] == [2]


def test_nul_and_lone_surrogates_are_dropped(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": "1\\u0000", "title": "환\\ud800불", "body": "본\\u0000문"}\n')
    [item] = items(read(tmp_path))
    assert (item.external_id, item.title, item.body) == ("1", "환불", "본문")


def test_gzip_of_each_and_a_damaged_one(tmp_path):
    (tmp_path / "a.jsonl.gz").write_bytes(
        gzip.compress(lines({"id": "1", "title": "가", "body": "나"}).encode())
    )
    (tmp_path / "b.md.gz").write_bytes(gzip.compress("# 배송\n\n본문".encode()))
    (tmp_path / "c.md.gz").write_bytes(b"not gzip")
    (tmp_path / "d.md.gz").write_bytes(gzip.compress(b"x" * 1000)[:-9])
    reading = read(tmp_path)
    assert [i.external_id for i in items(reading)] == ["1", "b"]
    assert told(reading) == ["c.md.gz: It is a damaged .gz file.", "d.md.gz: It is a damaged .gz file."]


def test_a_gzip_bomb_and_a_huge_record_are_refused(tmp_path):
    (tmp_path / "a.md.gz").write_bytes(gzip.compress(b"a" * 50_000_000, 9))
    (tmp_path / "b.jsonl").write_text(lines({"id": "1", "title": "가", "body": "a" * 5_000_001}))
    assert told(read(tmp_path)) == [
        "a.md.gz: It is larger than 5 MB; split it.",
        "b.jsonl, line 1: It is longer than 5 MB; split it.",
    ]


def test_a_folder_skips_what_is_no_article(tmp_path):
    for name in ("a.md", "README.md", "LICENSE.md", ".hidden.md", "picture.png", "b.txt"):
        (tmp_path / name).write_text("# 제목\n\n본문")
    reading = read(tmp_path)
    assert [i.external_id for i in items(reading)] == ["a", "b"]
    assert reading.skipped == 1
    assert len(items(read(tmp_path / "README.md"))) == 1


def test_a_loop_of_links_ends_and_a_dead_link_is_told(tmp_path):
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "a.md").write_text("# 가\n\n나")
    (tmp_path / "inside" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "dead.md").symlink_to(tmp_path / "nowhere.md")
    reading = read(tmp_path)
    assert [i.external_id for i in items(reading)] == ["inside/a"]
    assert told(reading) == [
        "inside/loop: The folder was read already under another name; the link is not followed.",
        "dead.md: It cannot be read: No such file or directory.",
    ]


def test_an_empty_document_is_told(tmp_path):
    (tmp_path / "a.md").write_text("")
    (tmp_path / "b.html").write_text("<html><body><script>1</script></body></html>")
    assert told(read(tmp_path)) == [
        "a.md: It has a title but no body.",
        "b.html: It has a title but no body.",
    ]


def test_nothing_to_import_is_the_users_mistake(tmp_path):
    with pytest.raises(BadKnowledge, match="There is no file or folder"):
        read(tmp_path / "nowhere")
    (tmp_path / "picture.png").write_bytes(b"x")
    with pytest.raises(BadKnowledge, match="can be imported; give Markdown"):
        read(tmp_path)


def test_progress_counts_files(tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.md").write_text("# 가\n\n나")
    seen = []
    formats.read(tmp_path, Options(), lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
