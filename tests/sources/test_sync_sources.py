"""Whole syncs: a product on the wire on one side, PostgreSQL on the other."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from ccos.domain import errors
from ccos.domain.evidence import EvidenceKind, Visibility
from ccos.domain.source import SourceKind, SourceSpec
from ccos.knowledge.sources import syncing, website
from ccos.knowledge.sources.opening import open_source
from ccos.knowledge.sources.port import Page
from ccos.store import knowledge, sources
from support.help_centres import (
    TOKEN,
    ChatwootDesk,
    Site,
    ZammadDesk,
    ZendeskDesk,
    chatwoot_article,
    running,
    zammad_desk,
    zendesk_article,
    zendesk_desk,
)
from support.store import new_tenant


class Shop:
    """A tenant with one source, synced as a worker would, without waiting."""

    def __init__(self, database, tenant, desk, kind, name="help", **more):
        options = {"allow_private": True} | more.pop("options", {})
        self.database, self.tenant, self.desk, self.token = database, tenant, desk, more.pop("token", TOKEN)
        self.spec = SourceSpec(name=name, kind=kind, address=desk.url, options=options, **more)
        self.slept: list[float] = []
        self.seconds = 5.0

    async def add(self):
        async with self.database.tenant(self.tenant.id) as tx:
            await sources.add(tx, self.spec)
        return self

    @asynccontextmanager
    async def opened(self):
        async def sleep(seconds):
            self.slept.append(seconds)

        async with open_source(self.spec, self.token, seconds=self.seconds, sleep=sleep) as source:
            yield source

    async def sync(self, *, full=False):
        return await syncing.sync(self.database, self.tenant.id, self.spec, self.opened, full=full)

    async def dry(self):
        async with self.opened() as source:
            return await syncing.dry_run(self.database, self.tenant.id, self.spec, source)

    async def state(self):
        async with self.database.tenant(self.tenant.id) as tx:
            return await sources.get(tx, self.spec.name)

    async def item(self, external_id):
        async with self.database.tenant(self.tenant.id) as tx:
            return await knowledge.get(tx, self.spec.content, f"{self.spec.name}:{external_id}")

    async def found(self):
        """Ids of what can be found, without the source's name."""
        async with self.database.tenant(self.tenant.id) as tx:
            rows = await tx.rows(
                "SELECT external_id FROM kb_item WHERE tenant_id = %(tenant)s AND archived_at IS NULL"
            )
        return {row["external_id"].removeprefix(f"{self.spec.name}:") for row in rows}


@pytest.fixture
async def zendesk(database, tenant):
    async with running(zendesk_desk()) as desk:
        yield await Shop(database, tenant, desk, SourceKind.ZENDESK).add()


@pytest.fixture
async def zammad(database, tenant):
    async with running(zammad_desk()) as desk:
        yield await Shop(database, tenant, desk, SourceKind.ZAMMAD).add()


@pytest.fixture
async def chatwoot(database, tenant):
    desk = ChatwootDesk(articles=[chatwoot_article(1), chatwoot_article(2, "draft"), chatwoot_article(3)])
    async with running(desk):
        yield await Shop(database, tenant, desk, SourceKind.CHATWOOT, options={"account": 1}).add()


def counted(report):
    return report.added, report.changed, report.unchanged, report.archived


async def test_articles_of_zendesk_come_page_by_page_with_their_path_of_sections(zendesk):
    zendesk.desk.articles[1]["draft"] = True
    zendesk.desk.articles[2]["user_segment_id"] = 77
    report = await zendesk.sync()
    assert counted(report) == (5, 0, 0, 0) and report.full
    first = (await zendesk.item(1)).item
    assert first.category == "결제 > 환불 > 카드" and first.locale == "ko" and first.tags == ("환불",)
    assert first.url == "https://shop.zendesk.com/hc/ko/articles/1"
    assert "1. 주문 내역을 엽니다.\n2. 1번 단추를 누릅니다." in first.body
    assert first.updated_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert first.visibility is Visibility.PUBLIC
    assert (await zendesk.item(2)).item.visibility is Visibility.INTERNAL
    assert (await zendesk.item(3)).item.visibility is Visibility.INTERNAL
    assert len(zendesk.desk.asked("/help_center/articles.json")) == 3
    assert zendesk.desk.logins == {f"Bearer {TOKEN}"}


async def test_a_second_run_asks_only_for_what_changed_and_changes_nothing(zendesk):
    await zendesk.sync()
    report = await zendesk.sync()
    assert not report.full and (report.added, report.changed, report.archived) == (0, 0, 0)
    assert len(zendesk.desk.asked("/help_center/articles.json")) == 3
    assert zendesk.desk.asked("/incremental/articles.json")
    assert (await zendesk.item(5)).version == 1


