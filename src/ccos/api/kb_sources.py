"""Sources of knowledge: help centres, solved tickets and websites that are fetched and followed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self

from fastapi import APIRouter, Depends, status
from pydantic import BaseModel, Field, ValidationError

from ccos.api.caller import AnyCaller, Curator, Opened, needs
from ccos.api.identities import Caller
from ccos.domain.documents import sentence_for
from ccos.domain.errors import BadInput
from ccos.domain.evidence import EvidenceKind
from ccos.domain.source import SourceKind, SourceOptions, SourceSpec, SourceState
from ccos.domain.ticket import Label
from ccos.store import sources
from ccos.wiring.sources import remove_source

router = APIRouter(prefix="/api/kb/sources", tags=["sources"])

Keeper = Annotated[Caller, Depends(needs())]
"""Administrators: a source makes this machine fetch from an address."""


class NewSource(BaseModel):
    """`token_env` names the environment variable of the server that holds the token; it begins with
    `KB_TOKEN_`, the tenant's slug in capitals and `__`, so that nobody reaches another's token."""

    name: Label
    kind: SourceKind
    address: str = Field(max_length=2_000, description="Like https://example.zendesk.com")
    content: EvidenceKind = EvidenceKind.KB
    options: SourceOptions = SourceOptions()
    token_env: Label | None = None
    every_seconds: int | None = Field(None, description="Synced again after so long; at least 300")


class Source(BaseModel):
    """`error` is the code of what ended the last sync early; `waiting`: a worker was asked to sync it."""

    name: str
    kind: SourceKind
    content: EvidenceKind
    address: str
    options: SourceOptions
    token: str | None = Field(description="Where the token is kept")
    every_seconds: int | None
    running: bool
    waiting: bool
    last_run_at: datetime | None
    last_full_at: datetime | None
    error: str | None
    items: int

    @classmethod
    def of(cls, state: SourceState) -> Self:
        spec = state.spec
        return cls(
            name=spec.name,
            kind=spec.kind,
            content=spec.content,
            address=spec.address,
            options=spec.options,
            token=spec.secret,
            every_seconds=spec.every_seconds,
            running=state.running,
            waiting=state.waiting,
            last_run_at=state.last_run_at,
            last_full_at=state.last_full_at,
            error=state.error,
            items=state.items,
        )


class Sync(BaseModel):
    full: bool = Field(False, description="Look at everything again, also at what did not change")


class Removed(BaseModel):
    archived: int


@router.get("", summary="List sources")
async def find(caller: AnyCaller, ccos: Opened) -> list[Source]:
    """Where knowledge is fetched from, and how that goes."""
    async with ccos.database.tenant(caller.tenant.id) as tx:
        return [Source.of(each) for each in await sources.every(tx)]


@router.post("", status_code=status.HTTP_201_CREATED, summary="Add a source")
async def add(new: NewSource, caller: Keeper, ccos: Opened) -> Source:
    """Keep a source to sync; nothing is fetched yet, unless it has a schedule.

    Files and addresses of private networks are for the operator: `ccos kb sources add`.
    """
    spec = _spec(new, caller.tenant.slug)
    async with ccos.database.tenant(caller.tenant.id) as tx:
        return Source.of(await sources.add(tx, spec))


@router.post("/{name}/sync", status_code=status.HTTP_202_ACCEPTED, summary="Sync a source")
async def sync(name: str, caller: Curator, ccos: Opened, wanted: Sync | None = None) -> Source:
    """Ask a worker to fetch what changed; it goes on where the last sync was cut off.

    409 while the source is being synced.
    """
    async with ccos.database.tenant(caller.tenant.id) as tx:
        return Source.of(await sources.request(tx, name, full=bool(wanted and wanted.full)))


@router.delete("/{name}", summary="Remove a source")
async def remove(name: str, caller: Keeper, ccos: Opened) -> Removed:
    """Forget a source; what came from it is archived. 409 while it is being synced."""
    return Removed(archived=await remove_source(ccos.database, caller.tenant.id, name))


def _spec(new: NewSource, slug: str) -> SourceSpec:
    """Raises BadInput for what only the operator may say, or what does not fit together."""
    try:
        spec = SourceSpec(
            **new.model_dump(exclude={"token_env", "options"}),
            options=new.options,
            secret=None if new.token_env is None else f"env:{new.token_env}",
        )
    except ValidationError as fault:
        raise BadInput(sentence_for(fault, SourceSpec, "source")) from None
    if spec.is_file:
        raise BadInput("address: Give one that begins with https://; files are for `ccos kb sources add`.")
    if spec.options.allow_private:
        raise BadInput("options.allow_private: Only the operator may say so, with `ccos kb sources add`.")
    own = f"KB_TOKEN_{slug.upper().replace('-', '_')}__"
    if new.token_env is not None and not new.token_env.startswith(own):
        raise BadInput(f"token_env: Take a name that begins with {own}; the operator sets it on the server.")
    return spec
