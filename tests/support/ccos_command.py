"""Runs the installed `ccos` as a person would, over one embedded database for the whole session."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ccos.settings import Settings, variable
from ccos.store.embedded import EmbeddedServer, start

OURS = {variable(field) for field in Settings.model_fields}


def _hears_ctrl_c() -> None:
    """A test run in the background of a script ignores SIGINT, and its children would inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The one line on stderr, which must be one and no traceback."""
        lines = self.err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("ccos: "), self.err
        return lines[0].removeprefix("ccos: ")


@dataclass(frozen=True)
class Command:
    """`ccos` with a home and a working folder; settings of the machine it runs on are left out."""

    home: Path
    folder: Path

    def __call__(
        self, *arguments: str, input: str | bytes = b"", seconds: float = 180, **settings: str
    ) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "ccos", *arguments],
            input=input.encode() if isinstance(input, str) else input,
            capture_output=True,
            timeout=seconds,
            cwd=self.folder,
            env=self.environment(**settings),
            check=False,
        )
        ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in ran.err, ran.err
        return ran

    @contextmanager
    def running(self, *arguments: str, **settings: str) -> Iterator[Running]:
        """The command in the background; killed at the end when it has not ended by itself."""
        with tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "ccos", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env=self.environment(**settings),
                preexec_fn=_hears_ctrl_c,
            )
            try:
                yield Running(process, out.fileno(), err.fileno())
            finally:
                process.kill()
                process.wait()

    def environment(self, **settings: str) -> dict[str, str]:
        kept = {
            n: v for n, v in os.environ.items() if n not in OURS and not n.startswith(("CCOS_", "_CCOS_"))
        }
        kept.pop(
            "PYTHONDONTWRITEBYTECODE", None
        )  # compiled once for the session, or each run is twice as long
        compiled = str(self.home / "compiled")
        return {**kept, "PYTHONPYCACHEPREFIX": compiled, "CCOS_HOME": str(self.home), **settings}


@dataclass(frozen=True)
class Running:
    process: subprocess.Popen[bytes]
    _out: int
    _err: int

    @property
    def err(self) -> str:
        return os.pread(self._err, 1_000_000, 0).decode()

    @property
    def out(self) -> str:
        return os.pread(self._out, 1_000_000, 0).decode()

    def wait_for(self, text: str, *, seconds: float = 120) -> str:
        """The line of stderr that holds `text`, as soon as it is there."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in self.err.splitlines(keepends=True):
                if text in line and line.endswith("\n"):
                    return line.strip()
            assert self.process.poll() is None, f"it ended: {self.err}"
            time.sleep(0.05)
        raise AssertionError(f"no {text!r} within {seconds} s: {self.err}")

    def wait_until(self, true: Callable[[], bool], *, seconds: float = 120) -> None:
        """Returns when `true()` is, while the command goes on."""
        deadline = time.monotonic() + seconds
        while not true():
            assert self.process.poll() is None, f"it ended: {self.err}"
            assert time.monotonic() < deadline, f"not within {seconds} s: {self.err}"
            time.sleep(0.05)

    def end(self, signal: int, *, seconds: float = 60) -> int:
        """Sends the signal and returns the exit code."""
        self.process.send_signal(signal)
        return self.process.wait(seconds)


@dataclass(frozen=True)
class Home:
    folder: Path
    server: EmbeddedServer


@pytest.fixture(scope="session")
def ccos_home() -> Iterator[Home]:
    """A home with a short path whose server runs for the whole session, so that commands only join it."""
    home = Path(tempfile.mkdtemp(prefix="ccos-t"))
    try:
        with start(home) as server:
            yield Home(home, server)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def ccos(ccos_home: Home, tmp_path: Path) -> Command:
    return Command(ccos_home.folder, tmp_path)


@pytest.fixture(scope="session")
def shop(ccos_home: Home, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The slug of a tenant that knows one procedure, brought in by the command."""
    folder = tmp_path_factory.mktemp("shop")
    (folder / "refund.md").write_text(
        "# 환불 기간\n\n반품 상품이 도착하면 영업일 3일 안에 결제하신 수단으로 환불해 드립니다.\n", "utf-8"
    )
    ccos = Command(ccos_home.folder, folder)
    assert ccos("tenants", "create", "shop", "가게").code == 0
    assert ccos("kb", "import", "refund.md", "--tenant", "shop").code == 0
    return "shop"


@contextmanager
def silent_server() -> Iterator[str]:
    """The URL of a model server that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"
