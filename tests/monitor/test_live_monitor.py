"""A run while it goes on: whatever comes in, the rows are on disk, the rules are asked, and nothing is raised."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from barograph.core.errors import ConfigurationError
from barograph.core.finding import Finding
from barograph.core.listener import Listener
from barograph.core.methods import Method
from barograph.monitor import read
from barograph.monitor.live import LOG, Monitor
from barograph.monitor.rows import MOST_SHAPES


class Ear(Listener):
    def __init__(self) -> None:
        self.said: list[str] = []
        self.findings: list[Finding] = []
        self.steps: list[int] = []

    def told(self, sentence: str) -> None:
        self.said.append(sentence)

    def found(self, finding: Finding) -> None:
        self.findings.append(finding)

    def logged(self, step: int, raw: Mapping[str, object], values: Mapping[str, float]) -> None:
        self.steps.append(step)


@pytest.fixture
def ear() -> Ear:
    return Ear()


def rows_in(folder: Path) -> list[dict[str, object]]:
    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is not strict JSON")

    return [json.loads(line, parse_constant=refuse) for line in (folder / LOG).read_bytes().splitlines()]


def healthy(step: int) -> dict[str, float]:
    chance = random.Random(step)
    margin = min(1.0, step / 100)
    return {
        "loss": 0.69 - 0.2 * margin + chance.gauss(0, 0.01), "rewards/chosen": margin / 2,
        "rewards/rejected": -margin / 2,
        "rewards/margins": margin + chance.gauss(0, 0.02), "rewards/accuracies": 0.6 + 0.2 * margin,
        "logps/chosen": -80.0 + chance.gauss(0, 1), "logps/rejected": -90.0, "grad_norm": 2.0 + chance.random(),
        "learning_rate": 5e-7,
    }  # fmt: skip


# Values, names and steps


class Tensor:
    """What a tensor of one element looks like."""

    def __init__(self, *values: float) -> None:
        self.values = values

    def item(self) -> float:
        if len(self.values) != 1:
            raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")
        return self.values[0]


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.1, 0.1),
        (1 / 3, 0.3333333333333333),
        (7, 7),
        (True, 1),
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.array([2.5]), 2.5),
        (Tensor(0.25), 0.25),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        (np.float32("inf"), "Infinity"),
        pytest.param(10**400, "Infinity", id="huge"),
    ],
)
def test_a_number_of_any_kind_is_written(tmp_path: Path, value: object, written: object) -> None:
    monitor = Monitor(tmp_path, method="dpo")
    for step in (1, 2):  # the second takes the short way
        monitor.log(step, {"loss": value, "other": 1.0})
    assert rows_in(tmp_path) == [{"step": step, "loss": written, "other": 1.0} for step in (1, 2)]
    assert monitor.mistakes == 0


@pytest.mark.parametrize("value", ["0.5", b"1", [1.0, 2.0], Tensor(1.0, 2.0), np.zeros(3), object(), 1j])
def test_what_is_no_number_is_left_out_and_told_once(tmp_path: Path, ear: Ear, value: object) -> None:
    monitor = Monitor(tmp_path, method="dpo", listeners=[ear])
    for step in range(3):
        monitor.log(step, {"loss": 0.5, "odd": value})
    assert rows_in(tmp_path) == [{"step": step, "loss": 0.5} for step in range(3)]
    assert len(ear.said) == 1
    assert "'odd'" in ear.said[0]


def test_none_is_left_out_without_a_word(tmp_path: Path, ear: Ear) -> None:
    Monitor(tmp_path, method="dpo", listeners=[ear]).log(1, {"loss": None, "kl": 0.1})
    assert rows_in(tmp_path) == [{"step": 1, "kl": 0.1}]
    assert ear.said == []


def test_what_lies_inside_is_joined_by_slashes(tmp_path: Path) -> None:
    Monitor(tmp_path, method="dpo").log(1, {"rewards": {"chosen": 1.0, "deep": {"er": 2}}})
    assert rows_in(tmp_path) == [{"step": 1, "rewards/chosen": 1.0, "rewards/deep/er": 2}]


@pytest.mark.parametrize("name", ["../../x", "new\nline", "\ud800", "\x00\x1b[31m", "", "\u2028ключ", 7, None])
def test_a_name_of_any_kind_is_one_line_and_no_path(tmp_path: Path, name: object) -> None:
    folder = tmp_path / "a" / "b" / "c"
    monitor = Monitor(folder, method="dpo")
    for step in (1, 2):
        monitor.log(step, {name: 1.0, "loss": 0.5})  # type: ignore[dict-item]
    assert rows_in(folder) == [{"step": step, str(name): 1.0, "loss": 0.5} for step in (1, 2)]
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock") == [
        "findings.jsonl", "run.json", "training_metrics.jsonl",
    ]  # fmt: skip
    assert monitor.mistakes == 0


def test_ten_thousand_metrics_in_one_row(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path, method="dpo")
    row = {f"layer.{number}/norm": float(number) for number in range(10_000)}
    for step in (1, 2):
        monitor.log(step, {**row, "loss": 0.5})
    assert rows_in(tmp_path)[1] == {"step": 2, **row, "loss": 0.5}
    assert monitor.mistakes == 0


@pytest.mark.parametrize(
    ("steps", "written", "sentences"),
    [
        ([1, 2, 3], [1, 2, 3], 0),
        ([None, None, None], [0, 1, 2], 0),
        ([np.int64(4), 5.0, Tensor(6)], [4, 5, 6], 0),
        ([4, -1, None], [4, 5, 6], 1),
        ([4, 4.5, "x", "x"], [4, 5, 6, 7], 2),
        ([math.nan, math.inf, 2**70], [0, 1, 2], 3),
        ([True, 3], [0, 3], 1),
    ],
)
def test_a_step_of_any_kind(tmp_path: Path, ear: Ear, steps: list[object], written: list[int], sentences: int) -> None:
    monitor = Monitor(tmp_path, method="dpo", listeners=[ear])
    for step in steps:
        monitor.log(step, {"loss": 0.5})
    assert [row["step"] for row in rows_in(tmp_path)] == written
    assert len(ear.said) == sentences


def test_a_step_among_the_metrics_counts_where_none_is_given(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path, method="dpo")
    monitor.log(None, {"step": 12, "loss": 0.5})
    assert rows_in(tmp_path) == [{"step": 12, "loss": 0.5}]


# What is found


def test_a_nan_is_said_at_its_step(tmp_path: Path, ear: Ear) -> None:
    monitor = Monitor(tmp_path, method="dpo", listeners=[ear])
    for step in range(1, 40):
        monitor.log(step, {**healthy(step), **({"loss": math.nan} if step == 30 else {})})
        assert [f.code for f in ear.findings if f.code == "NUM01"] == (["NUM01"] if step >= 30 else [])
    written = [json.loads(line) for line in (tmp_path / "logs/findings.jsonl").read_text().splitlines()]
    assert [entry["at"] for entry in written if entry.get("code") == "NUM01"] == [30]


def test_the_method_is_recognised_and_what_its_rules_find_in_early_rows_is_told(tmp_path: Path, ear: Ear) -> None:
    monitor = Monitor(tmp_path, listeners=[ear])
    for step in range(5):
        monitor.log(step, {"loss": 0.7})
    assert monitor.method is Method.UNKNOWN
    monitor.log(5, healthy(5))
    assert monitor.method is Method.DPO
    assert json.loads((tmp_path / "run.json").read_text())["method"] == "dpo"
    assert any("taken as dpo" in sentence for sentence in ear.said)


def test_a_run_that_nobody_named_is_read_back_as_what_it_is(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path / "run")
    monitor.log(1, {"loss": 0.5})
    monitor.finish()
    with (tmp_path / "run" / LOG).open("a") as log:
        log.write(json.dumps({"step": 2, **healthy(2)}) + "\n")
    assert read(tmp_path / "run").method is Method.DPO


def test_a_listener_that_stumbles_stops_nothing(tmp_path: Path, ear: Ear) -> None:
    class Broken(Listener):
        def logged(self, step: int, raw: Mapping[str, object], values: Mapping[str, float]) -> None:
            raise ValueError("broken")

    monitor = Monitor(tmp_path, method="dpo", listeners=[Broken(), ear])
    for step in range(10):
        monitor.log(step, healthy(step))
    assert ear.steps == list(range(10))
    assert monitor.mistakes == 10
    assert 1 <= len([sentence for sentence in ear.said if "broken" in sentence]) <= 3


def test_what_the_owner_misspells_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'rescue'"):
        Monitor(tmp_path, guard="resque")
    with pytest.raises(ConfigurationError, match="unknown method"):
        Monitor(tmp_path, method="ktoo")


def test_settings_of_any_kind(tmp_path: Path) -> None:
    odd = {"beta": 0.1, "huge": 10**400, "nan": math.nan, "thing": object(), "inner": {"a": (1, 2)}, 3: 4}
    monitor = Monitor(tmp_path, method="dpo", config=odd)
    monitor.log(1, healthy(1))
    config = json.loads((tmp_path / "run.json").read_text(), parse_constant=pytest.fail)["config"]
    assert config["beta"] == 0.1
    assert config["inner"] == {"a": [1, 2]}
    assert config["3"] == 4
    assert monitor.mistakes == 0


# Resume


def test_a_resume_replaces_the_later_rows_in_every_view(tmp_path: Path) -> None:
    first = Monitor(tmp_path, method="dpo", config={"beta": 0.3})
    for step in range(1, 61):
        first.log(step, {**healthy(step), "grad_norm": 1.0})
    first.finish("crashed")
    started = json.loads((tmp_path / "run.json").read_text())["started"]
    second = Monitor(tmp_path, method="dpo")
    for step in range(41, 81):
        second.log(step, {**healthy(step), "grad_norm": 3.0})
    second.finish()
    assert len(rows_in(tmp_path)) == 100
    norms = read(tmp_path).columns["grad_norm"]
    assert list(norms.values) == [1.0] * 40 + [3.0] * 40
    facts = json.loads((tmp_path / "run.json").read_text())
    assert (facts["parts"], facts["started"], facts["config"]["beta"]) == (2, started, 0.3)


def test_what_was_judged_before_a_resume_counts_after_it(tmp_path: Path) -> None:
    """The engine knows of the rows before: it says after the resume what it says without one."""
    whole = Monitor(tmp_path / "whole", method="dpo")
    rows = {step: {**healthy(step), "grad_norm": 1.0 if step < 60 else 500.0} for step in range(1, 90)}
    for step, row in rows.items():
        whole.log(step, row)
    part = Monitor(tmp_path / "part", method="dpo")
    for step in range(1, 56):
        part.log(step, rows[step])
    part.finish("crashed")
    rest = Monitor(tmp_path / "part", method="dpo")
    for step in range(50, 90):
        rest.log(step, rows[step])
    assert whole.findings
    assert [(f.code, f.step) for f in rest.findings] == [(f.code, f.step) for f in whole.findings]


def test_going_back_forgets_what_was_bad(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path, method="dpo")
    for step in range(1, 51):
        monitor.log(step, healthy(step) if step < 45 else {**healthy(step), "loss": math.nan})
    assert "NUM01" in {finding.code for finding in monitor.findings}
    monitor.went_back(40)
    for step in range(41, 61):
        monitor.log(step, healthy(step))
    assert "NUM01" not in {finding.code for finding in monitor.findings}
    assert monitor.last_step == 60


def test_steps_that_jump_to_and_fro_are_not_read_again_for_ever(tmp_path: Path, ear: Ear) -> None:
    monitor = Monitor(tmp_path, method="dpo", listeners=[ear])
    reads = []
    real = monitor.run
    monitor.run = lambda: (reads.append(1), real())[1]  # type: ignore[method-assign]
    for turn in range(300):
        monitor.log(100 - turn % 2, healthy(turn))
    assert len(rows_in(tmp_path)) == 300
    assert len(reads) <= 20
    assert any("jump back" in sentence for sentence in ear.said)


# One folder, one writer


def test_a_forked_worker_writes_nothing(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path, method="dpo")
    monitor.log(1, {"loss": 0.5})
    worker = os.fork()
    if worker == 0:
        monitor.log(2, {"loss": 0.6})
        monitor.finish()
        os._exit(0)
    os.waitpid(worker, 0)
    monitor.log(3, {"loss": 0.7})
    assert [row["step"] for row in rows_in(tmp_path)] == [1, 3]
    assert json.loads((tmp_path / "run.json").read_text())["state"] == "running"


SECOND = """
import sys
from barograph.core.listener import Listener
from barograph.monitor.live import Monitor
class Ear(Listener):
    def told(self, sentence): print(sentence)
