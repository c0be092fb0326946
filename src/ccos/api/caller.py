"""Who is asking: the API key of a request, as a tenant and a role."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ccos.domain.errors import NotAllowed
from ccos.domain.tenant import Role, Tenant
from ccos.store import keys, tenants
from ccos.wiring import Ccos

COOKIE = "ccos_key"
READING = frozenset({"GET", "HEAD", "OPTIONS"})


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


Bearer = HTTPBearer(auto_error=False, scheme_name="API key", description="Made by `ccos keys create`.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(Bearer)]


async def _caller(request: Request, ccos: Opened, given: Credentials) -> Caller:
    """`Authorization: Bearer`, else the console's cookie, which changes nothing for pages of other sites."""
    if given is not None:
        return await identify(ccos, given.credentials.strip())
    key = request.cookies.get(COOKIE, "")
    if not key:
        raise NotAllowed("Send an API key as `Authorization: Bearer ...`; `ccos keys create` makes one.")
    if request.method not in READING:
        refuse_other_sites(request)
    return await identify(ccos, key)


def refuse_other_sites(request: Request) -> None:
    """Raises NotAllowed unless the browser says that the request comes from a page of this very address.

    Beside SameSite=Strict this also keeps out pages of sibling hosts, which count as the same site.
    """
    origin = request.headers.get("origin")
    if origin is not None:
        own = urlsplit(origin).netloc == request.headers.get("host", "")
    else:
        own = request.headers.get("sec-fetch-site") in ("same-origin", "none")
    if not own:
        raise NotAllowed("The request came from another page; send it from the console.", role="other site")


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