async def test_what_changed_between_two_runs_is_found_though_it_shares_a_page_with_what_did_not(zendesk):
    await zendesk.sync()
    zendesk.desk.articles[0] |= {"body": "새 안내", "updated_at": "2026-05-01T00:00:00Z"}
    zendesk.desk.articles += [zendesk_article(n, updated_at="2026-05-01T00:00:00Z") for n in (6, 7)]
    report = await zendesk.sync()
    assert (report.added, report.changed) == (2, 1)
    assert (await zendesk.item(1)).item.body == "새 안내"


async def test_more_changes_in_one_second_than_a_page_holds_are_told_and_not_passed_over(zendesk):
    await zendesk.sync()
    same = {"updated_at": "2026-05-01T00:00:00Z", "body": "안내"}
    zendesk.desk.articles += [zendesk_article(number, **same) for number in range(100, 1_101)]
    zendesk.desk.export_size = 1_000
    with pytest.raises(errors.SourceStuck):
        await zendesk.sync()
    zendesk.desk.size = 500
    assert (await zendesk.sync(full=True)).full and len(await zendesk.found()) == 1_006


async def test_only_a_full_pass_archives_what_the_source_no_longer_has_and_it_comes_back(zendesk):
    await zendesk.sync()
    gone = zendesk.desk.articles.pop(2)
    assert (await zendesk.sync()).archived == 0
    report = await zendesk.sync(full=True)
    assert report.archived == 1 and await zendesk.found() == {"1", "2", "4", "5"}
    zendesk.desk.articles.append(gone)
    assert counted(await zendesk.sync(full=True)) == (0, 1, 4, 0)
    assert "3" in await zendesk.found()


async def test_a_source_that_suddenly_shows_nothing_archives_nothing(zendesk):
    await zendesk.sync()
    zendesk.desk.articles.clear()
    report = await zendesk.sync(full=True)
    assert report.archived == 0 and len(await zendesk.found()) == 5
    assert any("showed nothing at all" in note for note in report.notes)


async def test_a_dry_run_says_what_would_be_and_stores_nothing(zendesk):
    assert counted(await zendesk.dry()) == (5, 0, 0, 0)
    assert await zendesk.found() == set()
    await zendesk.sync()
    zendesk.desk.articles[0]["body"] = "다른 안내"
    zendesk.desk.articles.pop()
    assert counted(await zendesk.dry()) == (0, 1, 3, 1)
    assert len(await zendesk.found()) == 5 and (await zendesk.item(1)).version == 1


async def test_a_pass_that_was_cut_off_goes_on_from_its_last_page(zendesk):
    zendesk.desk.faults["/help_center/articles.json"] = ["ok", "ok", "refused"]
    with pytest.raises(errors.SourceRefused):
        await zendesk.sync()
    state = await zendesk.state()
    assert state.error == "source.refused" and not state.running and len(await zendesk.found()) == 4
    before = len(zendesk.desk.asked("/help_center/articles.json"))
    report = await zendesk.sync()
    assert report.added == 1 and report.full
    asked = zendesk.desk.asked("/help_center/articles.json")[before:]
    assert [query.get("page[after]") for query in asked] == ["4"]
    assert (await zendesk.state()).error is None and len(await zendesk.found()) == 5


async def test_what_was_seen_before_the_cut_is_not_taken_for_gone_after_it(zendesk):
    await zendesk.sync()
    zendesk.desk.articles.pop(0)
    zendesk.desk.faults["/help_center/articles.json"] = ["ok", "refused"]
    with pytest.raises(errors.SourceRefused):
        await zendesk.sync(full=True)
    report = await zendesk.sync()
    assert report.archived == 1 and await zendesk.found() == {"2", "3", "4", "5"}


async def test_of_two_that_begin_at_once_one_does_it_all(zendesk):
    both = await asyncio.gather(zendesk.sync(), zendesk.sync(), return_exceptions=True)
    assert sorted(type(each).__name__ for each in both) == ["Conflict", "SyncReport"]
    assert len(await zendesk.found()) == 5 and len(zendesk.desk.asked("/help_center/articles.json")) == 3


async def test_a_cut_within_a_large_page_keeps_the_place_before_it(zendesk, monkeypatch):
    monkeypatch.setattr(syncing, "BATCH", 1)
    stored = sources.keep
    kept = []

    async def killed_at_the_fourth(*arguments, **more):
        kept.append(more["position"] and more["position"]["after"])
        if len(kept) == 4:
            raise errors.DatabaseUnavailable
        return await stored(*arguments, **more)

    monkeypatch.setattr(sources, "keep", killed_at_the_fourth)
    with pytest.raises(errors.DatabaseUnavailable):
        await zendesk.sync()
    assert kept == [None, "2", "2", "4"] and len(await zendesk.found()) == 3
    assert (await zendesk.sync()).added == 2 and len(await zendesk.found()) == 5
    assert zendesk.desk.asked("/help_center/articles.json")[2]["page[after]"] == "2"


