"""A company on CCOS: its closed vocabulary, its names and its rules."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from ccos.domain.choices import Choices
from ccos.domain.hours import Hours


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


@dataclass(frozen=True, slots=True)
class ApprovedAnswer:
    """A reply a tenant's people approved for one intent and language; the rule tier speaks from these.

    `kb_id` is the public KB item it rests on; without one it states nothing and is a hold. Slots in `text`:
    {customer_name} {company} {order_number} {product} {contact}.
    """

    id: str
    intent: str
    language: Literal["ko", "en"]
    text: str
    kb_id: str | None = None


class TenantSettings(BaseModel):
    """What a tenant may configure. `tags` and `categories` are closed lists: drafts propose nothing else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    company: dict[str, str] = Field(default_factory=dict, description="Name by language, ko and en")
    categories: tuple[Category, ...] = ()
    tags: tuple[str, ...] = ()
    contact: dict[str, str] = Field(default_factory=dict, description="Support hours sentence by language")
    hours: Hours = Field(Hours(), description="When the desk works, and how soon a first reply is due")
    reply_max_characters: int = Field(4_000, ge=100)
    channel_max_characters: dict[str, Annotated[int, Field(ge=50)]] = Field(
        default_factory=lambda: {"kakao": 1_000},
        description="The most a channel takes, by the channel's name; the smaller of both limits holds",
    )
    banned_phrases: tuple[str, ...] = ()
    approved_answers: tuple[ApprovedAnswer, ...] = ()
    synonyms: tuple[tuple[Annotated[str, Field(min_length=1, max_length=60)], ...], ...] = Field(
        (), max_length=1_000, description="Groups of words that mean the same to this tenant's customers"
    )
    cloud_allowed: bool = True
    choices: Choices = Field(
        Choices(), description="How drafts are made, where not as the product's settings say"
    )
    daily_cost_limit_usd: Decimal | None = Field(
        None, ge=0, le=1_000_000, description="This tenant's own limit a day, below the one for all tenants"
    )

    def longest_reply(self, channel: str | None) -> int:
        """The most characters a reply on this channel may have."""
        limits = {name.casefold(): most for name, most in self.channel_max_characters.items()}
        return min(
            self.reply_max_characters, limits.get((channel or "").casefold(), self.reply_max_characters)
        )


class Tenant(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: UUID
    slug: str
    name: str
    settings: TenantSettings = TenantSettings()
