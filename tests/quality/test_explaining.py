from __future__ import annotations

import json
from pathlib import Path

import pytest

from ccos.quality.explaining import FAMILIES, because, family
from ccos.quality.features import NAMES
from ccos.quality.priors import PRIOR

ALL = (*NAMES, PRIOR, "judge", "embedding")
WORDS = Path(__file__).parents[2] / "src/ccos/console/words"


def test_every_part_of_a_score_has_its_family() -> None:
    assert [name for name in ALL if family(name) == "other"] == []
    assert {family(name) for name in ALL} == set(FAMILIES) - {"other"}
    assert family("nobody_knows") == "other"


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_family_has_its_words(language: str) -> None:
    known = json.loads((WORDS / f"{language}.json").read_text("utf-8"))
    assert [name for name in FAMILIES if not known.get(f"part.{name}")] == []


def test_parts_are_summed_and_the_weightiest_come_first() -> None:
    scores = (("support", 0.4), ("support_mean", 0.3), ("flips", -1.2), ("greets", 0.01), (PRIOR, 0.9))
    assert because(scores) == (("agreement", -1.2), ("tier", 0.9), ("support", 0.7))
    assert because(scores, most=1) == (("agreement", -1.2),)
    assert because(()) == ()


def test_parts_that_cancel_each_other_are_not_told() -> None:
    assert because((("support", 0.8), ("pairs", -0.79))) == ()