async def test_a_killed_worker_leaves_a_source_that_the_next_one_takes_over(zendesk, monkeypatch):
    async with zendesk.database.tenant(zendesk.tenant.id) as tx:
        dead = await sources.begin(tx, "help")
    with pytest.raises(errors.Conflict, match="being synced already"):
        await zendesk.sync()
    monkeypatch.setattr(sources, "SILENT_SECONDS", 0.0)
    assert (await zendesk.sync()).added == 5
    with pytest.raises(errors.Conflict, match="taken this sync over"):
        async with zendesk.database.tenant(zendesk.tenant.id) as tx:
            await sources.keep(tx, dead, EvidenceKind.KB, [], kept=(), gone=("help:1",), position=None)
    assert len(await zendesk.found()) == 5


async def test_a_sync_that_is_stopped_frees_the_source_at_once(zendesk):
    zendesk.desk.faults["/help_center/articles.json"] = ["ok", "slow"]
    task = asyncio.create_task(zendesk.sync())
    while len(zendesk.desk.asked("/help_center/articles.json")) < 2:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    state = await zendesk.state()
    assert not state.running and state.error is None
    assert (await zendesk.sync()).added == 3 and len(await zendesk.found()) == 5


@pytest.mark.parametrize(
    ("faults", "slept"),
    [(["busy"], [7.0]), (["e500"], None), (["truncated"], None), (["e500", "busy", "truncated"], None)],
)
async def test_a_fault_that_passes_is_waited_out(zendesk, faults, slept):
    zendesk.desk.faults["/help_center/articles.json"] = list(faults)
    assert (await zendesk.sync()).added == 5
    assert len(zendesk.slept) == len(faults)
    assert slept is None or zendesk.slept == slept


@pytest.mark.parametrize(
    ("faults", "code", "asked"),
    [
        (["busy_long"], "source.busy", 1),
        (["busy"] * 9, "source.busy", 4),
        (["e500"] * 9, "source.down", 4),
        (["truncated"] * 9, "source.down", 4),
        (["html"], "source.unreadable", 1),
        (["private"], "source.unreadable", 1),
        (["refused"], "source.refused", 1),
        (["slow"] * 9, "source.down", 4),
    ],
)
async def test_a_fault_that_stays_ends_the_pass_in_time_with_its_code(zendesk, faults, code, asked):
    zendesk.desk.faults["/help_center/articles.json"] = faults
    zendesk.seconds = 0.3 if "slow" in faults else 5.0
    with pytest.raises(errors.SourceError) as raised:
        await zendesk.sync()
    assert raised.value.code == code and TOKEN not in str(raised.value)
    assert (await zendesk.state()).error == code and not (await zendesk.state()).running
    assert len(zendesk.desk.asked("/help_center/articles.json")) == asked


async def test_a_cursor_that_does_not_advance_is_found_out(zendesk):
    zendesk.desk.standing = True
    with pytest.raises(errors.SourceStuck):
        await zendesk.sync()
    assert len(zendesk.desk.seen) < 12


async def test_an_article_that_cannot_be_read_is_told_and_the_one_from_before_stays(zendesk):
    await zendesk.sync()
    zendesk.desk.articles[0]["body"] = ""
    report = await zendesk.sync(full=True)
    assert report.archived == 0 and any("no body" in note for note in report.notes)
    assert "1" in await zendesk.found()


async def test_two_sources_with_the_same_ids_do_not_collide(zendesk):
    other = await Shop(
        zendesk.database, zendesk.tenant, zendesk.desk, SourceKind.ZENDESK, name="help-2"
    ).add()
    await zendesk.sync()
    assert (await other.sync()).added == 5
    async with zendesk.database.tenant(zendesk.tenant.id) as tx:
        assert await sources.remove(tx, "help-2", limit=3) == (3, False)
    async with zendesk.database.tenant(zendesk.tenant.id) as tx:
        assert await sources.remove(tx, "help-2", limit=3) == (2, True)
    assert await zendesk.found() == {"1", "2", "3", "4", "5"}
    assert (await zendesk.sync(full=True)).unchanged == 5


async def test_another_tenant_sees_nothing_of_a_source(zendesk):
    await zendesk.sync()
    stranger = await new_tenant(zendesk.database)
    async with zendesk.database.tenant(stranger.id) as tx:
        assert await sources.every(tx) == []
        with pytest.raises(errors.NotFound):
            await sources.request(tx, "help", full=False)


async def test_an_api_token_goes_with_its_user(database, tenant):
    async with running(zendesk_desk(1)) as desk:
        shop = await Shop(
            database, tenant, desk, SourceKind.ZENDESK, options={"user": "kim@example.com"}
        ).add()
        await shop.sync()
    assert desk.logins == {"Basic " + b64encode(f"kim@example.com/token:{TOKEN}".encode()).decode()}


async def test_a_token_of_no_agent_reads_the_list_where_the_export_is_refused(zendesk):
    await zendesk.sync()
    zendesk.desk.faults["/incremental/"] = ["forbidden"]
    zendesk.desk.articles[0]["body"] = "새 안내"
    assert counted(await zendesk.sync()) == (0, 1, 4, 0)


