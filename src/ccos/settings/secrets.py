"""Secrets that are named and not stored: what is kept is where they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic_settings import DotEnvSettingsSource

from ccos.domain.errors import BadSetting
from ccos.settings.environment import Settings

MOST_BYTES = 10_000


def secret_at(reference: str, environ: Mapping[str, str] | None = None) -> str:
    """What `env:NAME` (the environment, then `.env`) or `file:PATH` holds.

    Raises BadSetting when nothing is there, or what is there cannot be a token; the token is never shown.
    """
    where, _, name = reference.partition(":")
    if where == "env":
        value = (os.environ if environ is None else environ).get(name) or ""
        if not value and environ is None:
            value = DotEnvSettingsSource(Settings).env_vars.get(name.lower()) or ""  # it has them so
        place = f"The environment variable {name}"
    else:
        place = f"The file {name}"
        try:
            path = Path(name)
            value = path.read_text("utf-8-sig") if path.stat().st_size <= MOST_BYTES else ""
        except OSError as fault:
            raise BadSetting(f"{place} with the token cannot be read ({fault.strerror}).") from None
        except UnicodeDecodeError:
            value = ""
    token = value.strip()
    if not token:
        raise BadSetting(f"{place} holds no token; put the source's token there.")
    if not (token.isascii() and token.isprintable()):
        raise BadSetting(f"{place} holds characters that no token has; copy the token again.")
    return token
