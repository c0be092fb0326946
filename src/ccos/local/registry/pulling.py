"""Downloads a model file: goes on where it was broken off, and takes nothing that is not whole."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from yarl import URL

from ccos.domain.errors import BadInput, CcosError
from ccos.local.registry.files import Done, locked, read_document, sha256_of, write_document
from ccos.local.registry.registry import DiskFull, check_room

MOST_BYTES = 2**40
SILENT_SECONDS = 30.0
TRIES = 6
"""In a row, without a byte gained."""
_PIECE_BYTES = 2**20
_LOCK_SECONDS = 1.0
_MAGIC = b"GGUF"
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_TRY_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


class PullFailed(CcosError):
    code, message = "models.pull_failed", "The model could not be downloaded."


@dataclass(frozen=True, slots=True)
class Pulled:
    """A whole file: `etag` is what its server calls it, or when it was changed, or nothing."""

    path: Path
    sha256: str
    etag: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a server may be silent, and how long is rested before another try (seconds)."""

    silent_seconds: float = SILENT_SECONDS
    rest_seconds: float = 1.0


class _Again(Exception):
    """The connection was lost, or the server asks for patience: another try may go on."""


class _FromTheStart(Exception):
    """What is there belongs to another file: it begins anew."""


def checked_url(text: str) -> URL:
    """Raises BadInput for what is no web address."""
    try:
        url = URL(text.strip())
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise BadInput(
            "Give the http or https address of a .gguf file, or a name of `ccos models list --catalogue`."
        )
    return url


def shown(url: URL) -> str:
    """The address without what may be secret: a login, and a query with its signature."""
    return str(url.with_user(None).with_query(None).with_fragment(None))


async def pull(
    url: URL,
    folder: Path,
    done: Done,
    *,
    sha256: str | None = None,
    most_bytes: int = MOST_BYTES,
    pace: Pace | None = None,
    proxies: bool = False,
) -> Pulled:
    """The file at `url`, whole and checked, under a name of its own in `folder`.

    What is broken off is kept and gone on with by the next call. A wrong checksum throws only this download
    away. `proxies`: as the system's variables say. Raises PullFailed, DiskFull, BadInput.
    """
    pace = pace or Pace()
    key = hashlib.sha256(str(url).encode()).hexdigest()[:16]
    part, about = folder / f".{key}.part", folder / f".{key}.json"
    with locked(folder / f".{key}.lock", seconds=_LOCK_SECONDS):
        limits = aiohttp.ClientTimeout(
            total=None, sock_connect=pace.silent_seconds, sock_read=pace.silent_seconds
        )
        async with aiohttp.ClientSession(
            timeout=limits,
            trust_env=proxies,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "ccos", "Accept-Encoding": "identity"},
        ) as http:
            await _whole(http, url, part, about, done, most_bytes, pace)
        digest = await asyncio.to_thread(sha256_of, part, lambda _done, _total: None)
        if sha256 is not None and digest != sha256.lower():
            _drop(part, about)
            raise PullFailed(
                f"The checksum of what came from {shown(url)} is {digest}, not what was asked for; nothing"
                " was taken over.",
                sha256=digest,
            )
        etag = str((read_document(about) or {}).get("validator", ""))
        _drop(about)
    return Pulled(part, digest, etag)


async def _whole(
    http: aiohttp.ClientSession, url: URL, part: Path, about: Path, done: Done, most: int, pace: Pace
) -> None:
    tries, size = 0, -1
    while True:
        try:
            return await _once(http, url, part, about, done, most)
        except _FromTheStart:
            _drop(part, about)
            why, tries = "its file changes while it is downloaded", tries + 1
        except (_Again, aiohttp.ClientError, TimeoutError) as fault:
            if isinstance(fault, aiohttp.InvalidURL):
                raise PullFailed(f"{shown(url)} leads to what is no web address.") from fault
            why = str(fault) if isinstance(fault, _Again) else _said(fault, pace)
            have = _size(part)
            tries, size = (1 if have > size else tries + 1), max(size, have)
        except OSError as fault:
            if fault.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(
                    f"The disk of {part.parent} is full; free some and give the same command again: it goes"
                    " on where it stopped."
                ) from fault
            raise
        if tries >= TRIES:
            raise PullFailed(
                f"{shown(url)} cannot be downloaded now ({why}); give the same command again later: it goes"
                " on where it stopped."
            )
        await asyncio.sleep(pace.rest_seconds * 2 ** (tries - 1))