async def test_an_answer_that_is_packed_unasked_is_read(zendesk):
    zendesk.desk.faults["/help_center/articles.json"] = ["packed", "packed_broken", "ok"]
    assert (await zendesk.sync()).added == 5 and len(zendesk.slept) == 1


async def test_without_a_token_every_pass_over_zendesk_reads_all(database, tenant):
    async with running(zendesk_desk(3)) as desk:
        shop = await Shop(database, tenant, desk, SourceKind.ZENDESK, token=None).add()
        await shop.sync()
        desk.articles.pop()
        assert counted(await shop.sync()) == (0, 0, 2, 1)
    assert desk.logins == {""} and not desk.asked("incremental")


def zendesk_tickets():
    desk = ZendeskDesk(
        users=[
            {"id": 1, "name": "김하늘", "role": "end-user"},
            {"id": 2, "name": "박상담", "role": "agent"},
        ]
    )
    for number, status in enumerate(["solved", "open", "closed", "deleted", "solved"], start=1):
        desk.tickets.append(
            {
                "id": number,
                "status": status,
                "subject": f"배송 문의 {number}",
                "requester_id": 1,
                "assignee_id": 2,
                "tags": ["delivery"],
                "updated_at": f"2026-04-0{number}T00:00:00Z",
            }
        )
        desk.comments[str(number)] = [
            {
                "id": 1,
                "author_id": 1,
                "public": True,
                "body": "김하늘입니다. 010-1234-5678로 연락 주세요. 언제 오나요?",
            },
            {"id": 2, "author_id": 2, "public": False, "body": "내부: 블랙리스트 고객"},
            {
                "id": 3,
                "author_id": 2,
                "public": True,
                "html_body": "<p>김하늘 고객님, <b>내일</b> 도착합니다.</p>",
            },
            {"id": 4, "author_id": 9, "public": True, "body": "누구인지 모르는 사람의 말"},
        ]
    return desk


async def test_solved_tickets_of_zendesk_become_cases_without_people_and_without_notes(database, tenant):
    async with running(zendesk_tickets()) as desk:
        shop = await Shop(
            database, tenant, desk, SourceKind.ZENDESK, content=EvidenceKind.CASE, name="solved"
        ).add()
        assert counted(await shop.sync()) == (3, 0, 0, 0)
        assert await shop.found() == {"1", "3", "5"}
        case = (await shop.item(1)).item
        assert case.kind is EvidenceKind.CASE and case.title == "배송 문의 1" and case.tags == ("delivery",)
        question, answer = case.body.split("\n\n")
        assert "언제 오나요?" in question and "내일 도착합니다." in answer
        for word in ("김하늘", "010-1234-5678", "블랙리스트", "모르는 사람"):
            assert word not in case.body
        assert [path for path, _ in desk.seen if "/tickets/2/" in path] == []

        desk.tickets.append(desk.tickets[0] | {"status": "open", "updated_at": "2026-05-01T00:00:00Z"})
        report = await shop.sync()
        assert report.archived == 1 and await shop.found() == {"3", "5"}
        assert desk.asked("cursor.json")[-1]["cursor"] == "5"


async def test_answers_of_zammad_come_in_every_language_with_the_state_of_each(zammad):
    report = await zammad.sync()
    assert counted(report) == (4, 0, 0, 0)
    assert await zammad.found() == {"1/11", "1/12", "2/13", "3/14"}
    korean, english = (await zammad.item("1/11")).item, (await zammad.item("1/12")).item
    assert (korean.locale, korean.category, korean.body) == ("ko-kr", "배송 > 조회", "본문 11")
    assert (english.locale, english.title, english.category) == ("en-us", "Answer 1", "배송 > Tracking")
    assert korean.visibility is Visibility.PUBLIC and korean.tags == ("vip",)
    assert korean.url == f"{zammad.desk.url}/#knowledge_base/1/locale/ko-kr/answer/1"
    assert {(await zammad.item(each)).item.visibility for each in ("2/13", "3/14")} == {Visibility.INTERNAL}
    assert zammad.desk.logins == {f"Token token={TOKEN}"}


async def test_zammad_is_asked_only_for_texts_that_changed_and_archiving_is_followed(zammad):
    await zammad.sync()
    answers = zammad.desk.tree["KnowledgeBaseAnswer"]
    answers["2"] |= {"archived_at": "2026-02-20T00:00:00.000Z", "updated_at": "2026-02-20T00:00:00.000Z"}
    answers["3"] |= {"published_at": "2026-02-21T00:00:00.000Z", "updated_at": "2026-02-21T00:00:00.000Z"}
    zammad.desk.seen.clear()
    report = await zammad.sync()
    assert not report.full and report.archived == 1 and report.changed == 1
    assert [path for path, _ in zammad.desk.seen if "/answers/" in path] == [
        "/api/v1/knowledge_bases/1/answers/3",
        "/api/v1/knowledge_bases/1/answers/4",
    ][:1]
    assert (await zammad.item("3/14")).item.visibility is Visibility.PUBLIC


