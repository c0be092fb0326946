"""Keys are remembered for a few seconds, and for ten minutes while the database is away."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from ccos.api.identities import AWAY_SECONDS, FRESH_SECONDS, KNOWN_SECONDS, Caller, Identities
from ccos.domain.errors import DatabaseUnavailable, NotAllowed
from ccos.domain.tenant import Role, Tenant

CALLER = Caller(Tenant(id=uuid4(), slug="shop", name="Shop"), Role.INTEGRATION, "k1")


class Keys:
    """The keys there are, as a database would tell, and how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.says: Caller | Exception = CALLER
        self.now = 1000.0
        self.gate: asyncio.Event | None = None

    async def find(self, key: str) -> Caller:
        self.asked += 1
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    def identities(self, most: int = 10) -> Identities:
        return Identities(self.find, most=most, clock=lambda: self.now)


async def test_a_found_key_is_not_looked_up_again_for_a_few_seconds():
    keys = Keys()
    identities = keys.identities()
    for _ in range(3):
        assert await identities.of("a", fresh_seconds=FRESH_SECONDS) is CALLER
    assert keys.asked == 1
    keys.now += FRESH_SECONDS
    await identities.of("a", fresh_seconds=FRESH_SECONDS)
    assert keys.asked == 2


async def test_without_leave_to_remember_every_call_asks():
    keys = Keys()
    identities = keys.identities()
    await identities.of("a")
    await identities.of("a")
    assert keys.asked == 2


async def test_a_revoked_key_counts_no_more_after_the_few_seconds_and_is_forgotten():
    keys = Keys()
    identities = keys.identities()
    await identities.of("a", fresh_seconds=FRESH_SECONDS)
    keys.says = NotAllowed()
    keys.now += FRESH_SECONDS
    with pytest.raises(NotAllowed):
        await identities.of("a", fresh_seconds=FRESH_SECONDS)
    keys.says = DatabaseUnavailable()
    with pytest.raises(DatabaseUnavailable):  # an outage does not bring it back
        await identities.of("a", fresh_seconds=FRESH_SECONDS)


async def test_a_refusal_is_never_remembered():
    keys = Keys()
    identities = keys.identities()
    keys.says = NotAllowed()
    for _ in range(2):
        with pytest.raises(NotAllowed):
            await identities.of("a", fresh_seconds=FRESH_SECONDS)
    assert keys.asked == 2
    keys.says = CALLER
    assert await identities.of("a", fresh_seconds=FRESH_SECONDS) is CALLER


async def test_a_known_key_stays_good_for_ten_minutes_of_an_outage_and_no_longer():
    keys = Keys()
    identities = keys.identities()
    await identities.of("a")
    keys.says = DatabaseUnavailable()
    keys.now += KNOWN_SECONDS - 1
    assert await identities.of("a") is CALLER
    keys.now += 1
    with pytest.raises(DatabaseUnavailable):
        await identities.of("a")
    with pytest.raises(DatabaseUnavailable):
        await identities.of("never seen")


async def test_nobody_waits_for_a_database_that_has_just_not_answered():
    keys = Keys()
    identities = keys.identities()
    await identities.of("a")
    keys.says = DatabaseUnavailable()
    await identities.of("a")
    asked = keys.asked
    await identities.of("a")
    assert keys.asked == asked
    keys.now += AWAY_SECONDS
    await identities.of("a")
    assert keys.asked == asked + 1


async def test_a_look_up_that_hangs_counts_as_an_outage_for_a_known_key(monkeypatch):
    monkeypatch.setattr("ccos.api.identities.PATIENCE_SECONDS", 0.01)
    keys = Keys()
    identities = keys.identities()
    await identities.of("a")
    keys.gate = asyncio.Event()
    assert await identities.of("a") is CALLER
    keys.gate.set()


async def test_all_who_ask_at_once_share_one_look_up_and_one_that_leaves_does_not_end_it():
    keys = Keys()
    keys.gate = asyncio.Event()
    identities = keys.identities()
    asking = [asyncio.create_task(identities.of("a")) for _ in range(20)]
    await asyncio.sleep(0)
    asking[0].cancel()
    await asyncio.sleep(0)
    keys.gate.set()
    assert await asyncio.gather(*asking[1:]) == [CALLER] * 19
    assert keys.asked == 1


async def test_the_memory_is_bounded_and_keeps_who_came_last():
    keys = Keys()
    identities = keys.identities(most=2)
    for name in ("a", "b", "a", "c"):
        await identities.of(name, fresh_seconds=FRESH_SECONDS)
    assert keys.asked == 3
    await identities.of("a", fresh_seconds=FRESH_SECONDS)
    assert keys.asked == 3
    await identities.of("b", fresh_seconds=FRESH_SECONDS)
    assert keys.asked == 4


async def test_a_key_of_odd_characters_is_no_error_of_ours():
    keys = Keys()
    assert await keys.identities().of("\ud800 키") is CALLER
