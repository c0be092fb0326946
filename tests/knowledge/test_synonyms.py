from datetime import UTC, datetime
from uuid import uuid4

import pytest

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item
from ccos.knowledge.chunking import passages
from ccos.knowledge.memory import MemoryShelf
from ccos.knowledge.querying import question
from ccos.knowledge.recipe import Recipe
from ccos.knowledge.search import Searcher
from ccos.knowledge.synonyms import WEIGHT, alternatives

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OWN = (("철회", "취소"), ("달빛등", "무드등", "moon lamp"))


@pytest.mark.parametrize(
    ("query", "others"),
    [
        ("my coupons do not work", ["쿠폰"]),
        ("쿠폰이 안 돼요", ["coupon"]),
        ("주문을 철회할래요", ["취소", "order"]),
        ("my Moon  Lamp", []),
        ("my moon lamp", ["달빛등", "무드등"]),
        ("무드등이 안 켜져요", ["달빛등", "moon lamp"]),
        ("couponless", []),
        ("", []),
    ],
)
def test_what_else_it_may_be_called(query, others):
    assert alternatives(query, OWN) == others


def test_words_that_were_not_said_count_less_and_bring_no_letter_grams():
    said, more = question("coupon", None).whole, question("coupon").whole
    assert more.words["쿠폰"] == pytest.approx(WEIGHT)
    assert more.words["coupon"] == said.words["coupon"] and more.jamo == said.jamo


def test_empty_groups_and_odd_words_do_no_harm():
    assert alternatives("환불", ((), ("",), (" ", "환불"), ("혼자",))) == ["refund"]


async def test_a_tenants_own_words_find_what_the_shop_calls_otherwise(tmp_path):
    shelf, tenant = MemoryShelf(), uuid4()
    articles = {"lamp": ("무드등 안내", "건전지를 바꿔 주세요."), "other": ("수납장", "선반을 조립하세요.")}
    items = [Item(EvidenceKind.KB, key, *texts) for key, texts in articles.items()]
    await shelf.put(tenant, [(each, passages(each.title, each.body)) for each in items])
    for recipe, synonyms, found in (
        (Recipe(), OWN, ["lamp"]),
        (Recipe(), (), []),
        (Recipe(synonyms=False), OWN, []),
    ):
        searcher = Searcher(shelf, tmp_path, patience_seconds=30, recipe=recipe)
        hits = await searcher.search(tenant, ["달빛등"], pool="kb", now=NOW, synonyms=synonyms)
        assert [hit.id for hit in hits] == found
        await searcher.aclose()
