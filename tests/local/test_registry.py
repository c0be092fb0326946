"""Manifests, names, files and locks of the model registry, with a real small model file."""

import errno
import json
import multiprocessing
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccos.domain.errors import BadInput, Conflict, NotFound
from ccos.domain.tier import Tier
from ccos.local.gguf import read_model_file
from ccos.local.plan import ModelPlan
from ccos.local.registry import registry as registry_module
from ccos.local.registry.files import RegistryBusy, RegistryDamaged, locked, sha256_of, write_document
from ccos.local.registry.manifest import Manifest, checked_name, name_of, prompt_format, quantisation
from ccos.local.registry.registry import Damaged, DiskFull, Registry
from ccos.local.registry.service import Service
from ccos.local.registry.verifying import verify
from ccos.local.switching import Choice
from ccos.settings import Settings
from ccos.wiring.models import open_registry, open_service, wanted_now
from support.tiny_gguf import build_tiny_gguf

AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PLAN = ModelPlan("verify", Path(), context_tokens=512, slots=1, threads=1)


def quiet(_done: int, _total: int) -> None:
    pass


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    return build_tiny_gguf(tmp_path_factory.mktemp("m") / "Tiny-Chat-Q4_K_M.gguf")


@pytest.fixture
def registry(tmp_path) -> Registry:
    return Registry(tmp_path / "models")


def test_a_copied_model_is_what_was_added_and_says_what_it_is(registry, file):
    heard = []
    made = registry.add(file, lambda done, total: heard.append((done, total)), at=AT, licence="Apache-2.0")
    assert (made.name, made.quantisation, made.architecture) == ("tiny-chat-q4_k_m", "F16", "llama")
    assert (made.size, made.context_tokens, made.prompt_format) == (file.stat().st_size, 4096, "chatml")
    assert made.licence == "Apache-2.0" and made.added_at == "2026-11-23T09:00:00+00:00"
    assert registry.path(made).read_bytes() == file.read_bytes() and not made.linked
    assert made.sha256 == sha256_of(file, quiet) and heard[-1] == (made.size, made.size)
    assert registry.all() == [made] == [registry.get(made.name)]
    assert [p.name for p in registry.files.iterdir()] == ["tiny-chat-q4_k_m.gguf"]


def test_what_the_header_does_not_say_is_read_from_the_name(file):
    model = replace(read_model_file(file), file_type=None, licence="mit")
    made = Manifest.of("m", model, file="m.gguf", sha256="", licence=None, source="/x/A-Q4_K_M.gguf", at=AT)
    assert (made.quantisation, made.licence) == ("Q4_K_M", "mit")


def test_a_linked_model_stays_where_it_is(registry, file):
    made = registry.add(file, quiet, at=AT, name="here", copy=False)
    assert registry.path(made) == file and made.linked and made.licence == "unknown"
    assert not registry.files.exists()


def test_a_name_that_is_taken_is_refused_and_nothing_changes(registry, file):
    first = registry.add(file, quiet, at=AT, name="one")
    with pytest.raises(Conflict, match="--name"):
        registry.add(file, quiet, at=AT, name="one", licence="other")
    assert registry.get("one") == first


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../x", "a/b", "a\\b", "/etc", "A", "한글", "a..b", "-a", "a.", "a" * 65, "a\0", "con "],
)
def test_a_name_that_could_leave_the_folder_is_no_name(registry, name):
    with pytest.raises(BadInput):
        checked_name(name)
    with pytest.raises(BadInput):
        registry.get(name)


@pytest.mark.parametrize(
    ("file_name", "made"),
    [
        ("Qwen3-8B-Q4_K_M.gguf", "qwen3-8b-q4_k_m"),
        ("..gguf", "model"),
        ("카나나 1.5..GGUF", "1.5"),
        ("a" * 90 + ".gguf", "a" * 64),
    ],
)
def test_the_name_made_of_a_file_is_always_fit(file_name, made):
    assert name_of(file_name) == made == checked_name(made)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Qwen3-8B-Q4_K_M.gguf", "Q4_K_M"),
        ("tiny-q8_0.gguf", "Q8_0"),
        ("m.IQ4_XS.gguf", "IQ4_XS"),
        ("model-f16.gguf", "F16"),
        ("q4ever.gguf", ""),
        ("plain.gguf", ""),
    ],
)
def test_the_quantisation_is_read_from_a_name_that_tells_it(name, said):
    assert quantisation(name) == said


def test_a_file_without_a_template_is_served_with_ours(tmp_path):
    model = read_model_file(build_tiny_gguf(tmp_path / "m.gguf", template=None))
    assert prompt_format(model).startswith("chatml (ours")
    assert (
        prompt_format(replace(model, has_chat_template=True, control_tokens=("<start_of_turn>",))) == "gemma"
    )
    assert prompt_format(replace(model, has_chat_template=True, control_tokens=())) == "of the file"


