"""Where the embedded server keeps its files, and who may read them."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from ccos.domain.errors import StoreError

KEEPER_SOCKET = "keeper"
_LONGEST_SOCKET_DIR = 80
"""A socket's path may have 107 bytes (103 on macOS), and PostgreSQL adds up to 21."""


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one home, in a private folder. Sockets live elsewhere: their paths must be short."""

    root: Path

    @classmethod
    def of(cls, home: Path) -> Places:
        return cls(Path(os.path.realpath(home)) / "postgres")

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def unfinished(self) -> Path:
        """A data directory in the making; it takes the name `data` when it is complete."""
        return self.root / "data.new"

    @property
    def start_lock(self) -> Path:
        """Held by a client while it joins or starts the server."""
        return self.root / "start.lock"

    @property
    def server_lock(self) -> Path:
        """Held by the keeper and by every PostgreSQL process: free only when all of them are gone."""
        return self.root / "server.lock"

    @property
    def log(self) -> Path:
        return self.root / "postgres.log"

    @property
    def passwords(self) -> Path:
        return self.root / "passwords.json"

    @property
    def socket_record(self) -> Path:
        """Holds the path of the socket folder of the last start."""
        return self.root / "sockets"


@dataclass(frozen=True, slots=True)
class Passwords:
    superuser: str
    owner: str
    app: str

    @classmethod
    def random(cls) -> Passwords:
        return cls(*(secrets.token_urlsafe(24) for _ in range(3)))

    @classmethod
    def read(cls, file: Path) -> Passwords | None:
        """None when the file is missing or damaged: the keeper then sets new passwords."""
        try:
            return cls(**json.loads(file.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def write(self, file: Path) -> None:
        write_private(file, json.dumps(asdict(self)))


def write_private(file: Path, text: str) -> None:
    """Replace `file` at once and durably; only its owner may read it."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Make renames inside the folder survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def socket_folder(places: Places, owner: tuple[int, int]) -> Path:
    """A short folder that only `owner` (user and group id) may enter, the same at every start of one home.

    A folder of that name that somebody else made, or that is open to others, is never used: a random
    name is taken instead.
    """
    found = places.root.stat()  # another container may have another folder of the same path
    identity = f"{places.root} {found.st_dev} {found.st_ino}"
    name = f"ccos-{owner[0]}-{hashlib.sha256(os.fsencode(identity)).hexdigest()[:12]}"
    temporary = Path(tempfile.gettempdir())
    if len(os.fsencode(temporary / name)) > _LONGEST_SOCKET_DIR:
        temporary = Path("/tmp")  # noqa: S108  # the folder made in it is private, and checked to be
    folder = temporary / name
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        ours = found.st_uid in (owner[0], os.geteuid()) and stat.S_ISDIR(found.st_mode)
        if not ours or found.st_mode & 0o077:
            folder = Path(tempfile.mkdtemp(prefix="ccos-", dir=temporary))
    except OSError as fault:
        raise StoreError(f"No folder for sockets can be made in {temporary}: {fault.strerror}.") from fault
    if os.geteuid() != owner[0]:
        os.chown(folder, *owner)
    return folder
