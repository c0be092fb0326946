"""The sixty open tickets and what is expected of a draft for each."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import combinations

import pytest

from ccos import sample
from support.sample_kb import NUMBER, RESIDENT_NUMBER_SHAPE, alikeness, articles, is_hangul_text

TICKETS = {ticket.external_id: ticket for ticket in sample.tickets()}
GOLD = {gold.external_id: gold for gold in sample.gold()}
ORDER = re.compile(r"(?<!\d)(\d{8})-(\d{6})(?!\d)")
each_ticket = pytest.mark.parametrize("name", TICKETS)


def test_there_are_sixty_with_one_expectation_each_in_the_same_order():
    assert list(TICKETS) == list(GOLD) == [f"demo-{n:03d}" for n in range(1, 61)]
    assert len(sample.tickets()) == len(sample.gold()) == 60


def test_on_the_day_of_a_demo_they_came_in_this_morning_in_the_same_order():
    now = datetime(2027, 8, 3, 9, tzinfo=UTC)
    moved = sample.tickets_today(now)
    times = {t.external_id: t.created_at for t in moved}
    assert sorted(times, key=lambda name: times[name]) == sorted(
        TICKETS, key=lambda name: TICKETS[name].created_at
    )
    assert min(times.values()) == now - timedelta(hours=8, minutes=2) and max(
        times.values()
    ) == now - timedelta(minutes=2)
    for after in moved:
        before = TICKETS[after.external_id]
        same = {"created_at": before.created_at, "conversation_history": before.conversation_history}
        assert after.model_copy(update=same) == before
        for message, earlier in zip(after.conversation_history, before.conversation_history, strict=True):
            assert (message.text, message.role) == (earlier.text, earlier.role)
            assert message.at is None or message.at <= now
    talks = [t for t in moved if len([m for m in t.conversation_history if m.at]) > 1]
    assert talks and all(
        list(ats) == sorted(ats) for t in talks for ats in [[m.at for m in t.conversation_history if m.at]]
    )


@each_ticket
def test_an_expectation_uses_the_closed_lists_and_real_articles(name):
    gold = GOLD[name]
    owner = {intent: c.name for c in sample.settings().categories for intent in c.intents}
    assert owner[gold.intent] == gold.category
    assert gold.answerable == bool(gold.kb_ids)
    assert len(set(gold.kb_ids)) == len(gold.kb_ids)
    for kb_id in gold.kb_ids:
        assert articles()[kb_id].outdated_since is None, "an outdated article is never the right ground"
    if gold.kb_ids:
        assert articles()[gold.kb_ids[0]].fields["visibility"] == "public"


@each_ticket
def test_expected_points_are_few_in_the_reply_language_and_grounded(name):
    gold = GOLD[name]
    assert 2 <= len(gold.points) <= 4
    known = {number for kb_id in gold.kb_ids for number in articles()[kb_id].numbers}
    for point in gold.points:
        assert len(point) <= 60
        assert gold.language == "ko" or not is_hangul_text(point)
        assert set(NUMBER.findall(point)) <= known, point


@each_ticket
def test_the_expected_language_follows_the_last_customer_text(name):
    hangul = len(re.findall("[가-힣]", TICKETS[name].last_customer_text))
    latin = len(re.findall("[A-Za-z]", TICKETS[name].last_customer_text))
    injected = name == "demo-016"
    assert GOLD[name].language == ("ko" if hangul * 2 > latin or injected else "en")


@each_ticket
def test_channel_customer_and_dates_are_sane_and_fictional(name):
    ticket = TICKETS[name]
    assert ticket.channel in {"email", "chat", "board", "app"}
    assert ticket.subject or ticket.description
    assert ticket.language is None and ticket.category is None and not ticket.tags, "triage has to find these"
    customer = ticket.customer
    assert customer is not None
    if customer.email:
        assert customer.email.endswith("@example.com")
    if customer.phone:
        assert re.fullmatch(r"010-0000-\d{4}", customer.phone)
    assert ticket.created_at is not None and ticket.created_at.utcoffset() == timedelta(hours=9)
    times = [ticket.created_at, *(m.at for m in ticket.conversation_history)]
    assert times == sorted(times) and times[-1].date() <= date(2026, 11, 20)


def test_order_numbers_hold_a_real_date_before_the_ticket_and_belong_to_one_ticket():
    owner: dict[str, str] = {}
    for name, ticket in TICKETS.items():
        for number in set(ORDER.findall(ticket.customer_text)):
            ordered = date.fromisoformat(number[0])
            assert date(2026, 10, 1) <= ordered <= ticket.created_at.date(), (name, number)
            assert owner.setdefault("-".join(number), name) == name
    assert len(owner) >= 20


def test_waybills_have_twelve_digits_and_are_not_shared():
    found = [n for t in TICKETS.values() for n in re.findall(r"(?<!\d)6012\d*(?!\d)", t.customer_text)]
    assert len(found) >= 3 and all(len(n) == 12 for n in found) and len(set(found)) == len(found)


def test_resident_number_shapes_are_only_in_the_tickets_marked_local_only():
    marked = {name for name, gold in GOLD.items() if gold.pii == "local_only"}
    shaped = {name for name, t in TICKETS.items() if RESIDENT_NUMBER_SHAPE.search(t.customer_text)}
    assert marked == shaped and 1 <= len(marked) <= 2
    for name in marked:
        found = RESIDENT_NUMBER_SHAPE.findall(TICKETS[name].customer_text)
        assert all(number.endswith("000000") for number in found), "the serial part must be plainly fictional"


def test_personal_data_in_the_text_is_marked():
    personal = re.compile(
        r"010-\d{4}-\d{4}|\d{4}-\d{4}-\d{4}-\d{4}|계좌번호 [\d-]+|[\w.]+@[\w.]+|(?:로|길) \d+,"
    )
    for name, ticket in TICKETS.items():
        assert bool(personal.search(ticket.customer_text)) <= (GOLD[name].pii != "none"), name
        if GOLD[name].pii == "maskable":
            assert personal.search(ticket.customer_text), name


def test_the_tickets_are_varied():
    gold = list(GOLD.values())
    assert Counter(g.language for g in gold)["en"] >= 10
    assert sum(g.pii != "none" for g in gold) >= 8
    assert sum(not g.answerable for g in gold) >= 9
    assert set(Counter(g.priority for g in gold)) == {"low", "normal", "high", "urgent"}
    assert set(Counter(g.sentiment for g in gold)) == {"negative", "neutral", "positive"}
    assert len({g.intent for g in gold}) == 19
    assert len({t.channel for t in TICKETS.values()}) == 4
    assert sum(bool(t.conversation_history) for t in TICKETS.values()) >= 5
    lengths = sorted(len(t.customer_text) for t in TICKETS.values())
    assert lengths[0] <= 5 and lengths[-1] >= 400
    assert sum(len(set(ORDER.findall(t.customer_text))) >= 2 for t in TICKETS.values()) >= 2
    texts = [t.description for t in TICKETS.values()]
    assert any(re.search("[가-힣]{25,}", text) for text in texts), "one without spaces"
    assert any("ignore all previous instructions" in text.lower() for text in texts)


def test_no_ticket_is_a_copy_of_another():
    for one, other in combinations(TICKETS.values(), 2):
        assert alikeness(one.description, other.description) < 0.3, (one.external_id, other.external_id)
