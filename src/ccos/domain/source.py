"""Where knowledge is kept outside of CCOS, and how a pass over it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ccos.domain.evidence import EvidenceKind

MOST_PAGES = 20_000
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_ENVIRONMENT = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]{0,99}")


class SourceKind(StrEnum):
    ZENDESK = "zendesk"
    ZAMMAD = "zammad"
    CHATWOOT = "chatwoot"
    WEBSITE = "website"


class SourceOptions(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    locale: str | None = Field(None, max_length=20, description="Only this language, as the product names it")
    user: str | None = Field(None, max_length=200, description="Zendesk: the e-mail address of the API token")
    account: int | None = Field(None, ge=1, description="Chatwoot: the number of the account")
    portal: str | None = Field(
        None, max_length=100, description="Chatwoot: only this help centre, by its slug"
    )
    follow: bool = Field(True, description="Website: also the pages that its pages link to, on the same host")
    max_pages: int = Field(2_000, ge=1, le=MOST_PAGES, description="Website: most pages that are fetched")
    allow_private: bool = Field(False, description="The address may be one of a private network")


class SourceSpec(BaseModel):
    """What is fetched from where. `secret` says where the token is kept (`env:NAME`, `file:PATH`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: SourceKind
    address: str = Field(max_length=2_000)
    content: EvidenceKind = EvidenceKind.KB
    options: SourceOptions = SourceOptions()
    secret: str | None = Field(None, max_length=500)
    every_seconds: int | None = Field(None, ge=300, le=31_536_000)

    @property
    def is_file(self) -> bool:
        """Whether it is an export on disk and not a server."""
        return not self.address.lower().startswith(("http://", "https://"))

    @field_validator("name")
    @classmethod
    def _plain_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("take 1 to 40 of a-z, 0-9 and -, but not - first")
        return name

    @field_validator("address")
    @classmethod
    def _usable_address(cls, address: str) -> str:
        if not address.strip() or any(ord(char) < 32 for char in address):
            raise ValueError("give an address like https://example.zendesk.com, or the path of an export")
        if "://" not in address:
            return address
        try:
            parts = urlsplit(address)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise ValueError("give an address like https://example.zendesk.com, or the path of an export")
        if parts.username or parts.password:
            raise ValueError("it holds a login; give the token with --token-env or --token-file")
        return address

    @field_validator("secret")
    @classmethod
    def _only_a_reference(cls, secret: str | None) -> str | None:
        if secret is None or _ENVIRONMENT.fullmatch(secret) or re.match(r"file:.", secret):
            return secret
        raise ValueError("give the name of an environment variable or a file, never the token itself")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Self:
        if self.kind is SourceKind.WEBSITE:
            if self.is_file:
                raise ValueError("a website needs an address; import files with `ccos kb import PATH`")
            if self.content is EvidenceKind.CASE:
                raise ValueError("a website holds no solved tickets")
        if self.kind is SourceKind.CHATWOOT and not self.is_file and self.options.account is None:
            raise ValueError("Chatwoot needs the number of the account: --account 1")
        return self


@dataclass(frozen=True, slots=True)
class SourceState:
    """How syncing stands. `running`: somebody is at it now; `waiting`: a worker was asked and has not begun.

    `error` is the code of what ended the last pass early, None after a good one; `items` counts what can be
    found of it.
    """

    id: UUID
    spec: SourceSpec
    running: bool = False
    waiting: bool = False
    last_run_at: datetime | None = None
    last_full_at: datetime | None = None
    error: str | None = None
    items: int = 0


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass that was begun: `since` is the mark of the one before (None: everything), `position` where it
    goes on after it was cut off, `run` its fence."""

    source_id: UUID
    run: UUID
    since: str | None
    position: Mapping[str, Any] | None

    @property
    def full(self) -> bool:
        return self.since is None
