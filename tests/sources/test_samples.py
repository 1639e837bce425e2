"""What a model said, read from what frameworks leave; nothing that lies there may raise."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as some

from barograph.core.samples import LONGEST
from barograph.sources.samples import Samples, base, samples_of


def lines(path: Path, rows: list[Any], end: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + end, encoding="utf-8")


def found(folder: Path) -> Samples:
    samples = samples_of(folder)
    assert samples is not None
    return samples


def everything(samples: Samples) -> dict[int, list[Any]]:
    return {step: samples.rows(step) for step in samples.steps}


# Our own record. ---------------------------------------------------------------------------------------------------- #


def own(folder: Path) -> Path:
    return folder / "logs/completions.jsonl"


def test_our_own_record(tmp_path: Path) -> None:
    lines(own(tmp_path), [
        {"step": 10, "prompt": "3 + 4 ?", "completion": "7", "score": 1.0},
        {"step": 10, "prompt": "3 + 4 ?", "completion": "8", "score": 0.0},
        {"step": 20, "prompt": "1 + 1 ?", "completion": "2", "score": 1.0, "right": True},
    ])  # fmt: skip
    samples = found(tmp_path)
    assert samples.steps == [10, 20]
    assert samples.columns == ("step", "prompt", "completion", "score", "right")
    assert samples.rows(10) == [
        {"step": 10, "prompt": "3 + 4 ?", "completion": "7", "score": 1.0},
        {"step": 10, "prompt": "3 + 4 ?", "completion": "8", "score": 0.0},
    ]
    assert samples.rows(15) == []
    assert samples.notes == []


@pytest.mark.parametrize("part", ["logs", "checkpoint-20"])
def test_a_part_of_the_run_may_be_named(tmp_path: Path, part: str) -> None:
    lines(own(tmp_path), [{"step": 10, "completion": "7"}])
    (tmp_path / part).mkdir(exist_ok=True)
    assert found(tmp_path / part).rows(10) == [{"step": 10, "completion": "7"}]


def test_steps_that_were_done_again_count_once(tmp_path: Path) -> None:
    old = [{"step": step, "completion": f"first {step}"} for step in (1, 2, 3, 4)]
    new = [{"step": step, "completion": f"then {step}"} for step in (3, 5)]
    lines(own(tmp_path), old + new)
    said = {step: [row["completion"] for row in rows] for step, rows in everything(found(tmp_path)).items()}
    assert said == {1: ["first 1"], 2: ["first 2"], 3: ["then 3"], 5: ["then 5"]}


def test_what_is_no_row_is_left_out_and_said(tmp_path: Path) -> None:
    lines(own(tmp_path), [
        {"step": 1, "completion": "a"}, [1, 2], {"completion": "no step"}, {"step": True}, {"step": -1}, {"step": "2"},
    ], '{"step": 3, "completion": "half')  # fmt: skip
    samples = found(tmp_path)
    assert samples.steps == [1, 2]
    assert samples.notes == ["completions.jsonl: 5 lines without a step, or not whole, left out"]


def test_a_last_line_without_an_end_counts_if_it_is_whole(tmp_path: Path) -> None:
    lines(own(tmp_path), [{"step": 1}], '{"step": 2, "completion": "b"}')
    assert found(tmp_path).rows(2) == [{"step": 2, "completion": "b"}]


def test_a_line_that_breaks_in_its_middle_is_left_out_when_it_is_read(tmp_path: Path) -> None:
    lines(own(tmp_path), [{"step": 1, "completion": "a"}], '{"step": 1, "completi\n{"step": 2, "completion": "b"}\n')
    samples = found(tmp_path)
    assert everything(samples) == {1: [{"step": 1, "completion": "a"}], 2: [{"step": 2, "completion": "b"}]}
    assert samples.notes == ["completions.jsonl: lines of step 1 that are no whole objects were left out"]


def test_cells_are_plain_whatever_was_written(tmp_path: Path) -> None:
    own(tmp_path).parent.mkdir()
    own(tmp_path).write_bytes(
        b'{"step": 1, "nan": NaN, "endless": -Infinity, "huge": 1e999, "large": 99999999999999999999,'
        b' "half": "\\ud800", "list": [1, {"a": null}], "none": null, "yes": true, "byte": "\xff"}\n'
    )
    assert found(tmp_path).rows(1) == [{
        "step": 1, "nan": "NaN", "endless": "-Infinity", "huge": "Infinity", "large": 1e20, "half": "\ufffd",
        "list": '[1, {"a": null}]', "none": None, "yes": True, "byte": "\ufffd",
    }]  # fmt: skip


def test_a_huge_cell_is_cut_and_a_line_without_end_is_passed_over(tmp_path: Path) -> None:
    lines(own(tmp_path), [{"step": 1, "completion": "a" * (LONGEST + 5)}])
    with own(tmp_path).open("a") as stream:
        stream.write('{"step": 2, "completion": "' + "b" * (9 << 20) + '"}\n{"step": 3, "completion": "c"}\n')
    samples = found(tmp_path)
    assert samples.rows(1)[0]["completion"] == "a" * LONGEST + "… (5 more letters)"
    assert samples.steps == [1, 3]
    assert samples.rows(3) == [{"step": 3, "completion": "c"}]
    assert samples.notes == ["completions.jsonl: 1 line without a step, or not whole, left out"]


def test_a_record_that_was_written_anew_meanwhile_gives_no_wrong_rows(tmp_path: Path) -> None:
    lines(own(tmp_path), [{"step": step, "completion": "x" * step} for step in range(1, 20)])
    samples = found(tmp_path)
    lines(own(tmp_path), [{"step": step, "completion": "y"} for step in range(2, 20, 2)])
    assert all(row["step"] == step for step in samples.steps for row in samples.rows(step))
    own(tmp_path).unlink()
    assert samples.rows(4) == []
    assert samples.notes[-1] == "completions.jsonl: cannot be read (No such file or directory)"


# Classifiers. ------------------------------------------------------------------------------------------------------- #


def sample(index: int, predicted: int) -> dict[str, Any]:
    return {
        "index": index, "ground_truth": 1, "predicted": predicted, "confidence": 0.75, "correct": predicted == 1,
    }  # fmt: skip


def test_predictions_of_a_classifier(tmp_path: Path) -> None:
    from barograph.sinks.prediction_files import Prediction, PredictionFiles

    files = PredictionFiles(tmp_path)
    for step, predicted in ((50, 0), (100, 1)):
        one = Prediction(index=7, truth=1, predicted=predicted, confidence=0.75)
        files.write(step, step / 100, "2026-01-01T00:00:00", {"accuracy": 0.5}, [one])
    samples = found(tmp_path)
    assert samples.columns == ("step", "index", "ground_truth", "predicted", "confidence", "correct")
    assert everything(samples) == {50: [{"step": 50, **sample(7, 0)}], 100: [{"step": 100, **sample(7, 1)}]}


@pytest.mark.parametrize(
    ("written", "rows"),
    [
        ([{"step": 5, "predictions": [{"label": "spam"}]}], {5: [{"step": 5, "label": "spam"}]}),
        ([{"samples": [{"a": 1}]}, {"samples": [{"a": 2}]}], {0: [{"step": 0, "a": 1}], 1: [{"step": 1, "a": 2}]}),
        ([{"index": 3, "correct": True}], {0: [{"step": 0, "index": 3, "correct": True}]}),
        ({"step": 5, "samples": [{"a": 1}]}, {5: [{"step": 5, "a": 1}]}),
        (  # Resumed from step 50.
            [{"step": step, "samples": [{"a": number}]} for number, step in enumerate((50, 100, 60))],
            {50: [{"step": 50, "a": 0}], 60: [{"step": 60, "a": 2}]},
        ),
    ],
)
def test_other_shapes_of_that_file(tmp_path: Path, written: Any, rows: dict[int, Any]) -> None:
    (tmp_path / "prediction_samples.json").write_text(json.dumps(written))
    assert everything(found(tmp_path)) == rows


def test_of_a_file_that_was_cut_what_stands_before_the_cut_remains(tmp_path: Path) -> None:
    whole = json.dumps([{"step": step, "samples": [sample(step, 1)]} for step in (10, 20, 30)], indent=2)
    (tmp_path / "prediction_samples.json").write_text(whole[: whole.index('"index": 30')])
    samples = found(tmp_path)
    assert samples.steps == [10, 20]
    begin = whole.rindex("{", 0, whole.index('"step": 30'))
    said = f"prediction_samples.json: breaks off after {begin:,} characters; what comes then is left out"
    assert samples.notes == [said]


# TRL. --------------------------------------------------------------------------------------------------------------- #


def trl_table(folder: Path, step: int, columns: dict[str, list[Any]]) -> Path:
    """A table as `GRPOTrainer.log` writes it: a data frame, with the step in the name and in a column."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = folder / f"completions/completions_{step:05d}.parquet"
    path.parent.mkdir(exist_ok=True)
    count = len(next(iter(columns.values())))
    parquet.write_table(pa.table({"step": [step] * count, **columns}), path)
    return path


