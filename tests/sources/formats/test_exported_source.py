"""Expected values are what was logged, or what TensorBoard's own page wrote beside the event files of the sample."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from barograph.core.errors import UnreadableRun
from barograph.core.run import Run
from barograph.sources.formats.csv_table import CSV_TABLE
from barograph.sources.formats.exported import TENSORBOARD_CSV, WANDB_CSV
from barograph.sources.runs import How, read_each, read_run

SAMPLES = Path(__file__).parent.parent / "samples"
CURVES = SAMPLES / "tensorboard" / "csv"
CHARTS = SAMPLES / "wandb" / "csv"
LOGGED = json.loads((CHARTS / "expected.json").read_text())
CURVE = "Wall time,Step,Value\r\n1.5,1,0.75\r\n2.5,2,0.5\r\n"


def series(run: Run, raw: str) -> dict[int, str]:
    (column,) = [column for column in run.columns.values() if column.raw == raw]
    return {run.steps[at]: repr(value) for at, value in zip(column.at, column.values, strict=True)}


def by_hand(path: Path) -> dict[int, str]:
    """A curve as `csv` reads it; of a resumed run the later attempt counts."""
    with path.open(newline="") as stream:
        return {int(row["Step"]): repr(float(row["Value"])) for row in csv.DictReader(stream)}


@pytest.mark.parametrize(
    ("file", "tag"),
    [
        ("run-dpo-tag-train_loss.csv", "train/loss"),
        ("run-dpo-tag-train_grad_norm.csv", "train/grad_norm"),
        ("run-dpo-tag-train_learning_rate.csv", "train/learning_rate"),
        ("run-dpo-tag-eval_loss.csv", "eval/loss"),
        ("run-grpo-tag-train_reward.csv", "train/reward"),
    ],
)
def test_a_curve_of_tensorboard(file: str, tag: str) -> None:
    run = read_run(CURVES / file)
    assert series(run, tag) == by_hand(CURVES / file)
    assert f"the tag is taken from the name of the file: {tag}" in run.notes
    assert run.unknown_keys == []


@pytest.mark.parametrize(
    ("name", "series"),
    [
        ("run-x-tag-train_rewards_chosen.csv", "reward_chosen"),
        ("run-x-tag-eval_rewards_margins (1).csv", "eval.reward_margin"),
        ("run-.-tag-rewards_accuracies.csv", "reward_accuracy"),
        ("train_grad_norm.csv", "grad_norm"),
        ("loss.csv", "loss"),
    ],
)
def test_the_tag_is_restored_from_the_name(name: str, series: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(CURVE)
    run = read_run(path, "dpo")
    assert list(run.columns) == [series]
    assert dict(zip(run.steps, run.columns[series].values, strict=True)) == {1: 0.75, 2: 0.5}


def test_a_curve_whose_name_tells_nothing(tmp_path: Path) -> None:
    path = tmp_path / "download.csv"
    path.write_text(CURVE)
    with pytest.raises(UnreadableRun, match="no known metric, only 'Value'"):
        read_run(path)
    assert list(read_run(path, metrics={"Value": "loss"}).columns) == ["loss"]


def test_the_curves_of_a_folder_are_put_together() -> None:
    runs = {run.path.rpartition("#")[2]: run for run in read_each(CURVES, How()) if isinstance(run, Run)}
    assert list(runs) == ["dpo", "grpo"]
    for name, tags in (("dpo", ["train_loss", "train_grad_norm", "train_learning_rate", "eval_loss"]),
                       ("grpo", ["train_loss", "train_learning_rate", "train_reward"])):  # fmt: skip
        for tag in tags:
            assert series(runs[name], tag.replace("_", "/", 1)) == by_hand(CURVES / f"run-{name}-tag-{tag}.csv")
    assert runs["dpo"].steps.tolist() == list(range(1, 25))
    assert any("falls back once (to 17)" in note for note in runs["dpo"].notes)
    assert read_run(f"{CURVES}#grpo").steps.tolist() == list(range(1, 13))


def test_a_folder_with_a_curve_that_is_empty(tmp_path: Path) -> None:
    for file in CURVES.glob("run-grpo-*"):
        shutil.copy(file, tmp_path)
    (tmp_path / "run-grpo-tag-train_kl.csv").write_text("Wall time,Step,Value\r\n")
    assert read_run(tmp_path).steps.tolist() == list(range(1, 13))


# Charts of W&B


def logged(run: str, key: str, axis: str = "") -> dict[int, str]:
    steps = {call: int(step) for call, step in LOGGED[run][axis]} if axis else None
    return {steps[call] if steps else call: repr(float(value)) for call, value in LOGGED[run][key]}


def test_a_chart_of_two_runs() -> None:
    path = CHARTS / "wandb_export_loss_2runs.csv"
    runs = list(read_each(path, How()))
    assert [run.path.rpartition("#")[2] for run in runs] == ["dpo-beta0.1", "grpo-run"]
    for run in runs:
        assert series(run, "train/loss") == logged(run.path.rpartition("#")[2], "train/loss")
        assert run.unknown_keys == []


@pytest.mark.parametrize(
    ("file", "key", "axis"),
    [
        ("wandb_export_loss_globalstep.csv", "train/loss", "train/global_step"),
        ("wandb_export_gradnorm.csv", "train/grad_norm", ""),
        ("wandb_export_eval.csv", "eval/loss", ""),
    ],
)
def test_a_chart_of_one_run(file: str, key: str, axis: str) -> None:
    run = read_run(CHARTS / file, "dpo")
    assert series(run, key) == logged("dpo-beta0.1", key, axis)
    assert len(run.columns) == 1


def test_a_chart_over_time_has_no_steps(tmp_path: Path) -> None:
    path = tmp_path / "chart.csv"
    name = 'my ""best"" - run, 2 - train/loss'
    path.write_text(
        f'"Relative Time (Process)","{name}","{name}__MIN","{name}__MAX"\n"1.5","3","2","4"\n"2.5","2","1","3"\n'
    )
    run = read_run(path, "dpo")
    assert (run.steps.tolist(), list(run.columns["loss"].values)) == ([1, 2], [3.0, 2.0])
    assert any("no step was logged" in note for note in run.notes)


# The whole history, as the library of W&B gives it: a plain table


@pytest.mark.parametrize("name", ["dpo-beta0.1", "grpo-run"])
@pytest.mark.parametrize("kind", ["history", "history_noindex"])
def test_a_history_is_a_plain_table(kind: str, name: str) -> None:
    run = read_run(CHARTS / f"{kind}_{name}.csv")
    assert run.source == "csv"
    assert run.unknown_keys == []
    for column in run.columns.values():
        if column.raw == "train/epoch":
            continue  # It stands in rows of evaluation as well.
        values = logged(name, column.raw, "train/global_step")
        # An empty cell may have been a NaN: the table does not tell.
        assert series(run, column.raw) == {step: value for step, value in values.items() if value != "nan"}


@pytest.mark.parametrize(
    ("head", "owner"),
    [
        (b"Wall time,Step,Value\r\n1,2,3\r\n", TENSORBOARD_CSV),
        (b"\xef\xbb\xbfWall time,Step,Value\n1,2,3\n"[3:], TENSORBOARD_CSV),
        (b'"Step","a - loss","a - loss__MIN","a - loss__MAX"\n"1","2","2","2"\n', WANDB_CSV),
        (b"Step,a - loss,a - loss__MIN,a - loss__MAX\n1,2,2,2\n", WANDB_CSV),
        (b"Step,a - loss,b - loss\n1,2,2\n", CSV_TABLE),
        (b"Wall time,Step,Value,loss\n1,2,3,4\n", CSV_TABLE),
    ],
)
def test_recognised_by_their_headers(head: bytes, owner: object) -> None:
    assert [source for source in (TENSORBOARD_CSV, WANDB_CSV) if source.recognises("x.csv", head)] == [
        source for source in (TENSORBOARD_CSV, WANDB_CSV) if source is owner
    ]


def test_nan_in_a_curve_is_kept() -> None:
    run = read_run(CURVES / "run-dpo-tag-train_grad_norm.csv")
    assert [step for step, value in series(run, "train/grad_norm").items() if value == "nan"] == [13]
