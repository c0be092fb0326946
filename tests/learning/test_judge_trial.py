from __future__ import annotations

import pytest

from ccos.domain.errors import BadInput
from ccos.learning.judge_trial import even_sample, tally
from ccos.learning.labelled import LabelledAnswer
from ccos.quality.judging import Rates
from ccos.wiring.judges import FILE, read_judges, write_judge


def row(n: int, label: str) -> LabelledAnswer:
    return LabelledAnswer(question=f"q{n}", answer=f"a{n}", label=label)  # type: ignore[arg-type]


def test_rates_are_of_each_side_alone() -> None:
    said = [(True, True)] * 60 + [(True, False)] * 20 + [(False, False)] * 15 + [(False, True)] * 5
    trial = tally([*said, (True, None), (False, None)])
    assert trial.rates == Rates(true_positive=0.75, true_negative=0.75, labels=100, good=80, bad=20)
    assert not trial.rates.proven  # 20 bad ones are too few
    assert tally(said * 2).rates.proven
    assert (trial.unusable, trial.agreement) == (2, 0.75)


def test_a_judge_seen_on_one_side_only_is_not_proven() -> None:
    trial = tally([(True, True)] * 500)
    assert trial.rates.labels == 0 and not trial.rates.proven
    assert tally([]).agreement is None


def test_the_sample_is_even_where_it_can_be() -> None:
    rows = [row(n, "approve") for n in range(50)] + [row(n, "reject") for n in range(50, 60)]
    for most, good in ((10, 5), (20, 10), (40, 30), (1_000, 50)):
        sample = even_sample(rows, most)
        assert (sum(r.good for r in sample), len(sample)) == (good, min(most, 60))
    assert even_sample(rows, 10) == even_sample(rows, 10)
    assert even_sample(rows, 10) != even_sample(rows, 10, seed=1)


def test_judges_are_kept_by_model_and_a_broken_file_is_told(tmp_path) -> None:
    assert read_judges(tmp_path) == {}
    first = Rates(true_positive=0.8, true_negative=0.8, labels=120)
    write_judge(tmp_path, "model-a", first)
    write_judge(tmp_path, "model-b", Rates(true_positive=0.9, true_negative=0.7, labels=100))
    write_judge(tmp_path, "model-b", first)
    assert read_judges(tmp_path) == {"model-a": first, "model-b": first}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    (tmp_path / FILE).write_text('{"model-a": {"true_positive": 2}}')
    with pytest.raises(BadInput, match="ccos eval judge --save"):
        read_judges(tmp_path)
