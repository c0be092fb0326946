"""The engine's OpenMP library: the system's, or a copy of another wheel, or a sentence."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from ccos.domain.errors import ModelUnusable
from ccos.local.libraries import child_environment


@pytest.fixture
def site(tmp_path) -> Path:
    """A folder of installed wheels, one of which bundles the library under a changed name."""
    ctypes.CDLL("libgomp.so.1")
    with Path("/proc/self/maps").open() as maps:
        real = next(line.split()[-1] for line in maps if "libgomp" in line)
    copy = tmp_path / "site" / "scikit_learn.libs" / "libgomp-e985bcbb.so.1.0.0"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(Path(real).read_bytes())
    return tmp_path / "site"


def test_a_system_that_has_it_needs_nothing(tmp_path, site, monkeypatch):
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    environment = child_environment(tmp_path / "state", on_system=lambda: True, folders=[site])
    assert "LD_LIBRARY_PATH" not in environment and not (tmp_path / "state").exists()


def test_a_bundled_copy_is_what_the_childs_engine_loads(tmp_path, site, monkeypatch):
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/own")
    environment = child_environment(tmp_path / "state", on_system=lambda: False, folders=[site])
    assert environment["LD_LIBRARY_PATH"] == f"{tmp_path / 'state' / 'lib'}:/opt/own"
    code = "import xllamacpp; print(*{l.split()[-1] for l in open('/proc/self/maps') if 'libgomp' in l})"
    child = [sys.executable, "-c", code]
    out = subprocess.run(child, env=environment, capture_output=True, text=True, check=True).stdout
    assert out.strip() == str(site / "scikit_learn.libs" / "libgomp-e985bcbb.so.1.0.0")


def test_it_is_linked_anew_when_the_other_wheel_was_replaced(tmp_path, site):
    child_environment(tmp_path / "state", on_system=lambda: False, folders=[site])
    old = site / "scikit_learn.libs" / "libgomp-e985bcbb.so.1.0.0"
    new = old.rename(old.with_name("libgomp-ffff.so.1.0.0"))
    for _ in range(2):
        child_environment(tmp_path / "state", on_system=lambda: False, folders=[site])
        assert (tmp_path / "state" / "lib" / "libgomp.so.1").resolve() == new.resolve()
    assert [p.name for p in (tmp_path / "state" / "lib").iterdir()] == ["libgomp.so.1"]


def test_without_any_the_sentence_names_the_package_to_install(tmp_path):
    with pytest.raises(ModelUnusable, match="libgomp1"):
        child_environment(tmp_path, on_system=lambda: False, folders=[tmp_path / "none"])
