"""Files that hang, swell or kill whoever reads them cost themselves, and no other."""

import os
import signal
import unicodedata

import psutil
import pytest

from ccos.knowledge import chunking, formats
from ccos.knowledge.formats import Options
from ccos.knowledge.formats.confined import Confined
from ccos.knowledge.formats.problem import Unreadable
from support.docx_files import docx, paragraph, table
from support.pdf_files import PdfPage, pdf

GOOD = pdf(PdfPage().write(50, 700, "환불은 사흘 걸립니다."))
SLOW = pdf(b"BT /R 9 Tf (a) Tj ET\n" * 3_000_000)
"""Three million words, one over the other, in a few kilobytes."""


def new_children(before: list[psutil.Process]) -> list[psutil.Process]:
    """Ours: other tests' servers and browsers may live beside them."""
    return [child for child in psutil.Process().children() if child not in before]


def read(path):
    return formats.read(path, Options(), lambda done, total: None)


def test_a_folder_of_documents_with_bad_ones_between(tmp_path):
    (tmp_path / "a 환불 #1 %00.pdf").write_bytes(GOOD)
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7 broken")
    (tmp_path / "c.docx").write_bytes(docx(paragraph("교환 안내", style="1"), paragraph("이레 안에 됩니다.")))
    (tmp_path / "d.DOCX").write_bytes(b"PK broken")
    (tmp_path / "e.pdf").write_bytes(pdf(PdfPage().write(50, 700, "앞쪽."), b""))
    (tmp_path / "f.pdf").write_bytes(pdf(b""))
    (tmp_path / "g.docx").write_bytes(docx())
    (tmp_path / "h.md").write_text("# 배송\n\n이틀 걸립니다.")
    (tmp_path / os.fsdecode(b"i\xff\n.pdf")).write_bytes(GOOD)
    reading = read(tmp_path)
    assert [(item.external_id, item.title) for item in reading.items.values()] == [
        ("a 환불 #1 %00", "a 환불 #1 %00"),
        ("c", "교환 안내"),
        ("e", "e"),
        ("h", "배송"),
        ("i\ufffd\ufffd", "i\ufffd\ufffd"),
    ]
    assert [str(problem) for problem in reading.problems] == [
        "b.pdf: It is no PDF file, or a damaged one; save it anew.",
        "d.DOCX: It is no DOCX file, or a damaged one; save it anew.",
        "e.pdf: It has pages without text, only pictures or nothing: 2.",
        "f.pdf: It has no text, only pictures of it; run text recognition (OCR) over it first.",
        "g.docx: It has a title but no body.",
    ]
    assert reading.unread == 4


def test_what_is_told_of_a_document_is_in_its_item(tmp_path):
    (tmp_path / "a.docx").write_bytes(
        docx(paragraph("연다", number=1), table(["수단", "기간"]), title="환불", language="ko", modified="2026-03-05T12:00:00Z")
    )  # fmt: skip
    [item] = read(tmp_path).items.values()
    assert (item.title, item.body, item.locale) == ("환불", "1. 연다\n\n| 수단 | 기간 |\n|---|---|", "ko")
    assert item.updated_at is not None
    assert item.updated_at.isoformat() == "2026-03-05T12:00:00+00:00"
    assert len(chunking.passages(item.title, item.body)) == 1


def test_a_document_beside_a_page_of_the_same_name_is_another_one(tmp_path):
    (tmp_path / "환불.md").write_text("# 환불\n\n사흘 걸립니다.")
    (tmp_path / "환불.pdf").write_bytes(GOOD)
    reading = read(tmp_path)
    assert [item.external_id for item in reading.items.values()] == ["환불", "환불.pdf"]
    assert reading.problems == []


def test_a_name_that_a_mac_took_apart_is_the_same_name(tmp_path):
    (tmp_path / unicodedata.normalize("NFD", "환불.md")).write_text("사흘 걸립니다.")
    assert [(item.external_id, item.title) for item in read(tmp_path).items.values()] == [("환불", "환불")]


def test_one_that_takes_too_long_is_given_up_and_the_next_is_read(tmp_path):
    slow, good = tmp_path / "slow.pdf", tmp_path / "good.pdf"
    slow.write_bytes(SLOW)
    good.write_bytes(GOOD)
    with Confined(seconds=1.5) as confined:
        with pytest.raises(
            Unreadable, match=r"It was not read within 1\.5 seconds; split it or save it anew\."
        ):
            confined.read(slow)
        assert confined.read(good)[0]["body"] == "환불은 사흘 걸립니다."


def test_one_that_swells_is_given_up_and_the_next_is_read(tmp_path):
    swelling, good = tmp_path / "swelling.pdf", tmp_path / "good.pdf"
    swelling.write_bytes(pdf(b" " * 300_000_000))
    good.write_bytes(GOOD)
    with Confined(memory_bytes=400_000_000) as confined:
        with pytest.raises(Unreadable, match="Its reading failed or needed too much memory"):
            confined.read(swelling)
        assert confined.read(good)[0]["body"] == "환불은 사흘 걸립니다."


def test_one_that_kills_its_reader_is_told_and_the_next_is_read(tmp_path):
    before = psutil.Process().children()
    good = tmp_path / "good.pdf"
    good.write_bytes(GOOD)
    with Confined() as confined:
        confined.read(good)
        [child] = new_children(before)
        child.send_signal(signal.SIGKILL)
        child.wait()
        with pytest.raises(Unreadable, match="Its reading failed or needed too much memory"):
            confined.read(good)
        assert confined.read(good)[0]["body"] == "환불은 사흘 걸립니다."


def test_one_process_reads_all_and_ends_with_the_block(tmp_path):
    before = psutil.Process().children()
    good = tmp_path / "good.pdf"
    good.write_bytes(GOOD)
    with Confined() as confined:
        assert new_children(before) == []
        confined.read(good)
        [first] = new_children(before)
        confined.read(good)
        assert new_children(before) == [first]
    assert not first.is_running()


def test_a_document_that_nests_without_end_is_told(tmp_path):
    path = tmp_path / "deep.docx"
    path.write_bytes(docx("<w:sdt>" * 200_000 + "</w:sdt>" * 200_000))
    with Confined() as confined, pytest.raises(Unreadable, match=r"damaged|too much memory"):
        confined.read(path)


def test_a_file_larger_than_any_document_is_not_opened(tmp_path):
    path = tmp_path / "large.pdf"
    with path.open("wb") as file:
        file.truncate(1_000_000_000)
    assert [str(problem) for problem in read(tmp_path).problems] == [
        "large.pdf: It is larger than 200 MB; split it."
    ]
