"""What records say of an item besides its text: what it is for, and the levels of its category."""

from __future__ import annotations

import pytest

from ccos.domain.evidence import Use
from ccos.knowledge.formats import Options
from ccos.knowledge.formats.records import item


def read(**fields):
    notes: list[str] = []
    return item({"id": "1", "title": "제목", "body": "본문"} | fields, Options(), notes.append), notes


@pytest.mark.parametrize(
    ("said", "use", "noted"),
    [
        ("", Use.DRAFT, 0),
        ("draft", Use.DRAFT, 0),
        ("Hint", Use.HINT, 0),
        ("힌트", Use.HINT, 0),
        ("agents", Use.HINT, 1),
    ],
)
def test_what_is_not_clearly_for_drafts_is_a_hint(said, use, noted):
    found, notes = read(use=said)
    assert found.use is use and len(notes) == noted


def test_the_use_may_be_named_in_korean():
    assert read(용도="참고")[0].use is Use.HINT


@pytest.mark.parametrize(
    ("said", "path", "noted"),
    [
        ("배송 > 지연 > 택배사", "배송 > 지연 > 택배사", 0),
        (["배송", "지연", "택배사"], "배송 > 지연 > 택배사", 0),
        ("배송>지연", "배송 > 지연", 0),
        ("교환·반품", "교환·반품", 0),
        (["배송", None, ""], "배송", 0),
        (["a", "b", "c", "d"], "a > b > c", 1),
        ("", None, 0),
        ([], None, 0),
        ({"x": 1}, None, 0),
    ],
)
def test_a_category_is_a_path_or_a_list(said, path, noted):
    found, notes = read(category=said)
    assert found.category == path and len(notes) == noted


def test_an_empty_category_leaves_the_word_to_the_next_name():
    assert read(category=[], section="배송")[0].category == "배송"
