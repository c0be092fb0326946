"""The keeper: a small process that owns one PostgreSQL and lives as long as anybody uses it.

Each client holds one connection to the keeper's socket. The kernel closes it when the client ends in
whatever way, so counting connections needs no pid files and no clean-up. Without clients the keeper stops
PostgreSQL and ends; when the keeper is killed, the kernel tells PostgreSQL to stop; when PostgreSQL is
killed, the keeper starts it again.
"""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import shutil
import signal
import socket
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ccos.domain.errors import DatabaseUnavailable, StoreError
from ccos.store.embedded import cluster as clusters
from ccos.store.embedded.cluster import Cluster, Programs
from ccos.store.embedded.identity import Identity, adopt_orphans, choose
from ccos.store.embedded.places import KEEPER_SOCKET, Passwords, Places, socket_folder, write_private
from ccos.store.embedded.server import Postgres, end_orphans, postmaster_of, sentence_for
from ccos.store.embedded.upgrade import upgrade

_LOG_BYTES = 2_000_000
_QUICK_SECONDS = 10.0
_QUICK_FAILURES = 4
_LOOK_AFTER_SECONDS = 5.0


def main(arguments: list[str]) -> None:
    """Arguments: the server's folder, the package with the programs, the first client's socket."""
    root, package, descriptor = arguments
    first = socket.socket(fileno=int(descriptor))
    stopping = _stop_signals()
    with selectors.DefaultSelector() as selector:
        keeper = Keeper(Places(Path(root)), Path(package), selector, stopping)
        keeper.welcome(first)
        try:
            keeper.run()
        except StoreError as fault:
            keeper.tell({"state": "failed", "sentence": fault.sentence, "code": fault.code})
        except Exception as fault:
            told = sentence_for(f"error: {fault}", keeper.log, doing="The database could not be started")
            keeper.tell({"state": "failed", "sentence": told, "code": ""})
            raise