def test_tables_of_trl(tmp_path: Path) -> None:
    for step in (10, 5, 100_000):
        trl_table(tmp_path, step, {
            "prompt": ["3 + 4 ?", "3 + 4 ?"], "completion": [f"{step}", "7"], "reward_len": [0.5, float("nan")],
            "advantage": [1.0, -1.0],
        })  # fmt: skip
    samples = found(tmp_path)
    assert samples.steps == [5, 10, 100_000]
    assert samples.columns == ("step", "prompt", "completion", "reward_len", "advantage")
    assert samples.rows(10) == [
        {"step": 10, "prompt": "3 + 4 ?", "completion": "10", "reward_len": 0.5, "advantage": 1.0},
        {"step": 10, "prompt": "3 + 4 ?", "completion": "7", "reward_len": "NaN", "advantage": -1.0},
    ]


def test_talks_become_text(tmp_path: Path) -> None:
    said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "3 + 4 ?"}]
    trl_table(tmp_path, 1, {"prompt": [said], "completion": [[{"role": "assistant", "content": "7"}]]})
    assert found(tmp_path).rows(1) == [{"step": 1, "prompt": "system: Be brief.\nuser: 3 + 4 ?", "completion": "7"}]


def test_only_what_is_asked_for_is_opened(tmp_path: Path) -> None:
    last = trl_table(tmp_path, 5_000, {"completion": ["last"]})
    for step in range(1, 5_000):
        (last.parent / f"completions_{step:05d}.parquet").write_bytes(b"never opened, or there would be notes")
    samples = found(tmp_path)
    assert len(samples.steps) == 5_000
    assert samples.rows(5_000) == [{"step": 5_000, "completion": "last"}]
    assert samples.notes == []


