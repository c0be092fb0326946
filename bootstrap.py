#!/usr/bin/env python3
"""Sets CCOS up on a machine that has only Python, then runs it.

    python3 bootstrap.py demo [ARGS]    set up, draft the sample tickets, serve the console
    python3 bootstrap.py serve [ARGS]   set up, serve
    python3 bootstrap.py test [ARGS]    set up with the test tools, check the code, run all tests
    python3 bootstrap.py setup          set up only

Standard library only. A second run finds its stamp and starts at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
LOCKS = {"run": HERE / "requirements.lock", "test": HERE / "requirements-dev.lock"}
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Stop(Exception):
    """Set-up cannot go on; the sentence says what to do."""


def main(arguments: Sequence[str]) -> int:
    job, rest = (arguments[0], list(arguments[1:])) if arguments else ("demo", [])
    if job not in {"demo", "serve", "test", "setup"}:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        if sys.version_info < (3, 11):  # noqa: UP036 - this file is what an older Python meets
            raise Stop(f"CCOS needs Python 3.11 or newer; this is {sys.version.split()[0]}.")
        with one_at_a_time():
            set_up("test" if job == "test" else "run")
            if job == "test":
                find_browser()
    except Stop as stop:
        print(f"ccos: {stop}", file=sys.stderr)
        return 1
    if job == "test":
        return run_tests(rest)
    return 0 if job == "setup" else call([BIN / "ccos", job, *rest])


def set_up(kind: str) -> None:
    """The virtual environment with all locked packages and CCOS itself; nothing to do when the stamp fits."""
    stamp = VENV / f".ccos-{kind}"
    wanted = fingerprint(kind)
    if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return
    started = time.monotonic()
    say(f"Setting up in {VENV.name}/ (first time only: about 250 MB to fetch)")
    uv = shutil.which("uv")
    if not is_whole(needs_pip=not uv):
        make_environment()
    pip: list[str | Path] = (
        [uv, "pip", "install", "--python", PYTHON]
        if uv
        else [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    )
    say(f"Installing {count(LOCKS[kind])} locked packages with {'uv' if uv else 'pip'}")
    step(
        [*pip, "--require-hashes", "-r", LOCKS[kind]],
        "The packages could not be installed; check the network, "
        "then run the same command again: it goes on where it stopped.",
    )
    step([*pip, "--no-deps", "--no-build-isolation", "-e", HERE], "CCOS itself could not be installed.")
    stamp.write_text(wanted, encoding="ascii")
    say(f"Ready after {time.monotonic() - started:.0f} s")


def is_whole(*, needs_pip: bool) -> bool:
    """Whether the environment was made to its end: one that was interrupted has a Python, but no pip yet."""
    if not PYTHON.exists():
        return False
    check = "import sys; assert sys.prefix != sys.base_prefix" + ("; import pip" if needs_pip else "")
    return not subprocess.run([str(PYTHON), "-I", "-c", check], capture_output=True, check=False).returncode


def make_environment() -> None:
    import venv

    if shutil.which("uv"):
        step(
            ["uv", "venv", "--quiet", "--allow-existing", "--python", sys.executable, VENV],
            "The virtual environment could not be made.",
        )
        return
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        raise Stop(
            "Python's venv module is incomplete here; install it (Debian and Ubuntu: "
            "apt install python3-venv) or install uv, then try again."
        ) from None
    venv.create(VENV, with_pip=True, clear=VENV.exists())


def fingerprint(kind: str) -> str:
    """Changes whenever the environment must be made again."""
    seen = hashlib.sha256(f"{sys.version_info[:2]} {HERE}".encode())
    for file in (LOCKS[kind], HERE / "pyproject.toml"):
        seen.update(file.read_bytes())
    return seen.hexdigest()


def count(lock: Path) -> int:
    return sum("==" in line for line in lock.read_text(encoding="utf-8").splitlines())


def find_browser() -> None:
    """Page tests need a Chromium; where one can be installed without asking anybody, it is."""
    if any(map(shutil.which, BROWSERS)) or os.name == "nt" or sys.platform == "darwin":
        return
    if not (shutil.which("apt-get") and os.geteuid() == 0):
        say("No Chromium found: page tests will be skipped (install chromium to run them).")
        return
    say("Installing Chromium for the page tests")
    quiet = {"stdout": subprocess.DEVNULL, "env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}}
    for command in (
        ["apt-get", "update"],
        ["apt-get", "install", "-y", "--no-install-recommends", "chromium", "fonts-nanum"],
    ):
        if subprocess.run(command, check=False, **quiet).returncode:
            say("Chromium could not be installed: page tests will be skipped.")
            return


def run_tests(arguments: Sequence[str]) -> int:
    """Style, types and import direction, then every test."""
    if not arguments:
        for name, command in {
            "ruff": [BIN / "ruff", "check", "--quiet", "."],
            "format": [BIN / "ruff", "format", "--check", "--quiet", "."],
            "types": [BIN / "mypy"],
            "imports": [BIN / "lint-imports"],
        }.items():
            done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
            if done.returncode:
                print(done.stdout, done.stderr, f"ccos: {name} failed.", sep="\n", file=sys.stderr)
                return 1
            say(f"{name}: ok")
    return call([PYTHON, "-m", "pytest", *arguments])


def call(command: Sequence[str | Path]) -> int:
    try:
        return subprocess.call([str(part) for part in command], cwd=HERE)
    except KeyboardInterrupt:
        return 130


def step(command: Sequence[str | Path], sentence: str) -> None:
    if subprocess.run([str(part) for part in command], cwd=HERE, check=False).returncode:
        raise Stop(sentence)


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two set-ups at once would install over each other; the second waits for the first."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (HERE / ".bootstrap.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    print(f"ccos: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
