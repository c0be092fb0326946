"""As whom PostgreSQL runs: it refuses root, and its files must belong to the user it runs as.

Three ways, tried in this order, none of which adds a user or touches the rights of any folder above:

- as the user we are;
- as root, inside a user namespace where root's own id looks like an unprivileged one: files stay root's;
- as root where namespaces are refused (a container's default): as the unprivileged user, or as the owner
  of the home, with the right to pass folders closed to it only when one is on the way.

The data directory remembers the way by its owner.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ccos.domain.errors import StoreError

_NOBODY = 65534
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_SET_CHILD_SUBREAPER = 1, 8, 36
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Identity:
    """`uid` and `gid` own the server's files, as seen from here."""

    uid: int
    gid: int
    namespace: bool = False
    passes_closed_folders: bool = False

    @property
    def owner(self) -> tuple[int, int]:
        return self.uid, self.gid

    def enter(self) -> None:
        """Become this user; for a fresh child before it runs a program. Raises `OSError`."""
        if self.namespace:
            _enter_namespace()
        elif self.uid != os.geteuid():
            become(self.uid, self.gid, keeping=_CAP_DAC_OVERRIDE if self.passes_closed_folders else None)

    def preparation(self) -> Callable[[], None]:
        """What a child does before it runs PostgreSQL: become this user, and end when its parent does."""
        parent = os.getpid()

        def prepare() -> None:
            self.enter()
            if sys.platform == "linux":  # last: a change of user clears it
                _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0))
                if os.getppid() != parent:
                    os._exit(1)

        return prepare


def choose(data: Path, files: Collection[Path]) -> Identity:
    """The identity that may own `data` and can reach the `files`. Raises `StoreError` when there is none."""
    for identity in _candidates(data):
        if _works(identity, files):
            return identity
    raise StoreError(
        f"PostgreSQL may not run as root, and no other user can reach {' and '.join(map(str, files))}: "
        "run ccos as an ordinary user, or set DATABASE_URL."
    )


def adopt_orphans() -> None:
    """Let processes whose parent dies become our children, so that we can end them (Linux)."""
    if sys.platform == "linux":
        _check(_libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))


def _candidates(data: Path) -> Iterator[Identity]:
    me, my_group = os.geteuid(), os.getegid()
    owner = data.stat() if data.exists() else None
    if me != 0:
        if owner and owner.st_uid != me:
            raise StoreError(f"{data} belongs to another user: run ccos as that user, or set CCOS_HOME.")
        if not _has_name(me) and sys.platform == "linux":
            yield Identity(me, my_group, namespace=True)  # initdb wants a user with a name
        yield Identity(me, my_group)
        return
    wanted = owner or data.parent.parent.stat()
    if wanted.st_uid != 0 and (owner or _has_name(wanted.st_uid)):
        unprivileged = wanted.st_uid, wanted.st_gid
    else:
        if sys.platform == "linux":
            yield Identity(me, my_group, namespace=True)
        unprivileged = _unprivileged()
    yield Identity(*unprivileged)
    if sys.platform == "linux":
        yield Identity(*unprivileged, passes_closed_folders=True)


def _works(identity: Identity, files: Collection[Path]) -> bool:
    """Whether that user can reach the files, tried in a child."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            identity.enter()
            for file in files:  # os.access would not count the right to pass closed folders
                file.stat()
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _enter_namespace() -> None:
    inside, inside_group = _unprivileged()
    outside, outside_group = os.geteuid(), os.getegid()
    _check(_libc.unshare(_CLONE_NEWUSER))
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{inside} {outside} 1")
    Path("/proc/self/gid_map").write_text(f"{inside_group} {outside_group} 1")


def become(uid: int, gid: int, *, keeping: int | None = None) -> None:
    """Turn from root into this user for good, keeping one capability through the next program or none."""
    if keeping is not None:
        _check(_libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if keeping is not None:
        mask = 1 << keeping
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        _check(_libc.capset(header, (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)))
        _check(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, keeping, 0, 0))


def _unprivileged() -> tuple[int, int]:
    if _has_name(_NOBODY):
        return _NOBODY, _NOBODY
    named = next((user for user in pwd.getpwall() if user.pw_uid != 0), None)
    if named is None:
        raise StoreError("/etc/passwd names no user but root, and PostgreSQL may not run as root: add one.")
    return named.pw_uid, named.pw_gid


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