def test_a_damaged_table_has_no_rows_and_a_note(tmp_path: Path) -> None:
    whole = trl_table(tmp_path, 1, {"completion": ["a"]}).read_bytes()
    for step, data in ((2, whole[: len(whole) // 2]), (3, b""), (4, b"PAR1" * 20)):
        (tmp_path / f"completions/completions_{step:05d}.parquet").write_bytes(data)
    samples = found(tmp_path)
    assert samples.columns == ("step", "completion")  # Of the last table that can be read.
    assert {step: len(rows) for step, rows in everything(samples).items()} == {1: 1, 2: 0, 3: 0, 4: 0}
    assert len(samples.notes) == 3
    assert samples.notes[0].startswith("completions/completions_00004.parquet: cannot be read (")


def test_damage_anywhere_in_a_table_never_raises(tmp_path: Path) -> None:
    path = trl_table(tmp_path, 1, {"prompt": ["a b c"] * 50, "completion": [str(n) for n in range(50)]})
    whole, dice = path.read_bytes(), random.Random(0)
    for _ in range(300):
        broken = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        path.write_bytes(broken)
        found(tmp_path).rows(1)


def test_without_its_library_one_sentence_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trl_table(tmp_path, 1, {"completion": ["a"]})
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    samples = found(tmp_path)
    assert (samples.steps, samples.columns, samples.rows(1), samples.find("a")) == ((), (), [], ([], 0))
    said = "completions/*.parquet, which holds what the model said, needs pyarrow, which is not installed"
    assert samples.notes == [f"{said}: pip install 'barograph[parquet]'"]


# verl. -------------------------------------------------------------------------------------------------------------- #


def dumped(step: int, score: float, **more: Any) -> dict[str, Any]:
    return {"input": "user\n3 + 4 ?", "output": "7", "gts": "7", "score": score, "step": step, **more}


def test_dumps_of_verl(tmp_path: Path) -> None:
    lines(tmp_path / "rollout_data/2.jsonl", [dumped(2, 1.0, acc=True), dumped(2, 0.0, acc=False)])
    lines(tmp_path / "rollout_data/10.jsonl", [dumped(10, 1.0)])
    samples = found(tmp_path)
    assert samples.steps == [2, 10]
    shown = {"step": 2, "input": "user\n3 + 4 ?", "output": "7", "gts": "7"}
    assert samples.rows(2) == [{**shown, "score": 1.0, "acc": True}, {**shown, "score": 0.0, "acc": False}]


def test_rollouts_and_validations_are_told_apart(tmp_path: Path) -> None:
    lines(tmp_path / "rollouts/project/first/5.jsonl", [dumped(5, 0.0)])
    lines(tmp_path / "validation/5.jsonl", [dumped(5, 1.0)])
    lines(tmp_path / "data/5.jsonl", [dumped(5, 2.0)])
    said = [(row["from"], row["score"]) for row in found(tmp_path).rows(5)]
    assert said == [(str(Path("rollouts/project/first")), 0.0), ("validation", 1.0)]


# W&B. --------------------------------------------------------------------------------------------------------------- #


def wandb_table(folder: Path, name: str, columns: list[str], data: list[list[Any]]) -> Path:
    """As wandb 0.31 writes it."""
    path = folder / f"files/media/table/{name}_0123456789abcdef0123.table.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"columns": columns, "data": data}, separators=(",", ":")))
    return path


RUN = Path("wandb/offline-run-20260101_120000-abc123")


@pytest.mark.parametrize("named", [Path(), RUN])
def test_tables_of_wandb_are_told_by_the_step_of_the_training(tmp_path: Path, named: Path) -> None:
    names = ["step", "prompt", "completion", "reward_len", "advantage"]
    for count, step in ((1, 10), (3, 20)):  # The trainer's own rows count too.
        data = [[step, "a ?", "yes", 1.0, 0.5], [step, "b ?", "no", float("nan"), -0.5]]
        wandb_table(tmp_path / RUN, f"completions_{count}", names, data)
    samples = found(tmp_path / named)
    assert samples.steps == [10, 20]
    assert samples.columns == tuple(names)
    assert samples.rows(20)[1] == {
        "step": 20, "prompt": "b ?", "completion": "no", "reward_len": "NaN", "advantage": -0.5,
    }  # fmt: skip


def test_a_table_of_wandb_that_grows_is_read_in_its_last_form(tmp_path: Path) -> None:
    for count in (1, 2, 10):
        rows = [[str(step), "p", f"after {step}"] for step in range(5, 5 * count + 1, 5)]
        wandb_table(tmp_path, f"completions_{count}", ["step", "prompt", "completion"], rows)
    samples = found(tmp_path)
    assert samples.steps == list(range(5, 51, 5))
    assert samples.rows(15) == [{"step": 15, "prompt": "p", "completion": "after 15"}]
    assert samples.find("AFTER 5") == ([
        {"step": 5, "prompt": "p", "completion": "after 5"}, {"step": 50, "prompt": "p", "completion": "after 50"},
    ], 2)  # fmt: skip


def test_tables_of_wandb_that_say_no_step_go_by_its_count_and_others_are_left_alone(tmp_path: Path) -> None:
    wandb_table(tmp_path, "eval/game_log_7", ["Prompt", "Policy", "Ref Model"], [["p", "a", "b"]])
    wandb_table(tmp_path, "roc_7", ["class", "fpr", "tpr"], [["x", 0.0, 1.0]])
    assert everything(found(tmp_path)) == {7: [{"step": 7, "Prompt": "p", "Policy": "a", "Ref Model": "b"}]}
    wandb_table(tmp_path, "answers_7", ["answer"], [["c"]])
    assert [row["table"] for row in found(tmp_path).rows(7)] == ["answers", "eval/game_log"]


def test_of_several_runs_of_wandb_the_last_is_meant(tmp_path: Path) -> None:
    for name, said in (("run-20260102_000000-x", "new"), ("offline-run-20260101_000000-y", "old")):
        wandb_table(tmp_path / "wandb" / name, "completions_1", ["completion"], [[said]])
    assert found(tmp_path).rows(1) == [{"step": 1, "completion": "new"}]


def test_a_table_of_wandb_that_is_not_whole(tmp_path: Path) -> None:
    path = wandb_table(tmp_path, "completions_1", ["step", "completion"], [[10, "a"], [10, "b"]])
    path.write_text(path.read_text()[:-8])
    samples = found(tmp_path)
    assert (samples.steps, samples.rows(10)) == ([10], [])
    assert samples.notes[0].startswith(f"{path.name}: is no table (")


# All of them. ------------------------------------------------------------------------------------------------------- #


def test_no_folder_no_samples(tmp_path: Path) -> None:
    assert samples_of(tmp_path) is None
    assert samples_of(tmp_path / "missing") is None
    assert samples_of("a\0b") is None
    (tmp_path / "file").write_text("x")
    assert samples_of(tmp_path / "file") is None


def test_our_own_record_goes_first(tmp_path: Path) -> None:
    (tmp_path / "prediction_samples.json").write_text(json.dumps([{"step": 1, "samples": [{"a": 1}]}]))
    assert found(tmp_path).columns == ("step", "a")
    lines(own(tmp_path), [{"step": 1, "completion": "b"}])
    assert found(tmp_path).columns == ("step", "completion")


def _own_record(place: Path) -> None:
    lines(own(place), [{"step": 1, "completion": "secret"}])


def _verl(place: Path) -> None:
    lines(place / "rollout/1.jsonl", [{"output": "secret"}])


def _wandb(place: Path) -> None:
    wandb_table(place, "completions_1", ["completion"], [["secret"]])


def _predictions(place: Path) -> None:
    (place / "prediction_samples.json").write_text(json.dumps([{"step": 1, "samples": [{"said": "secret"}]}]))


def _trl(place: Path) -> None:
    trl_table(place, 1, {"completion": ["secret"]})


@pytest.mark.parametrize("make", [_own_record, _verl, _wandb, _predictions, _trl])
def test_links_that_lead_out_of_the_run_are_not_followed(tmp_path: Path, make: Callable[[Path], None]) -> None:
    outside, by_folder, by_file = tmp_path / "outside", tmp_path / "by_folder", tmp_path / "by_file"
    outside.mkdir()
    make(outside)
    by_folder.mkdir()
    for inside in outside.iterdir():
        (by_folder / inside.name).symlink_to(inside)
    for path in outside.rglob("*.*"):
        if path.is_file():
            link = by_file / path.relative_to(outside)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)
    assert found(outside).find("secret")[1] == 1
    assert samples_of(by_folder) is None
    assert samples_of(by_file) is None


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "rollout").mkdir()
    os.mkfifo(own(tmp_path))
    os.mkfifo(tmp_path / "rollout/1.jsonl")
    (tmp_path / "completions/completions_00001.parquet").mkdir(parents=True)
    assert samples_of(tmp_path) is None


def test_finding_and_paging(tmp_path: Path) -> None:
    lines(own(tmp_path), [
        {"step": step, "prompt": "3 + 4 ?", "completion": f"Sorry, {step}" if step % 3 == 0 else "7", "score": step / 8}
        for step in range(1, 31)
    ])  # fmt: skip
    samples = found(tmp_path)
    rows, total = samples.find("sorry")
    assert [row["step"] for row in rows] == [3, 6, 9, 12, 15, 18, 21, 24, 27, 30]
    assert total == 10
    rows, total = samples.find("SORRY", first=4, most=2)
    assert ([row["step"] for row in rows], total) == ([15, 18], 10)
    assert samples.find("sorry", step=3)[1] == 1
    assert samples.find("sorry", step=4) == ([], 0)
    assert samples.find("sorry", step=99) == ([], 0)
    assert samples.find("3.75") == ([{"step": 30, "prompt": "3 + 4 ?", "completion": "Sorry, 30", "score": 3.75}], 1)
    rows, total = samples.find()
    assert (len(rows), total) == (30, 30)
    assert samples.find(first=28, most=50)[0] == [*samples.rows(29), *samples.rows(30)]
    assert samples.find(first=-5, most=1)[0] == samples.rows(1)


def test_a_search_that_takes_too_long_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines(own(tmp_path), [{"step": step, "completion": "a"} for step in range(1, 31)])
    clock = iter(range(1_000))
    monkeypatch.setattr(base, "monotonic", lambda: float(next(clock)))
    samples = found(tmp_path)
    assert samples.find("a")[1] == 6  # It begins at 0 and may take 5 seconds, of which each row takes one.
    assert samples.notes == ["the search took too long and was ended at step 6: rows after it were not looked at"]


@hypothesis.settings(max_examples=60, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
@hypothesis.given(data=some.data())
@pytest.mark.parametrize(
    "name",
    [
        "logs/completions.jsonl", "prediction_samples.json", "rollout/3.jsonl",
        "files/media/table/completions_3_0123456789ab.table.json",
    ],
)  # fmt: skip
def test_whatever_stands_there_nothing_raises(tmp_path: Path, name: str, data: Any) -> None:
    values = some.recursive(
        some.none() | some.booleans() | some.integers() | some.floats() | some.text(),
        lambda inner: (
            some.lists(inner, max_size=3)
            | some.dictionaries(
                some.sampled_from(["step", "samples", "data", "columns", "role", "content", "a"]), inner
            )
        ),
        max_leaves=8,
    )
    text = "\n".join(json.dumps(value) for value in data.draw(some.lists(values, max_size=4)))
    cut = data.draw(some.integers(0, len(text)))
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text[:cut].encode() + data.draw(some.binary(max_size=8)))
    samples = samples_of(tmp_path)
    for step in samples.steps if samples else ():
        for row in found(tmp_path).rows(step):
            assert all(isinstance(value, str | int | float | bool | None) for value in row.values())
            json.dumps(row, allow_nan=False).encode()
