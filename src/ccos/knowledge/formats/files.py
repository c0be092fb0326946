"""Which files there are and their bytes, bounded."""

from __future__ import annotations

import gzip
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from ccos.knowledge.formats.problem import Unreadable

MOST_FILE_BYTES = 256_000_000
"""Of a file with many records, unpacked."""

_TOO_LARGE = "It is larger than {} MB; split it."
_NOT_ARTICLES = ("readme", "license", "licence", "changelog", "contributing")


def walk(root: Path, complain: Callable[[Path, str], None]) -> Iterator[Path]:
    """Files under `root` in the order of their names; hidden ones, READMEs and licences are left out.

    Links are followed, but no folder is entered twice, so a loop of links ends.
    """
    seen: set[tuple[int, int]] = set()
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in seen:
                complain(folder, "The folder was read already under another name; the link is not followed.")
                continue
            seen.add((status.st_dev, status.st_ino))
            inside = sorted(entry.name for entry in folder.iterdir() if not entry.name.startswith("."))
        except OSError as fault:
            complain(folder, f"The folder cannot be read: {fault.strerror}.")
            continue
        paths = [folder / name for name in inside]
        for path in paths:
            if not path.is_dir() and not path.name.lower().startswith(_NOT_ARTICLES):
                yield path
        waiting.extend(reversed([path for path in paths if path.is_dir()]))


def suffix(path: Path) -> str:
    """The name's ending that says the kind, in small letters; that of .gz is looked through."""
    name = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    return name.suffix.lower()


def content(path: Path, most: int = MOST_FILE_BYTES) -> bytes:
    """The file's bytes, unpacked when its name ends in .gz. Raises `Unreadable`, for more than `most` too."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise Unreadable("It is not a regular file.")
        if path.stat().st_size > most:
            raise Unreadable(_TOO_LARGE.format(most // 1_000_000))
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            data = file.read(most + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as fault:
        raise Unreadable("It is a damaged .gz file.") from fault
    except OSError as fault:
        raise Unreadable(f"It cannot be read: {fault.strerror}.") from fault
    if len(data) > most:
        raise Unreadable(_TOO_LARGE.format(most // 1_000_000))
    return data
