"""Notebooks: a real one beside what its trainers logged, and the forms that tables have taken."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from barograph.core.errors import UnreadableRun
from barograph.core.run import Run
from barograph.sources.formats.notebook import NOTEBOOK
from barograph.sources.runs import How, read_each, read_run

FOLDER = Path(__file__).parent.parent / "samples" / "notebook"


def series_of(run: Run) -> dict[str, list[tuple[int, float]]]:
    return {
        c.raw: [(run.steps[at], value) for at, value in zip(c.at, c.values, strict=True)] for c in run.columns.values()
    }


def table(columns: list[str], rows: list[list[object]], before: str = "", tag: str = "th") -> dict[str, Any]:
    """A table as an output that displays it."""
    head = "".join(f"<{tag}>{column}</{tag}>\n" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>\n" for cell in row) + "</tr>\n" for row in rows)
    html = f"<div>{before}</div><table border='1' class='dataframe'><thead>\n<tr>{head}</tr></thead>"
    html += f"<tbody>{body}</tbody></table>"
    return {"output_type": "display_data", "data": {"text/html": html.splitlines(keepends=True)}}


def printed(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text.splitlines(keepends=True)}


def notebook(tmp_path: Path, *cells: list[dict[str, Any]], name: str = "dpo.ipynb") -> Path:
    found = [{"cell_type": "markdown", "source": "# Training"}]
    found += [{"cell_type": "code", "source": "train()", "outputs": list(outputs)} for outputs in cells]  # type: ignore[dict-item]
    path = tmp_path / name
    path.write_text(json.dumps({"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    return path


def runs_in(path: Path) -> list[Run]:
    return [run for run in read_each(path, How("dpo")) if isinstance(run, Run)]


def test_a_real_notebook_with_three_trainings() -> None:
    runs = runs_in(FOLDER / "train.ipynb")
    logged = json.loads((FOLDER / "expected.json").read_text())
    assert [run.path.rpartition("#")[2] for run in runs] == ["cell-3", "cell-4", "cell-5"]
    for run, series in zip(runs[:2], logged[:2], strict=True):
        assert run.config["max_steps"] == 20
        read = series_of(run)
        for key in read:
            points = dict(series[key])
            assert all(math.isclose(value, points[step], abs_tol=5.1e-7) for step, value in read[key]), key
    assert len(series_of(runs[0])) == 13  # The loss, and twelve metrics of the evaluation.
    assert [step for step, _ in series_of(runs[0])["eval_rewards/margins"]] == [4, 8, 12, 16, 20]
    assert [step for step, _ in series_of(runs[1])["loss"]] == list(range(2, 21, 2))
    for key in ("loss", "rewards/margins", "eval_rewards/margins"):
        values = [value for _, value in series_of(runs[2])[key]]
        assert all(
            math.isclose(value, meant, rel_tol=5.1e-4) for value, (_, meant) in zip(values, logged[2][key], strict=True)
        )


def test_the_table_of_a_trainer_that_shows_its_training_metrics(tmp_path: Path) -> None:
    """As Unsloth's does; it was stopped at step 50."""
    columns = ["Step", "Training Loss", "reward", "rewards / check_answer / mean", "kl", "Validation Loss"]
    rows: list[list[object]] = [
        [1, "0.100000", "1.5", "-2.0", "0.000000", "No Log"],
        [2, "nan", "1,5", "2.0", "0.1", 0.3],
    ]
    bar = "<progress value='50' max='378'></progress>\n[ 50/378 02:10 &lt; 14:12, 0.38 it/s, Epoch 0.13/1]"
    run = read_run(notebook(tmp_path, [table(columns, rows, bar)], name="grpo.ipynb"), "grpo")
    read = series_of(run)
    assert read["rewards/check_answer/mean"] == [(1, -2.0), (2, 2.0)]
    assert read["eval_loss"] == [(2, 0.3)]
    assert math.isnan(read["loss"][1][1])
    assert run.config["max_steps"] == 378


def test_a_table_of_epochs(tmp_path: Path) -> None:
    rows: list[list[object]] = [[1, "No log", "0.6", "0.81"], [2, "0.5", "0.4", "0.85"]]
    columns = ["Epoch", "Training Loss", "Validation Loss", "F1"]
    bar = "<progress></progress> [300/300 01:00, Epoch 3/3]"
    run = read_run(notebook(tmp_path, [table(columns, rows, bar)]), "classifier")
    assert series_of(run)["eval_loss"] == [(100, 0.6), (200, 0.4)]
    assert series_of(run)["loss"] == [(200, 0.5)]
    assert series_of(run)["eval_f1"] == [(100, 0.81), (200, 0.85)]


def test_a_table_and_printed_dicts_of_one_training_are_one_run(tmp_path: Path) -> None:
    dicts = "".join(f"{{'loss': 0.{at}, 'grad_norm': {at}, 'epoch': 0.{at}}}\n" for at in range(1, 5))
    drawn = table(["Step", "Training Loss"], [[10 * at, f"0.{at}00000"] for at in range(1, 5)], "<progress>")
    (run,) = runs_in(notebook(tmp_path, [printed(dicts), drawn]))
    assert series_of(run)["grad_norm"] == [(10, 1.0), (20, 2.0), (30, 3.0), (40, 4.0)]
    assert series_of(run)["loss"] == [(10, 0.1), (20, 0.2), (30, 0.3), (40, 0.4)]


