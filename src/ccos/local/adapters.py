"""LoRA adapters: small files beside a base model that change how it writes, chosen by tenant and task.

An adapter file is a GGUF whose `general.type` is "adapter" and `adapter.type` "lora"; for a tensor of the
base it holds two, `NAME.lora_a` and `NAME.lora_b`, which are multiplied (Hu et al., 2021, as llama.cpp
stores it).
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from ccos.domain.errors import BadInput, CcosError, Conflict, ModelUnusable, NotFound
from ccos.domain.tier import Task
from ccos.local.gguf import Header, read_header
from ccos.local.registry.files import (
    Done,
    RegistryDamaged,
    copied,
    locked,
    read_document,
    sha256_of,
    write_document,
)
from ccos.local.watching import mark_of

ANY = "*"
BASE_KEY = "ccos.base.sha256"
"""A key of the files that `ccos train lora` writes: the checksum of the base model's file."""
TIERS = ("tier_1", "tier_2")
_WHAT = "adapter file"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_HALVES = (".lora_a", ".lora_b")
_TURNED = "token_embd.weight"
"""The tensor whose halves the engine takes the other way round: it looks rows up instead of multiplying."""
_NO_WEIGHTS = frozenset(range(24, 29))
"""Types of tensors that the engine loads and dies of when it multiplies them: integers, and F64."""


class AdapterUnusable(BadInput):
    code, message = "adapter.unusable", "The adapter cannot be used."


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter for the model of a tier, and whose requests it is for: ids of tenants, names of tasks, or *.

    `base` is the SHA-256 of the model file it was trained on; where it is empty nobody knows, and only the
    shape is held against the model's.
    """

    name: str
    path: Path
    base: str = ""
    tenants: tuple[str, ...] = (ANY,)
    tasks: tuple[str, ...] = (ANY,)
    tier: str = "tier_1"

    def document(self) -> dict[str, Any]:
        return asdict(self) | {
            "path": str(self.path),
            "tenants": list(self.tenants),
            "tasks": list(self.tasks),
        }

    @property
    def edition(self) -> str:
        """The name with what the file holds, where its own name tells that, as those of `Adapters` do: one
        that was trained anew under the same name is another to whoever judges.
        """
        return f"{self.name}@{self._digest[:8]}" if self._digest else self.name

    @property
    def _digest(self) -> str:
        """The beginning of the file's checksum, as its name tells it."""
        own = re.fullmatch(rf"{re.escape(self.name)}\.([0-9a-f]{{12}})", self.path.stem)
        return own[1] if own else ""

    def check_content(self) -> None:
        """Raises AdapterUnusable when the file is not what was added. Reads it whole."""
        if not self._digest:
            return
        try:
            found = sha256_of(self.path, lambda _done, _total: None)
        except OSError as fault:
            raise AdapterUnusable(f"{self.path} cannot be read: {fault.strerror}.") from fault
        if not found.startswith(self._digest):
            raise AdapterUnusable(f"The content of {self.path} is not what was added; add or train it again.")

    def check_base(self, digest: str | None) -> None:
        """Raises AdapterUnusable when the model with this checksum is not the one it is for."""
        if self.base and digest is not None and self.base != digest:
            raise AdapterUnusable("it was trained on another model than the one that serves.")


def checked_name(name: str) -> str:
    """The name, where an adapter can have it. Raises BadInput."""
    if _NAME.fullmatch(name) is None or ".." in name:
        raise BadInput(
            "An adapter's name has up to 64 small letters, digits, dots, hyphens and underscores; give"
            " another with --name."
        )
    return name


def choose(adapters: Sequence[Adapter], tenant_id: UUID | None, task: Task) -> int | None:
    """Which adapter a request is for: one of its tenant and task, else of its tenant, else of its task, else
    anybody's; of equals the last. None when there is none for it.
    """
    best, rank = None, -1
    for number, adapter in enumerate(adapters):
        by_tenant = tenant_id is not None and str(tenant_id) in adapter.tenants
        by_task = task.value in adapter.tasks
        if not (by_tenant or ANY in adapter.tenants) or not (by_task or ANY in adapter.tasks):
            continue
        if 2 * by_tenant + by_task >= rank:
            best, rank = number, 2 * by_tenant + by_task
    return best


