"""What verl prints, beside what it logged to its file at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest
from logged import SAMPLES, expected_of, must_agree, series_of

from barograph.sources.formats.consoles.verl import VERL
from barograph.sources.runs import read_run

FOLDER = SAMPLES / "verl"


@pytest.mark.parametrize("name", ["console", "console_noprefix"])
def test_every_value_at_its_step(name: str) -> None:
    run = read_run(FOLDER / f"{name}.log")
    read = series_of(run)
    logged = {key: points for key, points in expected_of(FOLDER / "expected.json").items() if key in read}
    assert len(logged) >= 20
    for key, points in logged.items():
        must_agree(read[key], points, precision=1e-15)
    assert set(expected_of(FOLDER / "expected.json")) - set(read) - set(run.unknown_keys) <= {
        "training/global_step",
        "training/epoch",
    }
    assert (run.source, run.method.value, run.first_step, run.last_step) == ("verl", "grpo", 0, 20)


def test_values_read_by_eye() -> None:
    run = read_run(FOLDER / "console.log")
    assert run.columns["eval/openai/gsm8k.score_mean"].values[0] == 0.4723
    assert run.columns["entropy"].values[0] == 0.39844342937305544
    assert run.latest("len_mean") == 306.143807391372
    assert run.config["max_steps"] == 20


def row_of(line: str) -> dict[str, object]:
    return next(iter(VERL.parser().line(line)))


def test_keys_that_name_data_sets() -> None:
    line = "step:5 - val-core/hf:org/my data - v2/acc/mean@8:np.float64(0.5) - a:-inf - b:nan - c:np.int32(2) - d:True"
    key = "val-core/hf:org/my data - v2/acc/mean@8"
    assert row_of(line) == {"step": "5", key: "0.5", "a": "-inf", "b": "nan", "c": "2", "d": "True"}


def test_what_ray_and_bars_put_around_a_line(tmp_path: Path) -> None:
    text = "Training Progress:   0%|          | 0/435 [00:00<?, ?it/s]step:1 - actor/pg_loss:0.25\n"
    text += "\x1b[36m(TaskRunner pid=1, ip=10.0.0.1)\x1b[0m step:2 - actor/pg_loss:0.5 [repeated 2x across cluster]\n"
    path = tmp_path / "x.log"
    path.write_text(text)
    run = read_run(path, "grpo")
    assert series_of(run) == {"actor/pg_loss": [(1, 0.25), (2, 0.5)]}
    assert run.config["max_steps"] == 435


def test_a_line_that_is_cut_loses_its_last_pair() -> None:
    assert row_of("step:5 - a:0.5 - b:np.floa") == {"step": "5", "a": "0.5"}


@pytest.mark.parametrize("text", ["step:1 - done", "substep:1 - a:0.5", "step: 1 - a:0.5", "timestep:3 - x:1"])
def test_lines_of_others(text: str) -> None:
    assert not VERL.recognises("x.log", text.encode())
