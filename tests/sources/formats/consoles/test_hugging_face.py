"""What transformers' Trainer prints, beside what it logged at the same time."""

from __future__ import annotations

from pathlib import Path

import pytest
from logged import SAMPLES, expected_of, must_agree, series_of

from barograph.core.run import Run
from barograph.sources.formats.consoles.hugging_face import HUGGING_FACE
from barograph.sources.formats.consoles.printed import dict_in, settings_in
from barograph.sources.runs import How, read_each, read_run

FOLDER = SAMPLES / "hugging_face"


def bar(at: int, total: int, what: str = "") -> str:
    return f"\r{what}{100 * at // total:3}%|##        | {at}/{total} [00:01<00:09,  1.10it/s]"


def through_bar(row: str, before: str, after: str) -> str:
    return f"{before}\r{' ' * 40}\r{row}\n{after}"


def log(tmp_path: Path, text: str, name: str = "train.log") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["hf4_bar", "hf5_bar", "hf5_every_second", "axolotl_debug", "unsloth"])
def test_every_value_at_the_step_of_the_bar(name: str) -> None:
    run = read_run(FOLDER / f"{name}.log")
    read, logged = series_of(run), expected_of(FOLDER / f"{name}.expected.json")
    unknown = set(run.unknown_keys)
    assert set(logged) - unknown <= set(read)
    for key in set(logged) - unknown:
        must_agree(read[key], logged[key])
    assert run.method.value == "dpo"
    assert run.source == "hugging_face"
    assert run.config["max_steps"] == {"hf4_bar": 100}.get(name, 20)
    assert not any("step" in note for note in run.notes)


@pytest.mark.parametrize("name", ["hf4_plain", "hf5_plain"])
def test_without_a_bar_rows_are_counted(name: str) -> None:
    run = read_run(FOLDER / f"{name}.log")
    read, logged = series_of(run), expected_of(FOLDER / f"{name}.expected.json")
    for key, points in logged.items():
        steps = [step for step, _ in read[key]]
        assert steps == sorted(set(steps))
        must_agree([(0, value) for _, value in read[key]], [(0, value) for _, value in points])
    assert [step for step, _ in read["loss"]][:10] == list(range(1, 11))
    assert any("no step was logged" in note for note in run.notes)
    assert "max_steps" not in run.config


def test_values_read_by_eye() -> None:
    run = read_run(FOLDER / "hf5_bar.log")
    assert run.columns["grad_norm"].values[0] == 1.018
    assert str(run.columns["grad_norm"].values[12]) == "nan"
    assert run.latest("eval.reward_margin") == 0.1453
    assert read_run(FOLDER / "axolotl_debug.log").config["beta"] == 0.1


def test_the_bar_behind_a_row_counts_and_not_the_one_that_lags(tmp_path: Path) -> None:
    text = through_bar("{'loss': '0.7', 'epoch': '0.1'}", bar(0, 90), bar(10, 90))
    text += through_bar("{'loss': '0.6', 'epoch': '0.2'}", bar(17, 90), bar(20, 90))
    assert series_of(read_run(log(tmp_path, text), "dpo"))["loss"] == [(10, 0.7), (20, 0.6)]


def test_a_dict_on_the_line_of_its_bar(tmp_path: Path) -> None:
    text = "".join(f"{bar(at, 378)}{{'loss': 0.{at}, 'epoch': 0.1}}\n{bar(at + 1, 378)}" for at in (50, 60))
    run = read_run(log(tmp_path, text), "dpo")
    assert series_of(run)["loss"] == [(50, 0.5), (60, 0.6)]
    assert run.config["max_steps"] == 378