def adapter_for(adapters: Sequence[Adapter], tenant_id: UUID | None, task: Task) -> str:
    """The edition of the adapter that a request is for; empty where there is none."""
    number = choose(adapters, tenant_id, task)
    return "" if number is None else adapters[number].edition


def asked_for(adapters: Sequence[Adapter], tenant_id: UUID | None, task: Task) -> dict[str, Any]:
    """What a request's body names: every adapter, for those that are not named the engine may apply."""
    if not adapters:
        return {}
    chosen = choose(adapters, tenant_id, task)
    return {
        "lora": [{"id": number, "scale": float(number == chosen)} for number in range(len(adapters))],
    }


def check_adapter(path: Path, model: Header, *, base: str = "") -> Header:
    """The adapter's header, when it fits the model, whose checksum is `base`. Raises AdapterUnusable."""
    try:
        found = read_header(path, what=_WHAT)
    except ModelUnusable as fault:
        raise AdapterUnusable(fault.sentence) from fault
    values = found.values
    if values.get("general.type") != "adapter":
        raise AdapterUnusable(f"{path} is not a LoRA adapter; give a file that `ccos train lora` wrote.")
    if values.get("adapter.type") != "lora":
        raise AdapterUnusable(f"{path} is an adapter of another kind than LoRA, which cannot be used.")
    wanted, own = model.values.get("general.architecture"), values.get("general.architecture")
    if own != wanted:
        raise AdapterUnusable(f"{path} is for models of the architecture {own}, and the model is {wanted}.")
    told = values.get(BASE_KEY)
    if base and isinstance(told, str) and told and told != base:
        raise AdapterUnusable(
            f"{path} was trained on another model; give that one with --base, or train anew."
        )
    alpha = values.get("adapter.lora.alpha", 0.0)
    if not isinstance(alpha, float) or not math.isfinite(alpha):
        raise AdapterUnusable(f"{path} names no usable strength (adapter.lora.alpha); convert it again.")
    _check_pairs(found, model)
    return found


def _check_pairs(found: Header, model: Header) -> None:
    names = {name.removesuffix(half) for name in found.tensors for half in _HALVES}
    names &= {name[: -len(_HALVES[0])] for name in found.tensors}
    if not names or len(found.tensors) != 2 * len(names):
        raise AdapterUnusable(f"{found.path} does not hold pairs of LoRA tensors; convert it again.")
    for name in sorted(names):
        first, second = (found.tensors.get(f"{name}{half}") for half in _HALVES)
        target = model.tensors.get(name)
        if first is None or second is None:
            raise AdapterUnusable(f"{found.path} holds only one half of {name}; convert it again.")
        if target is None:
            raise AdapterUnusable(f"{found.path} changes {name}, which the model does not have.")
        fits = len(first) == len(second) == len(target) == 2
        if fits and name == _TURNED:
            fits = first[0] == second[0] and (second[1], first[1]) == target
        elif fits:
            fits = first[1] == second[0] and (first[0], second[1]) == target
        if not {found.types.get(f"{name}{half}") for half in _HALVES}.isdisjoint(_NO_WEIGHTS):
            raise AdapterUnusable(
                f"{found.path} holds {name} in numbers that are no weights; convert it again."
            )
        if not fits:
            raise AdapterUnusable(f"{found.path} is for a model of another size: its {name} does not fit.")


def usable(
    adapters: Iterable[Adapter], model_path: Path, state_dir: Path
) -> tuple[tuple[Adapter, ...], tuple[str, ...]]:
    """Those that can be loaded beside the model now, and a sentence for each that is left out.

    Raises ModelUnusable for a model that cannot be read. Blocks: for a thread.
    """
    kept: list[Adapter] = []
    left_out: list[str] = []
    model, digest = read_header(model_path), digest_of(model_path, state_dir / "digest.json")
    for adapter in adapters:
        try:
            adapter.check_base(digest)
            check_adapter(adapter.path, model, base=digest)
            adapter.check_content()
        except CcosError as fault:
            left_out.append(f"The adapter {adapter.name} is left out: {fault.sentence}")
        else:
            kept.append(adapter)
    return tuple(kept), tuple(left_out)


def known_digest(path: Path, memory: Path) -> str | None:
    """The file's SHA-256 where `memory` has it of the file as it is now."""
    try:
        known = read_document(memory) or {}
    except RegistryDamaged:
        return None
    digest = known.get("sha256") if known.get("of") == _told(path) else None
    return digest if isinstance(digest, str) else None


