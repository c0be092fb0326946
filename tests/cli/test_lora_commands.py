"""`ccos train lora` and `ccos models adapters` as a person runs them. Training itself needs PyTorch."""

import json
import shutil
import tempfile
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from ccos.cli.train_lora import _check_free, _default_name, _registered
from ccos.domain.errors import Conflict
from ccos.domain.tenant import Tenant, TenantSettings
from ccos.local.adapters import Adapter, checked_name
from ccos.local.registry.files import locked
from ccos.settings import Settings
from ccos.wiring.adapters import open_adapters
from support.ccos_command import Command, Home
from support.tiny_adapter import build_adapter
from support.tiny_gguf import build_tiny_gguf


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    build_tiny_gguf(folder / "base.gguf")
    build_adapter(folder / "Acme style.gguf")
    build_adapter(folder / "wide.gguf", width=96)
    (folder / "hf").mkdir()
    (folder / "hf" / "config.json").write_text("{}")
    return folder


@pytest.fixture
def own(tmp_path):
    """The command with a home of its own: nothing of these needs a database."""
    home = Path(tempfile.mkdtemp(prefix="ccos-l"))
    yield Command(home, tmp_path)
    shutil.rmtree(home, ignore_errors=True)


def labelled(path: Path, count: int) -> Path:
    rows = [
        {
            "question": f"{n}번 주문 환불은 언제 되나요? 제 번호는 010-1234-{n:04} 입니다",
            "evidence": ["환불 안내: 환불은 3일 안에 됩니다."],
            "answer": "반갑습니다, 고객님. 환불은 3일 안에 됩니다. [1]",
            "label": "approve" if n % 10 else "reject",
            "task": "solution_draft",
            "ticket_id": f"t{n}",
        }
        for n in range(count)
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def test_a_dry_run_writes_what_would_be_learnt_without_anybodys_data(own: Command):
    labelled(own.folder / "set.jsonl", 60)
    ran = own("train", "lora", "--data", "set.jsonl", "--no-register", "--dry-run", "--out", "out", "--json")
    assert ran.code == 0, ran.err
    figures = ran.json["data"]
    assert figures["examples"] == 54 == figures["trained_on"] + figures["held_out"]
    assert figures["held_out"] > 0 and figures["left_out"] == {"rejected": 6}
    file = own.folder / "out" / "data.jsonl"
    assert (file.stat().st_mode & 0o077, file.parent.stat().st_mode & 0o077) == (0, 0)
    written = file.read_text("utf-8")
    rows = [json.loads(line) for line in written.splitlines()]
    assert len(rows) == 54 and sum(row["held_out"] for row in rows) == figures["held_out"]
    assert [message["role"] for message in rows[0]["messages"]] == ["system", "user", "assistant"]
    assert "010-1234" not in written and "[전화번호" in written
    said = own("train", "lora", "--data", "set.jsonl", "--no-register", "--dry-run", "--out", "out")
    assert "54 approved replies" in said.out and "6 left out (6 rejected); nothing was trained" in said.out


def test_a_tenant_learns_from_what_its_people_sent(ccos: Command, ccos_home: Home, shop: str):
    lines = [{"external_id": f"lora-{n}", "subject": f"{n}번 주문 환불은 언제 되나요?"} for n in range(4)]
    (ccos.folder / "in.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert ccos("draft", "--batch", "in.jsonl", "--tenant", shop).code == 0
    with psycopg.connect(ccos_home.server.urls.superuser) as admin:
        admin.execute(
            "INSERT INTO ccos.decision (tenant_id, id, draft_id, verdict, text, decided_at)"
            " SELECT d.tenant_id, gen_random_uuid(), d.id, 'edited', '네, 3일 안에 됩니다. ' || t.external_id,"
            " now() FROM ccos.draft d JOIN ccos.ticket t ON t.id = d.ticket_id"
            " WHERE t.external_id LIKE 'lora-%' AND d.state IN ('ready', 'needs_review')"
        )
    asked = ("train", "lora", "--tenant", shop, "--dry-run", "--out", "own")
    few = ccos(*asked)
    assert few.code == 2 and "4 approved replies to learn from" in few.err and "at least 20" in few.err
    ran = ccos(*asked, "--least", "2", "--json")
    assert ran.code == 0, ran.err
    written = (ccos.folder / "own" / "data.jsonl").read_text("utf-8")
    assert "네, 3일 안에 됩니다. lora-" in written and ran.json["data"]["examples"] >= 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--data", "set.jsonl", "--no-register"), "--base"),
        (("--data", "set.jsonl", "--base", "empty", "--model", "base.gguf"), "holds no config.json"),
        (("--data", "set.jsonl", "--base", "hf", "--model", "Acme style.gguf"), "is an adapter itself"),
        (("--data", "set.jsonl", "--base", "hf", "--model", "base.gguf"), 'pip install "ccos[lora]"'),
        (("--data", "set.jsonl", "--base", "hf"), "No model file serves tier_1"),
        (("--data", "few.jsonl", "--dry-run", "--no-register"), "approved replies to learn from"),
        (("--data", "none.jsonl", "--dry-run"), "none.jsonl"),
        (("--data", "set.jsonl", "--dry-run", "--no-register", "--name", "My Adapter"), "--name"),
        (("--data", "set.jsonl", "--dry-run", "--no-register", "--name", "../out"), "--name"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence(own: Command, files: Path, arguments, said: str):
    for file in ("base.gguf", "Acme style.gguf"):
        shutil.copy(files / file, own.folder)
    shutil.copytree(files / "hf", own.folder / "hf")
    (own.folder / "empty").mkdir()
    labelled(own.folder / "set.jsonl", 30)
    labelled(own.folder / "few.jsonl", 3)
    ran = own("train", "lora", *arguments)
    assert ran.code == 2 and said in ran.err and "Traceback" not in ran.err
    assert not list(own.home.glob("lora/*"))


def test_two_trainings_never_write_to_one_folder_and_what_is_written_is_private(own: Command):
    labelled(own.folder / "set.jsonl", 60)
    out = own.folder / "out"
    out.mkdir(mode=0o755)
    asked = ("train", "lora", "--data", "set.jsonl", "--no-register", "--dry-run", "--out", "out")
    with locked(out / ".lock"):
        ran = own(*asked)
        assert ran.code == 2 and "Another training writes to out" in ran.sentence
        assert not (out / "data.jsonl").exists()
    assert own(*asked).code == 0
    assert (out / "data.jsonl").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("slug", ["a", "acme", "a-" * 31 + "a", "x" * 63, "b" * 39 + "-" * 24])
@pytest.mark.parametrize("tier", ["tier_1", "tier_2"])
def test_the_name_it_gets_by_itself_is_one_an_adapter_can_have(slug, tier):
    whose = Tenant(id=UUID(int=1), slug=slug, name="A", settings=TenantSettings())
    name = _default_name(whose, "solution_draft", tier)
    assert checked_name(name) == name and ("tier_2" in name) == (tier == "tier_2")


def test_a_training_takes_no_place_of_another_tenants_adapter(own: Command, files: Path):
    found = Settings(CCOS_HOME=own.home)
    one, other = (Tenant(id=UUID(int=n), slug="s", name="S", settings=TenantSettings()) for n in (1, 2))
    entry = Adapter("mine", files / "Acme style.gguf", tenants=(str(one.id),), tasks=("solution_draft",))
    open_adapters(found).add(entry, files / "base.gguf")
    _check_free(found, "mine", one, "solution_draft", "tier_1")
    _check_free(found, "other", other, "solution_draft", "tier_1")
    for whose, task, tier in (
        (other, "solution_draft", "tier_1"),
        (None, "solution_draft", "tier_1"),
        (one, "triage", "tier_1"),
        (one, "solution_draft", "tier_2"),
    ):
        with pytest.raises(Conflict, match="another --name"):
            _check_free(found, "mine", whose, task, tier)


def test_who_registers_an_adapter_that_will_not_serve_hears_why(own: Command, files: Path):
    found = Settings(CCOS_HOME=own.home, minimax_model_path=build_tiny_gguf(own.folder / "m.gguf", width=96))
    adapter, model = files / "Acme style.gguf", files / "base.gguf"
    (note,) = _registered(found, adapter, model, "mine", None, "solution_draft", "tier_1")
    assert note.startswith("The adapter mine is left out: ")
    served = Settings(CCOS_HOME=own.home, minimax_model_path=model)
    assert _registered(served, adapter, model, "mine", None, "solution_draft", "tier_1") == []


def test_adapters_are_added_listed_and_taken_away(own: Command, files: Path):
    model = {"MINIMAX_MODEL_PATH": str(files / "base.gguf")}
    empty = own("models", "adapters", "list", **model)
    assert empty.code == 0 and "There is no adapter" in empty.out
    added = own("models", "adapters", "add", str(files / "Acme style.gguf"), "--json", **model)
    assert added.code == 0 and added.json["name"] == "acme-style" and added.json["tenants"] == ["*"]
    assert Path(added.json["path"]).parent == own.home / "models" / "adapters"
    again = own("models", "adapters", "add", str(files / "Acme style.gguf"), **model)
    assert "There is an adapter acme-style already" in again.sentence and again.code != 0
    task = ("--task", "solution_draft", "--replace")
    assert own("models", "adapters", "add", str(files / "Acme style.gguf"), *task, **model).code == 0
    listed = own("models", "adapters", "list", "--json", **model).json
    assert [each["tasks"] for each in listed["adapters"]] == [["solution_draft"]] and listed["notes"] == []

    other = {"MINIMAX_MODEL_PATH": str(build_tiny_gguf(own.folder / "other.gguf", width=96))}
    (note,) = own("models", "adapters", "list", "--json", **other).json["notes"]
    assert note.startswith("The adapter acme-style is left out")
    wide = own("models", "adapters", "add", str(files / "wide.gguf"), **model)
    assert wide.code == 2 and "for a model of another size" in wide.sentence

    assert own("models", "adapters", "remove", "acme-style", **model).code == 0
    gone = own("models", "adapters", "remove", "acme-style", **model)
    assert gone.code != 0 and "There is no adapter acme-style" in gone.sentence
    assert own("models", "adapters", "list", "--json", **model).json["adapters"] == []
    assert not list((own.home / "models" / "adapters").glob("*.gguf"))