@pytest.mark.parametrize("content", [b"", b"hello", b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 16])
def test_what_is_no_model_is_refused_and_leaves_nothing(registry, tmp_path, content):
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(content)
    with pytest.raises(BadInput):
        registry.add(bad, quiet, at=AT)
    assert registry.all() == [] and not registry.files.exists()


def test_a_missing_model_and_a_damaged_manifest_are_told_apart(registry, file):
    with pytest.raises(NotFound, match="ccos models list"):
        registry.get("none")
    registry.add(file, quiet, at=AT, name="good")
    manifests = registry.folder / "registry"
    (manifests / "bad.json").write_text("{")
    (manifests / "list.json").write_text("[]")
    (manifests / "outside.json").write_text(
        json.dumps(registry.get("good").document() | {"name": "outside", "file": "../../secret.gguf"})
    )
    (manifests / "other.json").write_text(json.dumps(registry.get("good").document()))
    found = registry.all()
    assert [each.name for each in found if isinstance(each, Damaged)] == ["bad", "list", "other", "outside"]
    with pytest.raises(RegistryDamaged, match="remove it"):
        registry.get("outside")


def test_what_a_newer_version_wrote_into_a_manifest_is_passed_over(registry, file):
    made = registry.add(file, quiet, at=AT)
    assert Manifest.read(made.document() | {"news": 1}) == made
    assert Manifest.read({"name": "a"}) is None


def test_a_full_disk_is_told_before_anything_is_copied(registry, file, monkeypatch):
    def nearly_full(_folder):
        return (
            os.statvfs_result((1,) * 10) and type("Usage", (), {"free": registry_module.SPARE_BYTES + 10})()
        )

    monkeypatch.setattr("shutil.disk_usage", nearly_full)
    with pytest.raises(DiskFull, match="--link"):
        registry.add(file, quiet, at=AT)
    assert registry.all() == [] and list(registry.files.iterdir()) == []
    assert registry.add(file, quiet, at=AT, copy=False).linked, "a link needs no room"


def test_what_a_full_disk_says_names_the_file(registry, file, monkeypatch):
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    made = registry.add(file, quiet, at=AT)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as told:
        registry.note_verified(made.name, AT)
    assert told.value.filename == str(registry.folder / "registry" / f"{made.name}.json")
    with pytest.raises(OSError, match="No space") as told:
        registry.add(file, quiet, at=AT, name="other")
    assert told.value.errno == errno.ENOSPC and told.value.filename.startswith(str(registry.files))
    assert registry.get(made.name).verified_at is None and registry.unfinished() == 0