def digest_of(path: Path, memory: Path, done: Done = lambda _done, _total: None) -> str:
    """The file's SHA-256, read anew where `memory` does not have it. Raises ModelUnusable."""
    known, told = known_digest(path, memory), _told(path)
    if known is not None:
        return known
    try:
        digest = sha256_of(path, done)
    except OSError as fault:
        raise ModelUnusable(f"The model file {path} cannot be read: {fault.strerror}.") from fault
    with contextlib.suppress(OSError):  # then it is read again next time
        write_document(memory, {"of": told, "sha256": digest})
    return digest


def _told(path: Path) -> str:
    return repr((str(path.absolute()), mark_of(path)))


class Adapters:
    """The adapters of this machine: `adapters.json` in `folder`, the home's `models`, and their files.

    Opening it writes nothing.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "adapters.json"
        self.digests = folder / "adapters" / "digest.json"

    def all(self) -> list[Adapter]:
        """In the order they were added. Raises RegistryDamaged."""
        document = read_document(self.path)
        if document is None:
            return []
        listed = document.get("adapters")
        found = [_adapter(each) for each in listed] if isinstance(listed, list) else [None]
        if None in found:
            raise RegistryDamaged(f"{self.path} is damaged; remove it and add the adapters again.")
        return [adapter for adapter in found if adapter is not None]

    def of(self, tier: str) -> tuple[Adapter, ...]:
        """Those of a tier. Raises RegistryDamaged."""
        return tuple(adapter for adapter in self.all() if adapter.tier == tier)

    def add(self, adapter: Adapter, model: Path, *, replace: bool = False) -> Adapter:
        """Checks the file against the model it is for, copies it, and enters it.

        Raises AdapterUnusable, BadInput for a name that cannot be one, Conflict for one that is taken unless
        it is to `replace` it, ModelUnusable, RegistryBusy, RegistryDamaged, OSError.
        """
        checked_name(adapter.name)
        base = digest_of(model, self.digests)
        check_adapter(adapter.path, read_header(model), base=base)
        with locked(self.folder / "adapters.lock"):
            others = self.all()
            if any(each.name == adapter.name for each in others) and not replace:
                raise Conflict(f"There is an adapter {adapter.name} already; give this one another --name.")
            kept = self._copied(adapter.path, adapter.name)
            made = Adapter(adapter.name, kept, base, adapter.tenants, adapter.tasks, adapter.tier)
            gone = [each for each in others if each.name == made.name]
            self._write([*(each for each in others if each not in gone), made])
        for each in gone:
            if each.path != kept:
                each.path.unlink(missing_ok=True)
        return made

    def remove(self, name: str) -> Adapter:
        """Raises NotFound, RegistryBusy, RegistryDamaged."""
        with locked(self.folder / "adapters.lock"):
            others = self.all()
            found = next((each for each in others if each.name == name), None)
            if found is None:
                raise NotFound(
                    f"There is no adapter {name}; `ccos models adapters list` shows those there are."
                )
            self._write([each for each in others if each is not found])
        if found.path.parent == self.folder / "adapters":
            found.path.unlink(missing_ok=True)
        return found

    def _copied(self, source: Path, name: str) -> Path:
        """A copy of its own name by content: the file a model has loaded is never written over."""
        folder = self.folder / "adapters"
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f".{name}.part"
        draft.unlink(missing_ok=True)
        try:
            digest = copied(source, draft, lambda _done, _total: None)
            target = folder / f"{name}.{digest[:12]}.gguf"
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
        return target

    def _write(self, adapters: Iterable[Adapter]) -> None:
        write_document(self.path, {"adapters": [each.document() for each in adapters]})


def _adapter(given: object) -> Adapter | None:
    if not isinstance(given, Mapping):
        return None
    texts = [given.get(name) for name in ("name", "path", "base", "tier")]
    lists = [given.get(name) for name in ("tenants", "tasks")]
    if not all(isinstance(text, str) for text in texts) or given.get("tier") not in TIERS:
        return None
    if not all(isinstance(each, list) and each and set(map(type, each)) == {str} for each in lists):
        return None
    name, path, base, tier = map(str, texts)
    tenants, tasks = (tuple(_words(each)) for each in lists)
    return Adapter(name, Path(path), base, tenants, tasks, tier)


def _words(listed: Any) -> Iterator[str]:
    yield from listed
