"""A PostgreSQL server that comes with CCOS and needs no care: `start(home)` and it is there.

Several processes may use the one server of a home. It ends with the last of them, and comes back after
any process involved was killed. `DATABASE_URL` replaces it by a server of yours.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ccos.domain.errors import StoreError
from ccos.store.embedded.backup import backup, restore
from ccos.store.embedded.binaries import bin_dir

if sys.platform == "win32" and not TYPE_CHECKING:  # no fork, no file locks, no signals to build this on

    class EmbeddedServer: ...

    class ServerUrls: ...

    def start(home: Path, *, seconds: float = 60) -> EmbeddedServer:  # noqa: ARG001
        raise StoreError(
            "The embedded database needs Linux or macOS: set DATABASE_URL to a PostgreSQL server."
        )
else:
    from ccos.store.embedded.client import EmbeddedServer, ServerUrls, start

__all__ = ["EmbeddedServer", "ServerUrls", "backup", "bin_dir", "restore", "start"]
