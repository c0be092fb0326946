"""The files of a command: never written over what it reads, whole or not at all, and straight into a device.

A file that exists is replaced once the new one is complete, so a full disk or Ctrl-C leaves the old one.
A symlink stays one: what it points at is replaced. Devices, pipes and `-` (standard output) are written to.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import click

from ccos.domain.errors import BadInput, CcosError

STDOUT, STDERR = 1, 2


class SameFile(BadInput):
    code, message = "output.same_file", "An output would overwrite a file that is read."


class ReadTwice(BadInput):
    code, message = "input.read_twice", "A pipe can be read only once."


class NotWritten(CcosError):
    code, message = "output.not_written", "The output could not be written."


def readable(*, dash: bool = True) -> click.Path:
    """A file to read: a path, a pipe, or, with `dash`, `-` for standard input."""
    return click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=dash)


def writable() -> click.Path:
    """A file to write: a path, a device, a pipe, or `-` for standard output."""
    return click.Path(path_type=Path, dir_okay=False, allow_dash=True, readable=False, writable=True)


def check_files(outputs: Iterable[Path | None], inputs: Iterable[Path | None]) -> None:
    """Before any work: whether every output can be written, and no pipe has to be read twice.

    Raises SameFile when an output is an input or another output, by whatever name, ReadTwice, and BadInput
    where there is no folder for an output.
    """
    read = [each for each in inputs if each is not None]
    _check_once(read)
    written = [each for each in outputs if each is not None and str(each) != "-"]
    for place, out in enumerate(written):
        folder = _target(out).parent
        if not folder.is_dir():
            raise BadInput(f"There is no folder {out.parent}; make it, or give another path.")
        if _is_replaced(out) and not os.access(folder, os.W_OK):
            raise BadInput(f"Nothing may be written into the folder {out.parent}; give another path.")
        for other in read:
            if _same(out, other):
                raise SameFile(f"{out} is read by this command, and writing would destroy it; name another.")
        if any(_same(out, other) for other in written[:place]):
            raise SameFile(f"{out} is named for two outputs; give each a path of its own.")


def write(out: Path, content: str | bytes) -> None:
    """All of `content`, or nothing where the file is replaced. Raises NotWritten."""
    with opened(out) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def opened(out: Path) -> Iterator[BinaryIO]:
    """`out` to write to; a file is replaced at the end, when nothing failed. Raises NotWritten."""
    replaced = _is_replaced(out)
    try:
        with _replacement(_target(out)) if replaced else _straight(out) as file:
            yield file
    except BrokenPipeError:
        if _is(out, STDOUT):  # `ccos ... | head`: that is no fault
            raise
        raise NotWritten(f"{out} was not written: its reader has gone.") from None
    except OSError as fault:
        kept = "; the old file is as it was" if replaced and out.exists() else ""
        raise NotWritten(
            f"{out} cannot be written: {fault.strerror or type(fault).__name__}{kept}."
        ) from fault


@contextmanager
def _replacement(target: Path) -> Iterator[BinaryIO]:
    draft = target.with_name(f".ccos-{secrets.token_hex(6)}.part")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666), "wb") as file:
            if target.exists():
                draft.chmod(stat.S_IMODE(target.stat().st_mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


@contextmanager
def _straight(out: Path) -> Iterator[BinaryIO]:
    """A standard stream goes on where it is: opened anew, a file behind it would begin again."""
    with ExitStack() as stack:
        for number, stream in ((STDOUT, sys.stdout), (STDERR, sys.stderr)):
            if _is(out, number):
                stream.flush()
                yield stack.enter_context(os.fdopen(os.dup(number), "wb"))
                return
        yield stack.enter_context(out.open("wb"))


def _check_once(inputs: list[Path]) -> None:
    """Standard input, and a pipe under any name, may be given once."""
    known: Counter[object] = Counter()
    for each in inputs:
        found = _stat(each)
        if str(each) == "-" or (found is not None and not stat.S_ISREG(found.st_mode)):
            known[(found.st_dev, found.st_ino) if found else "-"] += 1
            if max(known.values()) > 1:
                raise ReadTwice(f"{each} can be read only once; save it as a file to give it twice.")


def _stat(path: Path) -> os.stat_result | None:
    try:
        return os.fstat(sys.stdin.fileno()) if str(path) == "-" else path.stat()
    except (OSError, ValueError, AttributeError):  # not there, or no such stream
        return None


def _same(one: Path, other: Path) -> bool:
    """Whether both are one regular file, through links of any kind; devices may well be both."""
    first, second = _stat(one), _stat(other)
    if first is None or second is None:
        return first is None and second is None and _target(one) == _target(other)
    return stat.S_ISREG(first.st_mode) and os.path.samestat(first, second)


def _target(out: Path) -> Path:
    """The place itself, behind symlinks; one that nothing is behind yet counts as well."""
    return Path(os.path.realpath(out))


def _is_replaced(out: Path) -> bool:
    """Whether the path is a file of its own, or none yet: not a device, a pipe, or an open file's number."""
    systems = any(out.absolute().is_relative_to(folder) for folder in ("/dev", "/proc"))
    if str(out) == "-" or systems or _is(out, STDOUT):
        return False
    found = _stat(out)
    return found is None or stat.S_ISREG(found.st_mode)


def _is(out: Path, number: int) -> bool:
    """Whether the path is what the process has open under this number."""
    if str(out) == "-":
        return number == STDOUT
    found = _stat(out)
    try:
        return found is not None and os.path.samestat(found, os.fstat(number))
    except OSError:
        return False
