"""Documents of the registry: written whole or not at all, and by one command at a time."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from ccos.domain.errors import CcosError

LOCK_SECONDS = 10.0
_LOOK_SECONDS = 0.05
_PIECE_BYTES = 2**20
_MOST_DOCUMENT_BYTES = 1_000_000

Done = Callable[[int, int], None]
"""Hears how many bytes are done, and of how many."""


class RegistryBusy(CcosError):
    code, message = "models.busy", "Another command is changing the models; try again when it has ended."


class RegistryDamaged(CcosError):
    code, message = "models.damaged", "A document of the model registry cannot be read."


@contextmanager
def locked(lock: Path, *, seconds: float = LOCK_SECONDS) -> Iterator[None]:
    """Alone among all processes of this machine; raises RegistryBusy after `seconds`. A process that is
    killed holds nothing any more.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + seconds
    with lock.open("ab") as file:
        while not _taken(file):
            if time.monotonic() >= until:
                raise RegistryBusy
            time.sleep(_LOOK_SECONDS)
        yield


def read_document(path: Path) -> dict[str, Any] | None:
    """A JSON object, None when there is no such file. Raises RegistryDamaged."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_DOCUMENT_BYTES + 1)
        found = json.loads(content) if len(content) <= _MOST_DOCUMENT_BYTES else None
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise RegistryDamaged(f"{path} cannot be read: {fault.strerror}.") from fault
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise RegistryDamaged(f"{path} is damaged; remove it and add its model again.", path=str(path))
    return found


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """What a full disk says names no file; whoever reads of it wants to know which."""
    try:
        yield
    except OSError as fault:
        if fault.filename is None and fault.errno is not None:
            raise OSError(fault.errno, fault.strerror, str(path)) from fault
        raise


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """All of it, or the old one stays, also when the power goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, ensure_ascii=False, indent=1) + "\n"
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with _naming(path), draft.open("xb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    settle(path.parent)


def settle(folder: Path) -> None:
    """Makes a rename last, where folders can be synced."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def sha256_of(path: Path, done: Done) -> str:
    """The file's SHA-256 in hexadecimal digits. Raises OSError."""
    digest, read = hashlib.sha256(), 0
    with path.open("rb") as file:
        total = os.fstat(file.fileno()).st_size
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
            read += len(piece)
            done(read, total)
    return digest.hexdigest()


def copied(source: Path, target: Path, done: Done) -> str:
    """Copies a file, synced, and gives the SHA-256 of what was copied. Raises OSError; `target` is new."""
    digest, copied_bytes = hashlib.sha256(), 0
    try:
        with _naming(target), source.open("rb") as file, target.open("xb") as out:
            total = os.fstat(file.fileno()).st_size
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
                out.write(piece)
                copied_bytes += len(piece)
                done(copied_bytes, total)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        with suppress(OSError):
            target.unlink()
        raise
    return digest.hexdigest()


if sys.platform == "win32":
    import msvcrt

    def _taken(file: BinaryIO) -> bool:
        try:
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _taken(file: BinaryIO) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