def test_a_copy_that_is_broken_off_leaves_nothing(registry, file):
    def stop(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        registry.add(file, stop, at=AT)
    assert registry.all() == [] and list(registry.files.iterdir()) == []


def _promote(folder, name, results):
    service = Service(folder)
    before = service.read().get("tier_1")
    try:
        service.promote("tier_1", name, {}, at=AT, instead_of=before.current if before else None)
        results.put("done")
    except Conflict:
        results.put("conflict")


def test_of_commands_at_once_none_overwrites_what_another_did(tmp_path):
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    runs = [context.Process(target=_promote, args=(tmp_path, f"m{n}", results)) for n in range(6)]
    for run in runs:
        run.start()
    said = [results.get(timeout=60) for _ in runs]
    for run in runs:
        run.join()
    served = Service(tmp_path).read()["tier_1"]
    assert said.count("done") >= 1 and set(said) <= {"done", "conflict"}
    assert (served.previous is None) == (said.count("done") == 1)


def test_a_lock_that_is_held_is_waited_for_until_the_deadline(tmp_path):
    lock = tmp_path / "x.lock"
    with locked(lock), pytest.raises(RegistryBusy, match="try again"), locked(lock, seconds=0.1):
        pass
    with locked(lock, seconds=0.1):
        pass


def test_a_document_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "d.json"
    write_document(path, {"a": 1})
    with pytest.raises(TypeError):
        write_document(path, {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1} and list(tmp_path.iterdir()) == [path]


def test_service_goes_forth_and_back_and_keeps_its_evidence(tmp_path):
    service = Service(tmp_path)
    assert service.read() == {}
    with pytest.raises(BadInput, match="promote"):
        service.rollback("tier_1", at=AT)
    service.promote("tier_1", "a", {"n": 1}, at=AT, instead_of=None)
    with pytest.raises(BadInput, match="a is the first model that serves tier_1"):
        service.rollback("tier_1", at=AT)
    service.promote("tier_1", "b", {"n": 2}, at=AT, instead_of="a")
    with pytest.raises(Conflict):
        service.promote("tier_1", "c", {}, at=AT, instead_of="a")
    assert (service.read()["tier_1"].current, service.read()["tier_1"].evidence) == ("b", {"n": 2})
    back = service.rollback("tier_1", at=AT)
    assert (back.current, back.previous, back.evidence) == ("a", "b", {"rolled_back_from": "b"})
    assert service.rollback("tier_1", at=AT).current == "b"
    (tmp_path / "service.json").write_text('{"tier_1": {"current": 3}}')
    with pytest.raises(RegistryDamaged):
        service.read()


def test_a_retired_model_comes_back_as_it_was(tmp_path):
    service = Service(tmp_path)
    service.promote("tier_1", "a", {}, at=AT, instead_of=None)
    service.promote("tier_1", "b", {}, at=AT, instead_of="a")
    service.promote("tier_2", "z", {}, at=AT, instead_of=None)
    assert service.retire("tier_1").current == "b"
    assert list(service.read()) == ["tier_2"] and service.before("tier_1") == "b"
    back = service.rollback("tier_1", at=AT)
    assert (back.current, back.previous, back.evidence) == ("b", "a", {"brought_back": "b"})
    assert service.look().retired == {} and service.before("tier_1") == "a"
    with pytest.raises(BadInput, match="z is the first model that serves tier_2"):
        service.before("tier_2")


def test_what_is_promoted_after_a_retirement_can_be_rolled_back_to_the_retired(tmp_path):
    service = Service(tmp_path)
    service.promote("tier_1", "a", {}, at=AT, instead_of=None)
    service.retire("tier_1")
    assert service.promote("tier_1", "b", {}, at=AT, instead_of=None).previous == "a"
    assert service.look().retired == {}
    service.retire("tier_1")
    assert service.promote("tier_1", "b", {}, at=AT, instead_of=None).previous == "a"


def test_a_model_that_is_needed_is_not_let_go_and_one_that_went_is_not_brought_back(tmp_path):
    service = Service(tmp_path)
    service.promote("tier_1", "a", {}, at=AT, instead_of=None)
    service.promote("tier_1", "b", {}, at=AT, instead_of="a")
    for name in ("a", "b"):
        with pytest.raises(Conflict), service.letting_go(name):
            raise AssertionError("it was let go")
    service.retire("tier_1")
    with service.letting_go("a"):
        pass
    assert service.rollback("tier_1", at=AT).previous is None
    service.retire("tier_1")
    with pytest.raises(OSError, match="no"), service.letting_go("b"):
        raise OSError("no")
    assert service.before("tier_1") == "b"
    with service.letting_go("b"):
        pass
    with pytest.raises(BadInput, match="No model serves tier_1"):
        service.rollback("tier_1", at=AT)


def test_a_running_tier_lets_its_model_go_only_when_it_was_retired(tmp_path, file):
    settings = Settings(CCOS_HOME=tmp_path / "home")
    own, service = open_registry(settings), open_service(settings)
    own.add(file, quiet, at=AT, name="a")
    service.promote("tier_1", "a", {}, at=AT, instead_of=None)
    assert wanted_now(settings, Tier.LOCAL_MINIMAX) == Choice("a", own.files / "a.gguf")
    service.retire("tier_1")
    assert wanted_now(settings, Tier.LOCAL_MINIMAX) is None
    (own.folder / "service.json").unlink()
    with pytest.raises(NotFound, match="No model is named for tier_1 any more"):
        wanted_now(settings, Tier.LOCAL_MINIMAX)


def test_a_file_that_a_killed_command_left_is_told_and_can_be_removed(registry, file):
    made = registry.add(file, quiet, at=AT, name="half")
    (registry.folder / "registry" / "half.json").unlink()
    with pytest.raises(Conflict, match=r"left over.*ccos models remove half"):
        registry.check_free("half")
    assert registry.left_over("half") == registry.path(made)
    registry.remove_left_over("half")
    assert registry.left_over("half") is None and registry.check_free("half") == "half"
    registry.add(file, quiet, at=AT, name="half")
    assert registry.left_over("half") is None
    registry.remove_left_over("half")
    assert registry.path(registry.get("half")).is_file()


async def test_a_whole_model_loads_and_answers(registry, file):
    made = registry.add(file, quiet, at=AT)
    checks = await verify(made, registry.path(made), PLAN, quiet)
    assert [(c.name, c.passed) for c in checks] == [
        (name, True) for name in ("size", "sha256", "header", "load", "answer")
    ]


async def test_verifying_finds_what_is_wrong_and_goes_no_further(registry, file, tmp_path):
    made = registry.add(file, quiet, at=AT)
    path = registry.path(made)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert [(c.name, c.passed) for c in await verify(made, path, PLAN, quiet)] == [("size", False)]
    (short,) = await verify(made, path, PLAN, quiet)
    assert f"`ccos models remove {made.name}` and add it again" in short.detail
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert [(c.name, c.passed) for c in await verify(made, path, PLAN, quiet)][-1] == ("sha256", False)
    path.unlink()
    (gone,) = await verify(made, path, PLAN, quiet)
    assert not gone.passed and "cannot be read" in gone.detail
    nan = build_tiny_gguf(tmp_path / "nan.gguf", broken_weights=True)
    bad = registry.add(nan, quiet, at=AT)
    *_, load = await verify(bad, registry.path(bad), PLAN, quiet)
    assert (load.name, load.passed) == ("load", False)
