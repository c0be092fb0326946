"""Finds the OpenMP library that the engine needs and its wheel does not bring."""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig
from collections.abc import Callable, Iterable
from pathlib import Path

from ccos.domain.errors import ModelUnusable

_LIBRARY = "libgomp.so.1"
# What the loader and the interpreter of a child need. Nothing else is passed on: no key reaches the child.
_PASSED_ON = (
    *("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("HOME", "LANG", "TMPDIR", "TEMP", "SYSTEMROOT"),
)


def child_environment(
    state_dir: Path,
    *,
    on_system: Callable[[], bool] | None = None,
    folders: Iterable[Path] | None = None,
) -> dict[str, str]:
    """The environment for a model's process.

    Where the system has no libgomp, a copy that another installed wheel bundles is linked into `state_dir`
    and put on the library path of the child alone. Raises ModelUnusable when there is none.
    """
    environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    environment["GOMP_SPINCOUNT"] = (
        "1000"  # spinning at barriers starves busy machines: up to 40 times slower
    )
    if sys.platform != "linux" or (on_system or _on_system)():
        return environment
    copy = _bundled(folders if folders is not None else _site_folders())
    if copy is None:
        raise ModelUnusable(
            f"The local model engine needs {_LIBRARY}, which this system does not have; install the system "
            "package libgomp1 (Debian, Ubuntu) or libgomp (Fedora, RHEL, Alpine).",
            library=_LIBRARY,
        )
    folder = state_dir / "lib"
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / _LIBRARY
    if not (link.is_symlink() and link.readlink() == copy):
        fresh = folder / f".{_LIBRARY}.{os.getpid()}"
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(copy)
        fresh.replace(link)  # in one step: another process may be starting its model now
    paths = [str(folder), *filter(None, [environment.get("LD_LIBRARY_PATH")])]
    environment["LD_LIBRARY_PATH"] = os.pathsep.join(paths)
    return environment


def _on_system() -> bool:
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return False
    return True


def _site_folders() -> list[Path]:
    return [Path(sysconfig.get_path(name)) for name in ("platlib", "purelib")]


def _bundled(folders: Iterable[Path]) -> Path | None:
    """A libgomp inside an installed wheel: they lie in `<package>.libs/`, `<package>/.libs/` or `lib/`."""
    for folder in folders:
        for pattern in (
            "*.libs/libgomp*.so*",
            "*/.libs/libgomp*.so*",
            "*/lib/libgomp*.so*",
            "*/.dylibs/libgomp*",
        ):
            for found in sorted(folder.glob(pattern)):
                if found.is_file():
                    return found.resolve()
    return None