async def test_closed_tickets_of_zammad_become_cases(database, tenant):
    desk = ZammadDesk(
        tickets=[
            {
                "id": 1,
                "title": "환불",
                "state": "closed",
                "group": "Shop",
                "updated_at": "2026-01-01T00:00:00Z",
            },
            {
                "id": 2,
                "title": "교환",
                "state": "open",
                "group": "Shop",
                "updated_at": "2026-01-02T00:00:00Z",
            },
            {
                "id": 3,
                "title": "취소",
                "state": "closed",
                "group": "Shop",
                "updated_at": "2026-01-03T00:00:00Z",
            },
        ]
    )
    thread = [
        {
            "id": 1,
            "sender": "Customer",
            "internal": False,
            "body": "환불은 언제 되나요?",
            "from": "Ann Lee <a@b.kr>",
        },
        {"id": 2, "sender": "Agent", "internal": True, "body": "까다로운 고객"},
        {"id": 3, "sender": "Agent", "internal": False, "body": "<p>Ann Lee 고객님, 3일 걸립니다.</p>"},
        {"id": 4, "sender": "System", "internal": False, "body": "자동 안내"},
    ]
    desk.articles = {"1": thread, "3": thread[:2]}
    async with running(desk):
        shop = await Shop(database, tenant, desk, SourceKind.ZAMMAD, content=EvidenceKind.CASE).add()
        assert (await shop.sync()).added == 1
        case = (await shop.item(1)).item
        assert case.body == "환불은 언제 되나요?\n\n[이름] 고객님, 3일 걸립니다." and case.category == "Shop"
        desk.tickets[1] |= {"state": "closed", "updated_at": "2026-01-05T00:00:00Z"}
        desk.articles["2"] = thread
        desk.seen.clear()
        assert (await shop.sync()).added == 1
        assert not desk.asked("by_ticket/1") and len(desk.asked("by_ticket/2")) == 1


def closed_tickets(count):
    said = [
        {"id": 1, "sender": "Customer", "internal": False, "body": "언제 오나요?"},
        {"id": 2, "sender": "Agent", "internal": False, "body": "내일 옵니다."},
    ]
    tickets = [
        {"id": number, "title": "배송", "state": "closed", "updated_at": f"2026-01-{number:02}T00:00:00Z"}
        for number in range(1, count + 1)
    ]
    return ZammadDesk(tickets=tickets, articles={str(each["id"]): said for each in tickets})


def once_asked_for(desk, part, wanted, change):
    """Lets `change` happen right before the desk answers so for the first time."""
    answered = desk.reply

    async def reply(request):
        nonlocal change
        if change and part in request.path and request.query.get("page") == wanted:
            change, happens = None, change
            happens()
        return await answered(request)

    desk.reply = reply


async def test_a_ticket_that_slips_over_the_edge_of_a_page_is_not_lost(database, tenant):
    async with running(closed_tickets(6)) as desk:
        shop = await Shop(database, tenant, desk, SourceKind.ZAMMAD, content=EvidenceKind.CASE).add()
        await shop.sync()
        once_asked_for(desk, "/tickets", "2", lambda: desk.tickets.pop(0))
        report = await shop.sync(full=True)
        assert report.archived == 0 and await shop.found() == {str(n) for n in range(1, 7)}
        once_asked_for(desk, "/tickets", "3", lambda: desk.tickets.pop(0))
        assert (await shop.sync(full=True)).archived == 1
        assert await shop.found() == {str(n) for n in range(2, 7)}


async def test_what_changes_behind_the_reader_is_read_the_next_time(database, tenant):
    now = datetime.now(UTC)

    def later(index, minutes, title):
        at = (now + timedelta(minutes=minutes)).isoformat()
        desk.tickets[index] |= {"title": title, "updated_at": at}

    async with running(closed_tickets(6)) as desk:
        shop = await Shop(database, tenant, desk, SourceKind.ZAMMAD, content=EvidenceKind.CASE).add()

        def meanwhile():
            later(0, 10, "교환")  # read already
            later(5, 60, "취소")  # still to be read, and changed long after

        once_asked_for(desk, "/tickets", "3", meanwhile)
        await shop.sync()
        assert (await shop.item(1)).item.title == "배송" and (await shop.item(6)).item.title == "취소"
        await shop.sync()
        assert (await shop.item(1)).item.title == "교환"


async def test_an_article_that_changes_behind_the_reader_is_read_the_next_time(zendesk):
    def meanwhile():
        at = datetime.now(UTC)
        zendesk.desk.articles[0] |= {
            "body": "새 안내",
            "updated_at": (at + timedelta(minutes=10)).isoformat(),
        }
        zendesk.desk.articles[4] |= {"updated_at": (at + timedelta(minutes=60)).isoformat()}

    answered = zendesk.desk.reply

    async def reply(request):
        if request.query.get("page[after]") == "4" and "새 안내" not in str(zendesk.desk.articles[0]):
            meanwhile()
        return await answered(request)

    zendesk.desk.reply = reply
    await zendesk.sync()
    assert (await zendesk.item(1)).version == 1
    assert not (await zendesk.sync()).full
    assert (await zendesk.item(1)).item.body == "새 안내"