def test_a_table_that_shows_only_every_second_loss_tells_the_steps_of_all(tmp_path: Path) -> None:
    dicts = "".join(f"{{'loss': 0.{at}, 'epoch': 0.{at}}}\n" for at in range(1, 5))
    drawn = table(["Step", "Training Loss", "Validation Loss"], [[20, "0.2", "0.7"], [40, "0.4", "0.6"]], "<progress>")
    (run,) = runs_in(notebook(tmp_path, [printed(dicts), drawn]))
    assert series_of(run)["loss"] == [(10, 0.1), (20, 0.2), (30, 0.3), (40, 0.4)]
    assert series_of(run)["eval_loss"] == [(20, 0.7), (40, 0.6)]


def test_lines_of_verl_and_of_a_loop(tmp_path: Path) -> None:
    verl = printed("step:1 - actor/pg_loss:0.5 - actor/entropy:np.float64(0.1)\n")
    loop = [printed("step 1 | loss 0.5\nste"), printed("p 2 | loss 0.25\n")]
    first, second = runs_in(notebook(tmp_path, [verl], loop))
    assert series_of(first)["actor/entropy"] == [(1, 0.1)]
    assert series_of(second)["loss"] == [(1, 0.5), (2, 0.25)]


def test_a_data_frame_only_where_nothing_else_tells_of_a_training(tmp_path: Path) -> None:
    frame = table(["", "step", "loss"], [[0, 10, 0.5], ["...", "...", "..."], [9, 100, 0.1]])
    other = table(["", "name", "age"], [[0, "a", 1], [1, "b", 2]])
    (run,) = runs_in(notebook(tmp_path, [other], [frame]))
    assert series_of(run)["loss"] == [(10, 0.5), (100, 0.1)]
    drawn = table(["Step", "Training Loss"], [[10, "0.5"]], "<progress>")
    (run,) = runs_in(notebook(tmp_path, [frame], [drawn]))
    assert series_of(run)["loss"] == [(10, 0.5)]


def test_the_third_version_of_the_format(tmp_path: Path) -> None:
    html = table(["Step", "Training Loss"], [[10, "0.5"]], "<progress>")["data"]["text/html"]
    outputs = [
        {"output_type": "display_data", "html": html},
        {"output_type": "stream", "stream": "stdout", "text": "hi\n"},
    ]
    cells = [{"cell_type": "code", "input": "train()", "outputs": outputs}]
    path = tmp_path / "old.ipynb"
    path.write_text(json.dumps({"metadata": {}, "nbformat": 3, "worksheets": [{"cells": cells}]}))
    assert series_of(read_run(path, "dpo"))["loss"] == [(10, 0.5)]


def test_pictures_and_other_outputs_are_passed_over(tmp_path: Path) -> None:
    picture = {"output_type": "display_data", "data": {"image/png": "iVBOR" * 200_000, "text/plain": ["<Figure>"]}}
    error = {"output_type": "error", "ename": "KeyboardInterrupt", "evalue": "", "traceback": ["\x1b[31mloss: 1"]}
    drawn = table(["Step", "Training Loss"], [[10, "0.5"]], "<progress>")
    odd: list[Any] = [picture, error, {"output_type": "stream"}, {"data": {"text/html": 7}}, None, drawn]
    assert len(read_run(notebook(tmp_path, odd), "dpo")) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"cells": [{"cell_type": "code", "outputs": []}], "nbformat": 4}', "holds no output of a training"),
        (b'{"cells": [{"cell_type": "code", "outp', "is no whole notebook"),
        (b'{"cells": [{"cell_type": "code", "outputs": ' + b"[" * 100_000, "is no whole notebook"),
        (b'{"nbformat": 4, "cells": {"cell_type": 1}}', "holds no output of a training"),
    ],
)
def test_a_notebook_without_a_training_is_refused_in_a_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(UnreadableRun, match=says):
        read_run(path)


@pytest.mark.parametrize(
    "html", ["<table>" * 9_000, "<td>" * 90_000, "<" * 300_000, "<table><tr><th>Step" + "<a" * 100_000,
             "<a" + "a" * 300_000,
             "<table><tr><th>Step</th><th>Training Loss</th></tr>" + "<tr>" * 90_000, "<table>" + "[1/" * 100_000],
)  # fmt: skip
def test_broken_html_is_no_table_and_takes_no_time(tmp_path: Path, html: str) -> None:
    path = notebook(tmp_path, [{"output_type": "display_data", "data": {"text/html": html}}])
    with pytest.raises(UnreadableRun):
        read_run(path)


def test_it_is_told_by_its_content(tmp_path: Path) -> None:
    head = notebook(tmp_path, []).read_bytes()
    assert NOTEBOOK.recognises("x", head)
    assert not NOTEBOOK.recognises("x.ipynb", b'{"log_history": []}')
    assert not NOTEBOOK.recognises("x.ipynb", b"[1]")