def test_bars_of_data_sets_and_evaluations_are_no_training(tmp_path: Path) -> None:
    """The evaluation takes as many batches as the training has steps, which makes both bars look alike."""
    text = bar(3, 7000, "Map: ") + bar(7000, 7000, "Map: ") + bar(2, 2, "Loading weights: ") + bar(0, 90)
    text += through_bar("{'loss': 0.7, 'epoch': 0.1}", bar(30, 90), bar(30, 90))
    text += bar(31, 90) + bar(0, 90) + bar(60, 90) + "\x1b[A"
    text += through_bar("{'eval_loss': 0.5, 'epoch': 0.1}", "", bar(31, 90) + bar(90, 90) + "\x1b[A")
    text += through_bar("{'loss': 0.6, 'epoch': 0.2}", bar(60, 90), bar(60, 90))
    run = read_run(log(tmp_path, text), "dpo")
    assert series_of(run) | {"epoch": []} == {"loss": [(30, 0.7), (60, 0.6)], "eval_loss": [(31, 0.5)], "epoch": []}
    assert run.config["max_steps"] == 90


def test_an_evaluation_before_the_training(tmp_path: Path) -> None:
    text = bar(4, 4) + "\r{'eval_loss': 0.7, 'epoch': 0}\n" + bar(4, 4) + bar(0, 90)
    text += through_bar("{'loss': 0.6, 'epoch': 0.1}", bar(10, 90), bar(10, 90))
    run = read_run(log(tmp_path, text), "dpo")
    assert series_of(run)["eval_loss"] == [(0, 0.7)]
    assert series_of(run)["loss"] == [(10, 0.6)]
    assert run.config["max_steps"] == 90


def test_two_trainings_with_bars(tmp_path: Path) -> None:
    once = "".join(
        through_bar(f"{{'loss': 0.{at}, 'epoch': 0.{at}}}", bar(at, 90), bar(at, 90)) for at in range(10, 90, 5)
    )
    runs = list(read_each(log(tmp_path, once + once.replace("0.1", "0.9")), How("dpo")))
    assert [len(run) for run in runs if isinstance(run, Run)] == [16, 16]


def test_two_trainings_without_steps_are_parted_by_totals_and_by_epochs(tmp_path: Path) -> None:
    totals = "{'train_runtime': 9.1, 'train_samples_per_second': 2.0, 'train_loss': 0.6, 'epoch': 1.0}\n"
    rows = "{'loss': 0.7, 'epoch': 0.25}\n{'loss': 0.6, 'epoch': 0.5}\n"
    for text in (rows + totals + rows, rows * 2, rows + "{'eval_loss': 0.5, 'epoch': 0.5}\n" + totals + rows + totals):
        runs = list(read_each(log(tmp_path, text), How("dpo")))
        assert [series_of(run)["loss"] for run in runs if isinstance(run, Run)] == [[(1, 0.7), (2, 0.6)]] * 2


def test_rows_of_one_rounded_epoch_are_one_training(tmp_path: Path) -> None:
    text = "{'loss': 0.7, 'epoch': 0.0}\n{'loss': 0.6, 'epoch': 0.0}\n{'loss': 0.5, 'epoch': 0.01}\n"
    assert series_of(read_run(log(tmp_path, text), "dpo"))["loss"] == [(1, 0.7), (2, 0.6), (3, 0.5)]


def test_output_that_was_kept_back_comes_in_bundles(tmp_path: Path) -> None:
    """Standard output of a program that writes to a file is kept back; the bar, on standard error, is not."""
    rows = [f"{{'loss': 0.{at:03}, 'epoch': 0.{at:03}}}\n" for at in range(10, 370, 10)]
    text = "".join(bar(at, 366) for at in range(200)) + "".join(rows[:20])
    text += "".join(bar(at, 366) for at in range(200, 367)) + "\n" + "".join(rows[20:])
    run = read_run(log(tmp_path, text), "dpo")
    assert series_of(run)["loss"] == [(at, at / 1000) for at in range(10, 370, 10)]


