"""`ccos.toml`: several servers of a tier, where one URL in the environment is not enough.

    [[tier_1]]
    name = "gpu-a"
    base_url = "http://10.0.0.5:8000/v1"
    model = "qwen3-8b"
    api_key_env = "GPU_A_KEY"
    slots = 16

Keys stay out of the file: it names the variable that holds one.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from ccos.domain.errors import BadSetting
from ccos.domain.tier import Tier
from ccos.settings.environment import Settings, named
from ccos.settings.urls import Url

FILE_NAME = "ccos.toml"
MOST_BYTES = 1_000_000
_INSTEAD = {
    "tier_0": "for the cloud set OPENAI_API_KEY or ANTHROPIC_API_KEY, and OPENAI_BASE_URL for another server",
    "tier_3": "the rules need no server",
}
_LIST = "must be a list of servers, each under [[tier_1]] or [[tier_2]] in double brackets"
_WORDS = {
    "missing": "is missing",
    "tuple_type": _LIST,
    "model_type": _LIST,
    "too_long": "holds more than {max_length} servers",
    "string_type": "must be text in quotes",
    "string_too_short": "must not be empty",
    "int_type": "must be a whole number",
    "greater_than_equal": "must be {ge} or more",
    "less_than_equal": "must be {le} or less",
    "finite_number": "must be a number that ends",
}
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be a number")
    return value


Price = Annotated[Decimal, BeforeValidator(_number), Field(ge=0, le=1_000_000)]


class Deployment(BaseModel):
    """One OpenAI-compatible server of a tier.

    `slots` is how many answers it writes at once (unset: the limit finds itself), `context_tokens` how much
    it reads. Prices are USD per million tokens, for a server out of one's own network.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, str_strip_whitespace=True
    )

    name: str = Field(description="What it is called in health and logs: a-z, 0-9 and dashes")
    base_url: Url = Field(description="Base URL, with `/v1` or without a path")
    model: str | None = Field(
        None, min_length=1, description="Model name sent to it; unset: the only one it lists"
    )
    api_key_env: str | None = Field(
        None, description="Variable of the environment or of `.env` that holds its key"
    )
    slots: int | None = Field(None, ge=1, le=1024, strict=True, description="Answers it writes at once")
    context_tokens: int = Field(8_192, ge=512, le=4_000_000, strict=True, description="Tokens it reads")
    price_in: Price | None = Field(None, description="USD per million prompt tokens")
    price_out: Price | None = Field(None, description="USD per million answer tokens")

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("must be 1 to 30 of a-z, 0-9 and dashes, such as gpu-a")
        return name

    @field_validator("api_key_env")
    @classmethod
    def _variable(cls, name: str | None) -> str | None:
        if name is not None and not _VARIABLE.fullmatch(name):
            raise ValueError("must be the name of a variable, not a key")
        return name

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if self.api_key_env is not None and "@" in urlsplit(self.base_url).netloc:
            raise ValueError("base_url holds a login and api_key_env is set too; remove one of them")
        return self

    @model_validator(mode="after")
    def _both_prices(self) -> Self:
        if (self.price_in is None) != (self.price_out is None):
            raise ValueError("price_in and price_out are set together or not at all")
        return self

    def api_key(self) -> SecretStr | None:
        """Its key, or None when it wants none. Raises BadSetting when the variable is set nowhere."""
        if self.api_key_env is None:
            return None
        key = named(self.api_key_env)
        if not key:
            # a key that was pasted in the name's place is not shown
            where = self.api_key_env if self.api_key_env.isupper() else "that api_key_env names"
            raise BadSetting(
                f"The server {self.name} of {FILE_NAME} wants its key in the variable {where}; set it."
            )
        return SecretStr(key)


Servers = Annotated[tuple[Deployment, ...], Field(max_length=64)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    tier_1: Servers = ()
    tier_2: Servers = ()


@dataclass(frozen=True, slots=True)
class Deployments:
    """What the file says; no servers where there is no file. `source` is where it was found."""

    source: Path | None = None
    by_tier: Mapping[Tier, tuple[Deployment, ...]] | None = None

    def of(self, tier: Tier) -> tuple[Deployment, ...]:
        return (self.by_tier or {}).get(tier, ())


def read_deployments(settings: Settings, folder: Path | None = None) -> Deployments:
    """`ccos.toml` of the working folder (`folder`), else of CCOS_HOME.

    Raises BadSetting whose `facts["problems"]` holds one sentence per mistake.
    """
    for path in ((folder or Path()) / FILE_NAME, settings.folder / FILE_NAME):
        if os.path.lexists(path):
            return _read(path)
    return Deployments()


def _read(path: Path) -> Deployments:
    try:
        there = path.stat()
        if not stat.S_ISREG(there.st_mode):
            raise _bad([f"{path} is not a file; write the servers into one, or remove it."])
        if there.st_size > MOST_BYTES:
            raise _bad([f"{path} is larger than a list of servers can be; is it the right file?"])
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as fault:
        raise _bad(
            [f"{path} cannot be read ({fault.strerror}); fix its permissions or remove it."]
        ) from fault
    except UnicodeDecodeError as fault:
        raise _bad([f"{path} is not UTF-8 text; save it as UTF-8."]) from fault
    except RecursionError as fault:
        raise _bad([f"{path} nests deeper than a list of servers does; is it the right file?"]) from fault
    except tomllib.TOMLDecodeError as fault:
        raise _bad([f"{path} is not TOML: {fault}."]) from fault
    except ValueError as fault:  # a number with thousands of digits
        raise _bad([f"{path} holds a number that is too long to be meant."]) from fault
    try:
        file = _File.model_validate(document)
    except ValidationError as fault:
        found = fault.errors(include_input=False, include_url=False)
        raise _bad([_sentence(path, document, error) for error in found]) from fault
    servers = (*file.tier_1, *file.tier_2)
    names = [server.name for server in servers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _bad([f"{path}: two servers are called {name}; give each a name of its own." for name in twice])
    return Deployments(path, {Tier.LOCAL_MINIMAX: file.tier_1, Tier.LOCAL_TINYLLAMA: file.tier_2})


def _bad(problems: list[str]) -> BadSetting:
    return BadSetting(" ".join(problems), problems=problems)


def _sentence(path: Path, document: Mapping[str, Any], error: Any) -> str:
    where = [_shown(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden" and len(where) == 1:
        listed = "servers are listed under [[tier_1]] and [[tier_2]]"
        return f"{path}: {where[0]} is not a part of it; {_INSTEAD.get(where[0], listed)}."
    if len(where) >= 2 and where[1].isdigit():
        rows = document[where[0]]
        row = rows[int(where[1])] if isinstance(rows, list) else None
        name = row.get("name") if isinstance(row, Mapping) else None
        nameless = f"server {int(where[1]) + 1} of {where[0]}"
        called = f"server {_shown(name)}" if isinstance(name, str) and name.strip() else nameless
        where = [called, *where[2:]]
    if error["type"] == "extra_forbidden":
        what = "keys stay out of the file: name the variable that holds it in api_key_env"
        what = what if where[-1] == "api_key" else "remove it or correct its name"
        return f"{path}: {where[0]} has no setting {where[-1]}; {what}."
    said = _WORDS.get(error["type"], "").format(**error.get("ctx", {}))
    return f"{path}: {', '.join(where)}: {said or error['msg'].removeprefix('Value error, ')}."


def _shown(part: object) -> str:
    """A name out of the file as a message may hold it: short, and without what would steer a terminal."""
    text = str(part)
    text = text if text.isprintable() else ascii(text)
    return text if len(text) <= 60 else text[:60] + "..."
