"""API keys: shown once, kept as a hash. 256 random bits need no slow hash."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ccos.domain.errors import NotAllowed, NotFound
from ccos.domain.tenant import Role
from ccos.store.database import Tx
from ccos.store.values import new_id, uuid_of

_FORM = re.compile(r"ccos_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key once it has been shown."""

    id: UUID
    tenant_id: UUID
    role: Role
    label: str = ""
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


async def create(tx: Tx, role: Role, label: str = "") -> tuple[str, Key]:
    """A new key of the bound tenant: its text, which cannot be had again, and what is kept of it."""
    text = f"ccos_{secrets.token_urlsafe(32)}"
    row = await tx.row(
        "INSERT INTO api_key (tenant_id, id, role, hash, label)"
        " VALUES (%(tenant)s, %(id)s, %(role)s, %(hash)s, %(label)s)"
        " RETURNING id, tenant_id, role, label, created_at, last_used_at, revoked_at",
        id=new_id(),
        role=role.value,
        hash=_hash(text),
        label=label,
    )
    assert row is not None
    return text, _key(row)


async def find(tx: Tx, text: str) -> Key:
    """The key's tenant and role, and the transaction bound to that tenant.

    Raises `NotAllowed` for a key that is malformed, unknown or revoked, without saying which. The time of use
    is noted at most once a minute, so that reading does not become writing.
    """
    if not _FORM.fullmatch(text):
        raise NotAllowed
    digest = _hash(text)
    await tx.run("SELECT set_config('ccos.key_hash', %(hash)s, true)", hash=digest.hex())
    row = await tx.row(
        "SELECT id, tenant_id, role, label, created_at, last_used_at, revoked_at,"
        "       last_used_at IS NULL OR last_used_at < now() - interval '1 minute' AS stale"
        "  FROM api_key WHERE hash = %(hash)s AND revoked_at IS NULL",
        hash=digest,
    )
    if row is None:
        raise NotAllowed
    stale = row.pop("stale")
    key = _key(row)
    await tx.bind(key.tenant_id)
    if stale:
        await tx.run("UPDATE api_key SET last_used_at = now() WHERE id = %(id)s", id=key.id)
    return key


async def revoke(tx: Tx, key_id: str | UUID) -> None:
    """Make a key of the bound tenant useless, at once and for good. Raises `NotFound`."""
    changed = await tx.run(
        "UPDATE api_key SET revoked_at = coalesce(revoked_at, now())"
        " WHERE tenant_id = %(tenant)s AND id = %(id)s",
        id=uuid_of(key_id),
    )
    if not changed:
        raise NotFound("There is no key with this id; `ccos keys list` shows those there are.")


async def find_all(tx: Tx) -> list[Key]:
    """The bound tenant's keys, newest first, revoked ones too."""
    rows = await tx.rows(
        "SELECT id, tenant_id, role, label, created_at, last_used_at, revoked_at FROM api_key"
        " WHERE tenant_id = %(tenant)s ORDER BY created_at DESC, id DESC"
    )
    return [_key(row) for row in rows]


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _key(row: dict[str, object]) -> Key:
    return Key(**{**row, "role": Role(str(row["role"]))})  # type: ignore[arg-type]
