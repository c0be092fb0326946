"""Whether the sources of models have newer files. It only tells: nothing is downloaded or changed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import aiohttp

from ccos.local.registry.files import RegistryDamaged, read_document, write_document
from ccos.local.registry.manifest import Manifest

CHECK_EVERY = timedelta(days=1)
ASK_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Update:
    """What a model's source says of it now. `why` is a sentence."""

    name: str
    state: Literal["same", "changed", "unknown"]
    why: str


async def look(manifest: Manifest, http: aiohttp.ClientSession) -> Update:
    """Asks for the head of a model's source: its ETag, its time of change, its size."""
    if not manifest.source.startswith(("http://", "https://")):
        return Update(manifest.name, "unknown", "It was added from a file, so nobody can be asked.")
    limit = aiohttp.ClientTimeout(total=ASK_SECONDS)
    try:
        async with http.head(manifest.source, allow_redirects=True, max_redirects=5, timeout=limit) as reply:
            status, headers = reply.status, reply.headers
    except (aiohttp.ClientError, TimeoutError, ValueError) as fault:
        return Update(manifest.name, "unknown", f"Its source does not answer ({type(fault).__name__}).")
    if status != 200:
        return Update(manifest.name, "unknown", f"Its source says {status}.")
    return compared(manifest, headers)


def compared(manifest: Manifest, headers: Mapping[str, str]) -> Update:
    """The answer held against the manifest: by ETag or time of change where both have it, else by size."""
    etag, changed = headers.get("ETag", "").strip(), headers.get("Last-Modified", "").strip()
    if manifest.etag and manifest.etag in (etag, changed):
        return Update(manifest.name, "same", "Its source has the same file.")
    length = headers.get("Content-Length", "")
    if length.isdigit() and int(length) != manifest.size:
        return Update(manifest.name, "changed", f"Its source has a file of {length} bytes now.")
    known = etag if manifest.etag.startswith('"') else changed
    if manifest.etag and known:
        return Update(manifest.name, "changed", "Its source has another version now.")
    if length.isdigit():
        return Update(manifest.name, "same", "Its source has a file of the same size.")
    return Update(manifest.name, "unknown", "Its source does not say which file it has.")


class Updates:
    """What was found last, in `updates.json` of the home's `models`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "updates.json"

    def due(self, now: datetime) -> bool:
        """Whether a day has gone by since the last look."""
        try:
            at = datetime.fromisoformat(str((self._document()).get("at", "")))
            return not now - CHECK_EVERY < at <= now
        except (ValueError, TypeError):
            return True

    def found(self) -> dict[str, str]:
        """Of each model whose source has another file: what it said."""
        known = self._document().get("changed")
        return {str(name): str(why) for name, why in known.items()} if isinstance(known, dict) else {}

    def note(self, found: Sequence[Update], *, at: datetime) -> None:
        changed = {each.name: each.why for each in found if each.state == "changed"}
        write_document(self._path, {"at": at.isoformat(timespec="seconds"), "changed": changed})

    def _document(self) -> dict[str, object]:
        try:
            return read_document(self._path) or {}
        except RegistryDamaged:
            return {}


async def look_at_all(manifests: Sequence[Manifest], *, proxies: bool = True) -> list[Update]:
    """All of them at once, within ASK_SECONDS. Never raises for a source."""
    async with aiohttp.ClientSession(
        trust_env=proxies, cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": "ccos"}
    ) as http:
        return list(await asyncio.gather(*(look(manifest, http) for manifest in manifests)))
