"""Moving a data directory to a newer major version of PostgreSQL: dump, restore into a new one, swap.

The old directory is not touched until the new one is complete, and then kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ccos.domain.errors import StoreError
from ccos.store.embedded.cluster import Cluster, Command, Programs, adopt, version_of
from ccos.store.embedded.places import Passwords, Places
from ccos.store.embedded.server import sentence_for

_HOURS = 6 * 3600.0


def upgrade(
    newest: Cluster,
    installed: dict[int, Programs],
    places: Places,
    passwords: Passwords,
    wanted: Callable[[], bool],
) -> None:
    """Bring `newest.data` to the version of `newest`, with roles, passwords and the database `ccos`.

    The superuser's password in the old directory must be that of `passwords`. Raises `StoreError` with what
    to do when no programs of the old version are here; then nothing was changed.
    """
    have = version_of(newest.data)
    if have not in installed or have > newest.programs.major:
        raise StoreError(
            f"{newest.data} was made by PostgreSQL {have} and this CCOS brings {newest.programs.major}: "
            "run `ccos db backup` with the CCOS version that made it, then `ccos db restore` with this one "
            "into another CCOS_HOME."
        )
    dump, roles = places.root / "upgrade.dump", places.root / "upgrade.roles"
    new = replace(newest, data=places.unfinished)
    try:
        _dump(replace(newest, programs=installed[have]), newest.programs, dump, roles, passwords, wanted)
        new.create()
        new.set_superuser_password(passwords.superuser)
        _load(new, dump, roles, passwords, wanted)
    finally:
        dump.unlink(missing_ok=True)
        roles.unlink(missing_ok=True)
    adopt(new.data, newest.data, aside=_free_name(places.root / f"postgres-{have}.old"))


def _dump(
    old: Cluster, newer: Programs, dump: Path, roles: Path, passwords: Passwords, wanted: Callable[[], bool]
) -> None:
    """With the old server and the newer version's client programs, which know both."""
    for file in (dump, roles):
        file.touch(mode=0o600)
    server = old.launch()
    try:
        server.wait_until_ready(wanted)
        everything: Command = [newer.bin / "pg_dump", "--format=custom", f"--file={dump}", "ccos"]
        _client(old, everything, passwords)
        _client(old, [newer.bin / "pg_dumpall", "--roles-only", f"--file={roles}"], passwords)
    finally:
        server.stop()


def _load(new: Cluster, dump: Path, roles: Path, passwords: Passwords, wanted: Callable[[], bool]) -> None:
    server = new.launch()
    try:
        server.wait_until_ready(wanted)
        # The superuser is there already, so its line fails; every other role comes over with its password.
        new.sql(roles.read_text(), passwords.superuser)
        new.bootstrap(passwords, set_passwords=True)
        restore: Command = [
            new.programs.bin / "pg_restore",
            "--exit-on-error",
            "--single-transaction",
            "--dbname=ccos",
        ]
        _client(new, [*restore, dump], passwords)
        _client(new, [new.programs.bin / "vacuumdb", "--analyze-only", "--quiet", "ccos"], passwords)
    finally:
        server.stop()


def _client(cluster: Cluster, command: Command, passwords: Passwords) -> None:
    done = cluster.client(command, passwords.superuser, seconds=_HOURS)
    if done.returncode != 0:
        raise StoreError(
            sentence_for(
                done.stderr, cluster.log, doing="The database could not be moved to the newer PostgreSQL"
            )
        )


def _free_name(wanted: Path) -> Path:
    """The name itself, or with a number where it is taken."""
    names = (wanted if n == 0 else wanted.with_name(f"{wanted.name}.{n}") for n in range(1000))
    return next(name for name in names if not name.exists())