monitor = Monitor(sys.argv[1], method="dpo", listeners=[Ear()])
monitor.log(1, {"loss": 0.9})
monitor.finish()
"""


def test_a_second_process_keeps_its_own_folder(tmp_path: Path) -> None:
    folder = tmp_path / "kto"
    monitor = Monitor(folder, method="dpo")
    monitor.log(1, {"loss": 0.5})
    done = subprocess.run([sys.executable, "-c", SECOND, str(folder)], capture_output=True, text=True, check=True)
    assert "another process" in done.stdout
    assert rows_in(folder) == [{"step": 1, "loss": 0.5}]
    assert rows_in(tmp_path / "kto-2") == [{"step": 1, "loss": 0.9}]
    monitor.finish()
    subprocess.run([sys.executable, "-c", SECOND, str(folder)], capture_output=True, text=True, check=True)
    assert len(rows_in(folder)) == 2


def test_in_one_process_the_later_monitor_has_the_folder(tmp_path: Path) -> None:
    first = Monitor(tmp_path, method="dpo")
    first.log(1, {"loss": 0.5})
    second = Monitor(tmp_path, method="dpo")
    first.log(2, {"loss": 0.6})
    second.log(2, {"loss": 0.7})
    assert rows_in(tmp_path) == [{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.7}]


# Nothing grows


def test_memory_does_not_grow_with_the_steps(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path, method="dpo", config={"max_steps": 10_000})
    for step in range(2_500):
        monitor.log(step, healthy(200 + step % 7))
    tracemalloc.start()
    for step in range(2_500, 3_000):
        monitor.log(step, healthy(200 + step % 7))
    before = tracemalloc.get_traced_memory()[0]
    for step in range(3_000, 6_000):
        monitor.log(step, healthy(200 + step % 7))
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 100_000  # 3,000 rows would be some two million bytes


def test_names_without_end_are_not_remembered_for_ever(tmp_path: Path, ear: Ear) -> None:
    monitor = Monitor(tmp_path, listeners=[ear])
    for step in range(3 * MOST_SHAPES):
        monitor.log(step, {f"odd{step}": 1.0, f"text{step}": "x"})
    assert len(monitor._naming.plans) <= MOST_SHAPES
    assert len(monitor._first) < 200
    assert len(ear.said) < 10
    assert monitor.mistakes == 0
