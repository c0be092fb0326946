"""The set-up script: what it can decide without a network."""

import importlib.util
import subprocess
import sys
import venv
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "bootstrap.py"


@pytest.fixture
def bootstrap(tmp_path, monkeypatch):
    """The script as a module, at home in an empty folder, on a machine without uv."""
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    home = tmp_path / "home"
    home.mkdir()
    (home / "pyproject.toml").write_text("[project]")
    for kind in ("run", "test"):
        (home / f"{kind}.lock").write_text("one==1 \\\n    --hash=x\ntwo==2\n")
    monkeypatch.setattr(module, "HERE", home)
    monkeypatch.setattr(module, "VENV", home / ".venv")
    monkeypatch.setattr(module, "BIN", home / ".venv/bin")
    monkeypatch.setattr(module, "PYTHON", home / ".venv/bin/python")
    monkeypatch.setattr(module, "LOCKS", {kind: home / f"{kind}.lock" for kind in ("run", "test")})
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    return module


@pytest.fixture
def steps(bootstrap, monkeypatch):
    """The commands that would have been run."""
    ran = []
    monkeypatch.setattr(bootstrap, "step", lambda command, _: ran.append([str(part) for part in command]))
    return ran


def test_the_fingerprint_changes_with_its_lock_and_the_project(bootstrap):
    run, test = bootstrap.fingerprint("run"), bootstrap.fingerprint("test")
    assert run == bootstrap.fingerprint("run")
    bootstrap.LOCKS["run"].write_text("one==2\n")
    changed = bootstrap.fingerprint("run")
    assert changed != run and bootstrap.fingerprint("test") == test
    (bootstrap.HERE / "pyproject.toml").write_text("[project]\nname = 'x'")
    assert bootstrap.fingerprint("run") != changed and bootstrap.fingerprint("test") != test


def test_locked_packages_are_counted(bootstrap):
    assert bootstrap.count(bootstrap.LOCKS["run"]) == 2


def test_an_unknown_job_is_answered_with_the_usage(bootstrap, capsys):
    assert bootstrap.main(["fly"]) == 2
    assert "python3 bootstrap.py demo" in capsys.readouterr().err


def test_an_old_python_is_told_what_is_needed(bootstrap, capsys, monkeypatch):
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 10, 12))
    assert bootstrap.main(["setup"]) == 1
    assert capsys.readouterr().err.startswith("ccos: CCOS needs Python 3.11 or newer; this is ")
    assert not bootstrap.VENV.exists()


def test_a_stamp_that_fits_leaves_nothing_to_do(bootstrap, steps):
    bootstrap.VENV.mkdir()
    (bootstrap.VENV / ".ccos-run").write_text(bootstrap.fingerprint("run"))
    bootstrap.set_up("run")
    assert steps == [] and not bootstrap.PYTHON.exists()


def test_an_environment_that_was_interrupted_before_it_had_pip_is_made_again(bootstrap, steps):
    venv.create(bootstrap.VENV, symlinks=True)
    assert bootstrap.PYTHON.exists() and not bootstrap.is_whole(needs_pip=True)
    bootstrap.set_up("run")
    assert bootstrap.is_whole(needs_pip=True)
    done = subprocess.run([bootstrap.PYTHON, "-m", "pip", "--version"], capture_output=True, check=False)
    assert done.returncode == 0
    assert steps[0][:4] == [str(bootstrap.PYTHON), "-m", "pip", "install"] and "--require-hashes" in steps[0]
    assert (bootstrap.VENV / ".ccos-run").read_text() == bootstrap.fingerprint("run")
    made = bootstrap.PYTHON.lstat().st_ino
    bootstrap.set_up("test")
    assert bootstrap.PYTHON.lstat().st_ino == made, "a whole environment is kept"


def test_with_uv_no_pip_is_needed(bootstrap, steps, monkeypatch):
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/opt/{name}")
    venv.create(bootstrap.VENV, symlinks=True)
    bootstrap.set_up("run")
    assert [command[:3] for command in steps] == [["/opt/uv", "pip", "install"]] * 2


def test_a_python_alone_is_no_environment(bootstrap):
    bootstrap.BIN.mkdir(parents=True)
    bootstrap.PYTHON.symlink_to(sys.executable)
    assert not bootstrap.is_whole(needs_pip=False)


def test_a_step_that_fails_stops_with_its_sentence(bootstrap):
    with pytest.raises(bootstrap.Stop, match="check the network"):
        bootstrap.step([sys.executable, "-c", "raise SystemExit(3)"], "It failed; check the network.")
