from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from dataclasses import dataclass
from typing import ClassVar

import pytest

from barograph.core.errors import BarographError
from barograph.text import evaluate as module
from barograph.text.bleu import Bleu
from barograph.text.codebleu import CodeBleu
from barograph.text.evaluate import Progress, compare, evaluate
from barograph.text.rouge import Rouge
from barograph.text.ruby import Ruby
from barograph.text.score import Metric, Pair, Score

pytest.importorskip("sacrebleu")
pytest.importorskip("rapidfuzz")


def corpus(size: int, seed: int = 0) -> list[Pair]:
    rng = random.Random(seed)

    def text() -> str:
        return " ".join(rng.choice(["the", "a", "кот", "猫", "dog", "sat", "\n"]) for _ in range(rng.randrange(12)))

    return [Pair(text(), tuple(text() for _ in range(rng.randint(1, 2)))) for _ in range(size)]


@dataclass(frozen=True)
class ByAModel(Metric):
    """Counts how many pairs it is given at once."""

    name: ClassVar[str] = "model"
    holds_a_model: ClassVar[bool] = True

    @property
    def signature(self) -> str:
        return "model"

    def score(self, prediction: str, references: object) -> Score:
        return Score(0.5)

    def scores(self, pairs: object) -> list[Score]:
        return [Score(0.5, notes=(f"in {os.getpid()}",)) for _ in pairs]  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Dies(Metric):
    """Ends the process that it runs in, unless it is the one that tests."""

    tests: int
    name: ClassVar[str] = "dies"

    @property
    def signature(self) -> str:
        return "dies"

    def score(self, prediction: str, references: object) -> Score:
        if os.getpid() != self.tests:
            os._exit(9)
        return Score(1.0)


def test_results_are_those_of_the_metrics() -> None:
    pairs = corpus(120)
    found = evaluate(pairs, [Bleu(), Rouge()])
    assert [result.metric.name for result in found.results] == ["bleu", "rouge"]
    for result, metric in zip(found.results, (Bleu(), Rouge()), strict=True):
        assert result.score == metric.corpus(pairs)
        assert len(result.scores) == 120
        assert result.applied == sum(score.value is not None for score in result.scores)
        assert result.interval is not None
        assert result.score.value is not None
        assert result.interval.low < result.score.value < result.interval.high
    assert found.variety.texts == 120


@pytest.mark.parametrize("workers", [2, 4])
def test_the_same_for_any_number_of_processes(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORTH_PROCESSES", -1.0)
    pairs = corpus(260)
    assert evaluate(pairs, [Bleu(), Rouge()], workers=workers) == evaluate(pairs, [Bleu(), Rouge()])


def functions(size: int) -> list[Pair]:
    rng = random.Random(1)

    def text() -> str:
        a, b, sign = rng.choice("abcxyz"), rng.choice("abcxyz"), rng.choice("+-*")
        loop = [f"    for {b} in {a}:", f"        print({b})"] if rng.random() < 0.5 else []
        first, last = f"    {a} = {b} {sign} {rng.randrange(5)}", f"    return {a} {sign} {b}"
        return "\n".join([f"def f({a}, {b}):", first, *loop, last])

    return [Pair(text(), (text(),)) for _ in range(size)]


def test_code_is_scored_the_same_in_any_number_of_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tree_sitter_python")
    monkeypatch.setattr(module, "WORTH_PROCESSES", -1.0)
    pairs, metrics = functions(240), [CodeBleu("python"), Ruby("python")]
    alone = evaluate(pairs, metrics)
    assert len({score.value for score in alone.results[0].scores}) > 50  # There is something to tell apart.
    assert evaluate(pairs, metrics, workers=2) == evaluate(pairs, metrics, workers=3) == alone


def test_little_work_begins_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ProcessPoolExecutor", None)
    assert len(evaluate(corpus(120), [Rouge()], workers=8).results[0].scores) == 120


def test_a_process_that_dies_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORTH_PROCESSES", -1.0)
    with pytest.raises(BarographError, match="has ended, most often for want of memory; use fewer with --workers"):
        evaluate(corpus(120), [Dies(os.getpid())], workers=2)


def test_a_model_is_asked_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORTH_PROCESSES", -1.0)
    found = evaluate(corpus(300), [ByAModel(), Rouge()], workers=2)
    assert [result.metric.name for result in found.results] == ["model", "rouge"]
    assert {score.notes for score in found.results[0].scores} == {(f"in {os.getpid()}",)}


def test_progress_tells_how_many_and_what_they_add_up_to() -> None:
    pairs, told = corpus(120), list[Progress]()
    found = evaluate(pairs, [Bleu(), Rouge(), ByAModel()], progress=told.append)
    assert [(one.metrics, one.done, one.total) for one in told] == [
        (("bleu", "rouge"), 50, 120),
        (("bleu", "rouge"), 100, 120),
        (("bleu", "rouge"), 120, 120),
        (("model",), 120, 120),
    ]
    assert told[2].so_far["bleu"] == pytest.approx(found.results[0].score.value)
    assert told[2].so_far["rouge"] == pytest.approx(found.results[1].score.value)
    ready = Bleu().prepared([pair.references for pair in pairs])
    assert told[0].so_far["bleu"] == pytest.approx(ready.corpus(pairs[:50]).value)


def test_no_pairs_at_all() -> None:
    found = evaluate([], [Bleu(), Rouge()])
    assert [result.score.value for result in found.results] == [None, None]


def test_two_systems() -> None:
    pairs = corpus(60)
    perfect = [Pair(pair.references[0], pair.references) for pair in pairs]
    found = compare(evaluate(perfect, [Rouge()]), evaluate(pairs, [Rouge()]))["rouge"]
    assert found is not None
    assert found.value > 0.2
    assert found.p < 0.01


SCRIPT = """
import json, sys
from barograph.text.bleu import Bleu
from barograph.text.codebleu import CodeBleu
from barograph.text.evaluate import evaluate
from barograph.text.rouge import Rouge
from barograph.text.ruby import Ruby
from barograph.text.score import Pair
pairs = [Pair(said, tuple(right)) for said, right in json.load(sys.stdin)]
found = evaluate(pairs, [Bleu(), Rouge()])
print([(result.score, result.interval, result.scores) for result in found.results], found.variety)
"""


@pytest.mark.slow
def test_the_same_whatever_the_hashes_are() -> None:
    given = json.dumps(corpus(40)).encode()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        )
        for seed in range(10)
    ]
    told = {process.communicate(given)[0] for process in running}
    assert len(told) == 1
    assert b"Score" in told.pop()
