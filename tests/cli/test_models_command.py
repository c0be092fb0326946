"""`ccos models` as a person runs it, with real small model files."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest

from support.ccos_command import Command
from support.drafter_file import build_drafter_gguf
from support.file_server import file_server
from support.tiny_adapter import build_adapter
from support.tiny_gguf import build_tiny_gguf

SHORT = {"MINIMAX_MAX_TOKENS": "16"}
"""A random model writes until it is stopped."""


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    build_tiny_gguf(folder / "one-Q8_0.gguf", seed=1)
    build_tiny_gguf(folder / "two.gguf", seed=2)
    return folder


@pytest.fixture
def own(tmp_path):
    """The command with a home of its own: nothing of these needs a database."""
    home = Path(tempfile.mkdtemp(prefix="ccos-m"))
    yield Command(home, tmp_path)
    shutil.rmtree(home, ignore_errors=True)


def words(ran) -> list[str]:
    return [line for line in ran.err.splitlines() if line.startswith("ccos: ")]


def test_an_empty_registry_says_what_to_do(own: Command):
    ran = own("models", "list")
    assert ran.code == 0 and "ccos models add FILE" in ran.out and "ccos models pull" in ran.out
    found = own("models", "list", "--json").json
    assert found["models"] == [] and found["tiers"]["tier_1"]["served_by"] is None


def test_from_a_file_into_service_and_back(own: Command, files: Path):
    added = own("models", "add", str(files / "one-Q8_0.gguf"), "--licence", "Apache-2.0", "--json")
    assert added.code == 0 and added.json["name"] == "one-q8_0" and added.json["quantisation"] == "F16"
    assert own("models", "add", str(files / "two.gguf"), "--link").code == 0
    assert own("models", "add", str(files / "two.gguf"), "--link").sentence.startswith("There is a model two")
    verified = own("models", "verify", "two", "--json")
    assert verified.code == 0 and verified.json["verified"]

    first = own("models", "promote", "one-q8_0", "--tier", "tier_1", "--force", "first one", "--json")
    assert first.code == 0 and first.json["evidence"]["forced"] == "first one"
    assert (
        "serves tier_1 already"
        in words(own("models", "promote", "one-q8_0", "--tier", "tier_1", "--force", "again"))[0]
    )
    assert own("models", "promote", "two", "--tier", "tier_1", "--force", "second").code == 0
    shown = own("models", "list", "--json").json
    serves = {row["name"]: (row["serves"], row["previous_of"]) for row in shown["models"]}
    assert serves == {"one-q8_0": ([], ["tier_1"]), "two": (["tier_1"], [])}
    assert all(row["verified_at"] for row in shown["models"])
    notes = own("config", "check", "--json").json["notes"]
    assert any("tier_1 is served by two" in note for note in notes)
    assert any("tier_2 is off" in note for note in notes)

    back = own("models", "rollback", "--tier", "tier_1")
    assert back.code == 0 and back.out.startswith("one-q8_0 is in service for tier_1 again")
    table = own("models", "list", COLUMNS="160").out
    assert "Apache-2.0" in table and "tier_1: one-q8_0 since" in table
    (files / "gone.gguf").write_bytes((files / "two.gguf").read_bytes())
    assert (
        "MINIMAX_MODEL_PATH is set" in own("models", "list", MINIMAX_MODEL_PATH=str(files / "two.gguf")).out
    )


def test_a_random_model_is_refused_by_the_gate_and_nothing_changes(own: Command, files: Path):
    assert own("models", "add", str(files / "one-Q8_0.gguf")).code == 0
    ran = own(
        "models", "promote", "one-q8_0", "--tier", "tier_1", "--golden", "10", "--shadow", "0", "--timeout", "20",
        "--json", seconds=110, **SHORT,
    )  # fmt: skip
    assert ran.code == 1 and not ran.json["promoted"]
    assert ran.json["evidence"]["golden"]["new"]["tickets"] == 10
    assert any("the gate accepts 0% of its drafts" in line for line in words(ran))
    assert own("models", "list", "--json").json["tiers"]["tier_1"]["served_by"] is None


def test_a_model_no_worse_than_the_one_that_serves_passes_with_a_shadow_run(ccos: Command, files: Path):
    """Two equally bad ones: the comparison is with what serves, and a tenant without tickets is told."""
    names = ("sh-one", "sh-two")
    for name, file in zip(names, ("one-Q8_0.gguf", "two.gguf"), strict=True):
        assert ccos("models", "add", str(files / file), "--name", name, "--link").code == 0
    try:
        assert ccos("models", "promote", "sh-one", "--tier", "tier_1", "--force", "start").code == 0
        ran = ccos(
            "models", "promote", "sh-two", "--tier", "tier_1", "--golden", "10", "--timeout", "20", "--json",
            seconds=115, **SHORT,
        )  # fmt: skip
        assert ran.code == 0, ran.err
        evidence = ran.json["evidence"]
        assert evidence["golden"]["old_model"] == "sh-one" and evidence["golden"]["old"]["tickets"] == 10
        assert evidence["shadow"]["new"]["tickets"] == evidence["shadow"]["old"]["tickets"]
        if evidence["shadow"]["new"]["tickets"] == 0:
            assert any("has no tickets yet" in line for line in words(ran))
    finally:
        (ccos.home / "models" / "service.json").unlink()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "nope"), "There is no model nope"),
        (("verify", "../x"), "A model's name has up to 64"),
        (("promote", "nope", "--tier", "tier_1"), "There is no model nope"),
        (("promote", "nope", "--tier", "tier_1", "--force", " "), "Say with --force why"),
        (("rollback", "--tier", "tier_2"), "No model serves tier_2"),
        (("add", "nowhere.gguf"), "There is no model file at"),
    ],
)
def test_a_mistake_is_one_sentence_and_two(own: Command, arguments, said):
    ran = own("models", *arguments)
    assert ran.code == 2 and ran.sentence.startswith(said)


def test_a_damaged_file_is_not_promoted_by_force_either(own: Command, files: Path):
    assert own("models", "add", str(files / "two.gguf")).code == 0
    kept = own.home / "models" / "files" / "two.gguf"
    kept.write_bytes(kept.read_bytes()[:-10])
    ran = own("models", "promote", "two", "--tier", "tier_1", "--force", "please")
    assert ran.code == 1 and "bytes" in words(ran)[0]
    assert own("models", "verify", "two").code == 1


def test_a_drafter_of_placeholders_is_for_its_own_setting(own: Command, files: Path):
    build_drafter_gguf(files / "drafter.gguf")
    assert own("models", "add", str(files / "drafter.gguf"), "--link").code == 0
    ran = own("models", "promote", "drafter", "--tier", "tier_2", "--force", "please")
    assert ran.code == 2 and "set TINYLLAMA_MODEL_PATH to its file" in words(ran)[0]


def test_the_catalogue_says_what_to_look_for_and_pull_wants_an_address(own: Command):
    found = own("models", "list", "--catalogue", "--json").json
    names = [each["name"] for each in found["models"]]
    assert len(names) == len(set(names)) and "230 billion" in found["note"]
    assert {each["commercial"] for each in found["models"]} == {"yes", "own terms", "no"}
    assert "http" not in own("models", "list", "--catalogue").out
    assert "models pull qwen3-8b --from URL" in own("models", "pull", "qwen3-8b").sentence
    assert own("models", "pull", "file:///etc/passwd").code == 2
    assert own("models", "pull", "http://127.0.0.1:1/m.gguf", "--sha256", "12").code == 2


async def test_a_model_of_the_catalogue_is_downloaded_and_registered(own: Command, files: Path):
    content = (files / "two.gguf").read_bytes()
    async with file_server(content, ["drop"]) as server:
        arguments = ("models", "pull", "qwen3-4b", "--from", f"{server.url}?token=s3cret", "--json")
        ran = await asyncio.to_thread(own, *arguments)
        again = await asyncio.to_thread(own, *arguments)
    assert ran.code == 0, ran.err
    made = ran.json
    assert (made["name"], made["licence"], made["source"]) == ("qwen3-4b", "Apache-2.0", server.url)
    assert made["etag"] == '"v1"' and Path(made["path"]).read_bytes() == content
    assert again.code == 2 and "There is a model qwen3-4b already" in again.sentence


async def test_a_wrong_checksum_is_a_failed_job_and_takes_nothing_over(own: Command, files: Path):
    async with file_server((files / "two.gguf").read_bytes()) as server:
        ran = await asyncio.to_thread(own, "models", "pull", server.url, "--sha256", "0" * 64)
    assert ran.code == 1 and "The checksum" in ran.sentence
    assert own("models", "list", "--json").json["models"] == []


def test_a_model_that_is_wanted_no_more(own: Command, files: Path):
    linked = files / "two.gguf"
    assert own("models", "add", str(files / "one-Q8_0.gguf"), "--name", "one").code == 0
    assert own("models", "add", str(linked), "--link").code == 0
    copy = own.home / "models" / "files" / "one.gguf"
    for name in ("one", "two"):
        assert own("models", "promote", name, "--tier", "tier_1", "--force", "a try").code == 0
    assert own("models", "remove", "two", "--yes").sentence.startswith(
        "two serves tier_1; promote another first"
    )
    assert "rollback --tier tier_1` would bring back" in own("models", "remove", "one", "--yes").sentence
    retired = own("models", "retire", "--tier", "tier_1", "--json")
    assert retired.json == {"tier": "tier_1", "retired": "two", "previous": "one"}
    assert own("models", "list", "--json").json["tiers"]["tier_1"]["served_by"] is None
    told = own("models", "list").out
    assert "tier_1: nothing serves it (two was retired; `ccos models rollback --tier tier_1`" in told
    brought = own("models", "rollback", "--tier", "tier_1")
    assert (brought.code, brought.out) == (0, "two is in service for tier_1 again.\n")
    assert own("models", "list", "--json").json["tiers"]["tier_1"]["previous"] == "one"
    assert own("models", "retire", "--tier", "tier_1").code == 0
    again = own("models", "retire", "--tier", "tier_1")
    assert (again.code, again.sentence) == (
        2,
        "No model serves tier_1: there is none to take out of service.",
    )
    unsure = own("models", "remove", "one")
    assert unsure.code == 2 and unsure.sentence.endswith("Say yes with --yes.") and copy.is_file()
    assert own("models", "remove", "one", "--yes", "--json").json["deleted"] and not copy.exists()
    assert own("models", "remove", "two", "--yes", "--json").json["deleted"] is False and linked.is_file()
    assert own("models", "remove", "two", "--yes").sentence.startswith("There is no model two")
    assert own("models", "add", str(files / "one-Q8_0.gguf"), "--name", "one").code == 0


def test_a_model_that_something_else_needs_is_not_removed(own: Command, files: Path, tmp_path):
    assert own("models", "add", str(files / "one-Q8_0.gguf"), "--name", "one").code == 0
    copy = own.home / "models" / "files" / "one.gguf"
    refused = own("models", "remove", "one", "--yes", TINYLLAMA_MODEL_PATH=str(copy))
    assert refused.code == 2 and refused.sentence.startswith("TINYLLAMA_MODEL_PATH is set to")
    adapter = build_adapter(tmp_path / "tone.gguf")
    assert own("models", "adapters", "add", str(adapter), "--base", str(copy)).code == 0
    refused = own("models", "remove", "one", "--yes")
    assert refused.code == 2 and refused.sentence.startswith("The adapter tone was trained on one")
    completed = own(
        _CCOS_COMPLETE="bash_complete", COMP_WORDS="ccos models adapters remove t", COMP_CWORD="4"
    )
    assert completed.out.split() == ["plain,tone"]
    assert own("models", "add", str(copy), "--name", "same").code == 0  # the adapter has another home
    assert copy.is_file() and own("models", "remove", "one", "--yes").code == 0
    assert own("models", "remove", "same", "--yes").code == 2
    assert own("models", "adapters", "remove", "tone").code == 0
    assert own("models", "remove", "same", "--yes").code == 0


def test_what_a_killed_command_left_is_removed_by_its_name(own: Command, files: Path):
    left = own.home / "models" / "files" / "left.gguf"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"GGUF")
    assert (
        "`ccos models remove left`"
        in own("models", "add", str(files / "two.gguf"), "--name", "left").sentence
    )
    assert own("models", "remove", "left").code == 2 and left.is_file()
    assert own("models", "list").err == ""
    (left.parent / ".0a.part").write_bytes(bytes(2_500_000))
    assert "2.5 MB of downloads or copies are unfinished" in own("models", "list").sentence
    assert own("models", "remove", "left", "--yes", "--json").json["deleted"] and not left.exists()
    assert own("models", "add", str(files / "two.gguf"), "--name", "left").code == 0


def test_nobody_goes_back_to_a_file_that_is_another_by_now(own: Command, files: Path):
    for name, file in (("one", "one-Q8_0.gguf"), ("two", "two.gguf")):
        assert own("models", "add", str(files / file), "--name", name).code == 0
        assert own("models", "promote", name, "--tier", "tier_1", "--force", "a try").code == 0
    copy = own.home / "models" / "files" / "one.gguf"
    whole = copy.read_bytes()
    copy.write_bytes(whole + b"x")
    ran = own("models", "rollback", "--tier", "tier_1")
    assert ran.code == 2 and "when it was added; put the right one back" in ran.sentence
    assert "file has changed" in own("models", "list", COLUMNS="160").out
    copy.write_bytes(b"x" * len(whole))
    assert "is not a GGUF file" in own("models", "rollback", "--tier", "tier_1").sentence
    copy.unlink()
    assert "put the right one back" in own("models", "rollback", "--tier", "tier_1").sentence
    shown = own("models", "list", "--json").json
    assert shown["tiers"]["tier_1"]["served_by"] == "two"
    assert [(row["name"], row["whole"]) for row in shown["models"]] == [("one", False), ("two", True)]
    copy.write_bytes(whole)
    elsewhere = own("models", "rollback", "--tier", "tier_1", MINIMAX_MODEL_PATH=str(files / "two.gguf"))
    assert elsewhere.code == 0
    assert words(elsewhere) == [
        "ccos: It serves nothing yet, because MINIMAX_MODEL_PATH is set; take that away and start CCOS again."
    ]
    nothing = own("models", "retire", "--tier", "tier_2", TINYLLAMA_MODEL_PATH=str(files / "two.gguf"))
    assert nothing.sentence.startswith(
        "No registered model serves tier_2, because TINYLLAMA_MODEL_PATH is set"
    )


def test_names_of_models_are_completed(own: Command, files: Path):
    for name in ("small-ko", "small-en", "large"):
        assert own("models", "add", str(files / "two.gguf"), "--link", "--name", name).code == 0
    ran = own(_CCOS_COMPLETE="bash_complete", COMP_WORDS="ccos models remove sm", COMP_CWORD="3")
    assert sorted(ran.out.split()) == ["plain,small-en", "plain,small-ko"]


def test_a_person_reads_checks_and_no_log_lines(own: Command, files: Path):
    assert own("models", "add", str(files / "two.gguf"), "--link").code == 0
    ran = own("models", "verify", "two")
    assert ran.code == 0 and ran.out.startswith("ok ") and ran.err == ""
