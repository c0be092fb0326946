"""A process's hold on the embedded server: joining the keeper of a home, or starting one."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from ccos.domain.errors import DatabaseUnavailable, StoreError
from ccos.store.embedded.binaries import package_dir
from ccos.store.embedded.places import KEEPER_SOCKET, Passwords, Places

_BOOT = Path(__file__).with_name("boot.py")
_STOP_SECONDS = 90.0
_LONGEST_REST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ServerUrls:
    """One URL per role, all for the database `ccos`.

    `owner` (ccos_owner) owns the database and runs migrations; `app` (ccos_app) is what the product logs in
    as, and row-level security binds it; `superuser` is for backup, restore and upgrade only.
    """

    owner: str
    app: str
    superuser: str


class EmbeddedServer:
    """One process's use of the server. While at least one process uses it, it runs.

    When the keeper is killed, a new one is started by itself; URLs stay the same, so pools reconnect.
    """

    def __init__(self, places: Places, package: Path, *, seconds: float) -> None:
        self._places = places
        self._package = package
        self._seconds = seconds
        self._changing = threading.Lock()
        self._closed = threading.Event()
        self._line, self._urls = _hold(places, package, seconds=seconds)
        self._watch = threading.Thread(target=self._keep, name="ccos-postgres", daemon=True)
        self._watch.start()

    @property
    def urls(self) -> ServerUrls:
        return self._urls

    def ensure(self) -> None:
        """Start the server again if its keeper has died; does nothing while it lives.

        Raises `StoreError` when it cannot be started, and after `close`.
        """
        with self._changing:
            if self._closed.is_set():
                raise DatabaseUnavailable("This use of the embedded database has ended.")
            if not _ended(self._line):
                return
            line, urls = _hold(self._places, self._package, seconds=self._seconds)
            self._line.close()
            self._line, self._urls = line, urls

    def close(self) -> None:
        """End this use. If it was the last, return when the server has stopped; more calls do nothing."""
        self._closed.set()
        with self._changing, suppress(OSError):
            self._line.shutdown(socket.SHUT_WR)
        self._watch.join(_STOP_SECONDS)
        self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def _keep(self) -> None:
        """Wait for the end of the line; unless we ended it, start the server again."""
        rest = 1.0
        while True:
            _wait_for_end(self._line)
            if self._closed.is_set():
                return
            try:
                self.ensure()
                rest = 1.0
            except StoreError:  # whoever uses the database sees its own error meanwhile
                self._closed.wait(rest)
                rest = min(2 * rest, _LONGEST_REST_SECONDS)


def start(home: Path, *, seconds: float = 60) -> EmbeddedServer:
    """Join the PostgreSQL server of `home`, or start it; blocks until it takes connections.

    The first start makes the data directory, the roles ccos_owner and ccos_app, and the database `ccos`
    with pgvector in it. Any number of threads and processes may call this at once. Raises `StoreError`
    with one sentence when the home or this platform cannot have a server, `DatabaseUnavailable` when it
    did not become ready within `seconds`.
    """
    package = package_dir()
    places = Places.of(home)
    try:
        places.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as fault:
        raise _unusable(home, fault) from fault
    return EmbeddedServer(places, package, seconds=seconds)


def _hold(places: Places, package: Path, *, seconds: float) -> tuple[socket.socket, ServerUrls]:
    """A line to a keeper whose server is ready."""
    deadline = time.monotonic() + seconds
    with _start_lock(places, deadline):
        while True:
            line = _join(places) or _begin(places, package)
            try:
                if said := _listen(line, deadline):
                    return line, _urls(places, said)
            except BaseException:
                line.close()
                raise
            line.close()  # the keeper was about to stop when we came
            time.sleep(0.02)


def _join(places: Places) -> socket.socket | None:
    """A line to the running keeper, if there is one."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.settimeout(5)
        line.connect(str(Path(places.socket_record.read_text()) / KEEPER_SOCKET))
    except PermissionError as fault:
        line.close()
        raise _unusable(places.root.parent, fault) from fault
    except OSError:
        line.close()
        return None
    return line


def _begin(places: Places, package: Path) -> socket.socket:
    """Start a keeper with us as its first client."""
    ours, theirs = socket.socketpair()
    with theirs, places.log.open("ab") as log:
        keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", _BOOT, places.root, package, str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            pass_fds=(theirs.fileno(),),
            start_new_session=True,  # Ctrl-C in our terminal is not for the database
        )
    threading.Thread(target=keeper.wait, name="ccos-postgres-end", daemon=True).start()
    return ours


def _listen(line: socket.socket, deadline: float) -> str | None:
    """The folder of the server's sockets once it is ready; None when the keeper hung up without a word."""
    said = b""
    while not said.endswith(b"\n"):
        line.settimeout(max(deadline - time.monotonic(), 0.001))
        try:
            part = line.recv(4096)
        except TimeoutError:
            raise DatabaseUnavailable(
                "PostgreSQL is not ready yet; it may be recovering or upgrading. Try again in a minute."
            ) from None
        except ConnectionError:
            return None
        if not part:
            return None
        said += part
    message = json.loads(said.splitlines()[0])
    line.settimeout(None)
    if message["state"] == "ready":
        return str(message["sockets"])
    kind = StoreError if message["code"] == StoreError.code else DatabaseUnavailable
    raise kind(message["sentence"])


@contextmanager
def _start_lock(places: Places, deadline: float) -> Iterator[None]:
    """Held by one at a time, so that many who start at once make one keeper. The kernel frees it on death."""
    try:
        lock = os.open(places.start_lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as fault:
        raise _unusable(places.root.parent, fault) from fault
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise DatabaseUnavailable(
                        "Another process is still starting the database; try again in a minute."
                    ) from None
                time.sleep(0.02)
        yield
    finally:
        os.close(lock)


def _urls(places: Places, sockets: str) -> ServerUrls:
    passwords = Passwords.read(places.passwords)
    if passwords is None:
        raise DatabaseUnavailable(f"{places.passwords} is missing: end every ccos process and start again.")

    def url(role: str, password: str) -> str:
        return f"postgresql://{role}:{password}@/ccos?host={quote(sockets, safe='/')}"

    return ServerUrls(
        url("ccos_owner", passwords.owner),
        url("ccos_app", passwords.app),
        url("postgres", passwords.superuser),
    )


def _ended(line: socket.socket) -> bool:
    """Whether the keeper has hung up."""
    try:
        return line.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def _wait_for_end(line: socket.socket) -> None:
    with suppress(OSError):
        while line.recv(4096):
            pass


def _unusable(home: Path, fault: OSError) -> StoreError:
    return StoreError(
        f"The database cannot be kept in {home} ({fault.strerror}): give it a folder this user may write to "
        "with CCOS_HOME, or set DATABASE_URL."
    )