async def _once(
    http: aiohttp.ClientSession, url: URL, part: Path, about: Path, done: Done, most: int
) -> None:
    """One request, until the file is whole. Raises _Again, _FromTheStart, PullFailed, OSError."""
    known = read_document(about) or {}
    validator = str(known.get("validator", ""))
    have = _size(part) if validator else 0
    if have and have == known.get("total"):
        return  # whole, and cut off before it was checked
    headers = {"Range": f"bytes={have}-", "If-Range": validator} if have else {}
    async with http.get(url, headers=headers, max_redirects=5) as reply:
        if url.scheme == "https" and any(hop.url.scheme != "https" for hop in (*reply.history, reply)):
            raise PullFailed(f"{shown(url)} leads to an address without encryption; give another.")
        if reply.status in _TRY_LATER:
            raise _Again(f"the server says {reply.status}")
        if reply.status == 416:
            raise _FromTheStart
        if reply.status not in (200, 206):
            raise PullFailed(f"The server of {shown(url)} says {reply.status} {_words(reply.reason)}.")
        if reply.headers.get("Content-Encoding", "identity") != "identity":
            raise PullFailed(f"The server of {shown(url)} sends the file packed, which cannot be resumed.")
        start, total = _place(reply, have)
        if start == 0 and have:
            have = 0  # the server does not go on, or has another file by now
        if total is not None and total > most:
            raise PullFailed(f"The file has {total} bytes, more than the {most} that are allowed.")
        check_room(part.parent, (total or 0) - have)
        write_document(about, {"validator": _validator(reply.headers), "total": total})
        await _take(reply, part, have, total, done, most)


async def _take(
    reply: aiohttp.ClientResponse, part: Path, have: int, total: int | None, done: Done, most: int
) -> None:
    with part.open("r+b" if have else "wb") as file:
        file.seek(have)
        file.truncate()
        begin = b"" if have == 0 else _MAGIC
        async for piece in reply.content.iter_chunked(_PIECE_BYTES):
            if len(begin) < len(_MAGIC):
                begin += piece[: len(_MAGIC)]
                if not _MAGIC.startswith(begin[: len(_MAGIC)]):
                    raise PullFailed(
                        "What the server sends is no model in GGUF format (perhaps a page); give the address"
                        " of the .gguf file itself."
                    )
            file.write(piece)
            have += len(piece)
            if have > most or (total is not None and have > total):
                raise PullFailed("The server sends more than it announced, or than is allowed.")
            done(have, total or 0)
        file.flush()
    if total is not None and have < total:
        raise _Again("the server ended before the file was whole")


def _place(reply: aiohttp.ClientResponse, have: int) -> tuple[int, int | None]:
    """Where the answer begins in the file, and the file's size, None where the server does not say."""
    if reply.status == 200:
        return 0, reply.content_length
    found = _RANGE.fullmatch(reply.headers.get("Content-Range", "").strip())
    if found is None or int(found[1]) != have:
        raise _FromTheStart
    return have, int(found[3])


def _validator(headers: Mapping[str, str]) -> str:
    """What tells this very file from another at the same place: a strong ETag, else the time of change."""
    etag = headers.get("ETag", "").strip()
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified", "").strip()


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _drop(*paths: Path) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _said(fault: BaseException, pace: Pace) -> str:
    if isinstance(fault, TimeoutError):
        return f"the server was silent for {pace.silent_seconds:g} seconds"
    if isinstance(fault, aiohttp.ClientConnectorError):
        return "nobody answers there"
    return type(fault).__name__


def _words(reason: str | None) -> str:
    return "".join(character for character in reason or "" if character.isprintable())[:80]
