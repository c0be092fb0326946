"""What is wrong with knowledge: links, ends, emptiness, repetition."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from ccos.domain.evidence import EvidenceKind
from ccos.domain.knowledge import Item, Passage, Shelved
from ccos.knowledge import checking, duplicates, links
from ccos.knowledge.checking import Checks, Rules

NOW = datetime(2026, 11, 1, tzinfo=UTC)
LONG = "반품 상품이 도착하면 영업일 3일 안에 결제하신 수단으로 환불해 드립니다. 카드는 승인이 취소됩니다."
KNOWN = links.known(
    [
        ("refund/when.md", "https://help.example.com/refund", False),
        ("refund/old", "https://help.example.com/old/", True),
        ("tips", None, False),
    ]
)


def item(body: str = LONG, **more) -> Item:
    return Item(EvidenceKind.KB, more.pop("external_id", "refund/how"), "환불", body, **more)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("[가](https://a.example/x_(y)) 그리고 [나](b.md \"제목\")", ["https://a.example/x_(y)", "b.md"]),
        ("![그림](a.png) [[1]](#하나)", ["a.png", "#하나"]),
        ("<https://a.example/1> https://a.example/2입니다. (https://a.example/3)",
         ["https://a.example/1", "https://a.example/2", "https://a.example/3"]),
        ("[글][참고]\n\n[참고]: https://a.example/ref\n", ["https://a.example/ref"]),
        ("`[코드](x)`\n```\n[코드](y) https://a.example/z\n```\n[글](z)", ["z"]),
        ("[빈]() [띄움](<가 나.md>)", ["", "가 나.md"]),
        ("[같은](a) [같은](a)", ["a"]),
        ("링크 없음 [대괄호] (괄호)", []),
    ],
)  # fmt: skip
def test_links_are_found_in_markdown(body, found):
    assert links.targets(body) == found


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("https://www.example.com/page", None),
        ("https://help.example.com/refund/#part", None),
        ("http://help.example.com/old", "leads to an article that is archived"),
        ("https:///nothing", "is no valid web address"),
        ("https://example.com:99999/", "is no valid web address"),
        ("http://nodots/", "is no valid web address"),
        ("//", "is no valid web address"),
        ("javascript:alert(1)", "is of a kind that readers cannot open"),
        ("file:///etc/passwd", "is of a kind that readers cannot open"),
        ("mailto:help@example.com", None),
        ("mailto:help", "has no e-mail address"),
        ("tel:1588-0000", None),
        ("", "is empty"),
        ("when.md", None),
        ("./when.html#기간", None),
        ("../tips", None),
        ("/refund/when", None),
        ("refund/WHEN", None),
        ("old", "leads to an article that is archived"),
        ("never.md", "leads to no article"),
        ("../../../etc/passwd", "leads to no article"),
        ("#환불-기간", None),
        ("#%ED%99%98%EB%B6%88-%EA%B8%B0%EA%B0%84", None),
        ("#배송", "is no heading of the article"),
    ],
)
def test_a_link_is_judged_without_asking_the_net(target, why):
    assert links.problem(target, item(f"# 환불 기간\n\n{LONG}"), KNOWN) == why


def test_a_relative_link_of_a_page_of_the_web_is_one_of_the_web():
    page = item(url="https://help.example.com/a/b")
    assert str(links.web_address("../old", page)) == "https://help.example.com/old"
    assert links.problem("../old", page, KNOWN) == "leads to an article that is archived"
    assert links.problem("elsewhere", page, KNOWN) is None


def test_an_address_that_a_living_item_has_too_is_not_archived():
    both = links.known([("a", "https://a.example/x", True), ("b", "https://a.example/x", False)])
    assert links.problem("https://a.example/x", item(), both) is None


def shelved(each: Item, *bodies: str) -> Shelved:
    return Shelved(uuid4(), each, tuple(Passage("", body) for body in bodies or (each.body,)))


def found(*items: Shelved, uncited=()) -> list[tuple[str, str]]:
    checks = Checks(Rules(NOW), KNOWN, set(uncited))
    return [(each.check, each.id) for one in items for each in checks.of(one)]


def test_a_sound_article_has_no_findings():
    assert (
        found(shelved(item(updated_at=NOW - timedelta(days=365), valid_until=NOW + timedelta(days=31)))) == []
    )


@pytest.mark.parametrize(
    ("changes", "check"),
    [
        ({"updated_at": NOW - timedelta(days=366, seconds=1)}, "stale"),
        ({"valid_until": NOW}, "expired"),
        ({"valid_until": NOW + timedelta(days=30)}, "expired"),
        ({"body": "준비 중입니다."}, "empty"),
        ({"body": " \n"}, "empty"),
        ({"body": "-" * 500}, "empty"),
        ({"body": f"{LONG} [여기](never)"}, "link"),
    ],
)
def test_each_fault_is_told(changes, check):
    assert found(shelved(replace(item(), **changes))) == [(check, "refund/how")]


def test_an_article_that_nobody_cites_is_told_and_a_case_is_left_in_peace():
    article = shelved(item())
    assert found(article, uncited=[article.id]) == [("uncited", "refund/how")]
    case = shelved(
        replace(item(f"{LONG} [여기](never)"), kind=EvidenceKind.CASE, updated_at=NOW - timedelta(days=999))
    )
    assert found(case, uncited=[case.id]) == []


def test_the_same_passage_in_two_articles_is_told_once():
    one = shelved(item(external_id="one"), LONG, "짧은 말", LONG.replace("반품", "교환") * 3)
    other = shelved(item(external_id="other"), LONG.replace("영업일", "영업일 기준"), "다른 말 " * 30, LONG)
    apart = shelved(
        item(external_id="apart"), "배송은 보통 이틀 걸리고 도서 산간 지역은 사흘에서 닷새가 걸립니다. " * 2
    )
    checks = Checks(Rules(NOW), KNOWN, set())
    all_of = {each.id: each for each in (other, one, apart)}
    for each in all_of.values():
        list(checks.of(each))
    told = list(checking.duplicates(checks.candidates(), all_of.get))
    assert [(each.check, each.id, each.detail) for each in told] == [("duplicate", "one", "other")]
    assert "100% the same" in told[0].sentence
    archived = {key: replace(each, archived=each is other) for key, each in all_of.items()}
    assert list(checking.duplicates(checks.candidates(), archived.get)) == []


def test_passages_of_one_article_may_repeat():
    one = shelved(item(), LONG, LONG)
    checks = Checks(Rules(NOW), KNOWN, set())
    list(checks.of(one))
    assert checks.candidates() == []


# Near duplicates


def sentence(seed: int) -> str:
    import random

    dice = random.Random(seed)
    return " ".join("".join(dice.choices("가나다라마바사아자차카타파하거너더러", k=3)) for _ in range(60))


def test_all_near_duplicates_among_many_are_found_and_no_others():
    texts = [sentence(seed) for seed in range(400)]
    near = [text.replace(text.split()[30], "바뀐말", 1) for text in texts[:50]]
    pairs = duplicates.alike([*texts, *near])
    assert {(pair.one, pair.other) for pair in pairs} == {(n, 400 + n) for n in range(50)}
    assert all(duplicates.ALIKE <= pair.share < 1 for pair in pairs)


def test_spacing_and_punctuation_make_no_difference_and_half_the_text_does():
    text = sentence(1)
    spaced = text.replace(" ", "  \n").replace("가", "가,")
    half = text[: len(text) // 2] + sentence(2)[len(text) // 2 :]
    [pair] = duplicates.alike([text, half, text.replace(" ", "\n"), spaced[:0]])
    assert (pair.one, pair.other, pair.share) == (0, 2, 1.0)
    assert duplicates.overlap(duplicates.shingles(text), duplicates.shingles(half)) < 0.5


def test_short_texts_and_none_are_alike_by_nature():
    assert duplicates.alike(["감사합니다."] * 5) == []
    assert duplicates.alike([]) == duplicates.alike(["", ""]) == []
    assert duplicates.overlap(frozenset(), frozenset()) == 0.0


def test_a_text_that_all_have_makes_a_chain_and_not_all_pairs():
    pairs = duplicates.alike([sentence(1)] * 200)
    assert len(pairs) == 199


def test_texts_that_share_less_are_met_less_and_those_that_share_most_nearly_always():
    """As bands promise: 1 - (1 - share**4)**16 of the pairs, also where only one text in hundreds is alike."""
    met = {0.9: 0, 0.3: 0}
    for share, counted in met.items():
        for seed in range(100):
            words = sentence(seed).split()
            kept = round(60 * 2 * share / (1 + share))
            other = " ".join(words[:kept] + sentence(seed + 1_000).split()[kept:])
            sketches = duplicates.Sketches()
            sketches.add(0, " ".join(words))
            sketches.add(7, other)
            counted += sketches.candidates() == [(0, 7)]
        met[share] = counted
    assert met[0.9] >= 98 and met[0.3] <= 35, met


def test_pairs_come_in_order_once_and_a_bucket_of_fifty_is_compared_in_full():
    sketches = duplicates.Sketches()
    for number in range(0, 2 * duplicates.MOST_IN_BUCKET, 2):
        sketches.add(number, sentence(1))
        sketches.add(number + 1, sentence(1_000 + number))
    pairs = sketches.candidates()
    assert pairs == sorted(set(pairs))
    even = range(0, 2 * duplicates.MOST_IN_BUCKET, 2)
    assert {pair for pair in pairs if pair[0] in even and pair[1] in even} == {
        (one, other) for one in even for other in even if one < other
    }
    assert not duplicates.Sketches().candidates()


def test_pairs_are_taken_in_pieces_that_keep_an_item_together():
    one, two, three = (uuid4() for _ in range(3))
    pairs = [((one, 0), (two, 0)), ((one, 1), (two, 0)), ((one, 1), (three, 0)), ((two, 0), (three, 4))]
    assert list(checking.by_item(pairs, 2)) == [pairs[:3], pairs[3:]]
    assert list(checking.by_item(pairs, 9)) == [pairs]
    assert list(checking.by_item([], 2)) == []


def test_candidates_name_the_passage_of_each_item_also_after_items_without_text():
    none, first, second = (
        shelved(item(), ""),
        shelved(item(), "짧은 말", LONG),
        shelved(item(), LONG, "다른 말"),
    )
    empty = Shelved(uuid4(), item(), ())
    checks = Checks(Rules(NOW), KNOWN, set())
    for each in (empty, none, first, empty, second):
        list(checks.of(each))
    assert checks.candidates() == [((first.id, 1), (second.id, 0))]
    assert checks.candidates(0) == []


def test_of_more_pairs_than_are_remembered_the_first_are_told(monkeypatch):
    monkeypatch.setattr(duplicates, "MOST_MET", 5)
    sketches = duplicates.Sketches()
    for number in range(6):
        sketches.add(number, sentence(1))
    assert sketches.candidates() == [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5)]
