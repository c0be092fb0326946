"""Every variable CCOS reads, and nothing else reads the environment."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, SettingsConfigDict

from ccos.domain.errors import BadSetting
from ccos.domain.tier import Mode, Tier
from ccos.settings.urls import Url, Urls, without_secrets


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("is not a time zone name such as Asia/Seoul") from None
    return name


def _path(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("names a user this machine does not know; write the path out") from None


Fraction = Annotated[float, Field(ge=0, le=1)]
Zone = Annotated[str, AfterValidator(_zone)]
File = Annotated[Path, AfterValidator(_path)]


class Settings(BaseSettings):
    """Every variable with its default; `docs/reference/settings.md` is generated from this class."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_file=".env", env_ignore_empty=True, hide_input_in_errors=True
    )

    llm_enable_multi_tier: bool = Field(True, description="Off: only the first usable tier, then rules")
    llm_tier_threshold: Fraction | None = Field(
        None, description="Required quality for every task; unset: each task has its own"
    )
    tier_0_threshold: Fraction = Field(0.9, description="Prior capability of tier_0, the cloud")
    tier_1_threshold: Fraction = Field(0.7, description="Prior capability of tier_1, the local 7B model")
    tier_2_threshold: Fraction = Field(0.5, description="Prior capability of tier_2, the tiny local model")
    tier_3_threshold: Fraction = Field(0.3, description="Prior capability of tier_3, the rules")

    daily_llm_cost_limit: Decimal = Field(
        Decimal(5), ge=0, le=1_000_000, description="USD a day for paid tiers; never exceeded"
    )
    enable_cost_based_fallback: bool = Field(
        True, description="Off: the daily limit is recorded but does not hold the cloud back"
    )

    openai_api_key: SecretStr | None = Field(None, description="Turns the OpenAI provider of tier_0 on")
    openai_base_url: Url = Field("https://api.openai.com/v1", description="Any OpenAI-compatible endpoint")
    openai_model: str = Field("gpt-4o", description="Model name sent to it")
    anthropic_api_key: SecretStr | None = Field(None, description="Turns the Anthropic provider of tier_0 on")
    anthropic_base_url: Url = Field("https://api.anthropic.com", description="Anthropic messages endpoint")
    anthropic_model: str = Field("claude-sonnet-4-5", description="Model name sent to it")
    cloud_price_in: Decimal | None = Field(
        None,
        ge=0,
        validation_alias=AliasChoices("CCOS_CLOUD_PRICE_IN"),
        description="USD per million prompt tokens, for a cloud model no price is known of",
    )
    cloud_price_out: Decimal | None = Field(
        None,
        ge=0,
        validation_alias=AliasChoices("CCOS_CLOUD_PRICE_OUT"),
        description="USD per million answer tokens, for the same model",
    )

    minimax_enable_local: bool = Field(True, description="Whether tier_1 may be used")
    minimax_model_path: File | None = Field(None, description="GGUF file of tier_1, any 7-9B chat model")
    minimax_base_url: Urls | None = Field(
        None, description="OpenAI-compatible server for tier_1, not a file; several with commas between"
    )
    minimax_model: str | None = Field(
        None, description="Model name sent to it; unset: the only one that server lists"
    )
    minimax_max_tokens: int = Field(800, ge=16, le=8192, description="Longest answer of tier_1, in tokens")
    minimax_temperature: float = Field(0.2, ge=0, le=2, description="Temperature of tier_1")
    minimax_context_tokens: int = Field(
        8_192, ge=512, le=262_144, description="Tokens one answer of a tier_1 file may span, prompt included"
    )
    minimax_slots: int = Field(2, ge=1, le=64, description="Answers a tier_1 file writes at once")
    minimax_threads: int | None = Field(
        None,
        ge=1,
        le=512,
        description="Processor threads of a tier_1 file; unset: one less than there are cores",
    )
    minimax_gpu_layers: int | None = Field(
        None, ge=0, le=1_000, description="Layers put on a graphics card; unset: as many as fit"
    )
    minimax_speculation: Literal["off", "lookup"] = Field(
        "off", description="Guess the next words from the prompt, since replies copy from their evidence"
    )
    tinyllama_model_path: File | None = Field(None, description="GGUF file of tier_2, a model of about 1B")
    tinyllama_base_url: Urls | None = Field(
        None, description="OpenAI-compatible server for tier_2, not a file; several with commas between"
    )
    tinyllama_model: str | None = Field(
        None, description="Model name sent to it; unset: the only one that server lists"
    )

    tinyllama_context_tokens: int = Field(
        8_192, ge=512, le=262_144, description="Tokens one answer of a tier_2 file may span, prompt included"
    )
    tinyllama_slots: int = Field(2, ge=1, le=64, description="Answers a tier_2 file writes at once")
    tinyllama_threads: int | None = Field(
        None,
        ge=1,
        le=512,
        description="Processor threads of a tier_2 file; unset: one less than there are cores",
    )
    tinyllama_gpu_layers: int | None = Field(
        None, ge=0, le=1_000, description="Layers put on a graphics card; unset: as many as fit"
    )
    tinyllama_speculation: Literal["off", "lookup"] = Field(
        "off", description="Guess the next words from the prompt, since replies copy from their evidence"
    )

    database_url: SecretStr | None = Field(
        None, description="PostgreSQL 16 or newer, login of the application; unset: an embedded server"
    )
    database_owner_url: SecretStr | None = Field(
        None, description="Login that owns the schema, for `ccos db migrate`; unset: DATABASE_URL"
    )

    home: File = Field(
        Path("~/.ccos"),
        validation_alias="CCOS_HOME",
        description="Data of the embedded database, indexes, logs",
    )
    host: str = Field(
        "127.0.0.1", validation_alias="CCOS_HOST", description="Address `ccos serve` listens on"
    )
    port: int = Field(
        8080, ge=0, le=65535, validation_alias="CCOS_PORT", description="Port; 0 takes a free one"
    )
    mode: Mode = Field(Mode.COST_FIRST, validation_alias="CCOS_MODE", description="How tiers are ordered")
    explore: Fraction = Field(
        0.05,
        validation_alias="CCOS_EXPLORE",
        description=(
            "Share of drafts that begin with another model than the planned one, so that plans go on "
            "learning; only for tenants with 30 decisions, and not on risky tickets; 0 turns it off"
        ),
    )
    second_opinion: bool = Field(
        False,
        validation_alias="CCOS_SECOND_OPINION",
        description=(
            "On: a reply whose quality is unsure is shown to a model of another family, one that "
            "`ccos eval judge --save` found to agree with people; each opinion is a call like any other"
        ),
    )
    embedding_model_path: File | None = Field(
        None,
        validation_alias="CCOS_EMBEDDING_MODEL_PATH",
        description="GGUF file of an embedding model for second opinions, proven by `ccos eval embedding`",
    )
    embedding_base_url: Url | None = Field(
        None,
        validation_alias="CCOS_EMBEDDING_BASE_URL",
        description="OpenAI-compatible server of /v1/embeddings, not a file",
    )
    embedding_model: str | None = Field(
        None, validation_alias="CCOS_EMBEDDING_MODEL", description="Model name sent to it"
    )
    embedding_api_key: SecretStr | None = Field(
        None, validation_alias="CCOS_EMBEDDING_API_KEY", description="Key sent to it, if it wants one"
    )
    embedding_price: Decimal | None = Field(
        None,
        ge=0,
        validation_alias="CCOS_EMBEDDING_PRICE",
        description="USD per million tokens there; out of your own network it is never called without",
    )
    embedding_query_prefix: str | None = Field(
        None,
        max_length=500,
        validation_alias="CCOS_EMBEDDING_QUERY_PREFIX",
        description=(
            "Words before each question for search by vectors, like `query:`; left out: by the model's name, "
            "none: no words"
        ),
    )
    embedding_passage_prefix: str | None = Field(
        None,
        max_length=500,
        validation_alias="CCOS_EMBEDDING_PASSAGE_PREFIX",
        description="Words before each passage, likewise; with others every passage is read again",
    )
    opensearch_url: SecretStr | None = Field(
        None,
        validation_alias="CCOS_OPENSEARCH_URL",
        description="OpenSearch that holds the search index in place of each machine, for very large tenants",
    )
    opensearch_index: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]{0,39}$")] = Field(
        "ccos",
        validation_alias="CCOS_OPENSEARCH_INDEX",
        description="What its indexes' names begin with: small letters, digits and _",
    )
    opensearch_shards: int = Field(
        1, ge=1, le=64, validation_alias="CCOS_OPENSEARCH_SHARDS", description="Of each index that is built"
    )
    opensearch_tenants: str = Field(
        "",
        validation_alias="CCOS_OPENSEARCH_TENANTS",
        description="Ids of the tenants whose index is there, with commas between them; empty: all",
    )
    search_vectors: Literal["off", "on"] = Field(
        "off",
        validation_alias="CCOS_SEARCH_VECTORS",
        description=(
            "on: passages are also found by vectors of the embedding model, beside their words; a worker "
            "reads every passage once for it"
        ),
    )
    search_vectors_most: int = Field(
        50_000,
        ge=1_000,
        le=2_000_000,
        validation_alias="CCOS_SEARCH_VECTORS_MOST",
        description=(
            "Passages of one tenant that are searched by vectors, 4 bytes a dimension in memory each; with "
            "more it is searched by words alone"
        ),
    )
    model_updates: Literal["off", "check"] = Field(
        "off",
        validation_alias="CCOS_MODEL_UPDATES",
        description=(
            "check: once a day the source of each downloaded model is asked whether it has another file; "
            "that is told, and the file is not taken"
        ),
    )
    timezone: Zone = Field(
        "Asia/Seoul", validation_alias="CCOS_TIMEZONE", description="Day boundary and screens"
    )
    log_format: Literal["console", "json"] = Field(
        "console", validation_alias="CCOS_LOG_FORMAT", description="Shape of log lines on stderr"
    )

    @field_validator("search_vectors")
    @classmethod
    def _vectors_need_a_model(cls, value: str, info: ValidationInfo) -> str:
        server = info.data.get("embedding_base_url") and info.data.get("embedding_model")
        if value == "on" and not server and info.data.get("embedding_model_path") is None:
            raise ValueError(
                "on needs an embedding model: give its file as CCOS_EMBEDDING_MODEL_PATH, or its server as "
                "CCOS_EMBEDDING_BASE_URL and its name there as CCOS_EMBEDDING_MODEL"
            )
        return value

    @property
    def thresholds(self) -> dict[Tier, float]:
        return {
            Tier.CLOUD_PREMIUM: self.tier_0_threshold,
            Tier.LOCAL_MINIMAX: self.tier_1_threshold,
            Tier.LOCAL_TINYLLAMA: self.tier_2_threshold,
            Tier.RULE_BASED: self.tier_3_threshold,
        }

    @property
    def minimax_urls(self) -> tuple[str, ...]:
        return tuple(self.minimax_base_url.split(",")) if self.minimax_base_url else ()

    @property
    def tinyllama_urls(self) -> tuple[str, ...]:
        return tuple(self.tinyllama_base_url.split(",")) if self.tinyllama_base_url else ()

    @property
    def folder(self) -> Path:
        """`CCOS_HOME` as an absolute path."""
        return self.home.expanduser().absolute()


