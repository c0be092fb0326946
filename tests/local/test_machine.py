"""A container is as small as its limits, whatever the machine below it has."""

import os

import pytest

from ccos.local.machine import available_bytes, decoding_threads, private_bytes


def test_the_smaller_of_machine_and_container_counts(tmp_path):
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    proc.mkdir()
    cgroup.mkdir()
    assert available_bytes(proc, cgroup) is None
    (proc / "meminfo").write_text("MemTotal: 900 kB\nMemAvailable:   800 kB\n")
    assert available_bytes(proc, cgroup) == 800 * 1024
    (cgroup / "memory.max").write_text("max\n")
    assert available_bytes(proc, cgroup) == 800 * 1024
    (cgroup / "memory.max").write_text("600000\n")
    (cgroup / "memory.current").write_text("500000\n")
    (cgroup / "memory.stat").write_text("anon 1\ninactive_file 200000\nactive_file 100000\n")
    assert available_bytes(proc, cgroup) == 400_000
    (proc / "meminfo").write_text("nonsense\n")
    assert available_bytes(proc, cgroup) == 400_000


@pytest.mark.parametrize(
    ("limit", "threads"),
    [
        ("100000 100000", 1),
        ("200000 100000", 1),
        ("150000 100000", 1),
        ("5000 100000", 1),
        ("300000 100000", 2),
    ],
)
def test_a_containers_share_of_cores_bounds_the_threads(tmp_path, monkeypatch, limit, threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    (tmp_path / "cpu.max").write_text(limit)
    assert decoding_threads(tmp_path) == threads


@pytest.mark.parametrize("limit", ["max 100000", "nonsense", "1 0", None])
def test_without_a_limit_all_usable_cores_but_one_decode(tmp_path, monkeypatch, limit):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 5})
    if limit is not None:
        (tmp_path / "cpu.max").write_text(limit)
    assert decoding_threads(tmp_path) == 3


def test_own_memory_is_what_a_process_holds_without_mapped_files(tmp_path):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text("VmRSS:\t 900 kB\nRssAnon:\t     300 kB\nRssFile:\t 600 kB\n")
    assert private_bytes(7, tmp_path) == 300 * 1024
    assert private_bytes(8, tmp_path) is None
    (tmp_path / "7" / "status").write_text("RssAnon:\t many kB\n")
    assert private_bytes(7, tmp_path) is None
