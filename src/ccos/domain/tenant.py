"""A company on CCOS: its closed vocabulary, its names and its rules."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Role(StrEnum):
    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    AGENT = "agent"
    INTEGRATION = "integration"


class Category(BaseModel):
    """One value of the closed category list; `path` holds up to three levels, `intents` what maps to it."""

    model_config = ConfigDict(frozen=True)

    name: str
    description: str = ""
    intents: tuple[str, ...] = ()
    active: bool = True


class TenantSettings(BaseModel):
    """What a tenant may configure. `tags` and `categories` are closed lists: drafts propose nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    company: dict[str, str] = Field(default_factory=dict, description="Name by language, ko and en")
    categories: tuple[Category, ...] = ()
    tags: tuple[str, ...] = ()
    contact: dict[str, str] = Field(default_factory=dict, description="Support hours sentence by language")
    reply_max_characters: int = Field(4_000, ge=100)
    banned_phrases: tuple[str, ...] = ()
    cloud_allowed: bool = True


class Tenant(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: UUID
    slug: str
    name: str
    settings: TenantSettings = TenantSettings()
