"""The models of this machine: manifests in one folder, files in another."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ccos.domain.errors import BadInput, CcosError, Conflict, ModelUnusable, NotFound
from ccos.local.gguf import ModelFile, read_model_file
from ccos.local.memory import amount
from ccos.local.registry.files import (
    Done,
    RegistryDamaged,
    copied,
    locked,
    read_document,
    settle,
    sha256_of,
    write_document,
)
from ccos.local.registry.manifest import Manifest, checked_name, name_of

SPARE_BYTES = 64 * 2**20
"""Free disk that a copy or a download leaves."""


class DiskFull(CcosError):
    code, message = "models.disk_full", "There is not enough room on the disk."


@dataclass(frozen=True, slots=True)
class Damaged:
    """A manifest that cannot be read, and what to do about it."""

    name: str
    why: str


class Registry:
    """`folder` is the home's `models`. Opening it writes nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = folder / "files"
        self._manifests = folder / "registry"

    def all(self) -> list[Manifest | Damaged]:
        """Every model, by name."""
        found: list[Manifest | Damaged] = []
        for path in sorted(self._manifests.glob("*.json")):
            if path.name.startswith("."):
                continue
            try:
                found.append(self.get(path.stem))
            except CcosError as fault:
                found.append(Damaged(path.stem, fault.sentence))
        return found

    def get(self, name: str) -> Manifest:
        """Raises NotFound, or RegistryDamaged."""
        path = self._manifests / f"{checked_name(name)}.json"
        document = read_document(path)
        if document is None:
            raise NotFound(f"There is no model {name}; `ccos models list` shows those there are.")
        manifest = Manifest.read(document)
        if manifest is None or manifest.name != name:
            raise RegistryDamaged(f"{path} is damaged; remove it and add its model again.", path=str(path))
        return manifest

    def remove(self, name: str) -> None:
        """Forgets the model, and deletes its file where it lies in our folder. Raises NotFound.

        The manifest goes first: a process that dies in between leaves a file that `left_over` tells of, and
        no manifest without a file.
        """
        with self.changing():
            manifest = self.get(name)
            (self._manifests / f"{name}.json").unlink()
            settle(self._manifests)
            if not manifest.linked:
                self.path(manifest).unlink(missing_ok=True)

    def left_over(self, name: str) -> Path | None:
        """The file in our folder that bears a name no manifest has, after a command that was killed."""
        path = self.files / f"{checked_name(name)}.gguf"
        there = path.exists() and not (self._manifests / f"{name}.json").exists()
        return path if there else None

    def unfinished(self) -> int:
        """Bytes of downloads and copies that were broken off, or are under way."""
        found = 0
        for part in self.files.glob(".*.part"):
            with suppress(OSError):  # it is whole by now
                found += part.stat().st_size
        return found

    def remove_left_over(self, name: str) -> None:
        with self.changing():
            path = self.left_over(name)
            if path is not None:
                path.unlink(missing_ok=True)

    def path(self, manifest: Manifest) -> Path:
        """Where the model's file is."""
        return Path(manifest.file) if manifest.linked else self.files / manifest.file

    def save(self, manifest: Manifest) -> None:
        write_document(self._manifests / f"{manifest.name}.json", manifest.document())

    def note_verified(self, name: str, at: datetime) -> None:
        with self.changing():
            self.save(self.get(name).verified(at))

    def check_free(self, name: str) -> str:
        """The name, when no model has it; raises Conflict."""
        taken = (self._manifests / f"{checked_name(name)}.json").exists()
        if taken:
            raise Conflict(f"There is a model {name} already; give this one another name with --name.")
        if self.left_over(name) is not None:
            raise Conflict(
                f"A file {name}.gguf was left over in {self.files}; `ccos models remove {name}` deletes it,"
                " or give this model another name with --name."
            )
        return name

    @contextmanager
    def changing(self) -> Iterator[None]:
        """No other command changes the registry meanwhile. Raises RegistryBusy."""
        with locked(self.folder / "registry.lock"):
            yield

    def add(
        self,
        file: Path,
        done: Done,
        *,
        at: datetime,
        name: str | None = None,
        licence: str | None = None,
        copy: bool = True,
    ) -> Manifest:
        """Registers a model file: copied into the registry's folder, or left where it is.

        Raises BadInput or ModelUnusable for what is no usable chat model, Conflict for a name that is taken,
        DiskFull, OSError.
        """
        source = file.expanduser().absolute()
        model = readable_model(source)
        name = self.check_free(name or name_of(source.name))
        if not copy:
            digest, kept = sha256_of(source, done), str(source)
            self.enter(name, model, file=kept, sha256=digest, licence=licence, source=kept, at=at)
            return self.get(name)
        self.files.mkdir(parents=True, exist_ok=True)
        check_room(self.files, model.size)
        draft = self.files / f".{name}.{os.getpid()}.part"
        try:
            digest = copied(source, draft, done)
            self.take_in(name, draft, sha256=digest, licence=licence, source=str(source), at=at)
        finally:
            draft.unlink(missing_ok=True)
        return self.get(name)

    def take_in(
        self,
        name: str,
        draft: Path,
        *,
        sha256: str,
        licence: str | None,
        source: str,
        at: datetime,
        etag: str = "",
    ) -> Manifest:
        """Makes a whole, hashed file under another name in our folder the model `name`."""
        model = readable_model(draft)
        with self.changing():
            self.check_free(name)
            target = self.files / f"{name}.gguf"
            draft.replace(target)
            settle(self.files)
            manifest = Manifest.of(
                name,
                model,
                file=target.name,
                sha256=sha256,
                licence=licence,
                source=source,
                at=at,
                etag=etag,
            )
            self.save(manifest)
        return manifest

    def enter(
        self,
        name: str,
        model: ModelFile,
        *,
        file: str,
        sha256: str,
        licence: str | None,
        source: str,
        at: datetime,
    ) -> None:
        """Registers a file that stays where it is."""
        with self.changing():
            self.check_free(name)
            made = Manifest.of(
                name, model, file=file, sha256=sha256, licence=licence, source=source, at=at, linked=True
            )
            self.save(made)


def readable_model(path: Path) -> ModelFile:
    """The header, when a person's file is a model we can serve; raises BadInput in its place otherwise."""
    try:
        return read_model_file(path)
    except ModelUnusable as fault:
        raise BadInput(fault.sentence) from fault


def check_room(folder: Path, size: int) -> None:
    """Raises DiskFull when `size` more bytes do not fit beside what is there."""
    import shutil

    free = shutil.disk_usage(folder).free
    if free < size + SPARE_BYTES:
        raise DiskFull(
            f"The model needs {amount(size)} of disk and {amount(max(free - SPARE_BYTES, 0))} is free in"
            f" {folder}; free some, or register the file where it is with `ccos models add --link`.",
            needed_bytes=size,
            free_bytes=free,
        )
