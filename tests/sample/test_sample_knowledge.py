"""The sample knowledge base: complete, closed vocabulary, consistent, and varied."""

from __future__ import annotations

import re
from datetime import date
from itertools import combinations

import pytest

from ccos import sample
from support.sample_kb import RESIDENT_NUMBER_SHAPE, alikeness, articles, is_hangul_text

INTENTS = {
    "return_request",
    "refund_status",
    "exchange",
    "delivery_status",
    "delivery_problem",
    "address_change",
    "order_cancel",
    "payment_problem",
    "receipt",
    "coupon",
    "points",
    "account_login",
    "account_withdraw",
    "product_defect",
    "product_question",
    "restock",
    "privacy",
    "complaint",
    "other",
}
ARTICLES = articles()
CURRENT = {name: a for name, a in ARTICLES.items() if a.outdated_since is None}
each_article = pytest.mark.parametrize("name", ARTICLES)


def test_there_are_enough_articles_of_every_kind():
    of = [
        (a.fields["visibility"], a.fields["locale"], a.outdated_since is not None) for a in ARTICLES.values()
    ]
    assert len(of) >= 44
    assert sum(visibility == "internal" for visibility, _, _ in of) >= 6
    assert sum(locale == "en" for _, locale, _ in of) >= 5
    assert sum(outdated for _, _, outdated in of) >= 4


@each_article
def test_front_matter_is_complete_and_from_the_closed_lists(name):
    article, settings = ARTICLES[name], sample.settings()
    required = {"id", "title", "url", "visibility", "locale", "category", "updated_at", "tags"}
    assert required <= set(article.fields) <= required | {"valid_until"}
    assert article.fields["id"] == name
    assert article.fields["visibility"] in {"public", "internal"}
    assert article.fields["url"] == f"https://help.example.com/{article.fields['locale']}/articles/{name}"
    assert article.fields["category"] in {c.name for c in settings.categories}
    assert article.tags and set(article.tags) <= set(settings.tags)
    assert date.fromisoformat(article.fields["updated_at"]) <= date(2026, 11, 20)


@each_article
def test_a_body_is_a_procedure_of_fair_length_in_its_language(name):
    article = ARTICLES[name]
    words = re.sub(r"[|#*-]+", " ", article.body).split()
    assert 120 <= len(words) <= 370
    assert article.body.lstrip().startswith(f"# {article.fields['title']}\n")
    assert is_hangul_text(article.fields["title"]) == (article.fields["locale"] == "ko")
    assert re.search(r"^(\d+\.|-|\|) ?", article.body, re.MULTILINE), "no steps, list or table"


@each_article
def test_table_rows_have_as_many_cells_as_their_header(name):
    for table in re.findall(r"(?:^\|.*\n)+", ARTICLES[name].body, re.MULTILINE):
        assert len({row.count("|") for row in table.strip().splitlines()}) == 1, table


def test_outdated_articles_ended_in_the_past_and_say_so():
    outdated = [a for a in ARTICLES.values() if a.outdated_since]
    for article in outdated:
        assert date.fromisoformat(article.fields["updated_at"]) < article.outdated_since < date(2026, 11, 1)
        assert article.fields["title"].startswith("(지난 기준)")


@pytest.mark.parametrize(
    ("old", "new", "figure_then", "figure_now"),
    [
        ("shipping-fee-2025", "shipping-fee", "2,500원", "3,000원"),
        ("return-fee-2025", "return-change-of-mind", "5,000원", "6,000원"),
        ("points-2025", "points-policy", "30%", "50%"),
        ("account-dormant-2025", "account-dormant", "1년 동안", "2년 동안"),
    ],
)
def test_a_superseded_figure_differs_from_the_current_one(old, new, figure_then, figure_now):
    assert figure_then in ARTICLES[old].body and figure_now not in ARTICLES[old].body
    assert figure_now in ARTICLES[new].body
    assert ARTICLES[old].outdated_since < date.fromisoformat(ARTICLES[new].fields["updated_at"])


@pytest.mark.parametrize(
    ("names", "fact"),
    [
        (
            ("return-change-of-mind", "exchange-option", "order-cancel", "address-change", "size-guide"),
            "6,000원",
        ),
        (("shipping-fee", "delivery-combine", "order-partial-cancel", "return-change-of-mind"), "50,000원"),
        (("shipping-fee", "membership-grades", "address-change", "exchange-option"), "5,000원"),
        (("warranty-as", "defect-first-14-days", "internal-late-return"), "보증"),
        (("defect-first-14-days", "troubleshoot-humidifier", "troubleshoot-earbuds"), "14일"),
        (("delivery-lost", "internal-courier-contact"), "영업일 3일"),
        (("refund-timing", "order-cancel", "order-partial-cancel", "delivery-combine"), "영업일 3~5일"),
        (("return-pickup", "exchange-option", "delivery-wrong-missing"), "영업일 1~3일"),
        (("en-returns-refunds",), "6,000 won"),
        (("en-shipping-tracking",), "50,000 won"),
    ],
)
def test_articles_agree_on_shared_figures(names, fact):
    for name in names:
        assert fact in CURRENT[name].body, name


def test_no_two_articles_are_alike():
    for one, other in combinations(ARTICLES.values(), 2):
        assert one.fields["title"] != other.fields["title"]
        assert alikeness(one.body, other.body) < 0.3, (one.fields["id"], other.fields["id"])


def test_articles_hold_no_personal_data_and_only_reserved_addresses():
    for name, article in ARTICLES.items():
        assert not RESIDENT_NUMBER_SHAPE.search(article.body), name
        assert not re.search(r"01[016789]-?\d", article.body), name
        assert set(re.findall(r"@([a-z0-9.-]+)", article.body)) <= {"example.com"}, name
        assert set(re.findall(r"1[568]\d\d-\d{4}", article.body)) <= {"1588-0000", "1588-0001"}, name


def test_every_intent_leads_to_exactly_one_category():
    mapped = [intent for category in sample.settings().categories for intent in category.intents]
    assert sorted(mapped) == sorted(INTENTS)


def test_settings_are_ready_to_use():
    settings = sample.settings()
    assert set(settings.company) == set(settings.contact) == {"ko", "en"}
    assert 12 <= len(settings.categories) <= 15 and all(c.description for c in settings.categories)
    assert 25 <= len(settings.tags) == len(set(settings.tags))
    assert settings.banned_phrases
    used = {tag for article in ARTICLES.values() for tag in article.tags}
    assert used == set(settings.tags), "a tag that nothing uses is noise"


def test_every_category_that_is_not_catch_all_has_a_public_article():
    covered = {a.fields["category"] for a in CURRENT.values() if a.fields["visibility"] == "public"}
    assert covered == {c.name for c in sample.settings().categories}
