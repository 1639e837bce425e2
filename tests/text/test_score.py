from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from barograph.core.errors import ConfigurationError
from barograph.core.names import catalogue
from barograph.text.catalogue import KINDS, Settings, made, usual
from barograph.text.score import Score, best_of, mean_of


def test_a_mean_leaves_out_what_does_not_apply() -> None:
    scores = [Score(1.0, {"a": 0.5, "b": None}), Score(None, {"a": None}, ["nothing there"]), Score(0.0, {"a": 0.1})]
    found = mean_of(scores)
    assert found.value == 0.5
    assert found.parts == {"a": pytest.approx(0.3), "b": None}
    assert found.notes == ("nothing there (1 of 3 pairs)",)


def test_a_mean_of_nothing_is_none() -> None:
    assert mean_of([]).value is None
    assert mean_of([Score(None)]).value is None


def test_a_mean_does_not_depend_on_the_order() -> None:
    values = [0.1, 1e-17, 0.7, 0.3, 1.0]
    assert mean_of([Score(v) for v in values]).value == mean_of([Score(v) for v in reversed(values)]).value


def test_the_best_reference_counts_and_the_first_of_equals() -> None:
    first, second = Score(0.5, notes=["first"]), Score(0.5, notes=["second"])
    assert best_of([Score(None), first, second]) is first
    assert best_of([Score(None), Score(-0.1)]).value == -0.1


def test_a_score_can_be_sent_to_another_process() -> None:
    score = Score(0.5, {"a": 1.0}, ("note",), (1, 2))
    assert pickle.loads(pickle.dumps(score)) == score


def test_every_kind_is_a_metric_that_a_tracker_logs() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    for kind in KINDS:
        assert catalogue()[kind.name].title == kind.title


def test_metrics_are_made_once_each() -> None:
    assert [metric.name for metric in made(["rouge", "bleu", "rouge"], Settings())] == ["rouge", "bleu"]


def test_a_metric_can_be_sent_to_another_process() -> None:
    for metric in made(["bleu", "rouge"], Settings()):
        again = pickle.loads(pickle.dumps(metric.prepared([["a b"]])))
        assert again.score("a b", ["a b"]) == metric.score("a b", ["a b"])


def test_an_unknown_metric_is_named_with_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="there is no metric 'rogue'; did you mean 'rouge'"):
        made(["rogue"], Settings())
    with pytest.raises(ConfigurationError, match="there is no metric 'meteor'; there are bleu, rouge"):
        made(["meteor"], Settings())


def test_bertscore_needs_a_model() -> None:
    with pytest.raises(ConfigurationError, match="bertscore needs a model on disk: name its folder with"):
        made(["bertscore"], Settings())


@pytest.mark.parametrize("name", ["codebleu", "ruby"])
def test_metrics_of_code_need_a_language(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} reads code: name its language with --lang"):
        made([name], Settings())


def test_usual_metrics() -> None:
    assert usual(Settings()) == ("bleu", "rouge")
    assert usual(Settings(language="python")) == ("bleu", "rouge", "codebleu", "ruby")
    assert usual(Settings(model=Path("model"))) == ("bleu", "rouge", "bertscore")