async def test_articles_of_chatwoot_follow_their_status(chatwoot):
    assert counted(await chatwoot.sync()) == (3, 0, 0, 0)
    first = (await chatwoot.item(1)).item
    assert first.url == f"{chatwoot.desk.url}/hc/help/articles/article-1"
    assert (first.category, first.locale, first.tags) == ("교환", "ko", ("exchange",))
    assert (await chatwoot.item(2)).item.visibility is Visibility.INTERNAL
    assert chatwoot.desk.logins == {TOKEN}
    chatwoot.desk.articles[0]["status"] = "archived"
    chatwoot.desk.articles[1]["status"] = "published"
    del chatwoot.desk.articles[2]
    assert counted(await chatwoot.sync()) == (0, 1, 0, 2)
    assert await chatwoot.found() == {"2"}


async def test_a_list_that_shrank_while_it_was_read_archives_nothing(chatwoot):
    await chatwoot.sync()
    chatwoot.desk.total = 3
    slipped = chatwoot.desk.articles.pop()
    report = await chatwoot.sync()
    assert report.archived == 0 and any("not everything" in note for note in report.notes)
    assert str(slipped["id"]) in await chatwoot.found()


async def test_a_page_that_repeats_for_ever_ends(chatwoot):
    chatwoot.desk.pages = {}
    chatwoot.desk._some = lambda kept, query: kept[:2]  # type: ignore[method-assign]
    report = await chatwoot.sync()
    assert report.added == 2 and len(chatwoot.desk.asked("/articles")) == 2


async def test_resolved_conversations_of_chatwoot_become_cases(database, tenant):
    def said(number, kind, text, **more):
        sender = {"name": "이소라", "type": "contact"} if kind == 0 else {"name": "Ops", "type": "user"}
        return {
            "id": number,
            "message_type": kind,
            "private": False,
            "content": text,
            "created_at": 1_770_000_000 + number,
            "sender": sender,
        } | more

    desk = ChatwootDesk(
        conversations=[
            {"id": 7, "status": "resolved", "labels": ["size"], "last_activity_at": 1_770_000_100},
            {"id": 8, "status": "open", "last_activity_at": 1_770_000_200},
        ],
        messages={
            "7": [
                said(1, 0, "이소라인데 사이즈 바꿀 수 있나요?"),
                said(2, 2, "Conversation was opened"),
                said(3, 1, "봇이 한 말", sender={"type": "agent_bot", "name": "bot"}),
                said(4, 1, "몰래 하는 말", private=True),
                said(5, 1, "네, 7일 안에 바꿀 수 있습니다."),
            ]
        },
    )
    async with running(desk):
        more = {"content": EvidenceKind.CASE, "options": {"account": 1}}
        shop = await Shop(database, tenant, desk, SourceKind.CHATWOOT, **more).add()
        assert (await shop.sync()).added == 1
        case = (await shop.item(7)).item
        assert case.body == "[이름]인데 사이즈 바꿀 수 있나요?\n\n네, 7일 안에 바꿀 수 있습니다."
        assert case.tags == ("size",)
        desk.conversations[0] |= {"status": "open", "last_activity_at": 1_770_001_000}
        assert (await shop.sync()).archived == 1