def variable(field: str) -> str:
    """The environment variable of a field."""
    alias = Settings.model_fields[field].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return str(alias or field).upper()


def load(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """The settings in force. Raises BadSetting whose `facts["problems"]` holds one sentence per mistake."""
    problems = unknown_names(os.environ if environ is None else environ)
    try:
        problems += unknown_names({name.upper(): "" for name in _dotenv()}, where=" in the file .env")
        settings = Settings(**overrides)
    except ValidationError as fault:
        problems += [_sentence(error) for error in fault.errors(include_input=False, include_url=False)]
    except OSError as fault:
        problems.append(f"The file .env cannot be read ({fault.strerror}); fix its permissions or remove it.")
    except UnicodeDecodeError:
        problems.append("The file .env is not UTF-8 text; save it as UTF-8.")
    if problems:
        raise BadSetting(" ".join(problems), problems=problems)
    return settings


@dataclass(frozen=True, slots=True)
class Given:
    """A setting as it was found, before it is judged. `text` may be shown: of a secret it says only "set"."""

    field: str
    variable: str
    source: Literal["default", "environment", ".env"]
    text: str


def given() -> list[Given]:
    """Every setting, in order, with where it comes from; works whatever mistakes there are in them."""
    try:
        in_file = _dotenv()
    except (OSError, ValueError):
        in_file = {}
    in_environment = EnvSettingsSource(Settings).env_vars
    found = []
    for field in Settings.model_fields:
        name = variable(field).lower()
        if (text := in_environment.get(name)) is not None:
            found.append(Given(field, variable(field), "environment", _shown(field, text)))
        elif (text := in_file.get(name)) is not None:
            found.append(Given(field, variable(field), ".env", _shown(field, text)))
        else:
            found.append(Given(field, variable(field), "default", default_text(field)))
    return found


def named(name: str) -> str | None:
    """A variable that is no setting of its own and that one names; of the environment, else of `.env`."""
    try:
        return os.environ.get(name) or _dotenv().get(name.lower())
    except (OSError, ValueError):
        return None  # `load` tells what is wrong with the file


def is_secret(field: str) -> bool:
    return "SecretStr" in str(Settings.model_fields[field].annotation)


def default_text(field: str) -> str:
    """The default as it would be written into the environment; empty when there is none."""
    default = Settings.model_fields[field].default
    return "" if default is None else str(default).lower() if isinstance(default, bool) else str(default)


def _dotenv() -> Mapping[str, str | None]:
    return DotEnvSettingsSource(Settings).env_vars


def _shown(field: str, text: str) -> str:
    if is_secret(field):
        return "set"
    return without_secrets(text) if "://" in text or field.endswith("_base_url") else text


def unknown_names(environ: Mapping[str, str], *, where: str = "") -> list[str]:
    """A sentence for every `CCOS_*` variable that means nothing, with the nearest name that does."""
    known = [variable(name) for name in Settings.model_fields]
    sentences = []
    for name in sorted(environ):
        if name.startswith("CCOS_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = (
                f"did you mean {near[0]}?"
                if near
                else "remove it; `ccos config check` lists those there are."
            )
            sentences.append(f"{name}{where} is not a setting of CCOS: {hint}")
    return sentences


def _sentence(error: Any) -> str:
    name = str(error["loc"][0]) if error["loc"] else "A setting"
    known = {field.lower(): variable(field) for field in Settings.model_fields}
    shown = known.get(name.lower(), name)
    return f"{shown}: {error['msg'].removeprefix('Value error, ')}."
