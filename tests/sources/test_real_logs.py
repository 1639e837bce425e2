"""Real logs of real runs, looked at a second time with nothing but `json` and `csv`.

The second look knows nothing of vocabularies, resumes or tables: it names raw keys and counts rows by hand.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from barograph.core.run import Run
from barograph.sources.runs import read_run

STATES = ["dpo-cleancode", "dpo-distillsafe", "dpo-minillm", "dpo-monjur", "grpo-chaos-ts", "grpo-gemma3rl",
          "grpo-imjonezz"]  # fmt: skip
LISTS = ["grpo-kartik-v1-2025", "grpo-kartik-v2-2025", "grpo-kartik-v2-2026", "ppo-kartik-v1-2025",
         "ppo-kartik-v2-2025"]  # fmt: skip
TABLES = ["dpo-finqa", "grpo-rasbt-72", "grpo-rasbt-74", "grpo-rasbt-76"]
LINES = [
    "cls-spam", "dpo-diffkl-12-3", "grpo-chaos-nb", "grpo-uns-deepseek-r1-0528-qwen3-8b", "grpo-uns-gemma3-1b",
    "grpo-uns-gemma4-e2b", "grpo-uns-llama3-1-8b", "grpo-uns-openenv-gpt-oss-20b-rl-2048-game", "grpo-uns-qwen2-5-3b",
    "kto-toolset", "pref-pmpo-dsl501",
]  # fmt: skip
#: Logs that take more than `json` and `csv` to look into: rows, first and last step, and some values by series, step.
#: Those of the event files were read by TensorBoard's own EventAccumulator, the others with grep and by eye.
LOOKED_INTO: dict[str, tuple[int, int, int, dict[tuple[str, int], float]]] = {
    "dpo-aitutor2": (
        200, 1, 200,
        {
            ("loss", 1): 0.6930999755859375,
            ("grad_norm", 101): 1.9881973266601562,
            ("reward_margin", 101): -0.14248564839363098,
            ("reward_accuracy", 200): 0.625,
            ("loss", 200): 0.6668000221252441,
        },
    ),
    "grpo-dapo-1021": (
        24, 10, 240,
        {
            ("score_mean", 10): 2.8499999046325684,
            ("len_mean", 130): 27.600000381469727,
            ("zero_std_frac", 240): 0.8999999761581421,
            ("entropy", 240): 1.6255722045898438,
        },
    ),
    "dpo-minimind": (
        215, 20, 4292,
        {("loss", 20): 0.6605, ("loss", 2000): 0.6907, ("lr", 2000): 2e-8, ("loss", 4292): 0.3476},
    ),
    "grpo-minimind-r1": (
        500, 1, 500,
        {
            ("score_mean", 1): 0.3846,
            ("kl_ref", 100): -0.0015,
            ("len_mean", 500): 113.0,
            ("lr", 500): 1e-7,
        },
    ),
    "rm-sffd": (
        32, 9, 257,
        {("rm_accuracy", 9): 0.46875, ("rm_accuracy", 129): 0.609375, ("lr", 257): 2.996396280439797e-06},
    ),
    "grpo-chaos-8ep": (
        50, 1, 50,
        {
            ("score_mean", 1): 0.6202,
            ("truncated_frac", 25): 1.0,
            ("kl_ref", 25): 0.04262,
            ("score_mean", 50): 0.2744,
        },
    ),
    "grpo-econ-grpo": (
        54, 1, 54,
        {
            ("score_mean", 1): 0.47741854190826416,
            ("grad_norm", 27): 0.008409022353589535,
            ("len_mean", 27): 18.0,
            ("entropy", 54): 0.12597590684890747,
        },
    ),
}  # fmt: skip


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def naive_rows(path: Path) -> list[dict]:
    text = path.read_text()
    if path.suffix == ".csv":
        rows = [{k: float(v) for k, v in row.items() if v != ""} for row in csv.DictReader(text.splitlines())]
    elif path.suffix == ".jsonl":
        rows = [json.loads(line) for line in text.splitlines()]
    else:
        found = json.loads(text)
        rows = found if isinstance(found, list) else found["log_history"]
    return [row for row in rows if "train_runtime" not in row]


def step_of(row: dict) -> int:
    return int(next(row[key] for key in ("step", "Step", "_bar_step") if key in row))


def raw_series(run: Run, raw: str) -> list[tuple[int, str]]:
    """A series by its raw key, as (step, value) pairs in which NaN equals NaN."""
    (column,) = [column for column in run.columns.values() if column.raw == raw]
    return [(run.steps[at], repr(value)) for at, value in zip(column.at, column.values, strict=True)]


#: Keys that are no metrics, or that two splits share.
ELSEWHERE = {"step", "Step", "_bar_step", "_row", "epoch", "eps", "eval_runtime", "eval_samples_per_second",
             "eval_steps_per_second"}  # fmt: skip


@pytest.mark.parametrize("name", [*STATES, *LISTS, *TABLES, *LINES])
def test_every_value_is_there_at_its_step(shared_runs: Path, name: str) -> None:
    path = only_file(shared_runs / name)
    rows, run = naive_rows(path), read_run(path)
    if name == "grpo-rasbt-72":  # Five rows of a first attempt stand before the 500 of the second.
        assert [step_of(row) for row in rows[:6]] == [1, 2, 3, 4, 5, 1]
        rows = rows[5:]
    assert len(run) == len(rows)
    assert (run.first_step, run.last_step) == (step_of(rows[0]), step_of(rows[-1]))
    for key in {key for row in rows for key in row} - ELSEWHERE:
        assert raw_series(run, key) == [(step_of(row), repr(float(row[key]))) for row in rows if key in row], key


@pytest.mark.parametrize("name", STATES)
def test_settings_of_the_trainer(shared_runs: Path, name: str) -> None:
    state = json.loads(only_file(shared_runs / name).read_text())
    config = read_run(shared_runs / name).config
    for fact in ("max_steps", "logging_steps", "save_steps", "num_train_epochs", "train_batch_size"):
        assert config[fact] == state[fact]


@pytest.mark.parametrize(
    ("name", "rows", "first", "last"),
    [
        ("cls-spam", 12, 100, 604),
        ("dpo-cleancode", 20, 10, 160),
        ("dpo-distillsafe", 4, 1, 30),
        ("dpo-finqa", 50, 10, 500),
        ("dpo-monjur", 28, 1024, 14336),
        ("grpo-rasbt-72", 500, 1, 500),
        ("grpo-kartik-v1-2025", 200, 1, 200),
        ("ppo-kartik-v2-2025", 100, 1, 100),
        ("pref-pmpo-dsl501", 41, 50, 2050),
    ],
)
def test_rows_counted_by_hand(shared_runs: Path, name: str, rows: int, first: int, last: int) -> None:
    run = read_run(shared_runs / name)
    assert (len(run), run.first_step, run.last_step) == (rows, first, last)


def test_values_copied_from_the_files_by_hand(shared_runs: Path) -> None:
    spam = read_run(shared_runs / "cls-spam", "classifier")
    assert spam.columns["eval.cls_accuracy"].values[0] == 0.850328947368421
    assert spam.latest("eval.cls_accuracy") == 0.9868421052631579
    finqa = read_run(shared_runs / "dpo-finqa")
    assert finqa.columns["reward_margin"].values[0] == 3.8049468994140625
    assert finqa.latest("reward_margin") == 15.577432632446289
    clean = read_run(shared_runs / "dpo-cleancode")
    assert clean.latest("eval.loss") == 0.6805034279823303
    assert clean.columns["loss"].values[0] == 0.6922


@pytest.mark.parametrize("name", LOOKED_INTO)
def test_what_another_reader_found(shared_runs: Path, name: str) -> None:
    rows, first, last, values = LOOKED_INTO[name]
    run = read_run(only_file(shared_runs / name))
    assert (len(run), run.first_step, run.last_step) == (rows, first, last)
    for (series, step), value in values.items():
        column = run.columns[series]
        (found,) = [one for at, one in zip(column.at, column.values, strict=True) if run.steps[at] == step]
        assert found == value, (series, step)


def test_every_run_is_accounted_for(shared_runs: Path) -> None:
    folders = {path.name for path in shared_runs.iterdir() if path.is_dir()}
    assert folders == {*STATES, *LISTS, *TABLES, *LINES, *LOOKED_INTO}
    assert len(folders) == 34