ODD = [
    "null",
    "5",
    '"text"',
    "[]",
    "[1, null]",
    "{}",
    '{"articles": 5, "sections": {}, "comments": null, "tickets": "x", "payload": 7, "assets": []}',
    '{"articles": [5, null, {}], "sections": [[]], "categories": [{}], "users": 5, "meta": 5,'
    ' "comments": [{"public": true, "author_id": {}}, 5], "tickets": [{"id": {}}, {"id": 1, "status": []}],'
    ' "payload": [{"id": [], "slug": 5}, {"id": 3, "status": {}, "message_type": {}, "private": false, "sender": 5, "created_at": []}, null],'
    ' "data": {"payload": [{"id": 1, "status": "resolved", "additional_attributes": 5, "meta": [], "labels": 1}]},'
    ' "assets": {"KnowledgeBaseAnswer": {"1": 5}, "KnowledgeBaseLocale": 5}, "end_time": "never"}',
    '{"articles": [{"id": 1, "body": "b", "title": "t"}], "meta": {"has_more": true, "after_cursor": null},'
    ' "tickets": [{"id": 1, "status": "solved"}], "after_cursor": 5, "data": []}',
]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize(
    ("kind", "content", "part"),
    [
        (SourceKind.ZENDESK, EvidenceKind.KB, "articles.json"),
        (SourceKind.ZENDESK, EvidenceKind.KB, "sections.json"),
        (SourceKind.ZENDESK, EvidenceKind.KB, "categories.json"),
        (SourceKind.ZENDESK, EvidenceKind.CASE, "cursor.json"),
        (SourceKind.ZENDESK, EvidenceKind.CASE, "comments.json"),
        (SourceKind.ZAMMAD, EvidenceKind.KB, "init"),
        (SourceKind.ZAMMAD, EvidenceKind.KB, "locales"),
        (SourceKind.ZAMMAD, EvidenceKind.KB, "answers"),
        (SourceKind.ZAMMAD, EvidenceKind.CASE, "tickets"),
        (SourceKind.ZAMMAD, EvidenceKind.CASE, "by_ticket"),
        (SourceKind.CHATWOOT, EvidenceKind.KB, "portals"),
        (SourceKind.CHATWOOT, EvidenceKind.KB, "articles"),
        (SourceKind.CHATWOOT, EvidenceKind.CASE, "conversations"),
        (SourceKind.CHATWOOT, EvidenceKind.CASE, "messages"),
    ],
)
async def test_json_of_any_shape_is_told_or_passed_over_and_never_a_crash(kind, content, part, odd):
    desks = {
        SourceKind.ZENDESK: zendesk_desk(3),
        SourceKind.ZAMMAD: zammad_desk(),
        SourceKind.CHATWOOT: ChatwootDesk(articles=[chatwoot_article(1)]),
    }
    desk = desks[kind]
    solved = {"id": 1, "status": "solved", "state": "closed", "requester_id": 1}
    if isinstance(desk, ChatwootDesk):
        desk.conversations = [solved | {"status": "resolved"}]
    else:
        desk.tickets = [solved]
    desk.faults[part] = [f"json:{odd}"] * 30
    async with running(desk):
        options = {"allow_private": True, "account": 1}
        spec = SourceSpec(name="x", kind=kind, address=desk.url, content=content, options=options)
        async with open_source(spec, TOKEN) as source:
            for since in (None, "1770000000"):
                try:
                    async for each in source.pages(since, None):
                        assert isinstance(each, Page)
                except errors.SourceError as fault:
                    assert fault.code in ("source.unreadable", "source.stuck")
    assert desk.asked(part) and len(desk.seen) < 60


def page(title, *links, body="<p>안내 문구입니다.</p>"):
    anchors = "".join(f'<a href="{link}">more</a>' for link in links)
    return f"<html lang=ko><title>{title}</title><main><h1>{title}</h1>{body}{anchors}</main></html>"


async def test_a_website_is_followed_in_circles_once_on_its_own_host_and_within_robots(database, tenant):
    site = Site()
    async with running(site):
        site.pages = {
            "/robots.txt": "User-agent: *\nDisallow: /private",
            "/": page(
                "처음", "/a", "b#part", "/private/x", "https://elsewhere.example/", "/logo.png", "/gone"
            ),
            "/a": page("가", "/b", "/"),
            "/b": page("나", "/a", "./a?x=1#y", "/inside"),
            "/a?x=1": page("가", body=f'<link rel=canonical href="{site.url}/a">'),
            "/private/x": page("비밀"),
            "/inside": lambda _: redirect("http://127.0.0.1:9/secret"),
        }
        shop = await Shop(database, tenant, site, SourceKind.WEBSITE).add()
        report = await shop.sync()
        assert await shop.found() == {f"{site.url}{path}" for path in ("/", "/a", "/b")}
        assert not site.asked("/private") and len(site.asked("/b")) == 1
        assert any("/inside: it leads to another address" in note for note in report.notes)
        assert (await shop.item(f"{site.url}/a")).item.url == f"{site.url}/a"
        assert counted(await shop.sync()) == (0, 0, 3, 0)
        site.pages["/a"] = None
        site.pages["/b"] = page("나", body="<p>다른 문구</p>")
        assert counted(await shop.sync()) == (0, 1, 1, 1)


async def test_a_page_that_fails_is_not_a_page_that_is_gone(database, tenant):
    site = Site()
    async with running(site):
        site.pages = {"/": page("처음", "/a", "/b"), "/a": page("가"), "/b": page("나")}
        shop = await Shop(database, tenant, site, SourceKind.WEBSITE).add()
        await shop.sync()
        site.faults["/a"] = ["e500"] * 4
        del site.pages["/b"]
        site.pages["/"] = page("처음", "/a")
        report = await shop.sync()
        assert report.archived == 0 and f"{site.url}/a" in await shop.found()
        assert any("not everything could be read" in note for note in report.notes)


async def test_more_pages_than_the_limit_are_left_and_archive_nothing(database, tenant):
    site = Site()
    async with running(site):
        site.pages = {f"/{n}": page(f"{n}", f"/{n + 1}") for n in range(30)} | {"/": page("처음", "/0")}
        shop = await Shop(database, tenant, site, SourceKind.WEBSITE, options={"max_pages": 12}).add()
        report = await shop.sync()
        assert report.added == 12 and any("more than 12 pages" in note for note in report.notes)


