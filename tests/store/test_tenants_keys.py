import hashlib
import re
from uuid import uuid4

import pytest

from ccos.domain.errors import BadInput, Conflict, NotAllowed, NotFound, UnknownTenant
from ccos.domain.tenant import Category, Role, TenantSettings
from ccos.store import keys, tenants
from ccos.store.database import Database
from support.store import new_tenant, opened


async def test_a_tenant_is_found_by_its_slug_before_any_is_bound(database, tenant):
    async with database.unbound() as tx:
        assert await tenants.by_slug(tx, tenant.slug) == tenant
        assert tx.tenant_id is None
        with pytest.raises(UnknownTenant, match="ccos tenants list"):
            await tenants.by_slug(tx, "nobody")


async def test_looking_for_a_slug_shows_only_that_tenant(database, tenant):
    await new_tenant(database)
    async with database.unbound() as tx:
        await tenants.by_slug(tx, tenant.slug)
        assert await tenants.find_all(tx) == [tenant]


async def test_the_owner_lists_every_tenant_and_the_application_its_own(database, tenant, store_urls):
    other = await new_tenant(database)
    async with opened(Database(store_urls.owner)) as administration, administration.unbound() as tx:
        found = await tenants.find_all(tx)
        assert tenant in found and other in found
        assert await tenants.by_id(tx, other.id) == other
    async with database.tenant(tenant.id) as tx:
        assert await tenants.find_all(tx) == [tenant]
        assert {tenant.id, other.id} <= set(await tenants.ids(tx))
        with pytest.raises(UnknownTenant):
            await tenants.by_id(tx, other.id)


async def test_settings_are_replaced_for_the_bound_tenant_alone(database, tenant):
    other = await new_tenant(database)
    settings = TenantSettings(categories=(Category(name="환불", intents=("refund",)),), cloud_allowed=False)
    async with database.tenant(tenant.id) as tx:
        await tenants.update_settings(tx, settings)
    async with database.unbound() as tx:
        assert (await tenants.by_slug(tx, tenant.slug)).settings == settings
        assert (await tenants.by_slug(tx, other.slug)).settings == TenantSettings()


@pytest.mark.parametrize("slug", ["", "-a", "Ä", "a b", "A", "a" * 64, "a\n", "a_b", "../a"])
async def test_a_slug_that_cannot_stand_in_an_address_is_refused(database, slug):
    with pytest.raises(BadInput, match="slug"):
        async with database.unbound() as tx:
            await tenants.create(tx, slug, "Name")


async def test_a_taken_slug_is_a_conflict(database, tenant):
    with pytest.raises(Conflict):
        async with database.unbound() as tx:
            await tenants.create(tx, tenant.slug, "Again")


async def test_a_key_signs_in_and_binds_its_tenant(database, tenant):
    async with database.tenant(tenant.id) as tx:
        text, made = await keys.create(tx, Role.SUPERVISOR, "Hana's laptop")
    assert re.fullmatch(r"ccos_[A-Za-z0-9_-]{43}", text)
    async with database.unbound() as tx:
        found = await keys.find(tx, text)
        assert tx.tenant_id == tenant.id
        assert await tenants.by_id(tx, tenant.id) == tenant
    assert (found.id, found.tenant_id, found.role, found.label) == (
        made.id,
        tenant.id,
        Role.SUPERVISOR,
        "Hana's laptop",
    )


async def test_only_the_hash_is_stored(database, tenant):
    async with database.tenant(tenant.id) as tx:
        text, made = await keys.create(tx, Role.AGENT)
        row = await tx.row("SELECT api_key::text AS everything, hash FROM api_key")
    assert row["hash"] == hashlib.sha256(text.encode()).digest()
    assert text not in row["everything"] and text[5:] not in row["everything"]
    assert text not in repr(made)


async def test_the_use_of_a_key_is_noted_once_a_minute(database, tenant):
    async with database.tenant(tenant.id) as tx:
        text, _ = await keys.create(tx, Role.AGENT)
    used = []
    for _ in range(2):
        async with database.unbound() as tx:
            await keys.find(tx, text)
        async with database.tenant(tenant.id) as tx:
            used.append((await keys.find_all(tx))[0].last_used_at)
    assert used[0] is not None and used[0] == used[1]


async def test_a_revoked_key_is_refused_and_stays_listed(database, tenant):
    async with database.tenant(tenant.id) as tx:
        text, made = await keys.create(tx, Role.ADMIN)
        await keys.revoke(tx, str(made.id))
        await keys.revoke(tx, made.id)
    with pytest.raises(NotAllowed):
        async with database.unbound() as tx:
            await keys.find(tx, text)
    async with database.tenant(tenant.id) as tx:
        assert [key.revoked_at is None for key in await keys.find_all(tx)] == [False]


async def test_a_key_of_another_tenant_cannot_be_revoked_or_listed(database, tenant):
    other = await new_tenant(database)
    async with database.tenant(other.id) as tx:
        _, theirs = await keys.create(tx, Role.AGENT)
    async with database.tenant(tenant.id) as tx:
        assert await keys.find_all(tx) == []
        with pytest.raises(NotFound):
            await keys.revoke(tx, theirs.id)


@pytest.mark.parametrize(
    "text", ["", "ccos_", "ccos_" + "a" * 43, "ccos_" + "é" * 43, "ccos_" + "a" * 42 + "\0", "x" * 9999]
)
async def test_any_other_text_is_refused(database, tenant, text):
    with pytest.raises(NotAllowed):
        async with database.unbound() as tx:
            await keys.find(tx, text)


async def test_a_known_id_that_is_nobodys_is_not_found(database, tenant):
    with pytest.raises(NotFound):
        async with database.tenant(tenant.id) as tx:
            await keys.revoke(tx, uuid4())
