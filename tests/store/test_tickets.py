import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from ccos.domain.errors import BadInput, NotFound
from ccos.domain.ticket import Customer, Message, Ticket
from ccos.store import tickets

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)


async def test_a_ticket_comes_back_as_it_was_put(database, tenant):
    sent = Ticket(
        external_id="Z-1",
        subject="환불이 안 돼요",
        description='주문 취소했는데 😢 환불이 없어요.\n"따옴표" \\ 100%',
        channel="email",
        language="ko",
        category="refund",
        tags=("vip", "환불"),
        priority="high",
        customer=Customer(name="김하나", email="hana@example.com"),
        conversation_history=(Message(role="customer", text="여보세요?", at=MONDAY),),
        created_at=MONDAY,
    )
    async with database.tenant(tenant.id) as tx:
        stored = await tickets.put(tx, sent)
    async with database.tenant(tenant.id) as tx:
        found = await tickets.get(tx, stored.ticket.id)
    assert stored.outcome == "created" and found == stored.ticket
    assert found.model_copy(update={"id": None}) == sent


async def test_putting_the_same_external_id_again_keeps_one_row(database, tenant):
    first = Ticket(external_id="Z-1", subject="Where is it?")
    async with database.tenant(tenant.id) as tx:
        created = await tickets.put(tx, first)
        again = await tickets.put(tx, first)
        changed = await tickets.put(tx, first.model_copy(update={"description": "It is a week late."}))
        page = await tickets.page(tx)
    assert [created.outcome, again.outcome, changed.outcome] == ["created", "unchanged", "changed"]
    assert created.ticket.id == again.ticket.id == changed.ticket.id
    assert [ticket.description for ticket in page.tickets] == ["It is a week late."]
    assert changed.ticket.created_at == created.ticket.created_at


async def test_ten_at_once_with_one_external_id_make_one_ticket(database, tenant):
    async def put():
        async with database.tenant(tenant.id) as tx:
            return await tickets.put(tx, Ticket(external_id="Z-9", subject="Hello"))

    stored = await asyncio.gather(*(put() for _ in range(10)))
    assert len({each.ticket.id for each in stored}) == 1
    assert sorted(each.outcome for each in stored) == ["created"] + ["unchanged"] * 9


async def test_tickets_without_an_external_id_are_each_their_own(database, tenant):
    async with database.tenant(tenant.id) as tx:
        ids = {(await tickets.put(tx, Ticket(id="theirs", subject="Hi"))).ticket.id for _ in range(2)}
    assert len(ids) == 2 and "theirs" not in ids


async def test_a_time_without_a_zone_is_utc(database, tenant):
    async with database.tenant(tenant.id) as tx:
        stored = await tickets.put(tx, Ticket(subject="Hi", created_at=datetime(2026, 11, 16, 9)))  # noqa: DTZ001
    assert stored.ticket.created_at == MONDAY


async def test_nul_and_lone_surrogates_are_dropped_even_where_the_domain_let_them_pass(database, tenant):
    odd = Ticket.model_construct(subject="a\0b", description="c\ud800d", tags=("\0e",))
    async with database.tenant(tenant.id) as tx:
        stored = await tickets.put(tx, odd)
        page = await tickets.page(tx, text="a\0b")
    assert (stored.ticket.subject, stored.ticket.description, stored.ticket.tags) == ("ab", "cd", ("e",))
    assert [ticket.id for ticket in page.tickets] == [stored.ticket.id]


async def test_pages_go_from_new_to_old_without_gaps_even_at_equal_times(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for n in range(7):
            at = MONDAY + timedelta(hours=n // 3)  # threes share their time
            await tickets.put(tx, Ticket(external_id=f"T-{n}", subject=f"{n}", created_at=at))
        seen, mark = [], None
        while True:
            page = await tickets.page(tx, limit=2, after=mark)
            seen += page.tickets
            mark = page.next
            if mark is None:
                break
    assert len(seen) == 7 and len({ticket.id for ticket in seen}) == 7
    assert [ticket.created_at for ticket in seen] == sorted((t.created_at for t in seen), reverse=True)
    assert seen[0].subject == "6"


async def test_a_full_last_page_has_no_next(database, tenant):
    async with database.tenant(tenant.id) as tx:
        for n in range(2):
            await tickets.put(tx, Ticket(subject=f"{n}"))
        page = await tickets.page(tx, limit=2)
    assert len(page.tickets) == 2 and page.next is None


@pytest.mark.parametrize("mark", ["x", "not base64 at all!", "MjAyNg==", "MjAyNi0wMS0wMSB4", "é"])
async def test_a_page_mark_of_somebody_elses_making_is_refused(database, tenant, mark):
    with pytest.raises(BadInput, match="first page"):
        async with database.tenant(tenant.id) as tx:
            await tickets.page(tx, after=mark)


@pytest.mark.parametrize(
    ("text", "found"),
    [("배송", 1), ("PARCEL", 1), ("100%", 1), ("%", 1), ("_", 0), ("\\", 1), ("T-1", 2), ("nothing", 0)],
)
async def test_text_is_looked_for_literally_in_subject_description_and_id(database, tenant, text, found):
    async with database.tenant(tenant.id) as tx:
        await tickets.put(tx, Ticket(external_id="T-1", subject="배송 문의", description="100% sure"))
        await tickets.put(tx, Ticket(external_id="T-12", subject="My parcel", description="C:\\parcel"))
        assert len((await tickets.page(tx, text=text)).tickets) == found


async def test_status_is_set_and_filtered(database, tenant):
    async with database.tenant(tenant.id) as tx:
        ticket = (await tickets.put(tx, Ticket(subject="Hi"))).ticket
        await tickets.set_status(tx, ticket.id, "closed")
        assert [t.id for t in (await tickets.page(tx, status="closed")).tickets] == [ticket.id]
        assert (await tickets.page(tx, status="open")).tickets == ()
        with pytest.raises(NotFound):
            await tickets.set_status(tx, uuid4(), "open")


@pytest.mark.parametrize("ticket_id", ["", "17", "not-an-id", str(uuid4()), "\0"])
async def test_an_unknown_id_is_not_found(database, tenant, ticket_id):
    with pytest.raises(NotFound):
        async with database.tenant(tenant.id) as tx:
            await tickets.get(tx, ticket_id)
