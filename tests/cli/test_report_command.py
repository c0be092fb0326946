"""`ccos report cost` over a real database."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from ccos.cli.cost_words import _WORDS
from ccos.domain.money import MicroUsd
from ccos.store import ledger, spend, tenants
from ccos.store.database import Database
from ccos.store.ledger import Line, Sums
from ccos.store.migrate import migrate
from support.ccos_command import Command, Home

TODAY = datetime.now(UTC).astimezone(ZoneInfo("Asia/Seoul")).date()
YESTERDAY = TODAY - timedelta(days=1)


def fill(home: Home, slug: str, *, model: str = "gpt-4o", reported: int = 4_000_000) -> None:
    """Two days of one tenant: 40 cloud calls yesterday for $4, as many rule answers today for nothing."""

    migrate(home.server.urls.owner)

    async def go() -> None:
        database = Database(home.server.urls.app)
        await database.open()
        async with database.unbound() as tx:
            tenant = await tenants.create(tx, slug, slug)
        cloud = Line(tenant.id, YESTERDAY, "draft", "solution_draft", "tier_0", "openai", model)
        rules = Line(tenant.id, TODAY, "draft", "solution_draft", "tier_3", "rules", "rules")
        called = Sums(
            calls=50, answers=40, failed=10, tokens_in=9_000, tokens_out=2_000, spent_micro_usd=4_000_000
        )
        called.premium_micro_usd, called.reported_calls, called.reported_micro_usd = 4_000_000, 40, reported
        called.estimated_of_reported_micro_usd = 4_000_000
        ruled = Sums(calls=40, answers=40, premium_micro_usd=6_000_000)
        async with database.tenant(tenant.id) as tx:
            held = await spend.reserve(tx, MicroUsd(5_000_000), cap=MicroUsd(10**9), day=YESTERDAY)
            assert held is not None
            await spend.settle(tx, held, MicroUsd(4_000_000))
            await ledger.add(tx, uuid4(), 1, [(cloud, called), (rules, ruled)])
        await database.close()

    asyncio.run(go())


def strand(home: Home, slug: str, *, held: int, charged: int) -> None:
    """What a killed process leaves of today: a hold, and a charge without a row in the ledger."""

    async def go() -> None:
        database = Database(home.server.urls.app)
        await database.open()
        async with database.unbound() as tx:
            tenant = await tenants.by_slug(tx, slug)
        async with database.tenant(tenant.id) as tx:
            cap = MicroUsd(10**9)
            assert await spend.reserve(tx, MicroUsd(held), cap=cap, day=TODAY)
            lost = await spend.reserve(tx, MicroUsd(charged), cap=cap, day=TODAY)
            assert lost is not None
            await spend.settle(tx, lost, MicroUsd(charged))
        await database.close()

    asyncio.run(go())


@pytest.fixture
def busy(ccos_home: Home) -> str:
    slug = f"busy-{uuid4().hex[:8]}"
    fill(ccos_home, slug)
    return slug


def test_spent_saved_and_the_month_are_told(ccos: Command, busy: str) -> None:
    ran = ccos("report", "cost", "--tenant", busy, "--json")
    assert ran.code == 0 and not ran.err
    told = ran.json
    assert told["tenants"] == [busy] and told["timezone"] == "Asia/Seoul" and len(told["days"]) == 30
    assert (told["spent_usd"], told["premium_usd"], told["saved_usd"], told["saved_share"]) == (
        4.0,
        10.0,
        6.0,
        0.6,
    )
    assert (told["drafts"], told["usd_per_draft"]) == (80, 0.05)
    assert [day["spent_usd"] for day in told["days"][-2:]] == [4.0, 0.0]
    assert [(p["tier"], p["answers"]) for p in told["ledgers"]["by_provider"]] == [
        ("tier_0", 40),
        ("tier_3", 40),
    ]
    assert told["ledgers"]["drift"] == 0 and told["ledgers"]["warnings"] == []
    month = told["month"]
    assert month["forecast_usd"] >= month["spent_usd"] and "1 full days" in month["made_from"]


def test_a_person_reads_tables_and_sentences(ccos: Command, busy: str) -> None:
    ran = ccos("report", "cost", "--tenant", busy)
    assert ran.code == 0
    assert re.search(rf"^{YESTERDAY} +40 +0 +\$4\.00 +\$4\.00 +\$0\.00 +█+", ran.out, re.MULTILINE)
    assert re.search(rf"^{TODAY} +40 +0 +\$0\.00 +\$6\.00 +\$6\.00 +░+", ran.out, re.MULTILINE)
    assert re.search(
        r"^0 cloud +openai +gpt-4o +50 +40 +10 +9,000 +2,000 +\$4\.00 +\$4\.00 +\+0\.0%", ran.out, re.M
    )
    assert "saved $6.00 (60.0%)." in ran.out and "80 drafts at $0.0500 each" in ran.out
    assert "The month will cost about $" in ran.out


def test_all_tenants_add_up(ccos: Command, ccos_home: Home, busy: str) -> None:
    before = ccos("report", "cost", "--all", "--json").json
    other = f"other-{uuid4().hex[:8]}"
    fill(ccos_home, other)
    after = ccos("report", "cost", "--all", "--json").json
    assert {busy, other} <= set(after["tenants"])
    assert after["spent_usd"] - before["spent_usd"] == pytest.approx(4.0)


def test_ledgers_that_drift_apart_are_told(ccos: Command, ccos_home: Home) -> None:
    slug = f"drift-{uuid4().hex[:8]}"
    fill(ccos_home, slug, reported=6_000_000)
    ran = ccos("report", "cost", "--tenant", slug)
    assert ran.sentence == (
        f"On {YESTERDAY} tier_0/openai/gpt-4o reported 50% more than we estimated for the same 40 calls; "
        "check its price."
    )


def test_the_page_stands_alone_and_escapes_names(ccos: Command, ccos_home: Home) -> None:
    slug = f"page-{uuid4().hex[:8]}"
    fill(ccos_home, slug, model="<script>alert(1)</script>")
    ran = ccos("report", "cost", "--tenant", slug, "--html", "costs.html", "--days", "7")
    assert ran.code == 0 and ran.sentence == "Wrote costs.html."
    page = (ccos.folder / "costs.html").read_text()
    assert page.startswith("<!doctype html>") and page.count("<svg") == 1
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "http://" not in page and "https://" not in page, "it loads nothing from anywhere"
    assert "$10.00" in page and "60.0%" in page and "cloud 50%" in page and "Of 80 answers." in page
    assert f"<td>{YESTERDAY}</td>" in page and page.count("<rect") == 4, "days before the first say nothing"
    assert f">{TODAY:%m-%d}</text>" in page and f"spent before {YESTERDAY}" in page


def test_a_tenant_that_did_nothing_is_told_so(ccos: Command) -> None:
    slug = f"idle-{uuid4().hex[:8]}"
    assert ccos("tenants", "create", slug, "Idle").code == 0
    ran = ccos("report", "cost", "--tenant", slug, "--html", "idle.html")
    assert ran.code == 0 and not ran.out
    assert f"ccos: Nothing was called or spent in the last 30 days by tenant {slug!r};" in ran.err
    assert "Nothing was called or spent" in (ccos.folder / "idle.html").read_text()
    told = ccos("report", "cost", "--tenant", slug, "--json").json
    assert told["month"] is None and told["spent_usd"] == 0 and told["ledgers"]["by_provider"] == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--all", "--tenant", "x"), "Give either --all or --tenant SLUG, not both."),
        (("--tenant", "nobody"), "There is no tenant 'nobody'; `ccos tenants list` shows those there are."),
    ],
)
def test_bad_input_is_one_sentence(ccos: Command, options: tuple[str, ...], sentence: str) -> None:
    ran = ccos("report", "cost", *options)
    assert ran.code == 2 and ran.sentence == sentence


def test_a_page_that_cannot_be_written_is_one_sentence(ccos: Command, busy: str) -> None:
    ran = ccos("report", "cost", "--tenant", busy, "--html", "no/such/folder/costs.html")
    assert (
        ran.code == 1
        and ran.sentence == "no/such/folder/costs.html cannot be used: No such file or directory."
    )


def test_money_without_rows_and_money_on_hold_are_told(ccos: Command, ccos_home: Home) -> None:
    slug = f"killed-{uuid4().hex[:8]}"
    fill(ccos_home, slug)
    strand(ccos_home, slug, held=30_000, charged=20_000)
    missing = (
        "$0.0200 were charged for calls whose ledger rows are missing: a process was killed before it wrote "
        "them, or its holds were charged whole."
    )
    waiting = (
        "$0.0300 are on hold for calls that have not been settled; a running `ccos serve` or `ccos worker` "
        "settles them."
    )
    assert {missing, waiting} <= set(ccos("report", "cost", "--tenant", slug).out.splitlines())
    told = ccos("report", "cost", "--tenant", slug, "--json", "--html", "costs.html").json
    assert told["notes"] == [missing, waiting]
    assert (told["on_hold_usd"], told["ledgers"]["not_in_ledger_usd"]) == (0.03, 0.02)
    page = (ccos.folder / "costs.html").read_text()
    assert missing in page and waiting in page


def test_a_tenant_with_nothing_but_a_hold_is_not_idle(ccos: Command, ccos_home: Home) -> None:
    slug = f"held-{uuid4().hex[:8]}"
    assert ccos("tenants", "create", slug, "Held").code == 0
    strand(ccos_home, slug, held=30_000, charged=0)
    ran = ccos("report", "cost", "--tenant", slug)
    assert "$0.0300 are on hold" in ran.out and not ran.err


def test_the_page_speaks_korean_too(ccos: Command, busy: str) -> None:
    ran = ccos("report", "cost", "--tenant", busy, "--html", "costs.html", "--language", "ko")
    page = (ccos.folder / "costs.html").read_text()
    assert ran.code == 0 and '<html lang="ko">' in page
    assert f"테넌트 &#x27;{busy}&#x27;의 비용" in page and "클라우드 50%" in page and "이달 예상" in page


def test_both_languages_say_everything() -> None:
    for key, (english, korean) in _WORDS.items():
        fields = [set(re.findall(r"{(\w+)", text)) for text in (english, korean)]
        assert english and korean and fields[0] == fields[1], key
