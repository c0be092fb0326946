"""The learned score: the shipped model as it is served, and models that cannot be used."""

from __future__ import annotations

import json
import math

import pytest

from ccos.domain.errors import BadInput
from ccos.domain.prompt import Answer
from ccos.domain.tier import Task
from ccos.quality import Gate
from ccos.quality.features import NAMES, VERSION
from ccos.quality.model import GateModel, Head, Isotonic, Platt, is_brief, nearest
from ccos.quality.promises import Promises
from ccos.quality.reading import Reading
from ccos.quality.scorer import LearnedScorer, read_model, shipped
from support.judging import passage, prompt

RULE = passage("Returns are accepted within 7 days of delivery, and return shipping costs 6 dollars.")
GOOD = "Returns are accepted within 7 days of delivery. Return shipping costs 6 dollars."
STRAY = "I love elephants, they are my favourite animals and I saw one at the zoo last week."


def score(text, language="en"):
    under = prompt(RULE, asked="How long can I return it, and what does it cost?", language=language)
    return LearnedScorer(shipped()).score(Reading(text, under, Answer(text, "test", "test")), ())


def model(**changes):
    head = Head(
        intercept=0.0, weights={"support": 2.0}, means={"support": 0.5}, scales={"support": 0.25},
        calibration=Platt(slope=1.0, intercept=0.0),
    )  # fmt: skip
    return GateModel(**{"name": "tiny", "features": VERSION, "heads": {"any": head}} | changes)


def test_the_shipped_model_fits_the_features_of_this_version():
    heads = shipped().heads
    assert {"any", "solution_draft/ko", "solution_draft/en", "kb_synthesis/ko"} <= heads.keys()
    assert all(head.weights.keys() <= set(NAMES) and head.labels > 100 for head in heads.values())


def test_the_shipped_model_says_what_it_was_made_of():
    about = shipped().about
    assert all(each["licence"] and each["rows"] for each in about["trained_on"])
    for head, figures in about["figures"].items():
        assert figures["auroc"] > figures["heuristic_auroc"] + 0.1, head
        if figures["rows"] >= 300:  # of fewer, chance alone makes so much of it
            assert figures["calibration_error"] < 0.06, head


def test_certificates_of_the_shipped_model_are_for_replies_and_hold_their_bound():
    certificates = shipped().certificates
    assert certificates and {each.task for each in certificates} == {Task.SOLUTION_DRAFT}
    for each in certificates:
        assert each.scorer == shipped().name and each.tier is None
        assert each.threshold is None or each.risk_bound <= 1 - each.required + 1e-9


def test_a_supported_answer_has_more_quality_than_a_stray_one():
    assert score(GOOD)[0] > 0.6 > 0.2 > score(STRAY)[0]


def test_the_weightiest_part_comes_first():
    sizes = [abs(value) for _, value in score(STRAY)[1]]
    assert sizes == sorted(sizes, reverse=True) and sizes[0] > 0


def test_the_gate_serves_it_under_its_name():
    under = prompt(RULE, asked="How long?", language="en")
    gate = Gate(LearnedScorer(shipped()), promises=Promises(shipped().certificates))
    verdict = gate.judge(under, Answer(GOOD, "test", "test"))
    assert verdict.scorer == shipped().name and 0 <= verdict.quality <= 1 and verdict.promise is not None


def test_an_empty_answer_is_worth_nothing():
    assert Gate(LearnedScorer(shipped())).judge(prompt(RULE), Answer(" ", "test", "test")).quality == 0


def test_far_values_are_cut_at_the_reach():
    head = model().heads["any"]
    assert head.parts({"support": 99.0}) == {"support": 8.0} == head.parts({"support": 1e300})


def test_an_isotonic_curve_is_constant_beyond_its_ends_and_straight_between():
    curve = Isotonic(at=(-1.0, 1.0), is_good=(0.2, 0.6))
    assert [curve.probability(z) for z in (-9.0, -1.0, 0.0, 1.0, 9.0)] == pytest.approx(
        [0.2, 0.2, 0.4, 0.6, 0.6]
    )


def test_a_model_of_other_features_is_refused(tmp_path):
    with pytest.raises(ValueError, match="features"):
        LearnedScorer(model(features=VERSION + 1))
    path = tmp_path / "old.json"
    path.write_text(model(features=VERSION + 1).model_dump_json())
    with pytest.raises(BadInput, match="train it again"):
        read_model(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 1}', "\x00"])
def test_what_is_no_model_is_refused_in_one_sentence(tmp_path, text):
    path = tmp_path / "odd.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"odd\.json is no gate model"):
        read_model(path)


def test_a_model_is_read_as_it_was_written(tmp_path):
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(model().model_dump(mode="json")))
    assert read_model(path) == model()


def test_a_brief_answer_has_the_head_of_brief_answers_where_there_is_one():
    heads = {name: name for name in ("any", "solution_draft/en", "solution_draft/en/brief")}
    assert nearest(heads, "solution_draft", "en", brief=True) == "solution_draft/en/brief"
    assert nearest(heads, "solution_draft", "en") == "solution_draft/en"
    assert nearest(heads, "solution_draft", "ko", brief=True) == "any"


def test_a_hangul_syllable_says_more_than_a_letter():
    assert is_brief({"length": math.log1p(200)}, "en") and not is_brief({"length": math.log1p(200)}, "ko")


def test_only_a_model_that_weighs_log_probabilities_reads_them():
    def weighing(name, weight):
        head = Head(
            intercept=0.0, weights={"support": 2.0, name: weight}, means={"support": 0.5, name: 0.0},
            scales={"support": 0.25, name: 1.0}, calibration=Platt(slope=1.0, intercept=0.0),
        )  # fmt: skip
        return model(heads={"any": model().heads["any"], "chat": head})

    assert weighing("logprob", 0.5).reads_logprobs
    assert weighing("logprob_lowest", -0.1).reads_logprobs
    assert not weighing("logprob", 0.0).reads_logprobs
    assert not weighing("no_logprobs", 0.5).reads_logprobs
    assert not model().reads_logprobs
