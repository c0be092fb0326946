"""Who is asking: the API key of a request, as a tenant and a role."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from ccos.domain.errors import NotAllowed
from ccos.domain.tenant import Role, Tenant
from ccos.store import keys, tenants
from ccos.wiring import Ccos

COOKIE = "ccos_key"


def ccos_of(request: Request) -> Ccos:
    ccos: Ccos = request.app.state.ccos
    return ccos


Opened = Annotated[Ccos, Depends(ccos_of)]


@dataclass(frozen=True, slots=True)
class Caller:
    tenant: Tenant
    role: Role
    key_id: str


async def identify(ccos: Ccos, key: str) -> Caller:
    """The caller behind a key. Raises NotAllowed."""
    async with ccos.database.unbound() as tx:
        found = await keys.find(tx, key)
        tenant = await tenants.by_id(tx, found.tenant_id)
    return Caller(tenant, found.role, str(found.id))


async def _caller(request: Request, ccos: Opened) -> Caller:
    """`Authorization: Bearer`, else the console's cookie; the cookie alone never changes anything from afar."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    key = given.strip() if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")
    if not key:
        raise NotAllowed("Send an API key as `Authorization: Bearer ...`; `ccos keys create` makes one.")
    return await identify(ccos, key)


AnyCaller = Annotated[Caller, Depends(_caller)]


def needs(*roles: Role) -> Callable[[Caller], Awaitable[Caller]]:
    """A dependency that lets only these roles pass; an administrator always does."""

    async def check(caller: AnyCaller) -> Caller:
        if caller.role is not Role.ADMIN and caller.role not in roles:
            names = ", ".join(sorted({Role.ADMIN, *roles}))
            raise NotAllowed(f"This needs a key with one of the roles {names}.", role=caller.role.value)
        return caller

    return check


Writer = Annotated[Caller, Depends(needs(Role.INTEGRATION, Role.AGENT, Role.SUPERVISOR))]
Reviewer = Annotated[Caller, Depends(needs(Role.AGENT, Role.SUPERVISOR))]
Curator = Annotated[Caller, Depends(needs(Role.INTEGRATION, Role.SUPERVISOR))]
