from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from ccos.domain.errors import BadInput
from ccos.domain.evidence import EvidenceKind, Visibility
from ccos.domain.knowledge import Item
from ccos.knowledge import chunking, plain
from ccos.knowledge.filtering import EVERYTHING, Filter, speaks
from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.search import Searcher

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SEOUL = ZoneInfo("Asia/Seoul")
TENANT = uuid4()

UMBRELLA = Item(EvidenceKind.KB, "umbrella", "우산 수선", "우산 수선은 매장에서 접수합니다.")
ITEMS = [
    replace(UMBRELLA, external_id="bare"),
    replace(UMBRELLA, external_id="inner", visibility=Visibility.INTERNAL, category="수선 > 우산"),
    replace(UMBRELLA, external_id="old", updated_at=NOW - timedelta(days=400), locale="ko", category="수선"),
    replace(UMBRELLA, external_id="new", updated_at=NOW - timedelta(days=3), locale="ko-KR"),
    replace(UMBRELLA, external_id="english", locale="en_GB", category="수선비"),
]


ITEMS = [replace(each, body=f"{each.body} 접수 번호 앞에는 {each.external_id}라고 씁니다.") for each in ITEMS]


@pytest.fixture(params=["index", "store"])
async def find(request, tmp_path):
    """What a search finds, with and without an index."""
    shelf = MemoryShelf()
    await shelf.put(TENANT, [(each, chunking.passages(each.title, each.body)) for each in ITEMS])
    searcher = Searcher(shelf, tmp_path, patience_seconds=30)

    async def found(only: Filter) -> set[str]:
        if request.param == "index":
            hits = await searcher.search(TENANT, ["우산 수선"], pool="kb", limit=10, now=NOW, only=only)
            return {hit.id for hit in hits}
        (ranked,) = await plain.search(shelf, TENANT, EvidenceKind.KB, ["우산 수선"], 10, NOW, only)
        return {hit.external_id for hit in ranked}

    yield found
    await searcher.aclose()


@pytest.mark.parametrize(
    ("only", "there"),
    [
        (EVERYTHING, {"bare", "inner", "old", "new", "english"}),
        (Filter(visibility=Visibility.PUBLIC), {"bare", "old", "new", "english"}),
        (Filter(visibility=Visibility.INTERNAL), {"inner"}),
        (Filter(updated_after=NOW - timedelta(days=30)), {"new"}),
        (Filter(updated_after=NOW - timedelta(days=3)), set()),
        (Filter(locale="ko"), {"old", "new"}),
        (Filter(locale="ko-KR"), {"new"}),
        (Filter(locale="EN"), {"english"}),
        (Filter(locale="e"), set()),
        (Filter(category="수선"), {"inner", "old"}),
        (Filter(category="수선 > 우산"), {"inner"}),
        (Filter(visibility=Visibility.PUBLIC, category="수선"), {"old"}),
    ],
)
async def test_a_filter_finds_what_it_names_and_nothing_else(find, only, there):
    assert await find(only) == there


async def test_what_is_filtered_out_does_not_crowd_out_the_rest(tmp_path):
    shelf = MemoryShelf()
    inner = [replace(UMBRELLA, external_id=f"i{n}", visibility=Visibility.INTERNAL) for n in range(150)]
    shown = Item(EvidenceKind.KB, "shown", "접수하는 곳", "찾아오시는 길과 우산 이야기도 조금 있습니다.")
    await shelf.put(TENANT, [(each, chunking.passages(each.title, each.body)) for each in [*inner, shown]])
    searcher = Searcher(shelf, tmp_path, patience_seconds=30)
    only = Filter(visibility=Visibility.PUBLIC)
    hits = await searcher.search(TENANT, ["우산 수선"], pool="kb", limit=1, now=NOW, only=only)
    (ranked,) = await plain.search(shelf, TENANT, EvidenceKind.KB, ["우산 수선"], 1, NOW, only)
    await searcher.aclose()
    assert [hit.id for hit in hits] == ["shown"] == [hit.external_id for hit in ranked]


def test_a_filter_is_read_from_what_somebody_gave():
    read = Filter.of(
        zone=SEOUL, visibility="Public", updated_after="2026-11-01", locale=" ko ", category="배송>지연"
    )
    assert read == Filter(Visibility.PUBLIC, datetime(2026, 11, 1, tzinfo=SEOUL), "ko", "배송 > 지연")
    moment = Filter.of(zone=SEOUL, updated_after="2026-11-01T09:00:00Z").updated_after
    assert moment == datetime(2026, 11, 1, 9, tzinfo=UTC)
    assert Filter.of(zone=SEOUL) == EVERYTHING


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("visibility", "secret"),
        ("visibility", ""),
        ("updated_after", "yesterday"),
        ("updated_after", ""),
        ("updated_after", "2026-13-01"),
        ("locale", ""),
        ("locale", "한국어"),
        ("locale", "k'; DROP TABLE"),
        ("category", " > "),
        ("category", "a > b > c > d"),
        ("category", "가" * 201),
    ],
)
def test_a_bad_value_is_one_sentence_that_names_the_field(field, value):
    with pytest.raises(BadInput) as refused:
        Filter.of(zone=SEOUL, **{field: value})
    assert refused.value.facts == {"field": field} and refused.value.code == "input.invalid"
    assert refused.value.sentence.startswith(f"The {field.split('_')[0].replace('updated', 'time')} must be")


@pytest.mark.parametrize(
    ("locale", "wanted", "does"),
    [
        ("ko", "ko", True),
        ("ko_KR", "ko", True),
        ("KO-kr", "ko-KR", True),
        ("kok", "ko", False),
        ("ko", "ko-KR", False),
        (None, "ko", False),
        ("", "ko", False),
    ],
)
def test_a_language_stands_for_its_regions(locale, wanted, does):
    assert speaks(locale, wanted) is does
