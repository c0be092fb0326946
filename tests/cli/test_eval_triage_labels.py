"""`ccos eval triage` on labels that its model never answers."""

from __future__ import annotations

from support.ccos_command import Command
from support.labelled_sets import write


def _texts(*labels: str) -> list[dict[str, str]]:
    return [{"text": f"주문한 물건 {n}", "label": label} for n, label in enumerate(labels)]


def test_labels_that_the_model_never_answers_are_told_with_its_own(ccos: Command) -> None:
    write(ccos.folder / "set.jsonl", _texts("beta\x1b[2J", "alpha", "gamma", "delta", "epsilon"))
    ran = ccos("eval", "triage", "set.jsonl", "--what", "sentiment")
    assert ran.code == 2 and ran.out == ""
    assert "the file says alpha, beta[2J, delta, epsilon and so on, the model negative" in ran.sentence
    assert "--label" in ran.sentence


def test_one_label_of_the_models_is_enough_and_those_outside_do_not_count(ccos: Command) -> None:
    write(ccos.folder / "set.jsonl", _texts("alpha", "negative"))
    assert ccos("eval", "triage", "set.jsonl", "--what", "sentiment", "--json").json["n"] == 2
    write(ccos.folder / "out.jsonl", _texts("oos", "alpha"))
    ran = ccos("eval", "triage", "out.jsonl", "--what", "sentiment", "--outside", "oos")
    assert ran.code == 2 and "the file says alpha, the model" in ran.sentence