async def test_a_site_that_is_too_large_or_too_slow_for_one_sync_is_left_in_order(
    database, tenant, monkeypatch
):
    site = Site()
    async with running(site):
        site.pages = {f"/{n}": page(f"{n}", f"/{n + 1}") for n in range(25)} | {"/": page("처음", "/0")}
        shop = await Shop(database, tenant, site, SourceKind.WEBSITE).add()
        monkeypatch.setattr(website, "MOST_SECONDS", 0.0)
        for known in (10, 20):
            with pytest.raises(errors.SourceDown, match="took too long"):
                await shop.sync()
            assert len(await shop.found()) == known
        assert (await shop.sync()).added == 6
        monkeypatch.setattr(website, "MOST_SECONDS", 600.0)
        monkeypatch.setattr(website, "MOST_SITE_BYTES", 500)
        report = await shop.sync()
        assert report.archived == 0 and report.unchanged < 10 and len(await shop.found()) == 26


async def test_what_a_page_asks_of_crawlers_is_done(database, tenant):
    site = Site()
    async with running(site):
        site.pages = {
            "/": '<base href="/help/"><h1>처음</h1><p>말</p><a href="환불?a=1&amp;b=2">a</a>'
            '<a rel="external nofollow" href="/no">b</a><a href="mailto:a@b.kr">c</a><a href="http://[">d</a>'
            '<a href="javascript:x()">e</a><a href="/hidden">f</a><a href="/canon">g</a><a href="">h</a>',
            "/help/%ED%99%98%EB%B6%88?a=1&b=2": page("환불"),
            "/help/환불?a=1&b=2": page("환불"),
            "/no": page("아니오"),
            "/hidden": '<meta name="ROBOTS" content="NoIndex, nofollow"><h1>숨김</h1><p>말</p><a href="/x">x</a>',
            "/x": page("x"),
            "/canon": '<link rel=canonical href="https://elsewhere.example/c"><h1>남</h1><p>말</p>',
        }
        shop = await Shop(database, tenant, site, SourceKind.WEBSITE).add()
        await shop.sync()
        refund = f"{site.url}/help/%ED%99%98%EB%B6%88?a=1&b=2"
        assert await shop.found() == {f"{site.url}/", refund, f"{site.url}/canon"}
        assert not site.asked("/no") and not site.asked("/x")


async def test_a_crawl_that_was_cut_off_does_not_begin_again(database, tenant):
    site = Site()
    async with running(site):
        site.pages = {f"/{n}": page(f"{n}", f"/{n + 1}") for n in range(24)} | {"/": page("처음", "/0")}
        site.pages["/robots.txt"] = "User-agent: *\nCrawl-delay: 1"
        shop = await Shop(database, tenant, site, SourceKind.WEBSITE).add()
        taken = shop.opened

        @asynccontextmanager
        async def cut():
            async with taken() as source:
                yield _CutOff(source, after=2)

        with pytest.raises(errors.SourceDown):
            await syncing.sync(database, tenant.id, shop.spec, cut)
        assert len(await shop.found()) == 20 and len(shop.slept) == 19
        site.seen.clear()
        assert (await shop.sync()).added == 5
        assert [path for path, _ in site.seen] == ["/robots.txt", *(f"/{n}" for n in range(19, 25))]
        assert len(await shop.found()) == 25


class _CutOff:
    def __init__(self, inner, *, after):
        self.kind, self._inner, self._after = inner.kind, inner, after

    async def pages(self, since, position):
        left = self._after
        async for each in self._inner.pages(since, position):
            yield each
            left -= 1
            if not left:
                raise errors.SourceDown


async def test_a_sitemap_gives_its_pages_and_those_of_the_sitemaps_it_lists(database, tenant):
    import gzip

    site = Site()
    async with running(site):
        head = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>'
        listed = "".join(f"<url><loc>{site.url}{path}</loc></url>" for path in ("/a", "/b?x=1&amp;y=2"))
        packed = f"{head}<urlset><url><loc>{site.url}/c</loc></url></urlset>"
        site.pages = {
            "/sitemap.xml": f"{head}<sitemapindex><sitemap><loc>{site.url}/one.xml</loc></sitemap>"
            f"<sitemap><loc>{site.url}/two.xml.gz</loc></sitemap>"
            f"<sitemap><loc>{site.url}/sitemap.xml</loc></sitemap></sitemapindex>",
            "/one.xml": f"{head}<urlset>{listed}<url><loc>https://elsewhere.example/x</loc></url></urlset>",
            "/two.xml.gz": gzip.compress(packed.encode()),
            "/a": page("가", "/hidden"),
            "/b?x=1&y=2": page("나"),
            "/c": page("다"),
            "/hidden": page("라"),
        }
        shop = Shop(database, tenant, site, SourceKind.WEBSITE)
        shop.spec = shop.spec.model_copy(update={"address": f"{site.url}/sitemap.xml"})
        await shop.add()
        await shop.sync()
        assert await shop.found() == {f"{site.url}{path}" for path in ("/a", "/b?x=1&y=2", "/c")}


def redirect(address):
    from aiohttp import web

    return web.Response(status=302, headers={"Location": address})