class Keeper:
    """Run once; every resource it opens ends with `run`."""

    def __init__(
        self, places: Places, package: Path, selector: selectors.BaseSelector, stopping: socket.socket
    ) -> None:
        self.log = places.log
        self._places = places
        self._package = package
        self._selector = selector
        self._stopping = stopping
        self._clients: set[socket.socket] = set()
        self._leaving: list[socket.socket] = []
        self._told_to_stop = False
        self._ready = ""
        self._looked_after = 0.0
        selector.register(stopping, selectors.EVENT_READ, self._hear_signal)

    def run(self) -> None:
        """Start the server and serve clients until the last has gone. Raises `StoreError`."""
        lock = os.open(self._places.server_lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if self._takes(lock):
                self._run(lock)
        finally:
            os.close(lock)  # before the last client hears that we have ended

    def _run(self, lock: int) -> None:
        adopt_orphans()
        places = self._places
        installed = Programs.find(self._package)
        identity = choose(places.data, (installed[max(installed)].bin / "postgres", places.server_lock))
        _share_with(identity, places)
        sockets = socket_folder(places, identity.owner)
        write_private(places.socket_record, str(sockets))
        cluster = Cluster(installed[max(installed)], places.data, identity, sockets, places.log, (lock,))
        try:
            self._serve(cluster, self._prepare(cluster, installed))
        finally:
            shutil.rmtree(sockets, ignore_errors=True)

    def welcome(self, client: socket.socket) -> None:
        """Count this client in, until its connection ends."""
        client.setblocking(False)
        self._clients.add(client)
        self._selector.register(client, selectors.EVENT_READ, self._hear_client)
        if self._ready:
            self._send(client, self._ready)

    def tell(self, message: dict[str, str]) -> None:
        """Say this to every client there is."""
        for client in self._clients:
            self._send(client, json.dumps(message))

    def _takes(self, lock: int) -> bool:
        """Wait until no process of an earlier server is left. False: the client went away meanwhile."""
        nudge_at = time.monotonic() + 1
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                self._listen(0.02)
            if not self._wanted():
                return False
            if time.monotonic() > nudge_at:  # an orphan where the kernel tells no children (macOS)
                nudge_at += 5
                with suppress(ProcessLookupError, PermissionError):
                    if orphan := postmaster_of(self._places.data):
                        os.kill(orphan, signal.SIGINT)

    def _prepare(self, cluster: Cluster, installed: dict[int, Programs]) -> Postgres:
        """Bring the data directory into being or up to date, and the server up."""
        places = self._places
        clusters.finish_adopting(places)
        if not places.data.exists():
            places.passwords.unlink(missing_ok=True)
            new = replace(cluster, data=places.unfinished)
            new.create()
            clusters.adopt(new.data, places.data)
        clusters.remove_traces(cluster)
        known = Passwords.read(places.passwords)
        passwords = known or Passwords.random()
        have = clusters.version_of(places.data)
        if have != cluster.programs.major:
            if known is None and have in installed:
                old = replace(cluster, programs=installed[have])
                old.set_superuser_password(passwords.superuser)
            upgrade(cluster, installed, places, passwords, self._wanted)
        elif known is None:
            cluster.set_superuser_password(passwords.superuser)
        server = self._launch(cluster)
        try:
            cluster.bootstrap(passwords, set_passwords=known is None)
            if known is None:
                passwords.write(places.passwords)
                _share_with(cluster.identity, places)
        except BaseException:
            server.stop()
            raise
        return server

    def _serve(self, cluster: Cluster, server: Postgres) -> None:
        address = cluster.sockets / KEEPER_SOCKET
        address.unlink(missing_ok=True)
        failures, started = 0, time.monotonic()
        try:
            with socket.socket(socket.AF_UNIX) as door:
                door.bind(str(address))
                os.chown(address, *cluster.identity.owner)
                door.listen(64)
                door.setblocking(False)
                self._selector.register(door, selectors.EVENT_READ, self._open_door)
                self._ready = json.dumps({"state": "ready", "sockets": str(cluster.sockets)})
                for client in self._clients:
                    self._send(client, self._ready)
                while self._wanted() and address.exists():
                    self._listen(1.0 if server.running else 0)
                    self._look_after(cluster)
                    if server.running:
                        continue
                    failures = failures + 1 if time.monotonic() - started < _QUICK_SECONDS else 1
                    if failures > _QUICK_FAILURES:
                        words = sentence_for(server.last_words(), server.log, doing="PostgreSQL keeps ending")
                        raise DatabaseUnavailable(words)
                    end_orphans()
                    time.sleep(0.05 * 3 ** (failures - 1))
                    started = time.monotonic()
                    server = self._relaunch(cluster, server)
                self._selector.unregister(door)
                address.unlink(missing_ok=True)  # from here on nobody can join what is about to stop
        finally:
            server.stop()

    def _launch(self, cluster: Cluster) -> Postgres:
        clusters.remove_traces(cluster)
        server = cluster.launch()
        try:
            server.wait_until_ready(self._wanted)
        except BaseException:
            server.stop()
            raise
        return server

    def _relaunch(self, cluster: Cluster, dead: Postgres) -> Postgres:
        """Start again; a server that ends before it is ready counts as one more quick failure."""
        try:
            return self._launch(cluster)
        except DatabaseUnavailable:
            return dead

    def _wanted(self) -> bool:
        self._listen(0)
        return bool(self._clients) and not self._told_to_stop

    def _listen(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            key.data(key.fileobj)
        if self._clients:  # otherwise it stays open until all has stopped: its end tells the last client so
            while self._leaving:
                self._leaving.pop().close()

    def _open_door(self, door: socket.socket) -> None:
        with suppress(BlockingIOError, ConnectionError):
            self.welcome(door.accept()[0])

    def _hear_client(self, client: socket.socket) -> None:
        try:
            if client.recv(1024):
                return
        except BlockingIOError:
            return
        except ConnectionError:
            pass
        self._selector.unregister(client)
        self._clients.discard(client)
        self._leaving.append(client)

    def _hear_signal(self, stopping: socket.socket) -> None:
        with suppress(BlockingIOError):
            numbers = stopping.recv(1024)
            self._told_to_stop |= any(number != signal.SIGCHLD for number in numbers)

    def _look_after(self, cluster: Cluster) -> None:
        """Bound the log, and keep cleaners of old temporary files away from the sockets."""
        now = time.monotonic()
        if now - self._looked_after < _LOOK_AFTER_SECONDS:
            return
        self._looked_after = now
        if cluster.log.stat().st_size > _LOG_BYTES:
            shutil.copyfile(cluster.log, cluster.log.with_suffix(".log.1"))
            os.truncate(cluster.log, 0)  # the server appends, so it goes on at the new end
        for file in (cluster.sockets, *cluster.sockets.iterdir()):
            os.utime(file)

    def _send(self, client: socket.socket, message: str) -> None:
        with suppress(OSError):  # a client that is gone, or never reads, is no reason to end
            client.sendall(message.encode() + b"\n")


def _share_with(identity: Identity, places: Places) -> None:
    """As root in a home of somebody else: leave nothing there that its owner could not use later."""
    if identity.uid == os.geteuid() or places.root.parent.stat().st_uid != identity.uid:
        return
    for file in (places.root, *places.root.iterdir()):
        os.chown(file, *identity.owner, follow_symlinks=False)


def _stop_signals() -> socket.socket:
    """A socket that becomes readable when a signal came: a child ended, or somebody wants us to stop."""
    readable, written = socket.socketpair()
    for end in (readable, written):
        end.setblocking(False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(written.detach(), warn_on_full_buffer=False)
    return readable
