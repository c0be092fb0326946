"""`ccos eval embedding` with a server that knows other words of the same meaning, and with a real file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ccos.wiring.embedding import FILE
from support.ccos_command import Command
from support.fake_embeddings import fake_embeddings
from support.likeness_sets import SAME, replies, write
from support.tiny_gguf import build_tiny_gguf


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    return write(tmp_path / "labelled.jsonl", replies(80))


def server(fake) -> dict[str, str]:
    return {"CCOS_EMBEDDING_BASE_URL": fake.url, "CCOS_EMBEDDING_MODEL": "bag"}


def test_a_model_that_knows_more_than_the_gate_is_saved(ccos: Command, ccos_home, labelled: Path) -> None:
    with fake_embeddings(same=SAME) as fake:
        ran = ccos("eval", "embedding", str(labelled), "--save", "--json", **server(fake))
    assert ran.code == 0, ran.err
    found = ran.json
    assert (found["model"], found["lines"], found["left_out"]) == ("bag", 160, 0)
    assert found["n"] == found["unsure"] >= 100
    assert found["auroc_both"] > found["auroc_gate"] and found["gain_interval"][0] > 0
    low, high = found["intervals"]["gate"]
    assert low < found["auroc_gate"] < high
    assert found["proven"] and found["saved"] and found["late_share"] == 0.0
    kept = ccos_home.folder / FILE
    saved = json.loads(kept.read_text())["bag"]
    assert saved["labels"] == found["n"] and saved["slope"] == found["slope"] > 0
    assert saved["scorer"] == found["scorer"]
    kept.unlink()


def test_one_that_knows_no_more_is_not(ccos: Command, ccos_home, labelled: Path) -> None:
    with fake_embeddings() as fake:
        ran = ccos("eval", "embedding", str(labelled), "--save", **server(fake))
    assert ran.code == 0, ran.err
    assert "AUROC of likeness alone" in ran.out and "It is not heard" in ran.out
    assert not (ccos_home.folder / FILE).exists()


def test_a_few_labels_are_not_enough(ccos: Command, ccos_home, tmp_path: Path) -> None:
    file = write(tmp_path / "few.jsonl", replies(30))
    with fake_embeddings(same=SAME) as fake:
        ran = ccos("eval", "embedding", str(file), "--save", "--json", **server(fake))
    assert ran.code == 0 and not ran.json["proven"] and not ran.json["saved"]
    assert not (ccos_home.folder / FILE).exists()


def test_labels_of_one_kind_teach_nothing(ccos: Command, tmp_path: Path) -> None:
    file = write(tmp_path / "good.jsonl", [line for line in replies(40) if line["label"]])
    with fake_embeddings(same=SAME) as fake:
        ran = ccos("eval", "embedding", str(file), **server(fake))
    assert ran.code == 2 and "10 good and 10 bad" in ran.sentence


def test_a_real_file_is_loaded_and_measured(ccos: Command, tmp_path: Path) -> None:
    model = build_tiny_gguf(tmp_path / "random.gguf")
    file = write(tmp_path / "labelled.jsonl", replies(20))
    ran = ccos("eval", "embedding", str(file), "--json", CCOS_EMBEDDING_MODEL_PATH=str(model))
    assert ran.code == 0, ran.err
    assert ran.json["model"] == "random" and 0.0 <= ran.json["auroc_likeness"] <= 1.0
    assert not ran.json["proven"]


def test_what_is_missing_or_away_is_one_sentence(ccos: Command, labelled: Path) -> None:
    ran = ccos("eval", "embedding", str(labelled))
    assert ran.code == 2 and "CCOS_EMBEDDING_MODEL_PATH" in ran.sentence
    with fake_embeddings(fault=503) as fake:
        ran = ccos("eval", "embedding", str(labelled), **server(fake))
    assert ran.code == 1 and ran.sentence


def test_answers_without_evidence_are_left_out_and_counted(ccos: Command, tmp_path: Path) -> None:
    lines = replies(30)
    for line in lines[:6]:
        line["evidence"] = []
    file = write(tmp_path / "labelled.jsonl", lines)
    with fake_embeddings(same=SAME) as fake:
        ran = ccos("eval", "embedding", str(file), "--json", **server(fake))
    assert ran.code == 0, ran.err
    assert ran.json["left_out"] > 0
    assert ran.json["n"] + ran.json["left_out"] == ran.json["unsure"] <= ran.json["lines"] == 60