def test_what_others_make_of_it(tmp_path: Path) -> None:
    swift = "{'loss': '0.69', 'epoch': '0.05', 'global_step/max_steps': '7/20'}\n"
    run = read_run(log(tmp_path, swift), "dpo")
    assert (run.steps.tolist(), run.config["max_steps"]) == ([7], 20)
    head = "[INFO|2026-01-01 10:00:00] llamafactory.train.callbacks:143 >> "
    factory = "{'loss': '0.6931', 'grad_norm': '1.0', 'epoch': '0.05'}\n" + head + "{'loss': 0.6931, 'epoch': 0.05}\n"
    assert len(read_run(log(tmp_path, factory), "dpo")) == 1
    logger = "2026-01-01 10:00:00,123 - INFO - {'loss': 0.7, 'epoch': 0.1}\nINFO:root:{'loss': 0.6, 'epoch': 0.2}\n"
    assert len(read_run(log(tmp_path, logger), "dpo")) == 2


@pytest.mark.parametrize(
    "text",
    [
        "Global step 3: {'loss': 0.5, 'policy_loss': 0.1}\n",
        "rollout 3: {'rollout/raw_reward': 0.5, 'loss': 1}\n",
        "meta info: {'eos_token_id': 151645, 'do_sample': False}\n",
        "{'prompt': 'a', 'epoch': 'b'}\n",
        "the loss is {'loss': 0.5} and falls\n",
        '{"cells": [], "nbformat": 4}\n',
    ],
)
def test_dicts_of_others_are_theirs(text: str) -> None:
    assert not HUGGING_FACE.recognises("x.log", text.encode())


def test_settings_from_what_is_printed_before(tmp_path: Path) -> None:
    text = "***** Running training *****\n  Num Epochs = 3\n  Total optimization steps = 1,134\n"
    text += "DPOConfig(\nbeta=0.3,\nlogging_steps=10,\nloss_type=['ipo'],\n)\n{'loss': 0.7, 'epoch': 0.1}\n"
    run = read_run(log(tmp_path, text), "dpo")
    assert (run.config["max_steps"], run.config["num_train_epochs"], run.config["beta"]) == (1134, 3, 0.3)
    assert run.steps.tolist() == [10]


def test_a_row_is_there_as_soon_as_the_bar_is_drawn_again() -> None:
    """Not only when the next line ends, which may be an hour later."""
    reading = HUGGING_FACE.reading("train.log")
    reading.take(through_bar("{'loss': 0.7, 'epoch': 0.1}", bar(10, 90), bar(10, 90)).encode())
    reading.take(bar(11, 90).encode())
    assert reading.drain().columns["loss"].values.tolist() == [0.7]


def test_dicts_as_python_prints_them() -> None:
    line = (
        "{'loss': nan, \"it's\": '1', 'a': np.float64(0.5), 'b': tensor(0.25, device='cuda:0'), 'c': -inf, 'd': None}"
    )
    found = dict_in(line)
    assert found is not None
    assert found[0] == {"loss": "nan", "it's": "1", "a": "0.5", "b": "0.25", "c": "-inf", "d": "None"}
    nested = dict_in("INFO {'loss': 0.5, 'more': {'kl': 1}}")
    assert nested is not None
    assert nested == ({"loss": 0.5, "more": {"kl": 1}}, 5)


@pytest.mark.parametrize(
    "line", ["{'a': __import__('os').system('true')}", "{'a': " + "[" * 5000 + "]" * 5000 + "}", "{" * 9000 + "}",
             "{'a': 'b'", "}{", "{'a' 'b'}", "{'a': {'b': \\d}}", "{'a': " + "9" * 20_000 + ", 'b': {}}"],
)  # fmt: skip
def test_what_is_no_dict_of_metrics_is_none_and_never_run(line: str) -> None:
    found = dict_in(line)
    assert found is None or all(isinstance(value, str | dict) for value in found[0].values())


def test_settings_are_found_by_whole_names() -> None:
    assert settings_in("│   local_batch_size=8,") == {}
    assert settings_in("│   batch_size=64,") == {"batch_size": 64}
    assert settings_in('  "rl_beta": 0.1,') == {"beta": 0.1}
    assert settings_in("beta=0.1*x") == {}
