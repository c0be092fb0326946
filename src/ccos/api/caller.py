"""Who is asking: the API key of a request, as a tenant and a role."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from ccos.api.identities import Caller as Caller
from ccos.api.identities import Identities
from ccos.domain.errors import NotAllowed
from ccos.domain.tenant import Role
from ccos.store import keys, tenants
from ccos.wiring import Ccos

COOKIE = "ccos_key"
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def ccos_of(request: Request) -> Ccos:
    ccos: Ccos = request.app.state.ccos
    return ccos


Opened = Annotated[Ccos, Depends(ccos_of)]


def identities_of(request: Request) -> Identities:
    identities: Identities = request.app.state.identities
    return identities


async def identify(ccos: Ccos, key: str) -> Caller:
    """The caller behind a key. Raises NotAllowed."""
    async with ccos.database.unbound() as tx:
        found = await keys.find(tx, key)
        tenant = await tenants.by_id(tx, found.tenant_id)
    return Caller(tenant, found.role, str(found.id))


Bearer = HTTPBearer(auto_error=False, scheme_name="API key", description="Made by `ccos keys create`.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(Bearer)]


async def _caller(request: Request, given: Credentials) -> Caller:
    """`Authorization: Bearer`, else the console's cookie, which changes nothing for pages of other sites."""
    identities = identities_of(request)
    if given is not None:
        return await identities.of(given.credentials.strip())
    key = request.cookies.get(COOKIE, "")
    if not key:
        raise NotAllowed("Send an API key as `Authorization: Bearer ...`; `ccos keys create` makes one.")
    if request.method not in READING:
        refuse_other_sites(request)
    return await identities.of(key)


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
        require(caller, *roles)
        return caller

    return check


def require(caller: Caller, *roles: Role) -> None:
    """Raises NotAllowed unless the caller has one of the roles, or is an administrator."""
    if caller.role is not Role.ADMIN and caller.role not in roles:
        names = ", ".join(sorted({Role.ADMIN, *roles}))
        raise NotAllowed(f"This needs a key with one of the roles {names}.", role=caller.role.value)


WRITERS = (Role.INTEGRATION, Role.AGENT, Role.SUPERVISOR)
Writer = Annotated[Caller, Depends(needs(*WRITERS))]
Reviewer = Annotated[Caller, Depends(needs(Role.AGENT, Role.SUPERVISOR))]
Curator = Annotated[Caller, Depends(needs(Role.INTEGRATION, Role.SUPERVISOR))]
